"""Candidates in a worker process: standardised, then judged by check after check."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nucleate.core.errors import NucleateError, StructureError
from nucleate.core.parallel import note_step
from nucleate.datasets.rows import standardise_row
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.checks import (
    Candidate,
    Check,
    CheckContext,
    EachCheck,
    Verdict,
    verdict_of,
)
from nucleate.matter.reader import RawRow
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import PropertySettings

STANDARDISE = -1
"""Step of a row that is being standardised; the checks of a section count from 0."""


@dataclass(frozen=True)
class WorkItem:
    """What a worker is given: a row of a file, or a candidate.

    Attributes:
        structure: structure string; None for a row.
        columns: of the candidate.
        row: as read; None for a candidate.
    """

    structure: str | None
    columns: Mapping[str, Any] = field(default_factory=dict)
    row: RawRow | None = None


@dataclass
class Judgement:
    """What became of an item. JSON values all through.

    Attributes:
        structure: as it entered the checks; None if the row is no structure.
        refused: reason and detail why it is none.
        verdicts: of the section's checks up to the first that failed.
        seconds: processor time that each of them took; the standardisation's before them for a row.
        stopped: why there are no verdicts: the process was stopped or died; empty if it was not.
        at: number of the check that was at work then.
        raw: values of the objective's terms if all checks were passed and the terms are cheap.
        notes: of a row's structure, see `Standardised.notes`.
    """

    structure: str | None
    refused: tuple[str, str] | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""
    at: int = 0
    raw: list[float] | None = None
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> list[Any]:
        """For the journal."""
        times = [round(s, 6) for s in self.seconds]
        head = [
            self.structure,
            self.refused,
            [list(vars(v).values()) for v in self.verdicts],
            times,
        ]
        return [*head, self.stopped, self.at, self.raw, self.notes]

    @classmethod
    def from_json(cls, values: Sequence[Any]) -> Judgement:
        """What `to_json` wrote."""
        structure, refused, verdicts, *rest = values
        refusal = None if refused is None else (refused[0], refused[1])
        return cls(structure, refusal, [Verdict(*verdict) for verdict in verdicts], *rest)


@dataclass(frozen=True)
class WorkerContext:
    """What a worker works with; made from plain values by `start`."""

    matter: Matter
    standardise: Any
    checks: tuple[Check, ...]
    objective: Objective | None = None


def start(
    matter_name: str,
    standardise: dict[str, Any],
    tables: Sequence[dict[str, Any]],
    context: CheckContext,
    terms: Sequence[PropertySettings] = (),
) -> WorkerContext:
    """What `judge` works with.

    Args:
        tables: a table with name and options for each check.
        terms: of an objective, whose values are computed for what passes all checks.
    """
    matter = registry.get(matter_name)
    checks = []
    for table in tables:
        options = dict(table)
        checks.append(matter.checks.build(options.pop("name"), options, context, "screen"))
    resolved = matter.reader.resolve(standardise, "standardise")
    objective = Objective(matter, terms) if terms else None
    return WorkerContext(matter, resolved, tuple(checks), objective)


def judge(bench: WorkerContext, items: Sequence[WorkItem]) -> list[Judgement]:
    """Put each item through the checks, up to the first that it fails."""
    judged = [_standardise_item(bench, item) for item in items]
    together = [check for check in bench.checks if not isinstance(check, EachCheck)]
    if together:
        _judge_together(together[0], items, judged)
        return judged
    passed: list[tuple[str, Judgement]] = []
    for item, one in zip(items, judged, strict=True):
        if one.structure is None:
            continue
        candidate = Candidate(one.structure, dict(item.columns))
        if _judge_alone(bench.checks, candidate, one):
            passed.append((candidate.structure, one))
    if bench.objective is not None and passed:
        # While libraries remember these structures: some checks have asked for the same values.
        values = bench.objective.raw([structure for structure, _ in passed])
        for (_, one), row in zip(passed, values.tolist(), strict=True):
            one.raw = row
    return judged


def _standardise_item(bench: WorkerContext, item: WorkItem) -> Judgement:
    if item.row is None:
        return Judgement(item.structure)
    note_step(STANDARDISE)
    begun = time.process_time()
    found = standardise_row(bench.matter, bench.standardise, item.row)
    refused = None if found.structure is not None else (found.reason, found.detail)
    seconds = [time.process_time() - begun]
    return Judgement(found.structure, refused, seconds=seconds, notes=list(found.notes))


def _judge_alone(checks: Sequence[Check], candidate: Candidate, judged: Judgement) -> bool:
    """Add the verdicts on one candidate; whether it passed all checks."""
    for number, check in enumerate(checks):
        assert isinstance(check, EachCheck)
        note_step(number)
        begun = time.process_time()
        verdict = check.decide(check.guarded(candidate))
        judged.seconds.append(time.process_time() - begun)
        judged.verdicts.append(_plain(verdict))
        if not verdict.passed:
            return False
        candidate.columns.update(verdict.columns)
        if verdict.structure is not None:
            candidate.structure = verdict.structure
    return True


def _judge_together(check: Check, items: Sequence[WorkItem], judged: Sequence[Judgement]) -> None:
    """One check that is quicker on several candidates at a time."""
    note_step(0)
    places = [place for place, one in enumerate(judged) if one.structure is not None]
    candidates = [Candidate(str(judged[p].structure), dict(items[p].columns)) for p in places]
    begun = time.process_time()
    verdicts = run_check(check, candidates)
    share = (time.process_time() - begun) / max(1, len(places))
    for place, verdict in zip(places, verdicts, strict=True):
        judged[place].verdicts.append(_plain(verdict))
        judged[place].seconds.append(share)


def run_check(check: Check, candidates: Sequence[Candidate]) -> list[Verdict]:
    """One verdict per candidate, by the settings, even if the check raises on some, against its
    promise.

    The culprits are found one by one and rejected; the others are judged together once more, since
    a check may compare candidates with each other.

    Raises:
        NucleateError: what a person can mend, such as a file that an option names.
    """
    if not candidates:
        return []
    return [check.decide(verdict) for verdict in _judge_all(check, candidates)]


def _judge_all(check: Check, candidates: Sequence[Candidate]) -> list[Verdict]:
    verdicts = _attempt(check, candidates)
    if isinstance(verdicts, list):
        return verdicts
    alone = [_attempt(check, [candidate]) for candidate in candidates]
    sound = [c for c, verdict in zip(candidates, alone, strict=True) if isinstance(verdict, list)]
    together = _attempt(check, sound)
    again = iter(together) if isinstance(together, list) else None
    return [
        verdict_of(verdict)
        if isinstance(verdict, Exception)
        else (verdict[0] if again is None else next(again))
        for verdict in alone
    ]


def _attempt(check: Check, candidates: Sequence[Candidate]) -> list[Verdict] | Exception:
    if not candidates:
        return []
    try:
        verdicts = list(check.run(candidates))
    except StructureError as error:
        return error
    except NucleateError:
        raise
    except Exception as error:
        return error
    if len(verdicts) != len(candidates):
        return ValueError(f"{len(verdicts)} verdicts for {len(candidates)} candidates")
    return verdicts


def _plain(verdict: Verdict) -> Verdict:
    """A verdict of JSON values, as the journal gives it back."""
    columns = {name: plain_value(value) for name, value in verdict.columns.items()}
    value: Any = plain_value(verdict.value)
    return replace(verdict, passed=bool(verdict.passed), value=value, columns=columns)


def plain_value(value: Any) -> Any:
    """A value that JSON knows: NumPy's as Python's own, anything else as text."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
