"""Comparison of two crystals by pymatgen's StructureMatcher, and a cheap description by which
those that surely differ are told apart.

StructureMatcher compares some 70 pairs a second; a set of one composition (carbon) has hundreds of
thousands of pairs of equal Wyckoff letters. Sorted neighbour distances, at a volume of one per
atom since the matcher ignores scale, leave it only those that come near each other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string, structure_from_wyckoff

if TYPE_CHECKING:
    from pymatgen.core import Structure

CDVAE_MATCHER = {"ltol": 0.3, "stol": 0.5, "angle_tol": 10.0}
"""StructureMatcher tolerances of the CDVAE benchmark (Xie et al. 2022), for reconstruction."""
NEIGHBOURS = 12
REACH = 2.2
"""Distances are cut here; a sphere of this radius holds 45 atoms on average."""
NEAR = 0.03
"""Mean difference of distances from which crystals differ, in units of (volume / atom)^(1/3).
Of Carbon-24's validation pairs StructureMatcher's defaults matched 88 % below 0.002, 10 % in
0.01-0.02, 2 % in 0.02-0.03 and none of 160 above."""


@lru_cache(maxsize=65536)
def match(first: str, second: str) -> bool:
    """Whether StructureMatcher (default tolerances, volumes scaled) maps one onto the other.

    Unlike `same_crystal` it also sees a small distortion that enlarges the primitive cell.

    Args:
        first, second: Wyckoff strings of equal reduced formula.

    Raises:
        StructureError: not a Wyckoff string.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    if first == second:
        return True
    one, two = (structure_from_wyckoff(crystal) for crystal in (first, second))
    # Primitive against primitive: the matcher's own reduction misses some centred cells.
    return bool(StructureMatcher(primitive_cell=len(one) != len(two)).fit(one, two))


@lru_cache(maxsize=65536)
def maps_onto(first: str, second: str) -> bool:
    """Whether StructureMatcher with its defaults, reduction to primitive cells among them, or
    `match` maps one onto the other.

    The matcher's own reduction takes atoms within 0.25 angstrom for translations of each other. It
    sees through distortions that enlarge the cell, and changes few crystals: only for those are
    there two questions.

    Raises:
        StructureError: not a Wyckoff string.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    if first == second:
        return True
    one, two = _primitive(first), _primitive(second)
    try:
        if StructureMatcher().fit(one, two, skip_structure_reduction=True):
            return True
        whole = len(one) == from_string(first).atoms and len(two) == from_string(second).atoms
        return not whole and match(first, second)
    except ValueError:
        return False  # the matcher's own failure on an odd cell


@lru_cache(maxsize=4096)
def _primitive(crystal: str) -> Structure:
    """What StructureMatcher reduces a crystal to, which takes half of a comparison's time."""
    return structure_from_wyckoff(crystal).get_reduced_structure().get_primitive_structure()


def same_crystal(first: str, second: str, **tolerances: Any) -> bool:
    """Whether StructureMatcher maps one Wyckoff string onto another of as many atoms.

    Args:
        tolerances: of StructureMatcher (`ltol`, `stol`, `angle_tol`); its defaults (0.2, 0.3, 5)
            if none, which decide duplicates. Reconstruction is judged with `CDVAE_MATCHER`.
    """
    if first == second:
        return True
    from pymatgen.analysis.structure_matcher import StructureMatcher

    if from_string(first).composition != from_string(second).composition:
        return False
    matcher = StructureMatcher(primitive_cell=False, scale=True, **tolerances)
    return bool(matcher.fit(_reduce(first), _reduce(second), skip_structure_reduction=True))


@lru_cache(maxsize=1024)
def _reduce(crystal: str) -> Structure:
    """The Niggli cell of a Wyckoff string, which takes most of a comparison's time to find."""
    return structure_from_wyckoff(crystal).get_reduced_structure()


def displacement(first: Structure, second: Structure) -> float | None:
    """StructureMatcher's rms displacement of two primitive structures; None if they differ.

    In units of the cube root of the volume per atom.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    found = StructureMatcher(primitive_cell=False).get_rms_dist(first, second)
    return None if found is None else float(found[0])


@lru_cache(maxsize=20_000)
def fingerprint(crystal: str) -> NDArray[np.float32]:
    """Each element's sorted distances to the nearest neighbours of its atoms, [atoms * NEIGHBOURS].

    Elements come in the order of their numbers, so that crystals of equal primitive composition
    can be compared entry by entry.

    Args:
        crystal: Wyckoff string.

    Raises:
        StructureError: not a Wyckoff string.
    """
    lattice, coordinates, numbers = expand(crystal)
    volume = abs(float(np.linalg.det(lattice)))
    lattice = lattice * (len(numbers) / volume) ** (1 / 3)
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    # Fractional differences are taken within [-1/2, 1/2], hence the half cell on top.
    counts = np.ceil(REACH / heights + 0.5).astype(int)
    shifts = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in counts), indexing="ij"), axis=-1)
    images = shifts.reshape(-1, 3) @ lattice  # m x 3
    between = coordinates[None] - coordinates[:, None]  # n x n x 3
    between = (between - np.round(between)) @ lattice
    distances = np.sqrt(((between[:, :, None] + images) ** 2).sum(axis=-1))  # n x n x m
    distances = np.sort(distances.reshape(len(numbers), -1), axis=1)[:, 1 : NEIGHBOURS + 1]
    distances = np.minimum(distances, REACH)
    parts = [np.sort(distances[numbers == z], axis=None) for z in np.unique(numbers)]
    return np.concatenate(parts).astype(np.float32)


def far_apart(first: str, second: str) -> bool:
    """Whether two crystals of equal Wyckoff letters and elements surely differ."""
    one, two = fingerprint(first), fingerprint(second)
    return len(one) != len(two) or float(np.abs(one - two).mean()) > NEAR
