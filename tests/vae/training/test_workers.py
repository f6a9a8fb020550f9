"""Training shared among processes: the same gradients, the same weights each time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nucleate.core.errors import ResultsError
from nucleate.settings.model import NetworkSettings, ObjectiveSettings, TrainSettings
from nucleate.testing.toy_schema import SortedLegality, toy_arrays, toy_schema
from nucleate.vae.evidence_lower_bound import evidence_loss
from nucleate.vae.model import VAE
from nucleate.vae.training.trainer import Trainer
from nucleate.vae.training.workers import GradientWorkers, pack, unpack


def _model() -> VAE:
    schema = toy_schema()
    torch.manual_seed(0)
    return VAE(schema, SortedLegality(schema), NetworkSettings(width=32, latent=8))


def test_shares_travel_unchanged() -> None:
    batch = toy_arrays(10).batch(range(10))
    again = unpack(pack(batch.subset(torch.tensor([1, 4, 7])), seed=1, beta=0.5))
    own = toy_arrays(10).batch([1, 4, 7])
    for name, values in own.steps.items():
        torch.testing.assert_close(again.steps[name], values, equal_nan=True)
    assert again.length.tolist() == own.length.tolist()


def test_workers_add_the_gradients_of_their_shares() -> None:
    model = _model().train()
    settings = ObjectiveSettings(word_dropout=0.0)
    batch = toy_arrays(12).batch(range(12))
    first, second = batch.subset(torch.arange(0, 12, 2)), batch.subset(torch.arange(1, 12, 2))
    workers = GradientWorkers(model, settings, 1)
    try:
        workers.start([pack(second, seed=5, beta=0.1)])
        (terms,) = workers.finish([0.5])
        found = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        assert len(found) == len(list(model.parameters()))
        # A worker that was killed is missed at the next step.
        workers.workers[0].process.kill()
        workers.workers[0].process.join()

        def step() -> None:
            workers.start([pack(first, seed=5, beta=0.1)])
            workers.finish([0.5])

        with pytest.raises(ResultsError, match="worker died"):
            step()
    finally:
        workers.close()
    model.zero_grad(set_to_none=True)
    torch.manual_seed(5)
    loss = evidence_loss(model, second, second, settings, 0.1)
    (0.5 * loss.total).backward()
    assert terms["distortion"] == pytest.approx(float(loss.distortion.detach()), rel=1e-5)
    for value, parameter in zip(found, model.parameters(), strict=True):
        own = torch.zeros_like(value) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(value, own, atol=1e-5, rtol=1e-4)


def test_two_runs_of_two_processes_agree(tmp_path: Path) -> None:
    weights = []
    for name in ("first", "second"):
        trainer = Trainer(
            _model(),
            toy_arrays(100),
            toy_arrays(20, seed=1),
            TrainSettings(epochs=8, batch=16, processes=2),
            folder=tmp_path / name,
            key="k",
            seed=3,
            device="cpu",
        )
        state = trainer.run()
        assert state.rows[-1]["train_distortion"] < state.rows[0]["train_distortion"]
        weights.append({k: v.clone() for k, v in trainer.model.state_dict().items()})
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=0)
