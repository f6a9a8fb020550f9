"""What workers have judged so far, on disk: a screening that was killed goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from nucleate.screening.worker import Judgement, WorkItem


def chunk_digest(items: Sequence[WorkItem]) -> str:
    """Of the structures, or of the rows and their payloads."""
    found = hashlib.blake2b(digest_size=16)
    for item in items:
        if item.row is None:
            parts = [item.structure or ""]
        else:
            parts = [str(item.row.number), item.row.id, item.row.error, str(item.row.payload)]
        for part in parts:
            found.update(part.encode("utf-8", "surrogatepass") + b"\x00")
    return found.hexdigest()


class Journal:
    """Chunks of one section in their order, a line each: digest and outcomes.

    Lines of an earlier process are read back as long as they are of the same chunks; from the first
    that is not (or is torn) the file is cut and written on.

    Args:
        path: of the file.
        key: of the run; a file of another run is begun anew.
    """

    def __init__(self, path: Path, key: str):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("a+b")
        self._file.seek(0)
        head = (json.dumps({"key": key}) + "\n").encode()
        if self._file.readline() != head:
            self._file.truncate(0)
            self._file.write(head)
            self._file.flush()
        self._at = len(head)
        self._reading = True

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def read(self, items: Sequence[WorkItem]) -> list[Judgement] | None:
        """What became of the next chunk in an earlier process; None from the first that it did not
        come to."""
        if not self._reading:
            return None
        self._file.seek(self._at)
        line = self._file.readline()
        outcomes = _outcomes(line, chunk_digest(items))
        if outcomes is None:
            self._reading = False
            self._file.truncate(self._at)
            return None
        self._at += len(line)
        return outcomes

    def write(self, items: Sequence[WorkItem], judged: Sequence[Judgement]) -> None:
        """Add the next chunk."""
        self._reading = False
        outcomes = [one.to_json() for one in judged]
        text = json.dumps([chunk_digest(items), outcomes], separators=(",", ":"))
        self._file.write(text.encode() + b"\n")
        self._file.flush()


def _outcomes(line: bytes, digest: str) -> list[Judgement] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        found: list[Any] = json.loads(line)
        return [Judgement.from_json(one) for one in found[1]] if found[0] == digest else None
    except (ValueError, TypeError, IndexError):
        return None
