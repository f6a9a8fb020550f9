"""Tables of measurements as people write them: comma or tab separated text, parquet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nucleate.campaign.batches import write_csv
from nucleate.core.errors import InputError
from nucleate.datasets.archives import opened
from nucleate.datasets.tabular import Row, open_table

ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".xlsx": "csv",
    ".xlsm": "csv",
}
"""Formats by a file's ending; a workbook is known by its content."""


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes:
        path: of the file.
        columns: in order.
        rows: without empty ones.
        decimal_comma: whether numbers may be written so: cells are separated by semicolons.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    decimal_comma: bool = False

    def column(self, *names: str) -> str | None:
        """The first of these columns that is there; case does not matter."""
        own = {column.lower(): column for column in reversed(self.columns)}
        return next((own[name.lower()] for name in names if name.lower() in own), None)


def read_table(path: Path) -> Table:
    """Read a whole table.

    Raises:
        InputError: missing, unreadable, empty, of another format, or with two columns of one name.
    """
    kind = ENDINGS.get(path.suffix.lower())
    if path.is_file() and kind is None:
        known = ", ".join(ENDINGS)
        raise InputError(f"not a table that can be told; known endings: {known}", file=path)
    with opened(path) as (stream, name):
        table = open_table(path, stream, name, kind or "csv")
        rows = tuple(
            replace(row, cells={name: _text(value) for name, value in row.cells.items()})
            for row in table.rows(None)
        )
    if not rows:
        raise InputError("holds no rows", file=path)
    return Table(path, table.columns, rows, table.decimal_comma)


def _text(value: Any) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value).strip()


def write_rejected(
    folder: Path, columns: Sequence[str], rejected: Sequence[tuple[Row, str]]
) -> Path | None:
    """Write rows that cannot be used, each with its number, its line and the reason.

    Returns:
        The file; the latest one if it says the same; None if there is no such row.
    """
    if not rejected:
        return None
    own = ("row", "line", "rejected_because")
    names = dict.fromkeys([*own, *(name for name in columns if name)])
    rows = [
        {**row.cells, **dict(zip(own, (row.number, row.line or None, reason), strict=True))}
        for row, reason in rejected
    ]
    number = 1 + len(list(folder.glob("rejected-*.csv")))
    path, latest = (folder / f"rejected-{n}.csv" for n in (number, number - 1))
    write_csv(path, list(names), rows)
    if latest.is_file() and latest.read_bytes() == path.read_bytes():
        path.unlink()
        return latest
    return path
