"""Properties of structures read off their latent vectors, learnt from few labels.

Kernel ridge regression: closed form, no training to go wrong on a hundred labels, differentiable in
the latent vector, so that a draw can be steered. Kernel and ridge are those of the least
leave-one-out error, which costs no more than the fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.errors import CheckpointError
from nucleate.regression.kernel_regression import Spectrum, squared_distance, squared_exponential
from nucleate.vae.checkpoint import load_tensors, save_tensors

HEADS_NAME = "heads.safetensors"
TENSORS = ("centre", "spread", "support", "weights")
"""Attributes of a head that are no numbers."""
MINIMUM_LABELS = 10
MAXIMUM_LABELS = 2000
"""Labels that a head is fitted to at most, drawn at random: the fit costs their cube."""
_RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
_LENGTHS = (0.5, 1.0, 2.0)  # of the Gaussian kernel, in median distances


@dataclass(frozen=True)
class PropertyHead:
    """A property as a function of the latent vector.

    Attributes:
        name: the property's column.
        mean, standard_deviation: of the labels that it was fitted to.
        length: of the Gaussian kernel, in standardised latent coordinates; None is a linear kernel.
        ridge: of the regression, relative to the labels' variance.
        labels: how many it was fitted to.
        leave_one_out_r2: share of the labels' variance that it explains, each label predicted from
            all others.
        centre, spread: that standardise latent vectors, [D].
        support: standardised latent vectors of the labelled structures, [n, D].
        weights: [n].
    """

    name: str
    mean: float
    standard_deviation: float
    length: float | None
    ridge: float
    labels: int
    leave_one_out_r2: float
    centre: Tensor
    spread: Tensor
    support: Tensor
    weights: Tensor

    def predict(self, latent: Tensor) -> Tensor:
        """Property of latent vectors, [B, D] -> [B], in the labels' unit; differentiable."""
        points = (latent - self.centre.to(latent)) / self.spread.to(latent)
        values = covariance(points, self.support.to(latent), self.length) @ self.weights.to(latent)
        return self.mean + self.standard_deviation * values

    def to_json(self) -> dict[str, Any]:
        """Its numbers, without tensors."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in TENSORS}


def covariance(first: Tensor, second: Tensor, length: float | None) -> Tensor:
    """Of two sets of points, [n, D], [m, D] -> [n, m]: Gaussian of that length, linear if None.

    Of order one in both kinds.
    """
    if length is None:
        return first @ second.T / first.shape[1] + 1.0
    return squared_exponential(squared_distance(first, second), length)


def fit_head(
    name: str, latents: NDArray[np.float32], values: NDArray[np.float64], seed: int = 0
) -> PropertyHead | None:
    """Fit a head to those structures that have a label.

    Args:
        latents: [n, D]; rows with NaN are left out.
        values: labels [n], NaN where missing.

    Returns:
        None if there are fewer than `MINIMUM_LABELS` labels or all are equal.
    """
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(latents).all(1))
    if len(rows) > MAXIMUM_LABELS:
        chosen = np.random.default_rng(seed).permutation(len(rows))[:MAXIMUM_LABELS]
        rows = rows[np.sort(chosen)]
    if len(rows) < MINIMUM_LABELS or np.ptp(values[rows]) == 0:
        return None
    points = torch.from_numpy(latents[rows].astype(np.float64))
    centre, spread = points.mean(0), points.std(0).clamp(min=1e-6)
    points = (points - centre) / spread
    mean, deviation = float(values[rows].mean()), float(values[rows].std())
    labels = torch.from_numpy((values[rows] - mean) / deviation)
    length, ridge, weights, error = _least_error(points, labels)
    return PropertyHead(
        name,
        mean,
        deviation,
        length,
        ridge,
        len(rows),
        1.0 - error,
        centre.float(),
        spread.float(),
        points.float(),
        weights.float(),
    )


def _least_error(points: Tensor, labels: Tensor) -> tuple[float | None, float, Tensor, float]:
    """Length and ridge of the least mean squared leave-one-out error; the weights; the error."""
    median = float(torch.pdist(points).median().clamp(min=1e-6))
    tried: list[tuple[float | None, float, Tensor, float]] = []
    for length in (None, *(share * median for share in _LENGTHS)):
        spectrum = Spectrum(covariance(points, points, length), labels)
        tried += [
            (length, ridge, spectrum.weights(ridge), spectrum.leave_one_out_error(ridge))
            for ridge in _RIDGES
        ]
    return min(tried, key=lambda one: one[3])


def explained_variance(values: NDArray[np.float64], predicted: NDArray[np.float64]) -> float | None:
    """Coefficient of determination over the rows where both are finite; None below three."""
    known = np.isfinite(values) & np.isfinite(predicted)
    if known.sum() < 3 or np.ptp(values[known]) == 0:
        return None
    residual = ((values[known] - predicted[known]) ** 2).sum()
    return float(1 - residual / ((values[known] - values[known].mean()) ** 2).sum())


def predict(head: PropertyHead, latents: NDArray[np.float32]) -> NDArray[np.float64]:
    """Property of latent vectors [n, D], float64 [n]; NaN for rows with NaN."""
    with torch.no_grad():
        return head.predict(torch.from_numpy(latents)).numpy().astype(np.float64)


def mean_prediction(
    heads: Sequence[PropertyHead], latents: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Mean of what several heads predict from latent vectors [n, D], [n]."""
    mean: NDArray[np.float64] = np.mean([predict(head, latents) for head in heads], axis=0)
    return mean


def save_heads(folder: Path, heads: Sequence[PropertyHead]) -> None:
    """Write the tensors of the heads; their numbers go into `model.json` as `properties`."""
    tensors = {
        f"{number}/{name}": getattr(head, name)
        for number, head in enumerate(heads)
        for name in TENSORS
    }
    save_tensors(folder / HEADS_NAME, tensors)


def load_heads(folder: Path, info: Mapping[str, Any]) -> dict[str, PropertyHead]:
    """Property heads of a model's folder, by name; empty if it has none.

    Args:
        info: the folder's `model.json`.

    Raises:
        CheckpointError: damaged.
    """
    described = info.get("properties") or []
    if not described:
        return {}
    tensors = load_tensors(folder / HEADS_NAME)
    try:
        heads = []
        for number, values in enumerate(described):
            parts: dict[str, Any] = {n: tensors[f"{number}/{n}"].float() for n in TENSORS}
            heads.append(PropertyHead(**values, **parts))
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder}: damaged property heads ({error!r})") from None
    return {head.name: head for head in heads}
