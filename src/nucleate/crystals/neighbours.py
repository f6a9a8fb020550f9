"""Pairs of atoms within a distance, across periodic images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Numbers of both atoms of each pair, and their distance (angstrom, or what the points are in)."""


def pairs_within(points: NDArray[np.float64], lattice: NDArray[np.float64], reach: float) -> Pairs:
    """Each atom with each neighbour, both ways.

    Two atoms on one point are a pair of no distance, an atom and itself are none.

    Args:
        points: Cartesian, contiguous [n, 3].
        lattice: rows, contiguous [3, 3].
        reach: largest distance.
    """
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
