"""Constraints: how far a value is from where it must lie.

A constraint is no part of the score: a structure that breaks one ranks below all that break none,
and among those that do, the smaller violation ranks higher (K. Deb, "An efficient constraint
handling method for genetic algorithms", Comput. Methods Appl. Mech. Eng. 186 (2000) 311-338).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.objectives.desirability import spread_of
from nucleate.settings.objectives import PropertySettings


@dataclass(frozen=True)
class Limit:
    """One constraint, fully resolved (plain values; goes through JSON).

    Attributes:
        low: least value that is allowed, in the property's unit; None for none.
        high: largest one.
        scale: distance that counts 1.
        missing: excess of a value that is not known.
    """

    low: float | None
    high: float | None
    scale: float
    missing: float

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Excess [n] of values [n]: how far outside, in scales; not positive where allowed, the
        further inside the lower."""
        values = np.asarray(values, dtype=np.float64)
        return np.where(np.isfinite(values), self._excess(values), self.missing)

    def _excess(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.full(values.shape, -np.inf)
        if self.low is not None:
            out = np.maximum(out, (self.low - values) / self.scale)
        if self.high is not None:
            out = np.maximum(out, (values - self.high) / self.scale)
        return out

    def to_json(self) -> dict[str, Any]:
        """Plain values for `Limit(**values)`."""
        return asdict(self)


def resolve_limit(settings: PropertySettings, reference: NDArray[np.float64]) -> Limit:
    """The constraint that a term of the settings states.

    Args:
        reference: raw values [n] of known structures, NaN where missing. A value that is not known
            counts 1 more than the worst of them.
    """
    low, high = spread_of(reference)
    scale = settings.tolerance or high - low
    known = np.asarray(reference, np.float64)
    known = known[np.isfinite(known)]
    limit = Limit(settings.low, settings.high, scale, 0.0)
    worst = max(0.0, float(limit(known).max())) if len(known) else 0.0
    return Limit(settings.low, settings.high, scale, worst + 1.0)


def violation(excesses: Iterable[float]) -> float:
    """Sum of what is outside."""
    return float(sum(max(0.0, excess) for excess in excesses))


def penalise(score: float, broken: float) -> float:
    """What a search is told: the score in [0, 1] of a structure that breaks no constraint, else
    minus `broken / (1 + broken)`, above -1."""
    return score if broken <= 0 else -broken / (1.0 + broken)
