"""The linear algebra of kernel regression, against formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.regression.kernel_regression import (
    Posterior,
    Spectrum,
    ridge_slope,
    squared_distance,
    squared_exponential,
    tanimoto,
)


@pytest.fixture
def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.normal(size=(25, 3)))
    gram = squared_exponential(squared_distance(points, points), 1.3)
    return points, gram, torch.from_numpy(rng.normal(size=25))


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 10.0])
def test_every_way_gives_the_same_weights(problem, ridge: float) -> None:
    _, gram, values = problem
    expected = torch.linalg.solve(gram + ridge * torch.eye(25, dtype=torch.float64), values)
    assert Spectrum(gram, values).weights(ridge).numpy() == pytest.approx(expected.numpy())
    assert Posterior(gram, ridge).weights(values)[:, 0].numpy() == pytest.approx(expected.numpy())


def test_the_likelihood_is_that_of_a_normal_distribution(problem) -> None:
    _, gram, values = problem
    spectrum = Spectrum(gram, values)

    def direct(noise: float) -> float:
        inside = gram + noise * torch.eye(25, dtype=torch.float64)
        amplitude = float(values @ torch.linalg.solve(inside, values)) / 25
        normal = torch.distributions.MultivariateNormal(
            torch.zeros(25, dtype=torch.float64), amplitude * inside
        )
        return float(normal.log_prob(values))

    constant = direct(0.1) - spectrum.log_likelihood(0.1)
    for noise in (1e-3, 0.01, 1.0):
        assert direct(noise) - spectrum.log_likelihood(noise) == pytest.approx(constant)


def test_what_is_explained_is_what_a_solve_gives(problem) -> None:
    points, gram, _ = problem
    others = points[:4] + 0.3
    cross = squared_exponential(squared_distance(others, points), 1.3)
    inside = gram + 0.1 * torch.eye(25, dtype=torch.float64)
    expected = cross @ torch.linalg.solve(inside, cross.T)
    part = Posterior(gram, 0.1).whitened(cross)
    assert (part @ part.T).numpy() == pytest.approx(expected.numpy())
    fast = Posterior(gram, 0.1, torch.float32).whitened(cross.float())
    assert (fast @ fast.T).numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_ridge_slope_is_kernel_regression_with_a_linear_kernel() -> None:
    rng = np.random.default_rng(1)
    points, values = rng.normal(size=(30, 4)), rng.normal(size=30)
    weights = Spectrum(torch.from_numpy(points @ points.T), torch.from_numpy(values)).weights(2.0)
    assert ridge_slope(points, values, 2.0) == pytest.approx(points.T @ weights.numpy())


def test_similarities_and_distances_by_hand() -> None:
    bits = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    third = pytest.approx(1 / 3)
    assert tanimoto(bits, bits).tolist() == [[1, third, 0], [third, 1, 0], [0, 0, 1]]
    assert squared_distance(bits, bits).tolist() == [[0, 2, 2], [2, 0, 2], [2, 2, 0]]
