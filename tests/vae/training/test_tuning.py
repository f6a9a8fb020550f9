"""Tuning within a bound of forgetting, and priors moved to a small set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nucleate.settings.model import NetworkSettings, ObjectiveSettings, PriorSettings, TrainSettings
from nucleate.testing.toy_schema import SortedLegality, toy_arrays, toy_schema
from nucleate.vae.model import VAE
from nucleate.vae.prior import FlowMatchingPrior, GaussianMixturePrior
from nucleate.vae.training.prior_tuning import tune_prior
from nucleate.vae.training.tuning import SHARES, Tuner

SETTINGS = TrainSettings(
    objective=ObjectiveSettings(warm_up=0.0),
    epochs=4,
    batch=32,
    learning_rate=2e-3,
    average=0.5,
    patience=2,
)


def model() -> VAE:
    torch.manual_seed(0)
    schema = toy_schema()
    return VAE(schema, SortedLegality(schema), NetworkSettings(width=16, latent=4)).eval()


def tuner(
    folder: Path,
    recalled: Callable[[VAE], float],
    least: float = 0.5,
    pull: float = 0.0,
    settings: TrainSettings = SETTINGS,
) -> Tuner:
    return Tuner(
        model(),
        toy_arrays(128),
        toy_arrays(64, seed=1),
        settings,
        folder=folder,
        key="key",
        device="cpu",
        recalled=recalled,
        least=least,
        pull=pull,
    )


def distance(network: VAE) -> float:
    """How far a network is from where it started."""
    squares = [
        float((a - b).detach().square().sum())
        for a, b in zip(network.parameters(), model().parameters(), strict=True)
    ]
    return sum(squares) ** 0.5


def test_where_nothing_is_forgotten_the_best_epoch_is_kept(tmp_path: Path) -> None:
    run = tuner(tmp_path, lambda network: 1.0)
    state = run.run()
    kept = run.settle()
    values = [row["validation_objective"] for row in state.rows]
    assert kept.memory == 1.0
    assert kept.share == 1.0
    assert kept.objective == pytest.approx(min(values))
    assert kept.epoch == 1 + values.index(min(values))
    assert distance(run.model) > 0.1


def test_an_epoch_that_forgets_too_much_is_not_kept_and_weights_are_interpolated(
    tmp_path: Path,
) -> None:
    free = tuner(tmp_path / "free", lambda network: 1.0)
    free.run()
    far = distance(free.model)
    # Memory falls with the distance from the old weights; half the way is allowed.
    run = tuner(tmp_path / "bound", lambda network: 1 - distance(network) / far)
    state = run.run()
    kept = run.settle()
    assert max(row["validation_recalled"] for row in state.rows[1:]) < 0.5
    assert kept.memory >= 0.5
    assert distance(run.model) <= 0.5 * far
    assert kept.share in SHARES
    assert kept.objective < free.state.rows[0]["validation_objective"] + 10


def test_where_anything_new_is_too_much_the_old_weights_are_kept(tmp_path: Path) -> None:
    run = tuner(tmp_path, lambda network: float(distance(network) == 0))
    run.run()
    kept = run.settle()
    assert (kept.share, kept.epoch, kept.memory) == (0.0, 0, 1.0)
    assert distance(run.model) == 0


def test_forgetting_does_not_end_training(tmp_path: Path) -> None:
    run = tuner(tmp_path, lambda network: 0.0)
    state = run.run()
    assert len(state.rows) == 4  # and not `patience`, while one's own set improves
    assert {row["validation_objective"] for row in state.rows} == {float("inf")}


def test_the_pull_holds_weights_near_the_old_ones(tmp_path: Path) -> None:
    distances = []
    for pull in (0.0, 1000.0):
        run = tuner(tmp_path / str(pull), lambda network: 1.0, pull=pull)
        run.run()
        distances.append(distance(run.model))
    assert distances[1] < 0.7 * distances[0]


def test_a_killed_run_resumes_to_the_same_weights(tmp_path: Path) -> None:
    whole = tuner(tmp_path / "whole", lambda network: 1.0, pull=10.0)
    whole.run()
    killed = tuner(tmp_path / "killed", lambda network: 1.0, pull=10.0)
    step = killed._train_step

    def stop_at_six(rows: object) -> object:
        if killed.state.step == 6:
            killed.save()
            raise KeyboardInterrupt
        return step(rows)  # type: ignore[arg-type]

    killed._train_step = stop_at_six  # type: ignore[assignment,method-assign]
    with pytest.raises(KeyboardInterrupt):
        killed.run()
    resumed = tuner(tmp_path / "killed", lambda network: 1.0, pull=10.0)
    resumed.run()
    assert resumed.settle().share == whole.settle().share
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def encoded(count: int, centre: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mean = centre + 0.3 * torch.randn(count, 3, generator=generator)
    return mean, torch.full((count, 3), -6.0)


def fitted(kind: type, settings: PriorSettings) -> FlowMatchingPrior | GaussianMixturePrior:
    torch.manual_seed(0)
    prior = kind(3, settings)
    prior.fit(*encoded(2000, 0.0, 0), torch.Generator().manual_seed(0), lambda step, loss: None)
    return prior  # type: ignore[no-any-return]


def test_a_flow_moves_to_a_small_set_and_stops_before_it_knows_it_by_heart() -> None:
    settings = PriorSettings(kind="flow_matching", steps=100, width=32, layers=1)
    old = fitted(FlowMatchingPrior, settings)
    before = {k: v.clone() for k, v in old.state_dict().items()}
    training, judges = encoded(60, 1.0, 1), encoded(60, 1.0, 2)
    prior, figures = tune_prior(old, training, judges, steps=600, seed=0)
    draws = prior.sample(2000, torch.Generator().manual_seed(3))
    torch.testing.assert_close(draws.mean(0), torch.ones(3), atol=0.2, rtol=0)
    assert figures["held_out_flow_loss"] < figures["held_out_flow_loss_before"]
    assert figures["steps"] <= 600
    # Draws by heart would lie on the 60 points, whose own scatter is .3 in each dimension.
    nearest = torch.cdist(draws, training[0]).min(1).values
    assert float(nearest.median()) > 0.05
    for name, value in old.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_mixture_gets_no_more_components_than_points_can_bear() -> None:
    old = fitted(GaussianMixturePrior, PriorSettings(kind="gaussian_mixture", components=8))
    prior, _ = tune_prior(old, encoded(120, 1.0, 1), encoded(20, 1.0, 2), steps=1, seed=0)
    assert isinstance(prior, GaussianMixturePrior)
    assert prior.settings.components == 2
    draws = prior.sample(2000, torch.Generator().manual_seed(3))
    torch.testing.assert_close(draws.mean(0), torch.ones(3), atol=0.1, rtol=0)
