"""Crystals that are as unlike each other as can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.crystals.checks.geometry import failure
from nucleate.crystals.geometry.lookup import features
from nucleate.matter.checks import Candidate, Check, Verdict


class PicksOptions(Settings):
    number: Positive = 100
    """Crystals to pick."""


class PicksCheck(Check):
    """As unlike each other as can be: from the best candidate on, each pick is the one farthest
    from those picked before it (Gonzalez, Theor. Comput. Sci. 1985, 38, 293), by the distance of
    compositions and structures (see `geometry.crystal_distance`).

    The value is the turn in which a crystal was picked, from 1. Column: `pick_distance`, to the
    nearest one picked before it.
    """

    name = "picks"
    description = "So many crystals, each as unlike those picked before it as can be"
    Options = PicksOptions
    usual = False

    @property
    def threshold(self) -> str:
        """See `Check.threshold`."""
        return f"among {self.options.number} picks"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`."""
        verdicts: dict[int, Verdict] = {}
        rows: list[int] = []
        described: list[NDArray[np.float32]] = []
        for row, candidate in enumerate(candidates):
            try:
                described.append(features(candidate.structure))
                rows.append(row)
            except StructureError as error:
                verdicts[row] = failure(error)
        picks = farthest_first(np.array(described), self.options.number)
        for turn, (place, distance) in enumerate(picks, 1):
            columns = {"pick_distance": None if turn == 1 else round(distance, 4)}
            verdicts[rows[place]] = Verdict(True, turn, columns=columns)
        reason = f"not among the {len(picks)} picked to be unlike each other"
        left = Verdict(False, None, reason)
        return [verdicts.get(row, left) for row in range(len(candidates))]


def farthest_first(points: NDArray[np.float32], number: int) -> list[tuple[int, float]]:
    """Rows of points [n, k], the first one first, then the one farthest from all before, at most
    `number`; and the L1 distance of each to the nearest before it."""
    if not len(points):
        return []
    picked = [(0, float("inf"))]
    nearest = np.abs(points - points[0]).sum(1)
    nearest[0] = -1.0
    while len(picked) < min(number, len(points)):
        place = int(nearest.argmax())
        picked.append((place, float(nearest[place])))
        nearest = np.minimum(nearest, np.abs(points - points[place]).sum(1))
        nearest[place] = -1.0
    return picked
