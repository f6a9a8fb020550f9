"""A Gaussian process on structures: what a search expects of those that it has not scored.

The covariance is a weighted sum of one kernel for each group of features: Tanimoto similarity of
bits (positive definite: Gower 1971), a squared exponential of numbers. Weights and noise are those
of the largest marginal likelihood on a small grid: with some hundred scores, which features matter
is known better than how much. Comparing structures, not latent vectors, is what makes a surrogate
of few scores useful in a large latent space (Moss et al., "COWBOYS", arXiv:2507.03910; Tripp et
al., arXiv:2406.07709).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.regression.kernel_regression import (
    Posterior,
    Spectrum,
    squared_distance,
    squared_exponential,
    tanimoto,
)

Features = Mapping[str, NDArray[Any]]
"""Features of n structures by group name (see `nucleate.matter.variation.Comparison`)."""
NOISES = (1e-4, 1e-3, 1e-2, 0.1)
"""Variances of the noise that are tried, in variances of the scores."""
LENGTHS = (1.0, 3.0)
"""Lengths of the squared exponential that are tried, in median distances."""
TRIED = 400
"""Scores that weights and noise are chosen on at most."""
_JITTER = 1e-6


@dataclass
class Table:
    """Features of structures, appended to as they come.

    Attributes:
        groups: by name, each [rows reserved, width].
        length: rows in use.
    """

    groups: dict[str, NDArray[Any]] = field(default_factory=dict)
    length: int = 0

    def append(self, features: Features) -> None:
        """Add rows."""
        count = len(next(iter(features.values())))
        for name, rows in features.items():
            held = self.groups.get(name)
            if held is None:
                held = np.zeros((max(1024, count), rows.shape[1]), rows.dtype)
            while len(held) < self.length + count:
                held = np.concatenate([held, np.zeros_like(held)])
            held[self.length : self.length + count] = rows
            self.groups[name] = held
        self.length += count

    def take(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Features of some rows."""
        return {name: held[rows] for name, held in self.groups.items()}


def bit_group(features: Features) -> str | None:
    """Name of the first group of bits; None if there is none."""
    return next((name for name, rows in features.items() if rows.dtype == np.uint8), None)


def bit_similarity(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tanimoto similarity of bits [n, B] and [m, B], [n, m]."""
    one, other = (torch.from_numpy(bits.astype(np.float32)) for bits in (first, second))
    return tanimoto(one, other).numpy()


def resemblance(features: Features) -> NDArray[np.float32]:
    """Tanimoto similarities of n structures by their first group of bits; by squared distance of
    the first group of numbers if there is none, [n, n]."""
    name = bit_group(features)
    if name is not None:
        return bit_similarity(features[name], features[name])
    points = torch.from_numpy(np.asarray(next(iter(features.values())), np.float32))
    apart = squared_distance(points, points)
    return torch.exp(-apart / _median(apart)).numpy()


def _median(apart: Tensor) -> float:
    """Median of the distances that are not zero; 1 if all are."""
    return float(apart[apart > 0].median()) if (apart > 0).any() else 1.0


@dataclass(frozen=True)
class Prediction:
    """What is expected of structures.

    Attributes:
        mean: [n].
        deviation: standard deviation, [n].
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """One choice of covariance.

    Attributes:
        weights: of the groups by name; they sum to one.
        length: of the squared exponential, in median distances.
        noise: variance, in variances of the scores.
    """

    weights: Mapping[str, float]
    length: float
    noise: float


class Surrogate:
    """The process itself. `fit`, then `predict`; `choose` now and then, before `fit`.

    Attributes:
        kernel: the one that was chosen; None until then.
    """

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self.names: tuple[str, ...] = ()
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._blocks: dict[str, Tensor] = {}

    def choose(self, features: Features, scores: NDArray[np.float64]) -> Kernel:
        """Take the kernel of the largest marginal likelihood.

        Args:
            features: of at most some hundred structures: the cost is that of a fit for each choice.
            scores: [n].
        """
        self.kernel = None  # all groups count until one is chosen
        self._standardise(features)
        blocks = self._similarities(self._prepare(features), None)
        target = torch.from_numpy(_standard(scores)[0])
        fits: list[tuple[float, Kernel]] = []
        for weights in self._weights():
            for length in LENGTHS if self._scale.keys() & weights else (1.0,):
                covariance = self._combine(blocks, Kernel(weights, length, 0.0)).double()
                spectrum = Spectrum(covariance, target)
                fits += [(spectrum.log_likelihood(n), Kernel(weights, length, n)) for n in NOISES]
        self.kernel = max(fits, key=lambda one: one[0])[1]
        self._rows = np.zeros(0, np.int64)  # numbers are standardised anew: forget the blocks
        return self.kernel

    def fit(self, table: Table, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        """Condition on some rows of a table, whose scores are [n].

        Similarities of rows that were there at the last call are kept: a search adds few each time.
        """
        kernel = self._chosen()
        self._advance(table, rows)
        target, self._mean, self._deviation = _standard(scores)
        covariance = self._combine(self._blocks, kernel).double()
        self._posterior = Posterior(covariance, kernel.noise + _JITTER, torch.float32)
        y = torch.from_numpy(target)
        self._alpha = self._posterior.weights(y)
        self._amplitude = float((y[:, None] * self._alpha).mean().clamp(min=1e-6))
        self._support = self._prepare(table.take(rows))

    def used_groups(self) -> list[str]:
        """Groups of features that predictions need."""
        return [name for name in self.names if self.kernel is None or name in self.kernel.weights]

    def predict(self, features: Features) -> Prediction:
        """Mean and deviation at structures, in the unit of the scores."""
        blocks = self._similarities(self._prepare(features), self._support)
        cross = self._combine(blocks, self._chosen())  # m x n
        mean = (cross @ self._alpha.float())[:, 0]
        explained = (self._posterior.whitened(cross) ** 2).sum(1)
        variance = self._amplitude * (1.0 - explained).clamp(min=1e-8)
        scale = self._deviation
        return Prediction(
            self._mean + scale * mean.double().numpy(), scale * variance.sqrt().double().numpy()
        )

    def sample(
        self, features: Features, draws: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draws from the joint posterior at structures, [draws, n], in the unit of the scores."""
        points, kernel = self._prepare(features), self._chosen()
        cross = self._combine(self._similarities(points, self._support), kernel)
        own = self._combine(self._similarities(points, points), kernel).double()
        mean = (cross.double() @ self._alpha)[:, 0]
        part = self._posterior.whitened(cross).double()
        # Rounding may have made it indefinite.
        values, vectors = torch.linalg.eigh(own - part @ part.T)
        root = vectors * (self._amplitude * values.clamp(min=0)).sqrt()
        noise = torch.from_numpy(rng.standard_normal((draws, len(mean))))
        found: NDArray[np.float64] = (mean + noise @ root.T).numpy()
        return self._mean + self._deviation * found

    # Kernels

    def _chosen(self) -> Kernel:
        if self.kernel is None:
            raise ValueError("Surrogate needs choose() first")
        return self.kernel

    def _weights(self) -> list[dict[str, float]]:
        """Ways to share out one among the groups: one alone, two or three alike."""
        return [
            dict.fromkeys(chosen, 1.0 / count)
            for count in range(1, min(len(self.names), 3) + 1)
            for chosen in itertools.combinations(self.names, count)
        ]

    def _standardise(self, features: Features) -> None:
        self.names = tuple(features)
        self._scale: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        for name, values in features.items():
            if values.dtype != np.uint8:
                spread = values.std(0)
                self._scale[name] = values.mean(0), np.where(spread > 0, spread, 1.0)
        self._apart = {}
        for name in self._scale:
            points = self._prepare({name: features[name][:500]})[name]
            self._apart[name] = _median(squared_distance(points, points))

    def _prepare(self, features: Features) -> dict[str, Tensor]:
        out = {}
        for name, values in features.items():
            if name not in self.used_groups():
                continue
            if name in self._scale:
                centre, spread = self._scale[name]
                values = (values - centre) / spread
            out[name] = torch.from_numpy(values.astype(np.float32, copy=False))
        return out

    def _similarities(
        self, first: Mapping[str, Tensor], second: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        """Tanimoto similarities, or squared distances in medians."""
        out = {}
        for name, points in first.items():
            other = points if second is None else second[name]
            if name in self._scale:
                out[name] = squared_distance(points, other) / self._apart[name]
            else:
                out[name] = tanimoto(points, other)
        return out

    def _combine(self, blocks: Mapping[str, Tensor], kernel: Kernel) -> Tensor:
        parts = [
            weight
            * (
                squared_exponential(blocks[name], kernel.length)
                if name in self._scale
                else blocks[name]
            )
            for name, weight in kernel.weights.items()
        ]
        return sum(parts[1:], parts[0])

    def _advance(self, table: Table, rows: NDArray[np.int64]) -> None:
        """Similarities among `rows`; those of rows known from the last call are taken over."""
        place = {row: i for i, row in enumerate(self._rows.tolist())}
        known = np.array([row in place for row in rows.tolist()], np.bool_)
        old, new = (torch.from_numpy(np.flatnonzero(mask)) for mask in (known, ~known))
        before = torch.tensor([place[row] for row in rows[known].tolist()], dtype=torch.long)
        points = self._prepare(table.take(rows))
        fresh = {name: values[new] for name, values in points.items()}
        computed = self._similarities(fresh, points) if len(new) else {}
        out = {}
        for name in self._chosen().weights:
            block = torch.empty(len(rows), len(rows))
            if len(old):
                block[old[:, None], old[None]] = self._blocks[name][before[:, None], before[None]]
            if len(new):
                block[new] = computed[name]
                block[:, new] = computed[name].T
            out[name] = block
        self._blocks, self._rows = out, rows.copy()


def _standard(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float]:
    """Scores of mean zero and variance one, their mean and standard deviation."""
    mean, deviation = float(scores.mean()), float(scores.std())
    deviation = deviation if deviation > 0 else 1.0
    return (scores - mean) / deviation, mean, deviation
