"""Ragged arrays: what goes in comes out, padded or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.testing.toy_schema import toy_arrays, toy_schema
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.schema import Field, Record, Schema


def assert_equal(first: RaggedArrays, second: RaggedArrays) -> None:
    assert len(first) == len(second)
    for name, values in first.arrays().items():
        np.testing.assert_array_equal(values, second.arrays()[name])


def test_save_and_load(tmp_path: Path) -> None:
    arrays = toy_arrays(20)
    arrays.save(tmp_path / "features.npz")
    assert_equal(arrays, RaggedArrays.load(tmp_path / "features.npz", toy_schema()))


def test_a_truncated_file_and_another_schema_are_named(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    toy_arrays(20).save(path)
    other = Schema("other", (), (Field("token", "categorical", 9),), 5)
    with pytest.raises(CheckpointError, match=r"features\.npz.*token"):
        RaggedArrays.load(path, other)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"features\.npz"):
        RaggedArrays.load(path, toy_schema())


def test_subset_and_records_round_trip() -> None:
    arrays = toy_arrays(15)
    order = np.array([3, 0, 14, 3])
    rebuilt = RaggedArrays.from_records(
        arrays.schema,
        [arrays.record(int(i)) for i in order],
        {k: v[order] for k, v in arrays.auxiliary.items()},
    )
    assert_equal(arrays.subset(order), rebuilt)


def test_a_batch_ends_with_the_stop_step() -> None:
    arrays = toy_arrays(9)
    batch = arrays.batch(range(9))
    for row, length in enumerate(arrays.lengths):
        record = arrays.record(row)
        np.testing.assert_array_equal(batch.steps["letter"][row, :length], record.steps["letter"])
        assert (batch.steps["letter"][row, length:] == 0).all()
        assert bool(batch.steps["angle"][row, length:].isnan().all())
    np.testing.assert_array_equal(batch.step_mask().sum(1), arrays.lengths + 1)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (
            {"letter": np.array([], int), "colour": np.array([], int), "angle": np.array([])},
            "empty",
        ),
        ({k: np.ones(7) for k in ("letter", "colour", "angle")}, "too_long"),
        ({"letter": np.ones(2), "colour": np.ones(1), "angle": np.ones(2)}, "not_in_schema"),
        ({"letter": np.array([9]), "colour": np.ones(1), "angle": np.ones(1)}, "not_in_schema"),
    ],
)
def test_records_that_the_schema_cannot_hold_are_refused(steps: dict, reason: str) -> None:
    with pytest.raises(StructureError) as error:
        Record({"group": 1, "cell": np.zeros(2)}, steps).check(toy_schema())
    assert error.value.reason == reason
