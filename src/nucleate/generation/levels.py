"""How much noise to take: learnt from what each amplitude has yielded so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MEMORY = 0.6


class NoiseLevels:
    """Amplitudes of noise, each chosen as often as it is likely to yield most (Thompson 1933).

    What an amplitude yields falls as its structures run out, so that older rounds count less.

    Args:
        amplitudes: from 0 to 1.
    """

    def __init__(self, amplitudes: Sequence[float]):
        self.amplitudes = np.asarray(amplitudes, np.float32)
        self.kept = np.zeros(len(amplitudes))
        self.lost = np.zeros(len(amplitudes))

    def choose(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Number of the amplitude for each of `count` draws."""
        size = (count, len(self.amplitudes))
        chosen: NDArray[np.int64] = generator.beta(1 + self.kept, 1 + self.lost, size).argmax(1)
        return chosen

    def learn(self, chosen: NDArray[np.int64], kept: NDArray[np.bool_]) -> None:
        """Take in which draws of the last round were kept, [n] each."""
        total = np.bincount(chosen, minlength=len(self.kept))
        gained = np.bincount(chosen[kept], minlength=len(self.kept))
        self.kept = _MEMORY * self.kept + gained
        self.lost = _MEMORY * self.lost + total - gained
