"""Pairs of near atoms across periodic images, and the nearest of them by covalent radii."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Numbers of both atoms of each pair, and their distance (angstrom, or what the points are in)."""
MOST_IMAGES = 2_000_000
"""Images of a cell that a search may go through: a cell as flat as a sheet has millions of them."""


@dataclass(frozen=True)
class Nearest:
    """The closest contacts of a crystal.

    Attributes:
        distance: shortest distance, angstrom.
        scaled: smallest ratio of a distance to the sum of both covalent radii.
        pair: atomic numbers of the contact with the smallest ratio.
        pair_distance: its length, angstrom.
        closest: atomic numbers of the contact with the shortest distance.
    """

    distance: float
    scaled: float
    pair: tuple[int, int]
    pair_distance: float
    closest: tuple[int, int]


def pairs_within(points: NDArray[np.float64], lattice: NDArray[np.float64], reach: float) -> Pairs:
    """Each atom with each neighbour, both ways.

    Two atoms on one point are a pair of no distance, an atom and itself are none.

    Args:
        points: Cartesian, contiguous [n, 3].
        lattice: rows, contiguous [3, 3].
        reach: largest distance.

    Raises:
        StructureError: `flat_cell`, its images are beyond counting.
    """
    refuse_flat(lattice, reach)
    first, second, _, distance = find_neighbours(points, lattice, reach)
    real = (distance > 1e-6) | (first != second)
    return first[real], second[real], distance[real]


def find_neighbours(
    points: NDArray[np.float64], lattice: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Both atoms, the second one's cell [pairs, 3] and the distance, each atom with itself as well;
    the cell must not be flat."""
    from pymatgen.optimization.neighbors import find_points_in_spheres

    found: tuple[Any, Any, Any, Any] = find_points_in_spheres(
        all_coords=points,
        center_coords=points,
        r=reach,
        pbc=np.ones(3, dtype=np.int64),
        lattice=lattice,
        tol=1e-8,
    )
    return found


def refuse_flat(lattice: NDArray[np.float64], reach: float) -> None:
    """Raise where a search for neighbours would not come to an end.

    Raises:
        StructureError: `flat_cell`, with the least height of the cell.
    """
    volume = abs(float(np.linalg.det(lattice)))
    areas = np.linalg.norm(np.cross(lattice[[1, 2, 0]], lattice[[2, 0, 1]]), axis=1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        heights = volume / areas
        images = float(np.prod(2 * np.ceil(reach / heights) + 1))
    if not images <= MOST_IMAGES:
        raise StructureError("flat_cell", f"only {np.min(heights):.2g} A high")


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
    worst, nearest = int(ratio.argmin()), int(distance.argmin())
    pair, closest = (
        (int(numbers[first[place]]), int(numbers[second[place]])) for place in (worst, nearest)
    )
    apart = float(distance[worst])
    return Nearest(float(distance[nearest]), float(ratio[worst]), pair, apart, closest)
