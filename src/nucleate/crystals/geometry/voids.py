"""Where a crystal holds nothing: its largest empty sphere and its widest empty slab."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.geometry.distances import covalent_radii, refuse_flat

SPACING = 1.0
"""Angstrom between the points of the first search."""
MOST_POINTS = 3000
"""Points of the first search, whatever the size of the cell."""
STARTS = 4
"""Best points from which the search goes on."""
HALVINGS = 4
"""Rounds of the finer search, each with half the steps of the one before."""
WIDEST = 12.0
"""Angstrom; larger empty spheres are reported as this."""
_NORMALS = np.array([h for h in product((-1, 0, 1), repeat=3) if h > (0, 0, 0)])
_AROUND = np.array(list(product((-1, 0, 1), repeat=3)), np.float64)


def largest_void(
    lattice: NDArray[np.float64], coordinates: NDArray[np.float64], numbers: NDArray[np.int64]
) -> float:
    """Radius of the largest sphere that touches no atom, angstrom, at most `WIDEST`.

    Atoms are spheres of their covalent radii. The maximum over a grid is refined from its best
    points, so that the radius may fall short by a few hundredths of an angstrom.

    Args:
        lattice: [3, 3], rows in angstrom.
        coordinates: [n, 3], fractional.
        numbers: [n], atomic numbers.

    Raises:
        StructureError: `flat_cell`.
    """
    from scipy.spatial import cKDTree

    refuse_flat(lattice, WIDEST)
    inverse = np.linalg.inv(lattice)
    heights = 1 / np.linalg.norm(inverse, axis=0)
    radii = covalent_radii()[numbers]
    # A sphere in a cell of these heights cannot be wider than the diagonal of the periods.
    reach = min(WIDEST, float(np.linalg.norm(lattice, axis=1).sum()) / 2) + float(radii.max())
    trees = [
        (cKDTree(_images(coordinates[numbers == z], lattice, heights, reach)), radii[numbers == z])
        for z in np.unique(numbers)
    ]

    def empty(points: NDArray[np.float64]) -> NDArray[np.float64]:
        found = [
            tree.query(points, distance_upper_bound=reach)[0] - radius[0] for tree, radius in trees
        ]
        return np.minimum(np.min(found, axis=0), WIDEST)

    counts = np.maximum(2, np.ceil(np.linalg.norm(lattice, axis=1) / SPACING))
    counts = np.maximum(1, np.floor(counts * min(1.0, (MOST_POINTS / counts.prod()) ** (1 / 3))))
    axes = [(np.arange(int(n)) + 0.5) / n for n in counts]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)[: 2 * MOST_POINTS]
    values = empty(grid @ lattice)
    starts = grid[np.argsort(-values)[:STARTS]]
    step = 0.5 / counts
    for _ in range(HALVINGS):
        around = (starts[:, None] + _AROUND * step).reshape(-1, 3) % 1.0
        values = empty(around @ lattice)
        starts = around[np.argsort(-values)[:STARTS]]
        step = step / 2
    return max(0.0, float(values.max()))


def _images(
    coordinates: NDArray[np.float64],
    lattice: NDArray[np.float64],
    heights: NDArray[np.float64],
    reach: float,
) -> NDArray[np.float64]:
    """Cartesian points of atoms and of their images within reach of the cell, [m, 3]."""
    margin = reach / heights
    most = np.minimum(np.ceil(margin), 12).astype(int)
    shifts = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in most], indexing="ij"), -1)
    points = (coordinates[:, None] + shifts.reshape(-1, 3)).reshape(-1, 3)
    near = ((points > -margin) & (points < 1 + margin)).all(axis=1)
    return points[near] @ lattice


def widest_gap(lattice: NDArray[np.float64], coordinates: NDArray[np.float64]) -> float:
    """Widest slab that holds no atom's centre, among the planes of lowest indices, angstrom.

    Graphite has 3.4, a layer in a cell with 15 angstrom of vacuum 15 and more.

    Args:
        lattice: [3, 3], rows in angstrom.
        coordinates: [n, 3], fractional.
    """
    spacing = 1 / np.linalg.norm(np.linalg.inv(lattice) @ _NORMALS.T, axis=0)
    heights = np.sort((coordinates @ _NORMALS.T) % 1.0, axis=0)  # [n, 13]
    gaps = np.diff(np.concatenate([heights, heights[:1] + 1]), axis=0)
    return float((gaps.max(axis=0) * spacing).max())
