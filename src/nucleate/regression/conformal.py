"""Split-conformal intervals: how far off a prediction is, with a stated coverage.

Labels that nothing was fitted to give scores |y - f(x)| / d(x), where d(x) says how difficult x is;
f(x) +- q d(x) then holds the truth of a new structure with at least the stated probability if it is
exchangeable with those labels, whatever f and d are (Vovk, Gammerman and Shafer 2005; Papadopoulos
et al. 2011 for the normalisation; Angelopoulos and Bates 2021, arXiv 2107.07511, section 2.3).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9


def smallest_calibration(coverage: float) -> int:
    """Labels below which no finite interval has this coverage."""
    return max(1, math.ceil(coverage / (1 - coverage) - _ROUNDING))


def conformal_quantile(scores: NDArray[np.float64], coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest of n scores; infinite if there are too few."""
    rank = math.ceil((len(scores) + 1) * coverage - _ROUNDING)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def checked_coverage(scores: NDArray[np.float64], coverage: float, seed: int = 0) -> float:
    """Share of held-out labels inside their interval, each half calibrated on the other.

    The coverage of the very scores that gave the quantile says nothing: it is right by
    construction. This one can be wrong, and is where scores are not alike.
    """
    order = np.random.default_rng(seed).permutation(len(scores))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    inside = [
        scores[test] <= conformal_quantile(scores[rest], coverage)
        for test, rest in (halves, halves[::-1])
    ]
    return float(np.concatenate(inside).mean())
