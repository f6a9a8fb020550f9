"""How near atoms come to each other, in angstrom and in units of covalent radii."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.geometry.neighbours import pairs_within


@dataclass(frozen=True)
class Nearest:
    """The closest contacts of a crystal.

    Attributes:
        distance: shortest distance, angstrom.
        scaled: smallest ratio of a distance to the sum of both covalent radii.
        pair: atomic numbers of the contact with the smallest ratio.
        pair_distance: its length, angstrom.
    """

    distance: float
    scaled: float
    pair: tuple[int, int]
    pair_distance: float


@cache
def covalent_radii() -> NDArray[np.float64]:
    """Covalent radii in angstrom by atomic number (Cordero et al. 2008; 1.6 where unknown)."""
    from ase.data import covalent_radii as radii
    from ase.data import missing

    return np.where(radii == missing, 1.6, radii).astype(np.float64)


def nearest(
    lattice: NDArray[np.float64], coordinates: NDArray[np.float64], numbers: NDArray[np.int64]
) -> Nearest:
    """The closest contacts of a periodic arrangement of atoms, images included.

    Args:
        lattice: [3, 3], rows in angstrom, of any shape but not flat.
        coordinates: [n, 3], fractional.
        numbers: [n], atomic numbers.
    """
    lattice = np.ascontiguousarray(lattice, dtype=np.float64)
    cartesian = np.ascontiguousarray(coordinates @ lattice, dtype=np.float64)
    radii = covalent_radii()[numbers]
    # Some contact lies within the cell's shortest vector; look no further than needed.
    cutoff = min(2.2 * float(radii.max()), float(np.linalg.norm(lattice, axis=1).min()) + 1e-6)
    while True:
        first, second, distance = pairs_within(cartesian, lattice, cutoff)
        ratio = distance / (radii[first] + radii[second])
        # A longer contact of larger atoms may still have the smallest ratio.
        needed = 2 * float(radii.max()) * float(ratio.min(initial=np.inf))
        if needed <= cutoff:
            break
        cutoff = min(1.6 * cutoff, needed + 1e-6)
    worst = int(ratio.argmin())
    pair = (int(numbers[first[worst]]), int(numbers[second[worst]]))
    return Nearest(float(distance.min()), float(ratio[worst]), pair, float(distance[worst]))
