"""A Gaussian process on structures: what a search expects of those that it has not scored.

The covariance is a weighted sum of one kernel for each group of features: Tanimoto similarity of
bits (positive definite: Gower 1971), a squared exponential of numbers. Weights and noise are those
of the largest marginal likelihood on a small grid (Rasmussen and Williams 2006, equation 5.8): with
some hundred scores, which features matter is known better than how much. Comparing structures, not
latent vectors, is what makes a surrogate of few scores useful in a large latent space (Moss et al.,
"COWBOYS", arXiv:2507.03910; Tripp et al., arXiv:2406.07709).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Features = Mapping[str, NDArray[Any]]
"""Features of n structures by group name (see `nucleate.matter.variation.Comparison`)."""
NOISES = (1e-4, 1e-3, 1e-2, 0.1)
"""Variances of the noise that are tried, in variances of the scores."""
LENGTHS = (1.0, 3.0)
"""Lengths of the squared exponential that are tried, in median distances."""
TRIED = 400
"""Scores that weights and noise are chosen on at most."""


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


def tanimoto(first: Tensor, second: Tensor) -> Tensor:
    """Similarity of bits, [n, B] and [m, B] -> [n, m]; two empty vectors are alike."""
    common = first @ second.T
    either = first.sum(1)[:, None] + second.sum(1)[None] - common
    return torch.where(either > 0, common / either.clamp(min=1.0), torch.ones_like(common))


def squared_distance(first: Tensor, second: Tensor) -> Tensor:
    """[n, F], [m, F] -> [n, m]."""
    out = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    return out.clamp(min=0)


def resemblance(features: Features) -> NDArray[np.float32]:
    """Tanimoto similarities of n structures by their first group of bits; by squared distance of
    the first group of numbers if there is none, [n, n]."""
    bits = [rows for rows in features.values() if rows.dtype == np.uint8]
    if bits:
        points = torch.from_numpy(bits[0].astype(np.float32))
        return tanimoto(points, points).numpy()
    points = torch.from_numpy(np.asarray(next(iter(features.values())), np.float32))
    apart = squared_distance(points, points)
    middle = apart[apart > 0].median() if (apart > 0).any() else torch.tensor(1.0)
    return torch.exp(-apart / middle).numpy()


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
        weights: of the groups, in their order; they sum to one.
        length: of the squared exponential, in median distances.
        noise: variance, in variances of the scores.
    """

    weights: tuple[float, ...]
    length: float
    noise: float


class Surrogate:
    """The process itself. `fit`, then `predict`; `choose` now and then, before `fit`."""

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
        blocks = self._similarities(self._prepared(features), None)
        target = torch.from_numpy(_standard(scores)[0])
        best: tuple[float, Kernel] | None = None
        for weights in _weights(len(self.names)):
            lengths = (
                LENGTHS if any(w and self._numbers(n) for w, n in self._pairs(weights)) else (1.0,)
            )
            for length in lengths:
                covariance = self._combined(blocks, weights, length).double()
                values, vectors = torch.linalg.eigh(covariance)
                turned = (vectors.T @ target) ** 2
                for noise in NOISES:
                    spread = values.clamp(min=0) + noise
                    # The amplitude of the kernel has a closed form, given the share of noise.
                    amplitude = float((turned / spread).mean().clamp(min=1e-12))
                    fit = -0.5 * len(target) * np.log(amplitude) - 0.5 * float(spread.log().sum())
                    if best is None or fit > best[0]:
                        best = fit, Kernel(weights, length, noise)
        assert best is not None
        self.kernel = best[1]
        self._rows = np.zeros(0, np.int64)  # numbers are standardised anew: forget the blocks
        return self.kernel

    def fit(self, table: Table, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        """Condition on some rows of a table, whose scores are [n].

        Similarities of rows that were there at the last call are kept: a search adds few each time.
        """
        if self.kernel is None:
            raise ValueError("Surrogate.fit needs choose() first")
        self._advance(table, rows)
        target, self._mean, self._deviation = _standard(scores)
        covariance = self._combined(self._blocks, self.kernel.weights, self.kernel.length).double()
        eye = torch.eye(len(rows), dtype=torch.float64)
        self._factor = torch.linalg.cholesky(covariance + (self.kernel.noise + 1e-6) * eye)
        y = torch.from_numpy(target)[:, None]
        self._alpha = torch.cholesky_solve(y, self._factor)
        self._amplitude = float((y * self._alpha).mean().clamp(min=1e-6))
        self._inverse = torch.linalg.inv(self._factor).float()
        self._support = self._prepared(table.take(rows))

    def used(self) -> list[str]:
        """Groups of features that predictions need."""
        weights = self.kernel.weights if self.kernel else (1.0,) * len(self.names)
        return [name for name, weight in zip(self.names, weights, strict=True) if weight]

    def predict(self, features: Features) -> Prediction:
        """Mean and deviation at structures, in the unit of the scores."""
        assert self.kernel is not None
        points = self._prepared(features)
        blocks = self._similarities(points, self._support)
        cross = self._combined(blocks, self.kernel.weights, self.kernel.length)  # m x n
        mean = (cross @ self._alpha.float())[:, 0]
        explained = ((cross @ self._inverse.T) ** 2).sum(1)
        variance = self._amplitude * (1.0 - explained).clamp(min=1e-8)
        scale = self._deviation
        return Prediction(
            self._mean + scale * mean.double().numpy(), scale * variance.sqrt().double().numpy()
        )

    def sample(
        self, features: Features, draws: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draws from the joint posterior at structures, [draws, n], in the unit of the scores."""
        assert self.kernel is not None
        points = self._prepared(features)
        weights, length = self.kernel.weights, self.kernel.length
        cross = self._combined(self._similarities(points, self._support), weights, length)
        own = self._combined(self._similarities(points, points), weights, length).double()
        mean = (cross.double() @ self._alpha)[:, 0]
        part = (cross @ self._inverse.T).double()
        covariance = own - part @ part.T
        # Rounding may have made it indefinite.
        values, vectors = torch.linalg.eigh(covariance)
        root = vectors * (self._amplitude * values.clamp(min=0)).sqrt()
        noise = torch.from_numpy(rng.standard_normal((draws, len(mean))))
        found: NDArray[np.float64] = (mean + noise @ root.T).numpy()
        return self._mean + self._deviation * found

    # Kernels

    def _numbers(self, name: str) -> bool:
        return name in self._scale

    def _pairs(self, weights: Sequence[float]) -> list[tuple[float, str]]:
        return list(zip(weights, self.names, strict=True))

    def _standardise(self, features: Features) -> None:
        self.names = tuple(features)
        self._scale: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        for name, values in features.items():
            if values.dtype != np.uint8:
                spread = values.std(0)
                self._scale[name] = values.mean(0), np.where(spread > 0, spread, 1.0)
        self._median = {}
        for name in self._scale:
            points = self._prepared({name: features[name][:500]})[name]
            apart = squared_distance(points, points)
            self._median[name] = float(apart[apart > 0].median()) if (apart > 0).any() else 1.0

    def _prepared(self, features: Features) -> dict[str, Tensor]:
        out = {}
        used = self.used()
        for name, values in features.items():
            if name not in used:
                continue
            if name in self._scale:
                centre, spread = self._scale[name]
                out[name] = torch.from_numpy((values - centre) / spread).float()
            else:
                out[name] = torch.from_numpy(values.astype(np.float32))
        return out

    def _similarities(
        self, first: Mapping[str, Tensor], second: Mapping[str, Tensor] | None
    ) -> dict[str, Tensor]:
        """Tanimoto similarities, or squared distances in medians."""
        out = {}
        for name, points in first.items():
            other = points if second is None else second[name]
            if self._numbers(name):
                out[name] = squared_distance(points, other) / self._median[name]
            else:
                out[name] = tanimoto(points, other)
        return out

    def _combined(
        self, blocks: Mapping[str, Tensor], weights: Sequence[float], length: float
    ) -> Tensor:
        total: Tensor | None = None
        for weight, name in self._pairs(weights):
            if not weight:
                continue
            part = blocks[name]
            if self._numbers(name):
                part = torch.exp(-0.5 * part / length**2)
            total = weight * part if total is None else total + weight * part
        assert total is not None
        return total

    def _advance(self, table: Table, rows: NDArray[np.int64]) -> None:
        """Similarities among `rows`; those of rows known from the last call are taken over."""
        place = {row: i for i, row in enumerate(self._rows.tolist())}
        old = [i for i, row in enumerate(rows.tolist()) if row in place]
        new = [i for i, row in enumerate(rows.tolist()) if row not in place]
        before = torch.tensor([place[int(rows[i])] for i in old], dtype=torch.long)
        points = self._prepared(table.take(rows))
        fresh = {name: values[new] for name, values in points.items()}
        computed = self._similarities(fresh, points) if new else {}
        out = {}
        assert self.kernel is not None
        for weight, name in self._pairs(self.kernel.weights):
            if not weight:
                continue
            block = torch.empty(len(rows), len(rows))
            kept = torch.tensor(old, dtype=torch.long)
            if old:
                block[kept[:, None], kept[None]] = self._blocks[name][before[:, None], before[None]]
            if new:
                block[new] = computed[name]
                block[:, new] = computed[name].T
            out[name] = block
        self._blocks, self._rows = out, rows.copy()


def _weights(groups: int) -> list[tuple[float, ...]]:
    """Ways to share out one among groups: one alone, two or three alike."""
    return [
        tuple(1.0 / count if g in chosen else 0.0 for g in range(groups))
        for count in range(1, min(groups, 3) + 1)
        for chosen in itertools.combinations(range(groups), count)
    ]


def _standard(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, float]:
    """Scores of mean zero and variance one, their mean and standard deviation."""
    mean, deviation = float(scores.mean()), float(scores.std())
    deviation = deviation if deviation > 0 else 1.0
    return (scores - mean) / deviation, mean, deviation
