"""A predictor of a labelled property that knows how sure it is.

The prediction is the mean of kernel ridge regressions on random subsets of the labels (subagging,
Bühlmann and Yu 2002). How difficult a structure is: their spread, and the predictive variance of
the Gaussian process whose mean the regression on all labels is (Rasmussen and Williams 2006,
equation 2.26), since members far from every label agree with each other for no reason. Split
conformal prediction turns difficulty into an interval: labels that nothing was fitted to give
scores |y - f(x)| / d(x), where d(x) is the difficulty; f(x) +- q d(x) then holds the truth of a new
structure with at least the stated probability if it is exchangeable with those labels, whatever f
and d are (Vovk, Gammerman and Shafer 2005; Papadopoulos et al. 2011 for the normalisation;
Angelopoulos and Bates 2021, arXiv 2107.07511, section 2.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.errors import InputError
from nucleate.regression.kernel_regression import Posterior
from nucleate.regression.property_heads import (
    MINIMUM_LABELS,
    PropertyHead,
    covariance,
    explained_variance,
    fit_head,
    mean_prediction,
    predict,
)

SUBSET = 0.7
"""Share of the labels that a member is fitted to."""
MAXIMUM_SUBSET = 1000
MINIMUM_TRAINING = math.ceil(MINIMUM_LABELS / SUBSET)
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


@dataclass(frozen=True)
class Quality:
    """How good a predictor is, measured on its own labels.

    Attributes:
        labels: how many there are; fitted: to how many of them it was fitted.
        leave_one_out_r2: share of the fitted labels' variance that is explained, each predicted
            from all others.
        held_out_r2: likewise of the labels that nothing was fitted to; None if they are equal.
        coverage: as asked for; checked: as found on held-out labels (see `checked_coverage`).
    """

    labels: int
    fitted: int
    leave_one_out_r2: float
    held_out_r2: float | None
    coverage: float
    checked: float

    def __str__(self) -> str:
        held_out = "" if self.held_out_r2 is None else f", held-out R2 {self.held_out_r2:.2f}"
        return (
            f"{self.labels} labels, leave-one-out R2 {self.leave_one_out_r2:.2f}{held_out}, "
            f"{self.coverage:.0%} interval holds {self.checked:.0%} of "
            f"{self.labels - self.fitted} held-out labels"
        )


class Predictor:
    """Prediction and interval from the points of structures (latent vectors or features).

    Args:
        whole: head fitted to all labels but those held out.
        members: heads fitted to subsets of these.
    """

    def __init__(self, whole: PropertyHead, members: Sequence[PropertyHead]):
        self.whole, self.members = whole, tuple(members)
        self.quantile = math.inf
        self.quality: Quality | None = None
        self._support = whole.support.double()
        # The very kernel that the head was fitted with: its variance must go with its mean.
        gram = covariance(self._support, self._support, whole.length)
        self._posterior = Posterior(gram, whole.ridge)

    def mean(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """Prediction [n] from points [n, D]."""
        return mean_prediction(self.members, points)

    def difficulty(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """How far off a prediction may be, [n], in the label's unit but uncalibrated."""
        spread = np.var([predict(head, points) for head in self.members], axis=0)
        variance = self.whole.ridge + self._posterior_variance(torch.from_numpy(points).double())
        return np.sqrt(spread + self.whole.standard_deviation**2 * variance.numpy())

    def _posterior_variance(self, points: Tensor) -> Tensor:
        """Of the Gaussian process, without noise, in units of the labels' variance, [n]."""
        whole = self.whole
        scaled = (points - whole.centre.double()) / whole.spread.double()
        cross = covariance(scaled, self._support, whole.length)
        if whole.length is None:
            own = (scaled**2).sum(1) / scaled.shape[1] + 1.0
        else:
            own = torch.ones(len(scaled), dtype=scaled.dtype)
        return (own - (self._posterior.whitened(cross) ** 2).sum(1)).clamp(min=0)

    def interval(
        self, points: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Prediction and half width of its interval, each [n]; NaN for points with NaN."""
        return self.mean(points), self.quantile * self.difficulty(points)


def fewest_labels(coverage: float) -> int:
    """Labels that a prediction with an interval of that coverage needs at least."""
    return MINIMUM_TRAINING + smallest_calibration(coverage)


def fit_predictor(
    name: str,
    points: NDArray[np.float32],
    values: NDArray[np.float64],
    *,
    coverage: float = 0.9,
    calibration: float = 0.25,
    members: int = 8,
    seed: int = 0,
) -> Predictor:
    """Fit and calibrate a predictor.

    Args:
        name: of the property.
        points: [n, D]; rows with NaN are left out.
        values: labels [n], NaN where missing.
        coverage: of the interval.
        calibration: share of the labels that is held out for it; more or fewer where that leaves
            too few on either side.

    Raises:
        InputError: too few labels for that coverage, or all are equal.
    """
    usable = np.flatnonzero(np.isfinite(values) & np.isfinite(points).all(1))
    generator = np.random.default_rng(seed)
    fewest = smallest_calibration(coverage)
    held = max(fewest, min(round(calibration * len(usable)), len(usable) - MINIMUM_TRAINING))
    if len(usable) - held < MINIMUM_TRAINING:
        raise InputError(
            f"column {name!r}: {len(usable)} usable labels; a prediction with a {coverage:.0%} "
            f"interval needs {fewest_labels(coverage)} at least"
        )
    usable = generator.permutation(usable)
    calibrating, training = usable[:held], usable[held:]
    whole = fit_head(name, points[training], values[training], seed)
    if whole is None:
        raise InputError(f"column {name!r}: all labels are equal; there is nothing to learn")
    size = min(math.ceil(SUBSET * len(training)), MAXIMUM_SUBSET)
    fitted = []
    for number in range(members):
        subset = generator.permutation(training)[:size]
        fitted.append(fit_head(name, points[subset], values[subset], seed + number))
    predictor = Predictor(whole, [head for head in fitted if head is not None] or [whole])
    truth, guess = values[calibrating], predictor.mean(points[calibrating])
    scores = np.abs(truth - guess) / predictor.difficulty(points[calibrating])
    predictor.quantile = conformal_quantile(scores, coverage)
    predictor.quality = Quality(
        labels=len(usable),
        fitted=len(training),
        leave_one_out_r2=whole.leave_one_out_r2,
        held_out_r2=explained_variance(truth, guess),
        coverage=coverage,
        checked=checked_coverage(scores, coverage, seed),
    )
    return predictor
