"""Where candidates come from: draws of earlier stages, or a person's file."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from nucleate.core.manifest import Manifest
from nucleate.datasets import tables
from nucleate.datasets.count_rows import expected_rows
from nucleate.datasets.rows import group_rows, payload_shown, text_length
from nucleate.datasets.sources import resolve
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate
from nucleate.matter.reader import RawRow
from nucleate.matter.reading_notes import row_notes
from nucleate.screening.check_worker import Judgement, WorkItem
from nucleate.screening.funnel import Funnel, Step, count_reasons, general
from nucleate.screening.rejections import Rejected, Rejections
from nucleate.settings.data import DatasetSettings

SAME = "equal to another, merged with it"
SMALL_BYTES = 100_000
_JOINED = ("origin", "source_id")


def from_draws(draws: Sequence[Manifest]) -> Funnel:
    """Candidates of the draws' parquet files, equal structures merged.

    Raises:
        ResultsError: a file is missing or damaged.
    """
    rows: list[dict[str, Any]] = []
    for manifest in draws:
        for output in manifest.outputs:
            if not output.name.endswith(".parquet"):
                continue
            rows += tables.read(manifest.path(output.name)).to_pylist()
    candidates = []
    refused = []
    for row in rows:
        structure = row.pop("structure", None)
        if structure is None:
            reason = str(row.get("reason") or "decoded to no structure")
            refused.append(Rejected(Candidate("", row), "draw", f"draw: {reason}"))
        else:
            candidates.append(Candidate(structure, row))
    return _merge_equal(
        "draw", "Draws that decode to a structure; equal ones count once", candidates, refused
    )


class Rows:
    """The rows of a file or folder of structures, read as a stream.

    Rows that are no structure become rejected rows; equal structures become one candidate, whose
    `source_id` names all rows.

    Args:
        source: what to read.

    Attributes:
        total: number of rows, roughly; None if it cannot be told beforehand.
        step: the funnel's first line.

    Raises:
        InputError: a file as a whole is unreadable, empty or lacks a named column.
    """

    def __init__(self, source: DatasetSettings, matter: Matter, mirror: str | None = None):
        self.sources = resolve(source, matter.name, mirror)
        self.matter = matter
        self.total = expected_rows(self.sources)
        what = "Rows that can be read and standardised; equal ones count once"
        self.step = Step("standardise", what, 0)
        self._reasons = Counter[str]()
        self._seen: set[bytes] = set()
        self._kept: dict[bytes, Candidate] = {}

    def small(self) -> bool:
        """Whether starting processes would take longer than reading the files."""
        files = all(one.path.is_file() for one in self.sources)
        return files and sum(one.path.stat().st_size for one in self.sources) < SMALL_BYTES

    def chunks(self, size: int) -> Iterator[list[WorkItem]]:
        """Rows as items, few at a time: fewer where they are long."""
        items = (
            WorkItem(None, {} if len(self.sources) == 1 else {"source": source.name}, row)
            for source in self.sources
            for row in self.matter.reader.read_rows(source.path, source.settings)
        )
        return group_rows(items, lambda item: text_length(_row(item)), size)

    def take(self, item: WorkItem, judged: Judgement, funnel: Funnel) -> Candidate | None:
        """The candidate that a row made; None if it made none or an earlier row made the same."""
        row = _row(item)
        columns: dict[str, Any] = {"origin": "file", "source_id": row.id, "row": row.number}
        columns |= item.columns
        columns |= {
            f"given_{name}": None if math.isnan(value) else value
            for name, value in row.properties.items()
        }
        told = row_notes(row, judged.notes)
        if told is not None:
            columns["notes"] = told
        funnel.reading.add(row, judged.notes, item.columns.get("source", ""))
        self.step.entered += 1
        if judged.seconds:
            self.step.seconds = round(self.step.seconds + judged.seconds[0], 6)
        if judged.refused is not None or judged.structure is None:
            reason = ": ".join(part for part in judged.refused or () if part)
            self._reasons[general(reason)] += 1
            columns["payload"] = payload_shown(row)
            funnel.rejected.append(Rejected(Candidate("", columns), self.step.check, reason))
            return None
        if judged.structure and not self._new(judged.structure, row.id):
            return None
        self.step.passed += 1
        return Candidate(judged.structure, columns)

    def _new(self, structure: str, row: str) -> bool:
        key = _digest(structure)
        if key not in self._seen:
            self._seen.add(key)
            return True
        self._reasons[SAME] += 1
        twin = self._kept.get(key)
        if twin is not None:
            twin.columns["source_id"] = f"{twin.columns['source_id']}+{row}"
        return False

    def keep(self, candidate: Candidate) -> None:
        """Hold a candidate that passed the first checks."""
        entered = candidate.columns.get("decoded_structure", candidate.structure)
        self._kept[_digest(entered)] = candidate

    def survivors(self) -> list[Candidate]:
        """The candidates held, in order; the first line's reasons are counted up."""
        self.step.reasons = count_reasons(self._reasons)
        self.step.seconds = round(self.step.seconds, 3)
        return list(self._kept.values())


def _row(item: WorkItem) -> RawRow:
    if item.row is None:
        raise TypeError("a candidate where a row is due")
    return item.row


def _digest(structure: str) -> bytes:
    return hashlib.blake2b(structure.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _merge_equal(
    name: str, description: str, candidates: list[Candidate], refused: list[Rejected]
) -> Funnel:
    """The funnel's first step: refused rows leave, equal structures become one candidate."""
    kept: dict[str, Candidate] = {}
    for candidate in candidates:
        first = kept.setdefault(candidate.structure, candidate)
        if first is not candidate:
            kept[candidate.structure] = _join(first, candidate)
    step = Step(name, description, len(candidates) + len(refused), len(kept))
    step.reasons = count_reasons([item.reason for item in refused])
    if len(kept) < len(candidates):
        step.reasons[SAME] = len(candidates) - len(kept)
    return Funnel(list(kept.values()), Rejections(refused), [step])


def _join(first: Candidate, second: Candidate) -> Candidate:
    """The scored one of two equal candidates, or the likelier, with the origins of both."""
    better, other = first, second
    if _merit(second) > _merit(first):
        better, other = second, first
    for column in _JOINED:
        parts = [
            part
            for candidate in (first, second)
            for part in str(candidate.columns.get(column) or "").split("+")
        ]
        if any(parts):
            better.columns[column] = "+".join(dict.fromkeys(part for part in parts if part))
    for column, value in other.columns.items():
        if better.columns.get(column) is None:
            better.columns[column] = value
    return better


def _merit(candidate: Candidate) -> tuple[bool, float]:
    likelihood = candidate.columns.get("log_likelihood")
    return candidate.columns.get("score") is not None, (
        -math.inf if likelihood is None else float(likelihood)
    )
