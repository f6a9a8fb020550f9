"""The distance of two crystals: one number of what they are made of and how it is arranged.

The *distance* is the mean of two parts, each 0 for equal crystals and about 1 for unrelated ones:

- `composition_distance`: the share of atoms that have to be replaced by other elements, half the
  sum of the absolute differences of the atomic fractions, 0 to 1;
- `structure_distance`: the mean absolute difference of average minimum distances (Widdowson et
  al. 2022, MATCH Commun. Math. Comput. Chem. 87, 529): the distance to the k-th neighbour averaged
  over the atoms, k = 1..24, at a volume of one per atom; once among all atoms, once among atoms of
  the same element. In units of its median between two crystals taken at random.

Both are invariant: no cell, origin, orientation or order of atoms changes them, and a small
displacement changes them little. Whether two crystals are the same is StructureMatcher's verdict
(`matching`), not a distance of 0: mirror images, and a few unusual pairs, have distance 0 too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.geometry.describe import fractions_of
from nucleate.crystals.geometry.distances import pairs_within
from nucleate.crystals.wyckoff.wyckoff_string import expand

NEIGHBOURS = 24
REACH = 3.5
"""Distances are cut here, in units of (volume / atom)^(1/3); a sphere of this radius holds 180
atoms on average."""
STRUCTURE_UNIT = 0.125
"""Median over the pairs of 600 random crystals of at most 20 atoms, of MPTS-52 and MP-20."""
COLUMNS = ("distance", "composition_distance", "structure_distance")


def distances(structures: Sequence[str], reference: str) -> dict[str, NDArray[np.float64]]:
    """The distance of crystals to a reference and its two parts, by name, [n] each."""
    fractions, profile = _describe(reference)
    made_of, arranged = np.zeros(len(structures)), np.zeros(len(structures))
    for row, structure in enumerate(structures):
        other, other_profile = _describe(structure)
        made_of[row] = 0.5 * np.abs(other - fractions).sum()
        arranged[row] = np.abs(other_profile - profile).mean() / STRUCTURE_UNIT
    return dict(zip(COLUMNS, (0.5 * (made_of + arranged), made_of, arranged), strict=True))


@lru_cache(maxsize=20_000)
def _describe(crystal: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Atomic fractions by atomic number and average minimum distances [2, NEIGHBOURS]."""
    return fractions_of(crystal)[1:], average_minimum_distances(crystal)


def average_minimum_distances(crystal: str) -> NDArray[np.float64]:
    """Mean distance to the k-th neighbour, k = 1..`NEIGHBOURS`, at a volume of one per atom.

    Args:
        crystal: Wyckoff string.

    Returns:
        [2, NEIGHBOURS]: to any atoms, to atoms of the same element; cut at `REACH`.
    """
    lattice, coordinates, numbers = expand(crystal)
    count = len(numbers)
    lattice = lattice * (count / abs(float(np.linalg.det(lattice)))) ** (1 / 3)
    points = np.ascontiguousarray(coordinates @ lattice)
    first, second, distance = pairs_within(points, np.ascontiguousarray(lattice), REACH)
    like = numbers[first] == numbers[second]
    return np.stack(
        [
            averages(first, distance, count),
            averages(first[like], distance[like], count),
        ]
    )


def averages(
    centre: NDArray[np.int64], distance: NDArray[np.float64], count: int, reach: float = REACH
) -> NDArray[np.float64]:
    """Mean over `count` centres of the k-th shortest distance of each, [NEIGHBOURS].

    Args:
        centre, distance: of each pair of neighbours.
        reach: in the place of neighbours that are missing.
    """
    order = np.lexsort((distance, centre))
    centre, distance = centre[order], distance[order]
    place = np.arange(len(centre)) - np.searchsorted(centre, centre)
    near = place < NEIGHBOURS
    table = np.full((count, NEIGHBOURS), reach)
    table[centre[near], place[near]] = distance[near]
    means: NDArray[np.float64] = table.mean(0)
    return means
