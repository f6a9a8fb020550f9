"""Drives candidates through the checks: in worker processes where a check allows it.

A file's rows are read as a stream: standardised and put through the first checks in one go, so
that what is in memory are the candidates that passed these, not the file. Rows or candidates that
hang or kill their process become rejected rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from nucleate.core.parallel import Failure, default_processes, map_isolated
from nucleate.core.progress import bar
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate, Check, CheckContext, EachCheck
from nucleate.objectives.objective import Objective
from nucleate.screening import check_worker as judging
from nucleate.screening.check_worker import STANDARDISE, Judgement, WorkItem
from nucleate.screening.funnel import Funnel
from nucleate.screening.intake import Rows
from nucleate.screening.journal import Journal
from nucleate.screening.sections import FunnelBookkeeping, Section, split
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings

Rank = Callable[[Funnel], None]
ROW_SECONDS = 30.0
"""Limit for reading and standardising one row, where the settings name none."""


@dataclass(frozen=True)
class Limits:
    """What a screening may use.

    Attributes:
        processes: workers; 0 does all here, where nothing can be stopped.
        seconds: of one candidate in one check.
        folder: for the journal of a screening that may be killed.
        key: of the run; the journal of another one is not used.
        standardise: options for rows of files.
    """

    processes: int
    seconds: float
    folder: Path
    key: str
    standardise: Mapping[str, Any] = field(default_factory=dict)


class Engine:
    """A funnel of checks and what they work with.

    Args:
        tables: of the settings, a name and options for each check.
        context: of the checks that are done here; workers get it without what is known.
        objective: that ranks; if its terms are cheap, workers compute them along with the first
            checks, and it is told.
    """

    def __init__(
        self,
        matter: Matter,
        checks: Sequence[Check],
        tables: Sequence[dict[str, Any]],
        context: CheckContext,
        limits: Limits,
        objective: Objective | None = None,
    ):
        self.matter, self.context, self.limits = matter, context, limits
        self.objective = objective if objective is not None and objective.is_cheap else None
        self.sections = split(checks, tables)
        self.reused = 0
        self._number = 0

    def run(self, funnel: Funnel, rank: Rank, rows: Rows | None = None) -> None:
        """Put candidates, or the rows of files, through all checks.

        Args:
            rank: called once, before the first expensive check (if there is none, before the first
                that compares candidates): puts the funnel's candidates in order.
        """
        sections = list(self.sections)
        done: list[EachCheck] = []
        if rows is not None:
            first = Section((), (), True)
            if sections and sections[0].independent and not sections[0].expensive:
                first = sections.pop(0)
            self._rows(first, funnel, rows)
            done += _cheap(first)
        turn = next(
            (n for n, section in enumerate(sections) if section.expensive),
            next((n for n, section in enumerate(sections) if not section.independent), None),
        )
        for number, section in enumerate(sections):
            if number == turn:
                rank(funnel)
            before = {id(one): one.structure for one in funnel.candidates}
            if section.independent:
                self._candidates(section, funnel)
            else:
                funnel.apply(section.checks[0])
            if section.expensive:
                replaced = [one for one in funnel.candidates if before[id(one)] != one.structure]
                funnel.judge_again(replaced, done)
            done += _cheap(section)
        if turn is None:
            rank(funnel)

    def _rows(self, section: Section, funnel: Funnel, rows: Rows) -> None:
        """Read rows, standardise them, and put them through the first section."""
        books = FunnelBookkeeping(section.checks, funnel)
        with bar(description="screen", total=rows.total, unit="row") as progress:
            for items, outcomes in self._judge(section, rows.chunks(section.chunk)):
                for item, judged in zip(items, outcomes, strict=True):
                    candidate = rows.take(item, judged, funnel)
                    if candidate is not None and books.add(candidate, judged):
                        self._remember(candidate, judged)
                        rows.keep(candidate)
                progress.update(len(items))
        funnel.candidates = rows.survivors()
        funnel.steps.append(rows.step)
        books.close()

    def _candidates(self, section: Section, funnel: Funnel) -> None:
        books = FunnelBookkeeping(section.checks, funnel)
        entered = iter(funnel.candidates)
        passed = []
        work = (
            WorkItem(c.structure, {k: v for k, v in c.columns.items() if k != "latent"})
            for c in funnel.candidates
        )
        chunks = iter(lambda: list(islice(work, section.chunk)), [])
        name = section.checks[0].name if len(section.checks) == 1 else "screen"
        total = len(funnel.candidates)
        with bar(description=name, total=total, unit="candidate") as progress:
            for items, outcomes in self._judge(section, chunks):
                for candidate, judged in zip(islice(entered, len(items)), outcomes, strict=True):
                    if books.add(candidate, judged):
                        self._remember(candidate, judged)
                        passed.append(candidate)
                progress.update(len(items))
        funnel.candidates = passed
        books.close()

    def _remember(self, candidate: Candidate, judged: Judgement) -> None:
        if self.objective is not None and judged.raw is not None:
            values = dict(zip(self.objective.names, judged.raw, strict=True))
            self.objective.remember(candidate.structure, values)

    def _judge(
        self, section: Section, chunks: Iterator[list[WorkItem]]
    ) -> Iterator[tuple[list[WorkItem], list[Judgement]]]:
        """Each chunk with its outcomes: from the journal as far as it goes, then from workers."""
        path = self.limits.folder / f"section-{self._number:02d}.jsonl"
        scored = self.objective if self._number == 0 and not section.expensive else None
        terms = () if scored is None else scored.terms
        self._number += 1
        with Journal(path, self.limits.key) as journal:
            for items in chunks:
                kept = journal.read(items)
                if kept is not None:
                    self.reused += 1
                    yield items, kept
                    continue
                for worked, outcomes in self._run_workers(section, chain([items], chunks), terms):
                    journal.add(worked, outcomes)
                    yield worked, outcomes

    def _run_workers(
        self, section: Section, chunks: Iterable[list[WorkItem]], terms: Sequence[PropertySettings]
    ) -> Iterator[tuple[list[WorkItem], list[Judgement]]]:
        # Reference files stay here: what workers do knows nothing of other structures.
        context = CheckContext((), self.context.seed, 1, self.context.device)
        standardise = dict(self.limits.standardise)
        sent: list[list[WorkItem]] = []

        def note_sent() -> Iterator[list[WorkItem]]:
            for items in chunks:
                sent.append(items)
                yield items

        for found in map_isolated(
            judging.judge,
            note_sent(),
            processes=self.limits.processes,
            seconds=section.seconds(self.limits.seconds),
            initializer=judging.start,
            arguments=(self.matter.name, standardise, section.tables, context, terms),
            preload=(type(self.matter).__module__, "nucleate.screening.check_worker"),
        ):
            items = sent.pop(0)
            yield items, [_outcome(*pair) for pair in zip(items, found, strict=True)]


def read_file(
    source: DatasetSettings, matter: Matter, folder: Path, mirror: str | None = None
) -> Funnel:
    """The distinct structures of a file or folder, standardised; nothing is checked.

    Args:
        folder: that may be written to while reading.

    Raises:
        InputError: a file as a whole is unreadable, empty or lacks a named column.
    """
    rows = Rows(source, matter, mirror)
    funnel = Funnel([])
    with tempfile.TemporaryDirectory(prefix=".rows-", dir=folder) as work:
        limits = Limits(0 if rows.small() else default_processes(), ROW_SECONDS, Path(work), "")
        Engine(matter, [], [], CheckContext(), limits).run(funnel, lambda _: None, rows)
    return funnel


def _cheap(section: Section) -> list[EachCheck]:
    """The checks of one candidate that may be asked again."""
    return [one for one in section.checks if isinstance(one, EachCheck) and not one.expensive]


def _outcome(item: WorkItem, found: Judgement | Failure) -> Judgement:
    """What a failure means: the check that was at work is known, a row's structure is not."""
    if isinstance(found, Judgement):
        return found
    if item.row is None:
        return Judgement(item.structure, stopped=found.reason, at=max(0, found.step))
    if found.step == STANDARDISE:
        return Judgement(None, ("stopped", found.reason))
    return Judgement("", stopped=found.reason, at=found.step)
