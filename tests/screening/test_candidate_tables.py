"""Tables of candidates: columns keep their types whatever values a run has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from nucleate.matter.checks import Candidate
from nucleate.screening.candidate_tables import (
    candidate_rows,
    write_csv,
    write_parquet,
    write_stream,
)
from nucleate.testing.toy_matter import ToyMatter

ROWS = [
    {"rank": 1, "score": np.float32(0.5), "latent": [0.5, 1.0], "passed": True, "note": "x"},
    {"rank": 2, "score": float("nan"), "latent": [0.0, 2.0], "passed": False, "extra": 3},
]


def test_types_follow_names_then_values(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", ROWS, ["rank", "origin"])
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names[:2] == ["rank", "origin"]
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert kinds["latent"].startswith("list<")
    assert (kinds["rank"], kinds["passed"], kinds["score"]) == ("int64", "bool", "double")
    assert table["score"].to_pylist() == [0.5, None]
    assert table["origin"].to_pylist() == [None, None]


def test_a_stream_gives_the_same_tables(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", ROWS, ["rank"])
    write_csv(tmp_path / "a.csv", ROWS, ["rank"])
    write_stream(tmp_path / "b.parquet", tmp_path / "b.csv", lambda: ROWS, ["rank"])
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert "latent" not in pd.read_csv(tmp_path / "a.csv").columns


def test_candidates_are_ranked_from_one(tmp_path: Path) -> None:
    found = [Candidate("1,0,0,0", {"score": 0.9}), Candidate("2,0,0,0", {})]
    rows = candidate_rows(found, ToyMatter(), "digest")
    assert [(r["candidate_id"], r["rank"], r["score"]) for r in rows] == [
        ("toy-0001", 1, 0.9),
        ("toy-0002", 2, None),
    ]
    assert {row["run"] for row in rows} == {"digest"}
