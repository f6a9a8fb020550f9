"""Noise levels, paths, predictors and steering, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from nucleate.core.settings import validate
from nucleate.generation.bandit import ThompsonBandit
from nucleate.generation.latent_sources import PathSource, arc_points, blend
from nucleate.generation.steering import Steering
from nucleate.matter import registry
from nucleate.regression.latent_linear import Corrected
from nucleate.settings.sample import Window


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2..3", 2, 3),
        ("-1.5..-1", -1.5, -1),
        (">=2", 2, None),
        ("<= 3e1", None, 30),
        ("..3", None, 3),
        ("2..", 2, None),
    ],
)
def test_windows_as_written(text: str, low: float | None, high: float | None) -> None:
    window = validate(Window, Window.model_validate(text).model_dump(), "test")
    assert (window.low, window.high) == (low, high)
    assert Window.model_validate(str(window)) == window


def test_arm_that_yields_is_chosen_and_forgotten_when_spent() -> None:
    arms, generator = ThompsonBandit(3), np.random.default_rng(0)
    chosen = np.repeat([0, 1, 2], 100)
    arms.learn(chosen, chosen == 1)
    assert (arms.choose(1000, generator) == 1).mean() > 0.95
    for _ in range(12):
        arms.learn(np.full(100, 1), np.zeros(100, bool))
    assert (arms.choose(1000, generator) == 1).mean() < 0.2


def test_arc_of_two_orthogonal_vectors() -> None:
    first, second = np.array([[2.0, 0.0]] * 3, np.float32), np.array([[0.0, 4.0]] * 3, np.float32)
    points = arc_points(first, second, np.array([0.0, 0.5, 1.0], np.float32))
    # Half way: 45 degrees, length (2 + 4) / 2.
    half = 3 / np.sqrt(2)
    assert points == pytest.approx(np.array([[2, 0], [half, half], [0, 4]]), abs=1e-3)


def test_arc_of_equal_vectors_stays_there() -> None:
    same = np.array([[1.0, 2.0, 3.0]], np.float32)
    assert arc_points(same, same, np.array([0.3], np.float32)) == pytest.approx(same, rel=1e-2)


def test_noise_keeps_the_variance_and_correlates_as_told() -> None:
    latents = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    amplitude = np.full(len(latents), 0.6, np.float32)
    out = blend(latents, amplitude, np.random.default_rng(1))
    assert out.std() == pytest.approx(1.0, abs=0.02)
    assert np.corrcoef(out[:, 0], latents[:, 0])[0, 1] == pytest.approx(0.8, abs=0.02)


SLOPE = torch.tensor([1.0, 2.0, 0.0])


def line(latent: Tensor) -> Tensor:
    return latent @ SLOPE


def test_correction_finds_bias_and_slope() -> None:
    generator = np.random.default_rng(0)
    latents = generator.normal(size=(5000, 3)).astype(np.float32)
    true = 0.5 * (latents @ SLOPE.numpy()) + 3.0 + 0.1 * generator.normal(size=5000)
    true[::7] = np.nan
    for base in (line, None):
        corrected = Corrected(base, 3)
        corrected.learn(latents, true)
        probe = torch.eye(3)
        assert corrected(probe).tolist() == pytest.approx([3.5, 4.0, 3.0], abs=0.06)


def test_too_little_is_not_learnt_from() -> None:
    corrected = Corrected(None, 2)
    corrected.learn(np.ones((5, 2), np.float32), np.arange(5.0))
    assert corrected(torch.ones(1, 2)).item() == 0


def test_steering_is_the_conditional_mean() -> None:
    """Two dimensions of variances 1 and 4: the move from z is S w (t - w z) / (w S w)."""
    generator = np.random.default_rng(0)
    draws = (generator.normal(size=(50_000, 2)) * [1.0, 2.0]).astype(np.float32)
    weights = torch.tensor([1.0, 1.0])
    steering = Steering(
        {"p": Window(low=3.0, high=3.0)}, {"p": Corrected(lambda z: z @ weights, 2)}, draws
    )
    moved = steering.move(np.array([[0.0, 0.0], [1.0, 2.0]], np.float32), generator)
    assert moved[0] == pytest.approx([0.6, 2.4], abs=0.03)
    assert moved[1] == pytest.approx([1.0, 2.0], abs=1e-5)  # inside already


def test_steering_meets_several_windows_of_a_curved_predictor() -> None:
    generator = np.random.default_rng(0)
    draws = generator.normal(size=(4000, 4)).astype(np.float32)
    steering = Steering(
        {"a": Window(low=1.0, high=1.5), "b": Window(low=2.0)},
        {
            "a": Corrected(lambda z: torch.tanh(z[:, 0]) + z[:, 1], 4),
            "b": Corrected(lambda z: z[:, 2] + 0.5 * z[:, 1], 4),
        },
        draws,
    )
    moved = steering.move(draws[:500], generator)
    a = np.tanh(moved[:, 0]) + moved[:, 1]
    b = moved[:, 2] + 0.5 * moved[:, 1]
    assert ((a > 0.95) & (a < 1.55)).mean() > 0.95
    assert (b > 1.95).mean() > 0.95
    assert np.abs(moved[:, 3] - draws[:500, 3]).max() < 0.3  # tells nothing of either


def test_steering_without_knowledge_leaves_all_where_it_is() -> None:
    draws = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    steering = Steering({"a": Window(low=5.0)}, {"a": Corrected(None, 2)}, draws)
    assert (steering.move(draws, np.random.default_rng(1)) == draws).all()


def test_steering_does_not_leave_the_prior_behind() -> None:
    draws = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    steering = Steering({"a": Window(low=100.0)}, {"a": Corrected(lambda z: z[:, 0], 2)}, draws)
    moved = steering.move(np.zeros((10, 2), np.float32), np.random.default_rng(1))
    assert np.abs(moved).max() < 8.5  # two moves of four standard deviations


def test_moving_that_does_not_pay_is_given_up() -> None:
    generator = np.random.default_rng(0)
    draws = generator.normal(size=(500, 2)).astype(np.float32)
    steering = Steering({"a": Window(low=3.0)}, {"a": Corrected(lambda z: z[:, 0], 2)}, draws)
    for _ in range(3):
        moved = (steering.steer(draws, generator) != draws).any(1)
        steering.learn(draws, {"a": np.full(len(draws), np.nan)}, ~moved)
    assert (steering.steer(draws, generator) != draws).any(1).mean() < 0.05


@pytest.mark.parametrize(
    ("matter", "column", "sign"), [("molecules", "similarity", 1), ("crystals", "distance", -1)]
)
def test_path_takes_the_nearest_of_each_place(matter: str, column: str, sign: int) -> None:
    near = [(0.1, 0.2, 0.0), (0.12, 0.9, 0.0), (0.9, 0.0, 0.3), (0.88, 0.5, 0.6), (0.5, 0.4, 0.4)]
    rows = [
        {"share": share, f"{column}_first": sign * first, f"{column}_second": sign * second}
        for share, first, second in near
    ]
    source = PathSource.__new__(PathSource)
    source.guide = registry.get(matter).guide
    assert [row["share"] for row in source.choose(rows, 2)] == [0.12, 0.88]
    assert [row["share"] for row in source.choose(rows, 5)] == [0.1, 0.12, 0.5, 0.88, 0.9]
