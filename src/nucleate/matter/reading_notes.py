"""What reading a person's rows decided and left out, and cells that are no numbers: counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nucleate.core.errors import InputError
from nucleate.matter.reader import RawRow

KEY = "reading"
"""In a stage's metrics, what `ReadingNotes.to_json` gives."""
SHOWN = 5
"""Cells of a column that are shown."""
SHOWN_NOTES = 20
"""Notes counted one by one; rarer ones are summed up."""
DETAIL_SHOWN = 200
MOSTLY = 0.5
"""Share of a column's filled cells beyond which, if they are no numbers, it is not learnt from."""


@dataclass
class ColumnCells:
    """The cells of a property's column that hold something.

    Attributes:
        numbers: how many hold a number.
        unread: how many hold something else.
        first: the first of these, with their rows.
    """

    numbers: int = 0
    unread: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, text: str, place: str) -> None:
        """Count a cell that holds no number."""
        self.unread += 1
        if len(self.first) < SHOWN:
            self.first.append(f"{text!r} ({place})")

    def __str__(self) -> str:
        rest = self.unread - len(self.first)
        more = f" and {rest:,} more" if rest else ""
        return (
            f"{self.unread:,} of {self.numbers + self.unread:,} cells that hold something are no "
            f"numbers: {', '.join(self.first)}{more}"
        )


@dataclass
class ReadingNotes:
    """Counts over the rows of files.

    Attributes:
        notes: rows by what was decided or left out (`Standardised.notes`).
        columns: cells by property column.
        rejected: by reason, how many `rows`, and the `first` of them.
    """

    notes: Counter[str] = field(default_factory=Counter)
    columns: dict[str, ColumnCells] = field(default_factory=dict)
    rejected: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, row: RawRow, notes: Iterable[str] = (), source: str = "") -> None:
        """Count a row.

        Args:
            notes: of its structure.
            source: name of its file, where there are several.
        """
        self.notes.update(notes)
        for name, value in row.properties.items():
            self.column(name).numbers += math.isfinite(value)
        place = f"row {row.number} of {source}" if source else f"row {row.number}"
        for name, text in row.unread.items():
            self.column(name).add(text, place)

    def reject(self, reason: str, first: str, rows: int = 1) -> None:
        """Count rows that were turned away.

        Args:
            first: which is the first of them, and the reason at length.
        """
        told = self.rejected.setdefault(reason, {"rows": 0, "first": first[:DETAIL_SHOWN]})
        told["rows"] += rows

    def column(self, name: str) -> ColumnCells:
        """The cells of a column."""
        return self.columns.setdefault(name, ColumnCells())

    def refuse_lost(self, name: str, file: Any) -> None:
        """Refuse a column most of whose filled cells are no numbers.

        Raises:
            InputError: shows the first ones.
        """
        cells = self.column(name)
        if cells.unread > MOSTLY * (cells.numbers + cells.unread):
            raise InputError(
                f"column {name!r}: {cells}. Correct these cells, or empty those that are to be "
                "left out: a bound, a range, a percentage or a value with its unit is not taken "
                "for a number",
                file=file,
            )

    def to_json(self) -> dict[str, Any]:
        """For a stage's metrics, `reading`: `notes` (rows by note), `unread` (by column:
        `numbers`, `unread`, `first`) and `rejected` (by reason: `rows`, `first`); nothing if there
        is nothing to tell."""
        ordered = sorted(self.notes.items(), key=lambda item: (-item[1], item[0]))
        notes = dict(ordered[:SHOWN_NOTES])
        if ordered[SHOWN_NOTES:]:
            notes["other notes"] = sum(count for _, count in ordered[SHOWN_NOTES:])
        unread = {name: vars(cells) for name, cells in self.columns.items() if cells.unread}
        told = {"notes": notes, "unread": unread, "rejected": self.rejected}
        return {KEY: told} if any(told.values()) else {}


def reading_lines(metrics: Mapping[str, Any]) -> list[str]:
    """What a person is told of the reading that a stage's metrics describe, a sentence a line."""
    told: Mapping[str, Any] = metrics.get(KEY) or {}
    notes = [f"{note}: {_rows(count)}" for note, count in told.get("notes", {}).items()]
    rejected = [
        f"rejected as {reason}: {_rows(one['rows'])}; first {one['first']}"
        for reason, one in told.get("rejected", {}).items()
    ]
    unread = [
        f"{name}: {ColumnCells(**cells)}; these count as missing"
        for name, cells in told.get("unread", {}).items()
    ]
    return [*notes, *unread, *rejected]


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def row_notes(row: RawRow, notes: Iterable[str]) -> str | None:
    """What a table says beside one row; None if there is nothing to say."""
    unread = (f"{name}: {text!r} is no number" for name, text in row.unread.items())
    return "; ".join([*notes, *unread]) or None
