"""Thompson sampling among several ways, by what each has yielded so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MEMORY = 0.6


class ThompsonBandit:
    """Ways to do something, each taken as often as it is likely to yield most (Thompson 1933).

    What a way yields falls as its structures run out, so that older rounds count less.
    """

    def __init__(self, count: int):
        self.kept = np.zeros(count)
        self.lost = np.zeros(count)

    def choose(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Number of the way for each of `count` draws."""
        size = (count, len(self.kept))
        chosen: NDArray[np.int64] = generator.beta(1 + self.kept, 1 + self.lost, size).argmax(1)
        return chosen

    def learn(self, chosen: NDArray[np.int64], kept: NDArray[np.bool_]) -> None:
        """Take in which draws of the last round were kept, [n] each."""
        total = np.bincount(chosen, minlength=len(self.kept))
        gained = np.bincount(chosen[kept], minlength=len(self.kept))
        self.kept = _MEMORY * self.kept + gained
        self.lost = _MEMORY * self.lost + total - gained
