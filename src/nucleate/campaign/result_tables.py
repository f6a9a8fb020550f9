"""Tables of measurements as people write them: comma or tab separated text, parquet."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nucleate.campaign.batches import write_csv
from nucleate.core.errors import InputError
from nucleate.datasets.tabular import opened_text, parquet_rows

ENDINGS = (".csv", ".tsv", ".txt", ".parquet")
EMPTY = frozenset({"", "-", "–", "na", "n/a", "nan", "none", "null", "nd", "n.d.", "pending"})
"""Cells, in lower case, that hold no value (yet)."""
FAILED = frozenset({"failed", "fail", "failure"})
"""Words, in lower case, for what could not be made or measured."""
_BOUNDS = {">": ">", ">=": ">", "≥": ">", "<": "<", "<=": "<", "≤": "<"}
_NUMBER = re.compile(r"(>=|<=|[<>≥≤])?\s*(\S+)")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        number: one-based data row (header and empty rows not counted).
        cells: text by column, stripped.
        error: why it cannot be read; empty if it can.
        line: of the file where it begins, one-based; 0 where a file has no lines.
    """

    number: int
    cells: dict[str, str]
    error: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"line {self.line} (row {self.number})" if self.line else f"row {self.number}"


@dataclass(frozen=True)
class Cell:
    """What a cell says of a structure.

    Attributes:
        value: None where it failed.
        bound: `>` or `<` where the value is only a bound of the true one (censored).
        reason: why it failed.
    """

    value: float | None
    bound: str = ""
    reason: str = ""


def parse_cell(text: str, decimal_comma: bool = False) -> Cell | None:
    """A measurement: a number, a bound such as `>10`, or `failed: reason`; None if empty.

    Raises:
        ValueError: neither; the message says what it is.
    """
    text = text.strip()
    if text.lower() in EMPTY:
        return None
    word, _, reason = text.partition(":")
    if word.strip().lower() in FAILED:
        return Cell(None, reason=reason.strip() or "failed")
    match = _NUMBER.fullmatch(text)
    sign, digits = match.groups() if match else (None, text)
    if decimal_comma and digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    try:
        value = float(digits.replace("−", "-"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:60]!r} is not a number, a bound such as >10, or 'failed'")
    return Cell(value, _BOUNDS.get(sign or "", ""))


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
    if not path.is_file():
        raise InputError("no such file", file=path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(
            f"not a table that can be told; known endings: {', '.join(ENDINGS)} "
            "(spreadsheets can be saved as CSV)",
            file=path,
        )
    if ending == ".parquet":
        return _make_table(path, *_parquet(path), decimal_comma=False)
    with opened_text(path) as stream:
        header = stream.readline()
        stream.seek(0)
        separator = max(("\t", ";", ","), key=header.count) if ending != ".tsv" else "\t"
        lines = list(_lines(stream, separator))
    columns = [name.strip() for name in lines[0][1]] if lines else []
    return _make_table(
        path, columns, list(_rows(columns, lines[1:])), decimal_comma=separator == ";"
    )


def _make_table(path: Path, columns: list[str], rows: list[Row], decimal_comma: bool) -> Table:
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        raise InputError(f"several columns are called {repeated[0]!r}", file=path)
    if not rows:
        raise InputError("holds no rows", file=path)
    return Table(path, tuple(columns), tuple(rows), decimal_comma)


def _lines(stream: IO[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Cells with the number of the line where they begin; quoted cells may hold line ends."""
    reader = csv.reader(stream, delimiter=separator)
    start = 1
    for cells in reader:
        yield start, cells
        start = reader.line_num + 1


def _rows(columns: list[str], lines: list[tuple[int, list[str]]]) -> Iterator[Row]:
    number = 0
    for start, line in lines:
        if not any(cell.strip() for cell in line):
            continue
        number += 1
        cells = {name: cell.strip() for name, cell in zip(columns, line, strict=False)}
        more = any(cell.strip() for cell in line[len(columns) :])
        error = f"has {len(line)} cells, the header {len(columns)}" if more else ""
        yield Row(number, cells, error, start)


def _parquet(path: Path) -> tuple[list[str], list[Row]]:
    names: list[str] = []
    rows = [
        Row(number, {name: _text(value) for name, value in row.items()})
        for number, row in enumerate(parquet_rows(path, None, lambda s: names.extend(s.names)), 1)
    ]
    return names, rows


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
