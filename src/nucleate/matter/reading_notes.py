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
        more = ", ..." if self.unread > len(self.first) else ""
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
    """

    notes: Counter[str] = field(default_factory=Counter)
    columns: dict[str, ColumnCells] = field(default_factory=dict)

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
        """For a stage's metrics, `reading`: `notes` (rows by note) and `unread` (by column:
        `numbers`, `unread`, `first`); nothing if there is nothing to tell."""
        ordered = sorted(self.notes.items(), key=lambda item: (-item[1], item[0]))
        notes = dict(ordered[:SHOWN_NOTES])
        if ordered[SHOWN_NOTES:]:
            notes["other notes"] = sum(count for _, count in ordered[SHOWN_NOTES:])
        unread = {name: vars(cells) for name, cells in self.columns.items() if cells.unread}
        return {KEY: {"notes": notes, "unread": unread}} if notes or unread else {}


def reading_lines(metrics: Mapping[str, Any]) -> list[str]:
    """What a person is told of the reading that a stage's metrics describe, a sentence a line."""
    told: Mapping[str, Any] = metrics.get(KEY) or {}
    notes = [
        f"{note}: {count:,} row{'s' * (count != 1)}"
        for note, count in told.get("notes", {}).items()
    ]
    unread = [
        f"{name}: {ColumnCells(**cells)}; these count as missing"
        for name, cells in told.get("unread", {}).items()
    ]
    return [*notes, *unread]


def row_notes(row: RawRow, notes: Iterable[str]) -> str | None:
    """What a table says beside one row; None if there is nothing to say."""
    unread = (f"{name}: {text!r} is no number" for name, text in row.unread.items())
    return "; ".join([*notes, *unread]) or None
