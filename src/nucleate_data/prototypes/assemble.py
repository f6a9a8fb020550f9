"""From relaxed geometries to the parquet: canonical genes, duplicates, hull, table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.core.files import atomic_path
from nucleate.crystals.energy.hull import Hull
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.matching import match
from nucleate_data.prototypes.plan import labels

MAXIMUM_ABOVE_HULL = 0.4
"""eV/atom above the hull of the set beyond which a crystal is dropped."""
POLYMORPHS_OF_ELEMENT = 4
"""Lowest-energy crystals kept of each element."""
SAME_ENERGY = 0.005
"""eV/atom: what a loose relaxation leaves undecided."""
LARGEST_VOLUME = 120.0
"""A^3 per atom (caesium has 115)."""
TOLERANCE = 0.01
"""Angstrom, of the symmetry search in relaxed geometries."""
SCALED_DISTANCES = (0.55, 1.5)
"""Plausible shortest distance over the sum of covalent radii; beyond, a crystal flew apart."""


def write_set(
    results: Mapping[int, Mapping[str, Any]], out: Path, canonical: dict[int, Any]
) -> list[dict[str, Any]]:
    """Write the parquet from what has been made so far.

    Args:
        results: rows of `make` by job number.
        out: parquet to write, replaced atomically.
        canonical: cache of canonical forms by job number, filled here.

    Returns:
        The rows written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = drop_unstable(drop_duplicates(canonical_rows(results, canonical)))
    text, number, real = pa.string(), pa.int16(), pa.float64()
    types = {
        "id": text,
        "crystal": text,
        "formula": text,
        "space_group": number,
        "prototype": text,
        "energy_per_atom": real,
        "energy_above_hull": real,
        "volume_per_atom": real,
        "origin": text,
    }
    table = pa.Table.from_pylist(rows, schema=pa.schema(types))
    with atomic_path(out) as temporary:
        pq.write_table(table, temporary, compression="zstd", compression_level=19)
    return rows


def canonical_rows(
    results: Mapping[int, Mapping[str, Any]], canonical: dict[int, Any]
) -> list[dict[str, Any]]:
    """The converged crystals in canonical form, in the order of the plan."""
    for number, result in results.items():
        if number not in canonical:
            canonical[number] = _canonical(result) if "lattice" in result else None
    return [canonical[n] for n in sorted(results) if canonical[n] is not None]


def _canonical(result: Mapping[str, Any]) -> dict[str, Any] | None:
    from pymatgen.core import Lattice, Structure

    from nucleate.crystals.geometry.describe import reduced_formula
    from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
    from nucleate.crystals.wyckoff.wyckoff_string import expand, to_string

    structure = Structure(Lattice(result["lattice"]), result["numbers"], result["coordinates"])
    try:
        found = wyckoff_from_structure(structure, tolerance=TOLERANCE)
    except StructureError:
        return None
    if not SCALED_DISTANCES[0] < nearest(*expand(found)).scaled < SCALED_DISTANCES[1]:
        return None
    if structure.volume > LARGEST_VOLUME * len(structure):
        return None
    crystal = to_string(found)
    return {
        "id": f"proto-{result['job']:06d}",
        "crystal": crystal,
        "formula": reduced_formula(crystal),
        "space_group": found.space_group,
        "prototype": labels()[result["prototype"]],
        "energy_per_atom": round(result["energy"], 5),
        "energy_above_hull": 0.0,
        "volume_per_atom": round(structure.volume / len(structure), 4),
        "origin": result["origin"],
    }


def drop_duplicates(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of the crystals of a formula that StructureMatcher maps onto each other.

    The lowest in energy, unless one of higher symmetry is within `SAME_ENERGY` of it.
    """
    kept: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r["energy_per_atom"], r["id"])):
        group = kept[row["formula"]]
        for place, other in enumerate(group):
            if match(row["crystal"], other["crystal"]):
                nearly = row["energy_per_atom"] - other["energy_per_atom"] < SAME_ENERGY
                if nearly and row["space_group"] > other["space_group"]:
                    group[place] = row
                break
        else:
            group.append(row)
    return sorted((row for group in kept.values() for row in group), key=lambda r: str(r["id"]))


def drop_unstable(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fill in `energy_above_hull` and keep what lies low enough.

    Elements: the `POLYMORPHS_OF_ELEMENT` lowest; compounds whose elements all have a reference.
    """
    hull = Hull([r["formula"] for r in rows], [r["energy_per_atom"] for r in rows])
    above = hull.energy_above_hull(
        [r["formula"] for r in rows], [r["energy_per_atom"] for r in rows]
    )
    kept: list[dict[str, Any]] = []
    polymorphs: Counter[str] = Counter()
    for place in np.argsort(above, kind="stable"):
        row, height = rows[int(place)], float(above[place])
        if not height <= MAXIMUM_ABOVE_HULL:
            continue
        if row["origin"] == "elemental":
            polymorphs[row["formula"]] += 1
            if polymorphs[row["formula"]] > POLYMORPHS_OF_ELEMENT:
                continue
        kept.append({**row, "energy_above_hull": round(max(height, 0.0), 5)})
    return sorted(kept, key=lambda r: str(r["id"]))
