"""From the rows of a table to the lines of the log, and to the rows that cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.campaign.match_structures import Identity
from nucleate.campaign.measurements import Entry, Measurements
from nucleate.campaign.result_tables import Table
from nucleate.core.errors import InputError, StructureError
from nucleate.core.files import digest
from nucleate.datasets.cells import FAILED, Cell, parse_cell
from nucleate.datasets.tabular import Row

ID = "proposal_id"
STATUS = "status"
REASONS = ("reason", "comment", "notes")
DATES = ("date", "measured_on")
REPLICATE = "replicate"
FAR = 10.0
"""Deviations from the median beyond which a value is worth a second look."""
ENOUGH = 6
"""Values of a column from which that can be said."""


@dataclass
class Telling:
    """What a table came to.

    Attributes:
        entries: new lines of the log.
        known: cells that had been told before.
        empty: rows without any value yet.
        own: structures of the person's own, that are new to the study.
        rejected: rows that cannot be used, each with the reason.
        columns: measured ones that the table has.
        altered: rows whose structure standardising changed to another one, with that one.
        far: values far from the rest of their column, with the others' median and deviation; they
            count like any other.
    """

    columns: tuple[str, ...]
    entries: list[Entry] = field(default_factory=list)
    known: int = 0
    empty: int = 0
    own: list[str] = field(default_factory=list)
    rejected: list[tuple[Row, str]] = field(default_factory=list)
    rejected_file: Path | None = None
    altered: list[tuple[Row, str, str]] = field(default_factory=list)
    far: list[tuple[Row, Entry, float, float]] = field(default_factory=list)

    @property
    def structures(self) -> list[str]:
        """Those of which something new was told."""
        return list(dict.fromkeys(entry.structure for entry in self.entries))


@dataclass(frozen=True)
class Reading:
    """How a table is read.

    Attributes:
        columns: of the measured objectives.
        now: local time, ISO 8601: the date of what has none of its own.
        replace: whether the table's values take the place of what was told before.
        structure_column: that holds structures; found by its name if not given.
    """

    columns: tuple[str, ...]
    now: str
    replace: bool = False
    structure_column: str | None = None


def read_rows(
    table: Table, reading: Reading, identity: Identity, measurements: Measurements
) -> Telling:
    """Look at every row; nothing is written, and nothing of a bad row is taken.

    A cell counts as told before if structure, column, value, date and replicate (where the table
    has such columns) were told before, in whatever table: tables grow, and are told again. Equal
    rows of one table are repeated measurements.

    Raises:
        InputError: the table has no measured column, or nothing by which structures are known.
    """
    identifier, named = _columns(table, reading, identity)
    telling = Telling(tuple(c for c in reading.columns if c in table.columns))
    if not telling.columns and table.column(STATUS) is None:
        raise InputError(
            f"has no column {' or '.join(map(repr, reading.columns))}, which the study's "
            f"objectives measure; its columns: {', '.join(table.columns)}",
            file=table.path,
        )
    counted: Counter[str] = Counter()
    replaced: dict[tuple[str, str], list[Entry]] = {}
    rows = {row.number: row for row in table.rows}
    for row in table.rows:
        try:
            cells = _cells(row, table, telling.columns, reading.columns)
            structure, proposal = identity.find(row, identifier, named, table.path.parent)
        except (ValueError, StructureError) as error:
            telling.rejected.append((row, row.error or str(error)))
            continue
        if not cells:
            telling.empty += 1
            continue
        if not proposal and structure not in measurements.observed:
            telling.own.append(structure)
        given = identity.altered(row, identifier, named, structure)
        if given:
            telling.altered.append((row, given, structure))
        for column, cell in cells.items():
            entry = _entry(structure, proposal, column, cell, row, table, reading, counted, given)
            if reading.replace:
                replaced.setdefault((structure, column), []).append(entry)
            elif entry.digest in measurements.digests:
                telling.known += 1
            else:
                telling.entries.append(entry)
    for (structure, column), entries in replaced.items():
        telling.entries += _replace(telling, entries, measurements, structure, column)
    telling.own = list(dict.fromkeys(telling.own))
    telling.far = [
        (rows[entry.row], entry, median, deviation)
        for column in telling.columns
        for entry, median, deviation in far_away(telling.entries, measurements, column)
    ]
    return telling


def far_away(
    entries: Sequence[Entry], measurements: Measurements, column: str
) -> list[tuple[Entry, float, float]]:
    """New values that are `FAR` deviations from the median of all of their column, each with that
    median and the deviation (of a normal distribution with this median absolute deviation).

    Positive values must be so on a logarithmic scale as well: concentrations span decades.
    """
    before = [v for told in measurements.observed.values() for v in told.values.get(column, ())]
    new = [entry for entry in entries if entry.column == column and entry.value is not None]
    values = np.array([entry.value for entry in (*before, *new)], np.float64)
    if len(values) < ENOUGH:
        return []
    centre, spread = _middle(values)
    far = np.abs(values - centre) > FAR * spread
    if values.min() > 0:
        logarithms = np.log(values)
        middle, width = _middle(logarithms)
        far &= np.abs(logarithms - middle) > FAR * width
    found = far[len(before) :].tolist() if spread > 0 else []
    return [(entry, centre, spread) for entry, is_far in zip(new, found, strict=False) if is_far]


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median, and the standard deviation that the median absolute deviation stands for."""
    centre = float(np.median(values))
    return centre, 1.4826 * float(np.median(np.abs(values - centre)))


def _columns(table: Table, reading: Reading, identity: Identity) -> tuple[str | None, str | None]:
    identifier = table.column(ID)
    named = reading.structure_column
    if named is not None and named not in table.columns:
        raise InputError(
            f"has no column {named!r}; its columns: {', '.join(table.columns)}", file=table.path
        )
    named = named or table.column(*identity.columns)
    if identifier is None and named is None:
        raise InputError(
            f"has neither a column {ID!r} nor one of structures ({', '.join(identity.columns)}); "
            f"its columns: {', '.join(table.columns)}; --structure-column names another",
            file=table.path,
        )
    return identifier, named


def _cells(
    row: Row, table: Table, present: Sequence[str], measured: Sequence[str]
) -> dict[str, Cell]:
    """What a row says, by column.

    Raises:
        ValueError: the row or one of its cells cannot be read.
    """
    if row.error:
        raise ValueError(row.error)
    cells = {}
    for column in present:
        try:
            cell = parse_cell(row.cells.get(column, ""), table.decimal_comma)
        except ValueError as error:
            raise ValueError(f"{column}: {error}") from None
        if cell is not None:
            cells[column] = cell
    status = table.column(STATUS)
    word, _, reason = row.cells.get(status or "", "").partition(":")
    if word.strip().lower() in FAILED:
        stated = table.column(*REASONS)
        why = reason.strip() or row.cells.get(stated or "", "") or "failed"
        cells = {column: cells.get(column, Cell(None, reason=why)) for column in measured}
    return cells


def _entry(
    structure: str,
    proposal: str,
    column: str,
    cell: Cell,
    row: Row,
    table: Table,
    reading: Reading,
    counted: Counter[str],
    given: str,
) -> Entry:
    stated = row.cells.get(table.column(*DATES) or "", "")
    replicate = row.cells.get(table.column(REPLICATE) or "", "")
    same = digest([structure, column, cell.value, cell.bound, cell.reason, stated, replicate])
    counted[same] += 1
    return Entry(
        structure,
        "failed" if cell.value is None else "value",
        column,
        cell.value,
        cell.bound,
        cell.reason,
        proposal,
        stated or reading.now,
        table.path.name,
        row.number,
        given,
        digest([same, counted[same]])[:24],
    )


def _replace(
    telling: Telling,
    entries: list[Entry],
    measurements: Measurements,
    structure: str,
    column: str,
) -> list[Entry]:
    """The lines that put these entries in the place of what counts now; none if it is the same."""
    told = measurements.of(structure)
    now = [*told.values.get(column, ()), *told.failures.get(column, ())]
    if sorted(e.digest for e in now) == sorted(e.digest for e in entries):
        telling.known += len(entries)
        return []
    first, *rest = entries
    return [Entry(**{**vars(first), "replace": True}), *rest]
