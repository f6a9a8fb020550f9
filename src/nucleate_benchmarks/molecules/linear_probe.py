"""A linear probe: how much of a property a ridge regression reads from latent vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PENALTIES = tuple(10.0**power for power in range(-3, 5))
"""Tried on a tenth of the training rows; the best is then fitted on all of them."""

Matrix = NDArray[np.floating[Any]]


def _ridge(x: Matrix, y: Matrix, penalty: float) -> Matrix:
    """Coefficients [D] of centred data by the normal equations (Hoerl and Kennard 1970)."""
    return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)


def determination(y: Matrix, predicted: Matrix) -> float:
    """R2 = 1 - residual / total sum of squares; NaN if y is constant."""
    total = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - predicted) ** 2).sum()) / total if total else float("nan")


def probe(
    train: NDArray[np.float32],
    train_values: Matrix,
    test: NDArray[np.float32],
    test_values: Matrix,
    seed: int = 0,
) -> float:
    """R2 on test molecules of a ridge regression fitted on training molecules.

    Args:
        train, test: latent vectors [n, D], [m, D].
        train_values, test_values: the property [n], [m]; rows with NaN are left out.

    Returns:
        NaN with fewer than ten training or two test rows.
    """
    known, asked = np.isfinite(train_values), np.isfinite(test_values)
    x, y = train[known].astype(np.float64), train_values[known]
    if len(x) < 10 or asked.sum() < 2:
        return float("nan")
    centre, scale = x.mean(0), np.maximum(x.std(0), 1e-9)
    x = (x - centre) / scale
    order = np.random.default_rng(seed).permutation(len(x))
    held, fitted = order[: len(x) // 10], order[len(x) // 10 :]
    mean = y[fitted].mean()
    errors = [
        float(((x[held] @ _ridge(x[fitted], y[fitted] - mean, p) + mean - y[held]) ** 2).sum())
        for p in PENALTIES
    ]
    weights = _ridge(x, y - y.mean(), PENALTIES[int(np.argmin(errors))])
    new = (test[asked].astype(np.float64) - centre) / scale
    return determination(test_values[asked], new @ weights + y.mean())
