"""The journal of a screening."""

from __future__ import annotations

from pathlib import Path

from nucleate.matter.checks import Verdict
from nucleate.matter.reader import RawRow
from nucleate.screening.check_worker import Judgement, WorkItem
from nucleate.screening.journal import Journal, chunk_digest

FIRST, SECOND, OTHER = ([WorkItem(name)] for name in ("CCO", "CCN", "CCC"))


def judged(value: float) -> list[Judgement]:
    verdict = Verdict(False, value, "too large", {"mass": 46.0}, "CC")
    return [
        Judgement("CCO", verdicts=[verdict], seconds=[0.25], raw=[1.0], notes=["left out sodium"])
    ]


def test_what_was_judged_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "section.jsonl"
    with Journal(path, "key") as journal:
        assert journal.read(FIRST) is None
        journal.add(FIRST, judged(1.0))
        journal.add(SECOND, judged(2.0))
    with Journal(path, "key") as journal:
        assert journal.read(FIRST) == judged(1.0)
        assert journal.read(OTHER) is None  # from here on it is written anew
        assert journal.read(SECOND) is None
        journal.add(OTHER, judged(3.0))
    with Journal(path, "key") as journal:
        assert [journal.read(items) for items in (FIRST, OTHER)] == [judged(1.0), judged(3.0)]
    with Journal(path, "another key") as journal:
        assert journal.read(FIRST) is None


def test_chunks_are_told_apart_by_structures_or_rows() -> None:
    rows = [[WorkItem(None, row=RawRow(1, "a", payload))] for payload in ("CCO", "CCN")]
    digests = {chunk_digest(items) for items in (FIRST, SECOND, *rows)}
    assert len(digests) == 4
    assert chunk_digest([WorkItem("CCO", {"score": 1.0})]) == chunk_digest(FIRST)
