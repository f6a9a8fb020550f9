"""Candidates and rejected candidates as tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nucleate.core.files import atomic_path
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate

TEXT = (
    "candidate_id",
    "score_basis",
    "origin",
    "parent",
    "source_id",
    "run",
    "rejected_by",
    "not_judged",
)
NUMBERS = ("score", "log_likelihood")
WHOLE = ("rank", "trial", "row", "rank_tied", "tied_with", "pareto_layer")
_ROWS = 5000
"""Rows that are written together."""


def candidate_rows(
    candidates: Sequence[Candidate], matter: Matter, run: str
) -> list[dict[str, Any]]:
    """Rows of the final table, in the given order, ranked from 1.

    Args:
        run: digest of the stage's settings and inputs.
    """
    rows = []
    for rank, candidate in enumerate(candidates, 1):
        described = {
            name: value
            for name, value in _describe(matter, candidate.structure).items()
            if f"{name}_desirability" not in candidate.columns  # an objective's has all its digits
        }
        rows.append(
            {
                "candidate_id": f"{matter.name}-{rank:04d}",
                "rank": rank,
                "score": candidate.columns.get("score"),
                matter.structure_column: candidate.structure,
                **described,
                **candidate.columns,
                **described,  # what a draw or a check has noted may be of an earlier structure
                "run": run,
            }
        )
    return rows


def _describe(matter: Matter, structure: str) -> dict[str, Any]:
    try:
        return matter.export.describe(structure)
    except Exception:
        return {}  # a description is a convenience: without it the row is still a result


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows atomically; a column's type follows its name, else its values.

    Args:
        columns: those that must be there, in this order, even without rows; any others of the
            rows follow.
    """
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    arrays = {}
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = {_kind(_plain(value)) for value in values}
        arrays[name] = _to_array(pa.field(name, _type(name, kinds)), values)
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(arrays), temporary)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write the same table as text, without latent vectors."""
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    with atomic_path(path) as temporary:
        _frame(rows, names).to_csv(temporary, index=False, float_format="%.6g")


def write_stream(
    parquet: Path,
    csv: Path,
    rows: Callable[[], Iterable[Mapping[str, Any]]],
    columns: Sequence[str],
) -> None:
    """Write rows that need not fit into memory, as both files.

    Args:
        rows: gives all of them; called twice, first to see which columns there are.
        columns: see `write_parquet`.
    """
    kinds: dict[str, set[str]] = {name: set() for name in columns}
    for row in rows():
        for name, value in row.items():
            kinds.setdefault(name, set()).add(_kind(_plain(value)))
    schema = pa.schema([pa.field(name, _type(name, found)) for name, found in kinds.items()])
    with (
        atomic_path(parquet) as binary,
        atomic_path(csv) as text,
        pq.ParquetWriter(binary, schema) as writer,
    ):
        _frame([], schema.names).to_csv(text, index=False)
        every = iter(rows())
        while part := list(islice(every, _ROWS)):
            arrays = [_to_array(field, [row.get(field.name) for row in part]) for field in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            frame = _frame(part, schema.names)
            frame.to_csv(text, mode="a", header=False, index=False, float_format="%.6g")


def _frame(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pd.DataFrame:
    """Rows as text goes, without latent vectors."""
    shown = [name for name in names if name != "latent"]
    frame = pd.DataFrame({name: [row.get(name) for row in rows] for name in shown})
    for name in frame.columns:
        if name in WHOLE:
            frame[name] = frame[name].astype("Int64")
    return frame


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _type(name: str, kinds: set[str]) -> pa.DataType:
    """A column's type by its name, else by the kinds of its values."""
    found = kinds - {"nothing"}
    if name == "latent":
        return pa.list_(pa.float32())
    if name in TEXT:
        return pa.string()
    if name in WHOLE:
        return pa.int64()
    if name in NUMBERS or name.endswith("_desirability"):
        return pa.float64()
    if found == {"bool"}:
        return pa.bool_()
    if found == {"int"}:
        return pa.int64()
    return pa.float64() if found <= {"int", "float", "bool"} else pa.string()


def _to_array(field: pa.Field, values: list[Any]) -> pa.Array:
    values = [_plain(value) for value in values]
    if field.type == pa.float64():
        values = [None if value is None else float(value) for value in values]
    elif field.type == pa.string():
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, field.type)


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own; NaN as null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
