"""The journal of a screening, on disk: one that was killed goes on from there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from nucleate.datasets.resumable import LineLog
from nucleate.screening.check_worker import Judgement, WorkItem


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


class Journal(LineLog):
    """Chunks of one section in their order, a line each: digest and outcomes.

    Lines of an earlier process are read back as long as they are of the same chunks; from the first
    that is not (or is torn) the file is cut and written on.

    Args:
        path: of the file.
        key: of the run; a file of another run is begun anew.
    """

    def __init__(self, path: Path, key: str):
        super().__init__(path, {"key": key})
        self._reading = True

    def read(self, items: Sequence[WorkItem]) -> list[Judgement] | None:
        """What became of the next chunk in an earlier process; None from the first that it did not
        come to."""
        if not self._reading:
            return None
        try:
            digest, outcomes = self.next()
            if digest == chunk_digest(items):
                return [Judgement.from_json(one) for one in outcomes]
        except (ValueError, TypeError):
            pass
        self._reading = False
        self.cut()
        return None

    def add(self, items: Sequence[WorkItem], judged: Sequence[Judgement]) -> None:
        """Add the next chunk."""
        self._reading = False
        self.write([chunk_digest(items), [one.to_json() for one in judged]])
