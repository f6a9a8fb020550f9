"""The tables that featurize writes: records, and rejected rows with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nucleate.core.errors import ResultsError
from nucleate.core.files import atomic_path
from nucleate.datasets.encoding import Encoded
from nucleate.datasets.rows import PAYLOAD_SHOWN, PROPERTY_PREFIX
from nucleate.datasets.splits import SPLITS
from nucleate.vae.schema import Field

RECORD_COLUMNS = ("row", "id", "structure", "key", "split", "source", "notes", "feature_index")
"""Columns of records.parquet that are not properties."""


def records(accepted: pa.Table, split: NDArray[np.int8]) -> pa.Table:
    """records.parquet from accepted rows (`rows.standardise_rows`) and their split codes [n]."""
    names = pa.DictionaryArray.from_arrays(pa.array(split, pa.int8()), pa.array(SPLITS))
    columns = {name: accepted[name] for name in ("row", "id", "structure", "key")}
    columns["split"] = names.cast(pa.string())
    columns["source"] = accepted["source"]
    columns["notes"] = accepted["told"]
    for name in accepted.column_names:
        if name.startswith(PROPERTY_PREFIX):
            columns[name.removeprefix(PROPERTY_PREFIX)] = accepted[name]
    columns["feature_index"] = pa.array(np.arange(len(accepted), dtype=np.int64))
    return pa.table(columns)


def auxiliary(accepted: pa.Table, fields: Iterable[Field]) -> dict[str, NDArray[np.float32]]:
    """Values of auxiliary fields of a schema, float32 [n, size].

    They are the property columns of the same name; NaN where missing or where there is no such
    column.
    """
    values = {}
    for f in fields:
        values[f.name] = np.full((len(accepted), f.size), np.nan, np.float32)
        if PROPERTY_PREFIX + f.name in accepted.column_names:
            column = accepted[PROPERTY_PREFIX + f.name].to_numpy()
            values[f.name][:] = column.astype(np.float32)[:, None]
    return values


def unreadable_rows(rows: pa.Table) -> pa.Table:
    """The rows that could not be standardised, as rejected rows."""
    table = rows.filter(pc.is_valid(rows["reason"]))
    return table.select(["source", "row", "id", "reason", "detail", "payload"])


def rejection_rows(rows: pa.Table, reasons: Sequence[str], details: Sequence[str]) -> pa.Table:
    """Rows that were standardised but are turned down later, as rejected rows."""
    return pa.table(
        {
            "source": rows["source"],
            "row": rows["row"],
            "id": rows["id"],
            "reason": pa.array(reasons, pa.string()),
            "detail": pa.array(details, pa.string()),
            "payload": pc.utf8_slice_codeunits(rows["structure"], 0, PAYLOAD_SHOWN),
        }
    )


def duplicate_rows(rows: pa.Table, first: NDArray[np.int64]) -> pa.Table:
    """Duplicates as rejected rows whose detail names the row that they repeat.

    Args:
        first: int64 [n], from `duplicates.find_duplicates`.
    """
    repeats = np.flatnonzero(first >= 0)
    earlier = rows.select(["source", "row", "id"]).take(first[repeats])
    details = [
        f"repeats row {row} (id {name}) of {source}"
        for source, row, name in zip(*(c.to_pylist() for c in earlier.columns), strict=True)
    ]
    return rejection_rows(rows.take(repeats), ["duplicate"] * len(repeats), details)


def unencodable_rows(rows: pa.Table, encoded: Encoded) -> pa.Table:
    """Rows that the codec's schema cannot hold, as rejected rows."""
    positions = sorted(encoded.refused)
    reasons = [encoded.refused[i][0] for i in positions]
    details = [encoded.refused[i][1] for i in positions]
    return rejection_rows(rows.take(np.array(positions, np.int64)), reasons, details)


def counts(rejected_rows: pa.Table) -> dict[str, int]:
    """Rejected rows by reason, most frequent first."""
    counted = rejected_rows["reason"].value_counts().to_pylist()
    ordered = sorted(counted, key=lambda item: (-item["counts"], item["values"]))
    return {item["values"]: int(item["counts"]) for item in ordered}


def explain(rejected_rows: pa.Table) -> str:
    """Every reason with its count and its first example, one a line; empty if there is none."""
    return "\n".join(
        f"  {reason}: {count}; first in {example}"
        for reason, count, example in examples(rejected_rows)
    )


def examples(rejected_rows: pa.Table) -> Iterator[tuple[str, int, str]]:
    """Every reason with its count and its first example."""
    for reason, count in counts(rejected_rows).items():
        matching = rejected_rows.filter(pc.equal(rejected_rows["reason"], reason))
        first = matching.slice(0, 1).to_pylist()[0]
        example = (first["detail"] or first["payload"])[:200]
        yield (
            reason,
            count,
            f"row {first['row']} (id {first['id']}) of {first['source']}: {example}",
        )


def write(path: Path, table: pa.Table) -> None:
    """Write a parquet file atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a parquet file.

    Raises:
        ResultsError: missing or damaged.
    """
    try:
        return pq.read_table(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path}: not a readable table ({error})") from None
