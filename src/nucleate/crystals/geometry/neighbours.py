"""Pairs of atoms within a distance, across periodic images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Numbers of both atoms of each pair, and their distance (angstrom, or what the points are in)."""
MOST_IMAGES = 2_000_000
"""Images of a cell that a search may go through: a cell as flat as a sheet has millions of them."""


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
    from pymatgen.optimization.neighbors import find_points_in_spheres

    first, second, _, distance = find_points_in_spheres(
        all_coords=points,
        center_coords=points,
        r=reach,
        pbc=np.ones(3, dtype=np.int64),
        lattice=lattice,
        tol=1e-8,
    )
    real = (distance > 1e-6) | (first != second)
    return first[real], second[real], distance[real]


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
