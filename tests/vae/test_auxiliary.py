"""Auxiliary values that only some structures have."""

from __future__ import annotations

import pytest
import torch

from nucleate.settings.model import ObjectiveSettings
from nucleate.testing.toy_schema import toy_arrays
from nucleate.vae.arrays import Batch
from nucleate.vae.evidence_lower_bound import evidence_loss, labels
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import evaluate


def _first_labelled(count: int, known: int) -> Batch:
    batch = toy_arrays(count).batch(range(count))
    value = torch.arange(count, dtype=torch.float32)[:, None] / count
    value[known:] = float("nan")
    batch.auxiliary["weight"] = value
    return batch


def test_a_rare_label_weighs_as_much_as_a_frequent_one(toy_model: VAE) -> None:
    """The mean is over the labelled rows, whatever stands beside them."""
    settings = ObjectiveSettings()
    few = evidence_loss(toy_model, *(2 * [_first_labelled(16, 4)]), settings, 0.0, sample=False)
    whole = _first_labelled(16, 4)
    alone = whole.subset(torch.arange(4))
    only = evidence_loss(toy_model, alone, alone, settings, 0.0, sample=False)
    torch.testing.assert_close(few.nats["weight"], only.nats["weight"])


def test_no_label_costs_nothing(toy_model: VAE) -> None:
    batch = _first_labelled(8, 0)
    loss = evidence_loss(toy_model, batch, batch, ObjectiveSettings(), 0.0, sample=False)
    assert float(loss.nats["weight"]) == 0.0
    assert torch.isfinite(loss.total)


def test_validation_tells_the_same_mean_as_training(toy_model: VAE) -> None:
    arrays = toy_arrays(20)
    arrays.auxiliary["weight"][7:] = float("nan")
    batch = arrays.batch(range(20))
    expected = evidence_loss(toy_model, batch, batch, ObjectiveSettings(), 0.0, sample=False)
    found = evaluate(toy_model, arrays, torch.device("cpu"))
    assert found["weight"] == pytest.approx(float(expected.nats["weight"]), rel=1e-4)
    assert found["distortion"] == pytest.approx(float(expected.distortion), rel=1e-4)


def test_labels_are_counted_by_component() -> None:
    nan = float("nan")
    value = torch.tensor([[1.0, nan], [nan, nan], [2.0, 3.0]])
    assert labels(value, 2).tolist() == [2, 1]
    assert labels(value, 1).tolist() == [2]
    assert labels(torch.tensor([1.0, nan]), 1).tolist() == [1]
