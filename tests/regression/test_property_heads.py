"""Property heads: closed forms against brute force, few labels, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.core.errors import CheckpointError
from nucleate.regression.property_heads import (
    HEADS_NAME,
    _least_error,
    covariance,
    explained_variance,
    fit_head,
    load_heads,
    predict,
    save_heads,
)


def points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


@pytest.mark.parametrize("curved", [False, True])
def test_a_smooth_property_is_learnt_in_its_own_unit(curved: bool) -> None:
    def truth(z: np.ndarray) -> np.ndarray:
        value = 50 + 10 * z[:, 0] - 3 * z[:, 1]
        return (value + 8 * np.sin(2 * z[:, 2]) if curved else value).astype(np.float64)

    latents, fresh = points(200), points(100, seed=1)
    head = fit_head("pIC50", latents, truth(latents))
    assert head is not None
    assert (head.length is not None) == curved  # a straight line needs no covariance
    assert head.mean == pytest.approx(truth(latents).mean())
    found = explained_variance(truth(fresh), predict(head, fresh))
    assert found is not None
    assert found > (0.8 if curved else 0.999)
    assert head.leave_one_out_r2 == pytest.approx(found, abs=0.12)


def test_leave_one_out_is_what_leaving_out_gives() -> None:
    z = torch.from_numpy(points(15).astype(np.float64))
    labels = z[:, 0] + 0.3 * torch.randn(15, generator=torch.Generator().manual_seed(0)).double()
    length, ridge, _, error = _least_error(z, labels)
    errors = []
    for left in range(15):
        rest = [i for i in range(15) if i != left]
        gram = covariance(z[rest], z[rest], length) + ridge * torch.eye(14, dtype=torch.float64)
        guess = covariance(z[left : left + 1], z[rest], length) @ torch.linalg.solve(
            gram, labels[rest]
        )
        errors.append(float((labels[left] - guess) ** 2))
    assert error == pytest.approx(np.mean(errors), rel=1e-6)


def test_missing_labels_and_unencodable_structures_are_left_out() -> None:
    latents, values = points(40), np.arange(40.0)
    values[::2] = np.nan
    latents[1] = np.nan
    head = fit_head("x", latents, values)
    assert head is not None
    assert head.labels == 19
    assert np.isnan(predict(head, latents)[1])


@pytest.mark.parametrize("values", [np.full(40, 2.0), np.r_[np.arange(9.0), np.full(31, np.nan)]])
def test_nothing_is_fitted_to_nothing(values: np.ndarray) -> None:
    assert fit_head("x", points(40), values) is None


def test_heads_of_many_labels_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nucleate.regression.property_heads.MAXIMUM_LABELS", 30)
    head = fit_head("x", points(100), points(100)[:, 0].astype(np.float64))
    assert head is not None
    assert len(head.support) == head.labels == 30


def test_explained_variance_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert explained_variance(values, np.array([1.0, 2.0, 3.0, 9.0])) == 1.0
    # Residuals 0, 1, 0 against deviations 1, 0, 1: 1 - 1 / 2.
    assert explained_variance(values, np.array([1.0, 3.0, 3.0, 9.0])) == pytest.approx(0.5)
    assert explained_variance(values[2:], values[2:]) is None


def test_a_head_is_differentiable_and_survives_its_file(tmp_path: Path) -> None:
    latents = points(60)
    heads = [
        fit_head(name, latents, latents[:, i].astype(np.float64) ** 2)
        for i, name in enumerate(["a", "b/c"])
    ]
    kept = [head for head in heads if head is not None]
    save_heads(tmp_path, kept)
    info = json.loads(json.dumps({"properties": [head.to_json() for head in kept]}))
    loaded = load_heads(tmp_path, info)
    assert list(loaded) == ["a", "b/c"]
    np.testing.assert_array_equal(predict(loaded["b/c"], latents), predict(kept[1], latents))
    z = torch.from_numpy(latents[:3]).requires_grad_()
    loaded["a"].predict(z).sum().backward()
    assert z.grad is not None
    assert float(z.grad.abs().sum()) > 0
    assert load_heads(tmp_path, {}) == {}
    (tmp_path / HEADS_NAME).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=HEADS_NAME):
        load_heads(tmp_path, info)
