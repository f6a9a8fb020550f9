"""Moving latent vectors to where properties lie in their windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.generation.bandit import ThompsonBandit
from nucleate.regression.latent_linear import Corrected
from nucleate.settings.sample import Window

_ROUNDS = 2
"""Linearisations; a linear head needs one."""
_LONGEST = 4.0
"""Longest move, in standard deviations of the prior."""
_MARGIN = 0.3
"""Mean distance beyond a window's only end that is aimed at, in standard deviations."""
_RIDGE = 1e-3
_ENOUGH = 20


class Steering:
    """Moves latent vectors by the least distance, measured by the prior, that brings predicted
    properties to points within their windows.

    For properties v(z) with slopes G [k, D] and the prior's covariance S [D, D] that is
    z + S G' (G S G')^-1 (t - v(z)): the conditional mean of a Gaussian with covariance S, given
    the properties (Rasmussen and Williams 2006, A.6).

    Args:
        windows: by property.
        predictors: of the same properties.
        draws: from the prior or of the training set, [n, D].
    """

    def __init__(
        self,
        windows: Mapping[str, Window],
        predictors: Mapping[str, Corrected],
        draws: NDArray[np.float32],
    ):
        self.windows, self.predictors = dict(windows), dict(predictors)
        self.draws = torch.from_numpy(draws)
        self.covariance = torch.cov(self.draws.T)
        # A poor prediction must not be worse than none: whether to move is learnt as well.
        self._bandit = ThompsonBandit(2)
        self._moved_rows = np.zeros(0, np.int64)
        # What predictions are too high by where vectors were moved to, which is where few of the
        # draws lie that a line is fitted to.
        self._bias = torch.zeros(len(self.predictors))

    def learn(
        self,
        latents: NDArray[np.float32],
        values: Mapping[str, NDArray[np.float64]],
        kept: NDArray[np.bool_],
    ) -> None:
        """Take in the last round: latent vectors [n, D], properties by name [n], and which were
        kept [n]."""
        self._bandit.learn(self._moved_rows, kept)
        moved = self._moved_rows == 1
        for column, (name, predictor) in enumerate(self.predictors.items()):
            predictor.learn(latents, values[name])
            there = moved & np.isfinite(values[name])
            if there.sum() >= _ENOUGH:
                with torch.no_grad():
                    predicted = predictor(torch.from_numpy(latents[there])).numpy()
                self._bias[column] = float(np.median(predicted - values[name][there]))

    def steer(
        self, latents: NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """Latent vectors [n, D], moved as far as moving has paid so far."""
        self._moved_rows = self._bandit.choose(len(latents), generator)
        moved = self.move(latents, generator)
        return np.where(self._moved_rows[:, None] == 1, moved, latents)

    def move(
        self, latents: NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """Latent vectors [n, D], all moved."""
        vectors = torch.from_numpy(latents)
        spread = self._predict(self.draws)[0].std(0)  # [k]
        if not bool((spread > 1e-6).any()):
            return latents  # nothing is known of any property yet
        targets = self._targets(self._predict(vectors)[0], spread, generator)
        for _ in range(_ROUNDS):
            vectors = self._step(vectors, targets, spread.clamp(min=1e-6))
        return vectors.numpy()

    def _step(self, vectors: Tensor, targets: Tensor, spread: Tensor) -> Tensor:
        values, slopes = self._predict(vectors)
        slopes = slopes / spread[:, None]  # [n, k, D], in standard deviations
        missing = ((targets - values) / spread)[:, :, None]  # [n, k, 1]
        towards = slopes @ self.covariance  # [n, k, D]
        matrix = towards @ slopes.transpose(1, 2)
        matrix = matrix + _RIDGE * torch.eye(matrix.shape[1])
        weights = torch.linalg.solve(matrix, missing)  # [n, k, 1]
        length = (weights * (matrix @ weights)).sum((1, 2)).clamp(min=1e-12).sqrt()
        weights = weights * (_LONGEST / length).clamp(max=1.0)[:, None, None]
        return vectors + (towards.transpose(1, 2) @ weights)[:, :, 0]

    def _predict(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Properties [n, k] and their slopes [n, k, D]."""
        values, slopes = [], []
        for predictor in self.predictors.values():
            point = vectors.detach().clone().requires_grad_(True)
            value = predictor(point)
            slopes.append(torch.autograd.grad(value.sum(), point)[0])
            values.append(value.detach())
        return torch.stack(values, 1) - self._bias, torch.stack(slopes, 1)

    def _targets(self, values: Tensor, spread: Tensor, generator: np.random.Generator) -> Tensor:
        """Where to go, [n, k]: nowhere from inside a window, else to a random place inside."""
        targets = values.numpy().copy()
        for column, window in enumerate(self.windows.values()):
            value = targets[:, column]
            low = -np.inf if window.low is None else window.low
            high = np.inf if window.high is None else window.high
            outside = (value < low) | (value > high)
            aimed = _draw_inside(low, high, _MARGIN * float(spread[column]), len(value), generator)
            targets[:, column] = np.where(outside, aimed, value)
        return torch.from_numpy(targets)


def _draw_inside(
    low: float, high: float, margin: float, count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Random values in a window; near its end if it has only one."""
    if np.isfinite(low) and np.isfinite(high):
        return generator.uniform(low, high, count)
    away = generator.exponential(max(margin, 1e-9), count)
    return low + away if np.isfinite(low) else high - away
