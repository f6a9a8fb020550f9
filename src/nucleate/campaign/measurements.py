"""Measurements: a file that only grows, and what follows from it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from nucleate.core.errors import ResultsError
from nucleate.core.files import write_text

LOG = Path("told") / "measurements.jsonl"
"""Within the study's folder."""
WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Entry:
    """One line: a value or a failure of one structure in one column, or that it was given up.

    Attributes:
        kind: `value`, `failed` or `withdrawn`.
        column: of the measured objective; empty for `withdrawn`.
        value: in the column's own unit; None where there is none.
        bound: `>` or `<` if the value is only a bound of the true one.
        reason: why it failed or was given up.
        proposal: id of the structure's proposal; empty if it is the person's own.
        date: when it was measured if the table says so, else when it was told.
        file: name of the table.
        row: in it, one-based.
        given: the structure as the table has it, where standardising made another one of it.
        digest: by which the same cell of the same table is known again.
        replace: whether what was told before of this structure and column no longer counts.
    """

    structure: str
    kind: str
    column: str = ""
    value: float | None = None
    bound: str = ""
    reason: str = ""
    proposal: str = ""
    date: str = ""
    file: str = ""
    row: int = 0
    given: str = ""
    digest: str = ""
    replace: bool = False


@dataclass
class Observations:
    """What counts of one structure: values and failures by column, in the order told."""

    proposal: str = ""
    values: dict[str, list[Entry]] = field(default_factory=dict)
    failures: dict[str, list[Entry]] = field(default_factory=dict)
    withdrawn: Entry | None = None

    def mean(self, column: str) -> float:
        """Mean of the values, bounds taken as they are; NaN if there is none."""
        values = [entry.value for entry in self.values.get(column, ()) if entry.value is not None]
        return sum(values) / len(values) if values else math.nan

    def failure(self, columns: Iterable[str]) -> str:
        """Why one of these columns has no value and will get none; empty if none has failed.

        A value counts more than a failure, whichever came first.
        """
        for column in columns:
            failed = self.failures.get(column)
            if failed and not self.values.get(column):
                return f"{column}: {failed[-1].reason}"
        return ""

    def missing(self, columns: Iterable[str]) -> list[str]:
        """Columns of which nothing is known yet."""
        return [c for c in columns if not self.values.get(c) and not self.failures.get(c)]

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that counts by column, for a trial's attributes."""
        keep = ("value", "bound", "reason", "date", "file", "row")
        columns = dict.fromkeys([*self.values, *self.failures])
        return {
            column: [
                {key: value for key, value in asdict(entry).items() if key in keep and value != ""}
                for entry in (*self.values.get(column, ()), *self.failures.get(column, ()))
            ]
            for column in columns
        }


class Measurements:
    """What follows from the lines of a log.

    Attributes:
        entries: all lines.
        told: by structure, in the order in which something was first told of them.
        digests: of all cells that were ever taken.
    """

    def __init__(self, entries: Iterable[Entry] = ()):
        self.entries: list[Entry] = []
        self.observed: dict[str, Observations] = {}
        self.digests: set[str] = set()
        self.add(entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take in further lines."""
        for entry in entries:
            self.entries.append(entry)
            self.digests.add(entry.digest)
            told = self.observed.setdefault(entry.structure, Observations())
            told.proposal = told.proposal or entry.proposal
            if entry.kind == WITHDRAWN:
                told.withdrawn = entry
                continue
            if entry.replace:
                told.values.pop(entry.column, None)
                told.failures.pop(entry.column, None)
            kept = told.values if entry.kind == "value" else told.failures
            kept.setdefault(entry.column, []).append(entry)

    def of(self, structure: str) -> Observations:
        """What was told of a structure; empty if nothing was."""
        return self.observed.get(structure) or Observations()


def read_log(folder: Path) -> Measurements:
    """Everything that was told of a study.

    Raises:
        ResultsError: a line is damaged; names it.
    """
    path = folder / LOG
    if not path.exists():
        return Measurements()
    known = {f.name for f in fields(Entry)}
    entries = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: cannot be read ({error})") from None
    for number, line in enumerate(lines, 1):
        try:
            # A later version may have written more; what is known of it suffices.
            values = {key: value for key, value in json.loads(line).items() if key in known}
            entries.append(Entry(**values))
        except (ValueError, TypeError, AttributeError) as error:
            raise ResultsError(f"{path}: line {number} is damaged ({error})") from None
    return Measurements(entries)


def append_log(folder: Path, entries: Sequence[Entry]) -> None:
    """Add lines: all of them or, if the process dies, none.

    Raises:
        ResultsError: the folder cannot be written.
    """
    path = folder / LOG
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.dumps(asdict(entry), ensure_ascii=False) for entry in entries]
    write_text(path, before + "".join(line + "\n" for line in lines))
