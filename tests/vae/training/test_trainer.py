"""Training: it learns, it stops, and a killed run resumes to the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from nucleate.settings.model import NetworkSettings, ObjectiveSettings, TrainSettings
from nucleate.testing.toy_schema import SortedLegality, toy_arrays, toy_schema
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import encode_all, evaluate
from nucleate.vae.training.trainer import RESUME_NAME, Trainer, bucketed_batches

T = TypeVar("T")


def trainer(folder: Path, key: str = "k", **changes: object) -> Trainer:
    schema = toy_schema()
    torch.manual_seed(0)
    model = VAE(schema, SortedLegality(schema), NetworkSettings(width=32, latent=8, dropout=0.1))
    settings = TrainSettings(objective=ObjectiveSettings(beta=0.01), epochs=4, batch=32).model_copy(
        update=changes
    )
    return Trainer(
        model,
        toy_arrays(300),
        toy_arrays(60, seed=1),
        settings,
        folder=folder,
        key=key,
        seed=3,
        device="cpu",
    )


def test_a_killed_run_resumes_to_the_same_weights(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.run()

    # Saved after every step, so that the kill falls right behind a checkpoint.
    killed = trainer(tmp_path / "killed", checkpoint_minutes=1e-9)
    step, steps = killed._train_step, 0

    def dies(rows: np.ndarray) -> object:
        nonlocal steps
        steps += 1
        if steps == 17:
            raise KeyboardInterrupt
        return step(rows)

    killed._train_step = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        killed.run()
    resumed = trainer(tmp_path / "killed")
    resumed.run()
    assert resumed.state.step == whole.state.step
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, rtol=0, atol=0)
    assert len((tmp_path / "killed" / "curves.csv").read_text().splitlines()) == 5


def test_training_lowers_the_validation_loss(tmp_path: Path) -> None:
    run = trainer(tmp_path, epochs=8)
    before = evaluate(run.model, run.validation, run.device)
    run.run()
    after = evaluate(run.model, run.validation, run.device)
    assert after["distortion"] < 0.9 * before["distortion"]
    assert after["token_accuracy"] > before["token_accuracy"]


def test_a_state_of_other_settings_or_a_damaged_one_is_not_resumed(tmp_path: Path) -> None:
    trainer(tmp_path).run()
    other = trainer(tmp_path, key="other")
    other._resume()
    assert other.state.step == 0
    path = tmp_path / RESUME_NAME
    path.write_bytes(path.read_bytes()[:1000])
    damaged = trainer(tmp_path)
    damaged._resume()
    assert damaged.state.step == 0


def test_early_stopping_keeps_the_best_weights(tmp_path: Path) -> None:
    run = trainer(tmp_path, epochs=30, patience=2, learning_rate=0.3)
    state = run.run()
    assert len(state.rows) < 30
    best = min(row["validation_objective"] for row in state.rows)
    scores = evaluate(run.model, run.validation, run.device)
    assert scores["distortion"] + 0.01 * scores["rate"] == pytest.approx(best, rel=1e-4)


def test_batches_cover_everything_once_and_group_lengths() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, 1000)
    batches = bucketed_batches(lengths, 32, np.random.default_rng(1))
    assert sorted(np.concatenate(batches)) == list(range(1000))
    spread = np.mean([np.ptp(lengths[rows]) for rows in batches])
    assert spread < 5


def test_encoding_keeps_the_order(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    mean, log_variance = encode_all(run.model, run.validation, run.device)
    one = run.model.encode(run.validation.batch([7]))
    torch.testing.assert_close(
        torch.from_numpy(mean[7]), one.mean[0].detach(), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(
        torch.from_numpy(log_variance[7]), one.log_variance[0].detach(), atol=1e-5, rtol=1e-4
    )


class Clock:
    """A clock that moves only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slow(self, function: Callable[..., T], seconds: float) -> Callable[..., T]:
        """The function, which takes so long now."""

        def slowed(*arguments: object) -> T:
            self.now += seconds
            return function(*arguments)

        return slowed


@pytest.mark.parametrize(("limit", "seconds", "steps"), [(30, 27, 30), (13, 9, 10), (0, 4.5, 1)])
def test_a_limit_of_time_covers_validation_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, seconds: float, steps: int
) -> None:
    clock = Clock()
    monkeypatch.setattr("nucleate.vae.training.trainer.time.monotonic", clock)
    limited = trainer(tmp_path, epochs=1000, patience=1000)
    limited.seconds = limit
    limited._train_step = clock.slow(limited._train_step, 0.5)  # type: ignore[method-assign]
    limited._validate = clock.slow(limited._validate, 4.0)  # type: ignore[method-assign]
    state = limited.run()
    assert (clock.now, state.step) == (seconds, steps)  # ends where no more of it fits
    assert state.elapsed == seconds
    assert state.seconds == 0.5 * steps
    assert state.finished


def test_the_limit_is_that_of_the_settings(tmp_path: Path) -> None:
    assert trainer(tmp_path, maximum_minutes=2.0).seconds == 120
    assert trainer(tmp_path).seconds == math.inf
