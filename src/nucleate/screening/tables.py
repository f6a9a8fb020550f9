"""Candidates and rejected candidates as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nucleate.matter import Candidate, Matter
from nucleate.runs import atomic_path

TEXT = ("candidate_id", "score_basis", "origin", "parent", "source_id", "run", "rejected_by")
NUMBERS = ("score", "log_likelihood")
WHOLE = ("rank", "trial", "row")


def candidate_rows(
    candidates: Sequence[Candidate], matter: Matter, run: str
) -> list[dict[str, Any]]:
    """Rows of the final table, in the given order, ranked from 1.

    Args:
        run: digest of the stage's settings and inputs.
    """
    rows = []
    for rank, candidate in enumerate(candidates, 1):
        rows.append(
            {
                "candidate_id": f"{matter.name}-{rank:04d}",
                "rank": rank,
                "score": candidate.columns.get("score"),
                matter.structure_column: candidate.structure,
                **_described(matter, candidate.structure),
                **candidate.columns,
                "run": run,
            }
        )
    return rows


def _described(matter: Matter, structure: str) -> dict[str, Any]:
    try:
        return matter.describe(structure)
    except Exception:
        return {}  # a description is a convenience: without it the row is still a result


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows atomically; a column's type follows its name, else its values.

    Args:
        columns: those that must be there, in this order, even without rows; any others of the
            rows follow.
    """
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    arrays = [_array(name, [row.get(name) for row in rows]) for name in names]
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), temporary)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write the same table as text, without latent vectors."""
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    frame = pd.DataFrame(
        {name: [row.get(name) for row in rows] for name in names if name != "latent"}
    )
    for name in frame.columns:
        if name in WHOLE:
            frame[name] = frame[name].astype("Int64")
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.6g")


def _array(name: str, values: list[Any]) -> pa.Array:
    values = [_plain(value) for value in values]
    if name == "latent":
        return pa.array(values, pa.list_(pa.float32()))
    if name in TEXT:
        return pa.array(values, pa.string())
    if name in WHOLE:
        return pa.array(values, pa.int64())
    if name in NUMBERS or name.endswith("_desirability"):
        return pa.array(values, pa.float64())
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pa.array(values, pa.bool_())
    if present and all(isinstance(value, int) for value in present):
        return pa.array(values, pa.int64())
    if all(isinstance(value, (int, float)) for value in present):
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own; NaN as null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
