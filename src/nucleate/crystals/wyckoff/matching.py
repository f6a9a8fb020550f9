"""Whether two crystals are the same, as pymatgen's StructureMatcher sees it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

if TYPE_CHECKING:
    from pymatgen.core import Structure


@lru_cache(maxsize=65536)
def match(first: str, second: str) -> bool:
    """Whether StructureMatcher (default tolerances, volumes scaled) maps one onto the other.

    Unlike `gene.same_crystal` it also sees a small distortion that enlarges the primitive cell.

    Args:
        first, second: Wyckoff strings of equal reduced formula.

    Raises:
        StructureError: not a Wyckoff string.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    if first == second:
        return True
    one, two = (structure_from_wyckoff(from_string(crystal)) for crystal in (first, second))
    # Primitive against primitive: the matcher's own reduction misses some centred cells.
    return bool(StructureMatcher(primitive_cell=len(one) != len(two)).fit(one, two))


def displacement(first: Structure, second: Structure) -> float | None:
    """StructureMatcher's rms displacement of two primitive structures; None if they differ.

    In units of the cube root of the volume per atom.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    found = StructureMatcher(primitive_cell=False).get_rms_dist(first, second)
    return None if found is None else float(found[0])
