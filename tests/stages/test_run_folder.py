"""A run's own tables, joined over kinds of matter."""

from __future__ import annotations

import math

import pyarrow as pa

from nucleate.stages.run_folder import joined_tables


def test_columns_without_any_value_take_the_type_of_the_others() -> None:
    molecules = pa.table({"limited": ["qed", None], "score": [0.5, 0.25], "rank": [1, 2]})
    crystals = pa.table({"limited": [math.nan], "score": [1.0], "hull": pa.nulls(1, pa.string())})
    joined = joined_tables([molecules, crystals])
    assert joined.to_pydict() == {
        "limited": ["qed", None, None],
        "score": [0.5, 0.25, 1.0],
        "rank": [1, 2, None],
        "hull": [None, None, None],
    }
    assert joined.schema.field("limited").type == pa.string()


def test_an_empty_table_joins_any() -> None:
    empty = pa.table({"score": pa.array([], pa.string())})
    assert joined_tables([empty, pa.table({"score": [1.5]})]).to_pydict() == {"score": [1.5]}
