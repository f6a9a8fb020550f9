"""Desirability, how much a property value is wanted: raw values -> [0, 1].

Desirability functions after G. Derringer and R. Suich, "Simultaneous optimization of several
response variables", J. Quality Technology 12 (1980) 214-219: each value is transformed to [0, 1]
and a structure's score is the weighted geometric mean, so that one unacceptable property (0)
cannot be bought off by another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.settings.objectives import PropertySettings

QUANTILES = (0.05, 0.95)
"""Of the reference sample's values: where a smooth desirability is 0.05 and 0.95."""
LARGEST = 1e300
"""Magnitude beyond which a reference value is taken for this one."""
RANGE_TOLERANCE = 0.1
"""Of a range's width, if the settings give no tolerance."""


@dataclass(frozen=True)
class Desirability:
    """One property's transformation, fully resolved (plain values; goes through JSON).

    Attributes:
        goal: `maximise`, `minimise`, `target` or `range`.
        low: lower end of the ramp or range, in the property's unit.
        high: upper end.
        smooth: for `maximise` and `minimise`: a logistic curve instead of a clipped line, so that
            values better than all known ones are still told apart.
        target: wanted value.
        tolerance: distance outside target or range at which desirability is exp(-1/2).
    """

    goal: str
    low: float = 0.0
    high: float = 1.0
    smooth: bool = False
    target: float = 0.0
    tolerance: float = 1.0

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Desirability [n] of raw values [n]; 0 where a value is not finite."""
        values = np.asarray(values, dtype=np.float64)
        finite = np.isfinite(values)
        safe = np.where(finite, values, 0.0)
        with np.errstate(over="ignore"):  # an extreme value is simply at the end of the curve
            return np.where(finite, np.clip(self._curve(safe), 0.0, 1.0), 0.0)

    def _curve(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.goal in ("maximise", "minimise"):
            sign = 1.0 if self.goal == "maximise" else -1.0
            middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
            position = sign * (values - middle) / half  # -1 and 1 at the worse and better end
            if not self.smooth:
                return (position + 1.0) / 2.0
            slope = math.log((1 - QUANTILES[0]) / QUANTILES[0])
            return 1.0 / (1.0 + np.exp(np.clip(-slope * position, -500.0, 500.0)))
        if self.goal == "target":
            distance = values - self.target
        else:
            distance = np.maximum(0.0, np.maximum(self.low - values, values - self.high))
        scaled = np.clip(np.abs(distance) / self.tolerance, 0.0, 1e3)
        return np.exp(-0.5 * np.square(scaled))

    def to_json(self) -> dict[str, Any]:
        """Plain values for `Desirability(**values)`."""
        return asdict(self)


def resolve(settings: PropertySettings, reference: NDArray[np.float64]) -> Desirability:
    """The transformation that a term of the settings asks for.

    `maximise` and `minimise` between given `low` and `high` are straight lines, clipped outside.
    Where either is missing the curve is logistic, 0.05 and 0.95 at the 5 % and 95 % quantiles of
    the reference values: it needs no knowledge of the property's scale and never saturates.

    Args:
        reference: raw values [n] of known structures, NaN where missing; only read if needed.
    """
    if settings.goal == "target":
        # PropertySettings has checked that both are there.
        assert settings.target is not None
        assert settings.tolerance is not None
        return Desirability("target", target=settings.target, tolerance=settings.tolerance)
    if settings.goal == "range":
        assert settings.low is not None
        assert settings.high is not None
        tolerance = settings.tolerance or RANGE_TOLERANCE * (settings.high - settings.low)
        return Desirability("range", settings.low, settings.high, tolerance=tolerance)
    if settings.low is not None and settings.high is not None:
        return Desirability(settings.goal, settings.low, settings.high)
    low, high = spread_of(reference)
    width = high - low
    if settings.low is not None:
        low = settings.low
        high = max(high, low + width)
    if settings.high is not None:
        high = settings.high
        low = min(low, high - width)
    return Desirability(settings.goal, low, high, smooth=True)


def spread_of(reference: NDArray[np.float64]) -> tuple[float, float]:
    """Two distinct values that span the reference (its 5 % and 95 % quantiles where they differ),
    (0, 1) if it holds nothing finite."""
    finite = np.asarray(reference, dtype=np.float64)
    # Sums and differences of two ends must not overflow.
    finite = np.clip(finite[np.isfinite(finite)], -LARGEST, LARGEST)
    if not len(finite):
        return 0.0, 1.0
    low, high = (float(q) for q in np.quantile(finite, QUANTILES))
    if high - low < 1e-9 * max(1.0, abs(low)):
        half = 0.5 * max(1.0, abs(low))
        return low - half, low + half
    return low, high


def combine(
    desirabilities: Mapping[str, NDArray[np.float64]], weights: Sequence[float]
) -> NDArray[np.float64]:
    """Weighted geometric mean [n] of desirabilities [n] by property, in [0, 1].

    Args:
        weights: one positive number per property, in the mapping's order.
    """
    stacked = np.stack(list(desirabilities.values()))  # properties x n
    shares = np.asarray(weights, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logs = np.log(stacked)
    mean = (shares[:, None] * logs).sum(axis=0) / shares.sum()
    return np.clip(np.exp(mean), 0.0, 1.0)


def average(
    desirabilities: Mapping[str, NDArray[np.float64]], weights: Sequence[float]
) -> NDArray[np.float64]:
    """Weighted arithmetic mean [n] of desirabilities [n] by property, in [0, 1].

    Args:
        weights: as in `combine`.
    """
    stacked = np.stack(list(desirabilities.values()))  # properties x n
    mean: NDArray[np.float64] = np.average(stacked, axis=0, weights=np.asarray(weights))
    return np.clip(mean, 0.0, 1.0)
