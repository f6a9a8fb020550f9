"""Rows of draws and their table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from nucleate.datasets import tables
from nucleate.datasets.draws import SCHEMA, Draw, write_draws


def test_rows_keep_their_order_and_types(tmp_path: Path) -> None:
    drawn = Draw("CCO", np.array([0.5, -1.0], np.float32), "prior", -3.5)
    bare = Draw("CCN", None, "edit", parent="CCO", trial=7)
    rows = [drawn.row(), {**bare.row(), "score": 0.25}]
    assert list(rows[0]) == SCHEMA.names
    assert rows[0]["latent"] == [0.5, -1.0]
    write_draws(tmp_path / "draws.parquet", rows, [pa.field("score", pa.float64())])
    table = tables.read(tmp_path / "draws.parquet")
    assert table.schema.names == [*SCHEMA.names, "score"]
    assert table["score"].to_pylist() == [None, 0.25]
    assert table["trial"].to_pylist() == [None, 7]


def test_columns_are_there_without_rows(tmp_path: Path) -> None:
    write_draws(tmp_path / "none.parquet", [])
    assert tables.read(tmp_path / "none.parquet").schema.equals(SCHEMA)
