"""Runs of checks that candidates can pass one by one, and their books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nucleate.matter.checks import Candidate, Check, EachCheck
from nucleate.screening.check_worker import Judgement
from nucleate.screening.funnel import DOUBLE, Funnel, Step, count_reasons, general, note


@dataclass(frozen=True)
class Section:
    """Consecutive checks that are done together.

    Attributes:
        checks: in order; just one if it is not independent or judges several candidates at a time.
        tables: the settings of each, from which workers build their own.
        independent: whether workers can do it.
    """

    checks: tuple[Check, ...]
    tables: tuple[dict[str, Any], ...]
    independent: bool

    @property
    def expensive(self) -> bool:
        """Whether its checks take seconds a candidate."""
        return any(check.expensive for check in self.checks)

    @property
    def chunk(self) -> int:
        """Candidates handed to a worker together."""
        return min((check.chunk for check in self.checks), default=64)

    def seconds(self, usual: float) -> float:
        """Limit for a chunk, or for a candidate whose chunk took longer."""
        own = [getattr(check, "seconds", None) or usual for check in self.checks]
        several = self.chunk if any(not isinstance(c, EachCheck) for c in self.checks) else 1
        return max(own, default=usual) * several


def split(checks: Sequence[Check], tables: Sequence[dict[str, Any]]) -> list[Section]:
    """Checks in sections: as long as possible, none half expensive."""
    sections: list[Section] = []
    for check, table in zip(checks, tables, strict=True):
        one = Section((check,), (dict(table),), check.independent)
        last = sections[-1] if sections else None
        if last is not None and _joins(last.checks[-1], check):
            one = Section((*last.checks, check), (*last.tables, dict(table)), True)
            sections.pop()
        sections.append(one)
    return sections


def _joins(before: Check, check: Check) -> bool:
    alone = isinstance(before, EachCheck) and isinstance(check, EachCheck)
    return alone and before.expensive == check.expensive


class FunnelBookkeeping:
    """Takes what workers judged into the funnel, and keeps the count of every check.

    A structure that a check replaced by that of a better candidate is rejected by that check as
    its double, as if all candidates had passed check after check.
    """

    def __init__(self, checks: Sequence[Check], funnel: Funnel):
        self.funnel = funnel
        self.steps = [Step.of(check) for check in checks]
        self._reasons = [Counter[str]() for _ in checks]
        self._unjudged = [Counter[str]() for _ in checks]
        self._reached: dict[str, int] = {}  # how many checks the candidate of a structure passed
        self._made: dict[str, int] = {}  # by which check a structure was put in place of another

    def add(self, candidate: Candidate, judged: Judgement) -> bool:
        """Note the verdicts on a candidate; whether it passed all checks."""
        times = judged.seconds[-len(judged.verdicts) :] if judged.verdicts else []
        for number, (verdict, seconds) in enumerate(zip(judged.verdicts, times, strict=True)):
            step = self.steps[number]
            step.entered += 1
            step.seconds += seconds
            before = candidate.structure
            reason = note(candidate, step.check, verdict)
            if candidate.structure != before:
                self._made.setdefault(candidate.structure, number)
            if not reason and self._is_double(candidate.structure, number):
                reason = DOUBLE
            if reason:
                return self._reject(number, candidate, reason)
            if verdict.judged:
                step.passed += 1
            else:
                self._unjudged[number][general(verdict.reason)] += 1
        if judged.stopped:
            return self._reject_stopped(candidate, judged)
        self._pass(candidate.structure, len(judged.verdicts))
        return True

    def _reject_stopped(self, candidate: Candidate, judged: Judgement) -> bool:
        for step in self.steps[: judged.at]:
            step.entered += 1
            step.passed += 1
        self.steps[judged.at].entered += 1
        return self._reject(judged.at, candidate, f"not judged: {judged.stopped}")

    def _is_double(self, structure: str, number: int) -> bool:
        made = self._made.get(structure)
        return made is not None and made <= number and self._reached.get(structure, 0) > number

    def _reject(self, number: int, candidate: Candidate, reason: str) -> bool:
        self._reasons[number][general(reason)] += 1
        self._pass(candidate.structure, number)
        self.funnel.reject(candidate, self.steps[number].check, reason)
        return False

    def _pass(self, structure: str, checks: int) -> None:
        self._reached[structure] = max(checks, self._reached.get(structure, 0))

    def close(self) -> None:
        """Put the section's lines into the funnel's table."""
        for step, reasons, why in zip(self.steps, self._reasons, self._unjudged, strict=True):
            step.reasons = count_reasons(reasons)
            step.not_judged, step.not_judged_for = why.total(), count_reasons(why)
            step.seconds = round(step.seconds, 3)
            self.funnel.steps.append(step)
