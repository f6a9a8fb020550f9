"""Several objectives at once: layers, contributions, hypervolume. All values in [0, 1], more is
better, and volumes are measured from 0.

Computed by moocore (M. Lopez-Ibanez et al.): non-dominated sorting, and the hypervolume algorithm
of C. M. Fonseca, L. Paquete and M. Lopez-Ibanez (CEC 2006).
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import NDArray

MOST = 4
"""Objectives up to which contributions are computed: beyond, their cost explodes."""


class Front:
    """Points that no other one betters in everything, as they come.

    Attributes:
        hypervolume: of what the points dominate, in [0, 1].
    """

    def __init__(self) -> None:
        self.points: NDArray[np.float64] | None = None
        self.hypervolume = 0.0

    def add(self, point: NDArray[np.float64]) -> float:
        """Take in a point [k]; returns by how much the hypervolume grows."""
        point = np.asarray(point, np.float64)
        if self.points is None:
            self.points = point[None]
        elif (self.points >= point).all(1).any():
            return 0.0
        else:
            kept = self.points[~(self.points <= point).all(1)]
            self.points = np.concatenate([kept, point[None]])
        before, self.hypervolume = self.hypervolume, hypervolume(self.points)
        return self.hypervolume - before


def hypervolume(points: NDArray[np.float64]) -> float:
    """Share of the unit cube that points [n, k] dominate."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    return float(moocore.hypervolume(points, ref=np.zeros(points.shape[1]), maximise=True))


def layers(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Layer of each of the points [n, k], [n]: 1 for those that none betters in everything, 2 for
    those that are so without the first, and so on."""
    if not len(points):
        return np.zeros(0, np.int64)
    if points.shape[1] == 1:
        return np.unique(-points[:, 0], return_inverse=True)[1].astype(np.int64).ravel() + 1
    ranks = moocore.pareto_rank(points, maximise=True)
    return np.asarray(ranks, np.int64) + 1


def contributions(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much the hypervolume of a layer [n, k] would shrink without each point and those equal
    to it, [n]; zeros where there are too many objectives."""
    if not 1 < points.shape[1] <= MOST or not len(points):
        return np.zeros(len(points))
    # Of equal points none would be missed.
    distinct, place = np.unique(points, axis=0, return_inverse=True)
    found = moocore.hv_contributions(distinct, ref=np.zeros(points.shape[1]), maximise=True)
    return np.asarray(found, np.float64)[place.ravel()]


def rank_points(
    points: NDArray[np.float64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order and layers of points [n, k]: by layer, in one by contribution, then by score [n].

    Returns:
        Rows in order [n], and the layer of each point [n] (not in that order).
    """
    layer = layers(points)
    shares = np.zeros(len(points))
    for number in np.unique(layer):
        inside = layer == number
        shares[inside] = contributions(points[inside])
    order = np.lexsort((-scores, -shares, layer))
    return order.astype(np.int64), layer
