"""The Gaussian process against its definition, worked out by dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.regression.gaussian_process import (
    Kernel,
    Surrogate,
    Table,
    squared_distance,
    tanimoto,
)


def features(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "bits": (rng.random((count, 40)) < 0.3).astype(np.uint8),
        "noise": (rng.random((count, 40)) < 0.5).astype(np.uint8),
        "numbers": rng.normal(size=(count, 3)).astype(np.float32),
    }


def table_of(rows: dict[str, np.ndarray]) -> Table:
    table = Table()
    table.append(rows)
    return table


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_tanimoto_is_intersection_over_union(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.random((5, 12)) < 0.4), (rng.random((4, 12)) < 0.4)
    found = tanimoto(torch.tensor(a).float(), torch.tensor(b).float()).numpy()
    for i, one in enumerate(a):
        for j, two in enumerate(b):
            union = (one | two).sum()
            assert found[i, j] == pytest.approx((one & two).sum() / union if union else 1.0)


def test_similarities_of_bits_are_positive_definite() -> None:
    bits = torch.from_numpy(features(200)["bits"]).float()
    assert float(torch.linalg.eigvalsh(tanimoto(bits, bits).double()).min()) > -1e-5


def _dense(
    train: dict[str, np.ndarray], y: np.ndarray, test: dict[str, np.ndarray], noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of a process on the bits alone."""
    a, b = (torch.from_numpy(rows["bits"]).float() for rows in (train, test))
    inside = tanimoto(a, a).double().numpy() + (noise + 1e-6) * np.eye(len(y))
    cross = tanimoto(b, a).double().numpy()
    target = (y - y.mean()) / y.std()
    alpha = np.linalg.solve(inside, target)
    amplitude = float((target * alpha).mean())
    variance = amplitude * (1 - np.einsum("ij,ij->i", cross, np.linalg.solve(inside, cross.T).T))
    return y.mean() + y.std() * (cross @ alpha), y.std() * np.sqrt(variance)


def test_predictions_are_those_of_a_gaussian_process() -> None:
    train, test = features(60), features(20, seed=1)
    y = np.random.default_rng(2).normal(size=60)
    surrogate = Surrogate()
    surrogate.choose(train, y)
    surrogate.kernel = Kernel({"bits": 1.0}, 1.0, 0.01)
    surrogate.fit(table_of(train), np.arange(60), y)
    found = surrogate.predict(test)
    mean, deviation = _dense(train, y, test, 0.01)
    assert found.mean == pytest.approx(mean, abs=1e-3)
    assert found.deviation == pytest.approx(deviation, rel=1e-2)


def test_draws_have_the_mean_and_deviation_of_predictions() -> None:
    train, test = features(40), features(15, seed=1)
    y = train["numbers"][:, 0].astype(float)
    surrogate = Surrogate()
    surrogate.choose(train, y)
    surrogate.fit(table_of(train), np.arange(40), y)
    drawn = surrogate.sample(test, 20_000, np.random.default_rng(0))
    expected = surrogate.predict(test)
    assert drawn.mean(0) == pytest.approx(expected.mean, abs=0.05)
    assert drawn.std(0) == pytest.approx(expected.deviation, rel=0.05)


@pytest.mark.parametrize("group", ["bits", "numbers"])
def test_the_features_that_explain_scores_are_chosen(group: str) -> None:
    rows = features(200)
    y = rows[group][:, :3].astype(float).sum(1)
    kernel = Surrogate().choose(rows, y)
    assert kernel.weights[group] >= 0.5
    assert "noise" not in kernel.weights  # a group that has nothing to say


def test_only_groups_that_count_are_needed_for_predictions() -> None:
    rows = features(100)
    y = rows["numbers"][:, 0].astype(float)
    surrogate = Surrogate()
    surrogate.choose(rows, y)
    surrogate.fit(table_of(rows), np.arange(100), y)
    used = surrogate.used_groups()
    assert "noise" not in used
    some = {name: rows[name][:5] for name in used}
    assert surrogate.predict(some).mean == pytest.approx(
        surrogate.predict({k: v[:5] for k, v in rows.items()}).mean
    )


def test_a_fit_with_rows_kept_from_the_last_one_is_a_fit_from_scratch() -> None:
    rows = features(80)
    y = rows["numbers"].sum(1).astype(float)
    table, test = table_of(rows), features(10, seed=3)
    one, two = Surrogate(), Surrogate()
    one.choose(rows, y)
    two.choose(rows, y)
    one.fit(table, np.arange(0, 50), y[:50])
    later = np.concatenate([np.arange(10, 40), np.arange(60, 80)])
    one.fit(table, later, y[later])
    two.fit(table, later, y[later])
    assert one.predict(test).mean == pytest.approx(two.predict(test).mean, abs=1e-4)


def test_equal_scores_and_empty_bits_are_no_trouble() -> None:
    rows = {"bits": np.zeros((30, 8), np.uint8)}
    surrogate = Surrogate()
    surrogate.choose(rows, np.zeros(30))
    surrogate.fit(table_of(rows), np.arange(30), np.zeros(30))
    found = surrogate.predict(rows)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.deviation).all()


def test_a_table_grows_and_keeps_its_rows() -> None:
    table, whole = Table(), features(3000)
    for start in range(0, 3000, 700):
        table.append({k: v[start : start + 700] for k, v in whole.items()})
    some = np.array([0, 699, 700, 2999])
    for name, rows in table.take(some).items():
        assert (rows == whole[name][some]).all()
    assert squared_distance(torch.zeros(1, 2), torch.ones(1, 2)).item() == 2.0
