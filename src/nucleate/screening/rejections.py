"""Rejected candidates: on disk beyond some number, so that memory does not grow with a file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from nucleate.matter.checks import Candidate
from nucleate.screening.check_worker import plain_value

IN_MEMORY = 20_000


@dataclass(frozen=True)
class Rejected:
    """A candidate that was turned away, with the name of the step and a sentence."""

    candidate: Candidate
    rejected_by: str
    reason: str


class Rejections:
    """Rejected candidates in the order in which they were rejected.

    Args:
        in_memory: the latest ones that are not written to a temporary file.
    """

    def __init__(self, rejected: Iterable[Rejected] = (), in_memory: int = IN_MEMORY):
        self._latest: list[Rejected] = []
        self._in_memory, self._written = in_memory, 0
        self._file: IO[str] | None = None
        self.extend(rejected)

    def append(self, rejected: Rejected) -> None:
        """Add one."""
        self._latest.append(rejected)
        if len(self._latest) > self._in_memory:
            self._write()

    def extend(self, rejected: Iterable[Rejected]) -> None:
        """Add some."""
        for one in rejected:
            self.append(one)

    def __len__(self) -> int:
        return self._written + len(self._latest)

    def __iter__(self) -> Iterator[Rejected]:
        if self._file is not None:
            self._file.seek(0)
            for line in self._file:
                structure, columns, by, reason = json.loads(line)
                yield Rejected(Candidate(structure, columns), by, reason)
        yield from self._latest

    def _write(self) -> None:
        if self._file is None:
            # The file goes with this object: it outlives it only until the process ends.
            self._file = tempfile.TemporaryFile("w+", encoding="utf-8", prefix="nucleate-")  # noqa: SIM115
        self._file.seek(0, 2)
        for one in self._latest:
            values = [one.candidate.structure, one.candidate.columns, one.rejected_by, one.reason]
            self._file.write(json.dumps(values, default=plain_value) + "\n")
        self._file.flush()
        self._written += len(self._latest)
        self._latest.clear()
