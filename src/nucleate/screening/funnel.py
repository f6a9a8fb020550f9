"""The funnel: candidates go through an ordered list of checks, and nothing is lost silently."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nucleate.core.errors import SettingsError
from nucleate.core.progress import phase
from nucleate.core.settings import Unjudged
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate, Check, CheckContext, EachCheck, Verdict
from nucleate.matter.reading_notes import ReadingNotes
from nucleate.screening.check_worker import run_check
from nucleate.screening.rejections import Rejected, Rejections

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
SHOWN_REASONS = 20
"""Reasons counted one by one per step; rarer ones are summed up."""
DOUBLE = "became the same structure as a better candidate"
NOT_JUDGED = "not_judged"
"""Column with the names of the checks that could not judge a candidate; `<check>_not_judged` says
why. Empty for what all of them have judged."""


@dataclass
class Step:
    """One line of the funnel's table; entered = passed + not_judged + the sum of reasons' counts.

    Attributes:
        passed: were judged, and passed.
        not_judged: went on although the check could not judge them.
        reasons: why others were turned away, with their counts.
        threshold: what the check asks of its value, in words.
        seconds: processor time, summed over workers; of checks that compare candidates, the time
            that passed.
        apart: whether what it rejected is reported in a table of its own.
        not_judged_for: why it could not judge what went on, with counts.
    """

    check: str
    description: str
    entered: int
    passed: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    threshold: str = ""
    apart: bool = False
    not_judged: int = 0
    not_judged_for: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, check: Check, entered: int = 0) -> Step:
        """The line of a check."""
        return cls(
            check.name, check.description, entered, threshold=check.threshold, apart=check.apart
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for `funnel.json`."""
        return asdict(self)


@dataclass
class Funnel:
    """Candidates on their way, best first, and the record of those that left it.

    Attributes:
        candidates: still in the running.
        rejected: in the order in which they were rejected.
        steps: one per check so far.
        reading: what reading the rows of files decided.
    """

    candidates: list[Candidate]
    rejected: Rejections = field(default_factory=Rejections)
    steps: list[Step] = field(default_factory=list)
    reading: ReadingNotes = field(default_factory=ReadingNotes)

    def apply(self, check: Check) -> None:
        """Put all candidates through a check, here and together.

        Adds the column `<name>_value` and the verdict's own columns. A structure that the check
        replaced (relaxation) by that of a better candidate is rejected as its double.
        """
        started = time.perf_counter()
        step = Step.of(check, len(self.candidates))
        passed: list[Candidate] = []
        reasons: list[str] = []
        unjudged: list[str] = []
        seen: set[str] = set()
        with phase(check.name):
            verdicts = run_check(check, self.candidates)
        for candidate, verdict in zip(self.candidates, verdicts, strict=True):
            reason = note(candidate, check.name, verdict)
            if not reason and candidate.structure in seen:
                reason = DOUBLE
            if not reason:
                seen.add(candidate.structure)
                passed.append(candidate)
                if not verdict.judged:
                    unjudged.append(verdict.reason)
                continue
            reasons.append(reason)
            self.reject(candidate, check.name, reason)
        self.candidates = passed
        step.passed, step.not_judged = len(passed) - len(unjudged), len(unjudged)
        step.reasons = count_reasons(reasons)
        step.not_judged_for = count_reasons(unjudged)
        step.seconds = round(time.perf_counter() - started, 3)
        self.steps.append(step)

    def judge_again(self, replaced: Sequence[Candidate], checks: Sequence[EachCheck]) -> None:
        """Put candidates whose structure the last check has replaced (relaxation) through earlier
        checks once more, so that all columns describe the structure that is handed out, and none is
        handed out that fails. The last check rejects those that do."""
        step, fallen = self.steps[-1] if self.steps else Step("", "", 0), Counter[str]()
        left = set[int]()
        with phase("measure again"):
            for candidate in replaced:
                for check in checks:
                    verdict = check.decide(check.guarded(candidate))
                    if reason := note(candidate, check.name, verdict):
                        told = f"what it became fails {check.name}: {reason}"
                        fallen[general(told)] += 1
                        left.add(id(candidate))
                        self.reject(candidate, step.check, told)
                        break
        self.candidates = [one for one in self.candidates if id(one) not in left]
        step.passed -= len(left)
        step.reasons |= count_reasons(fallen)

    def reject(self, candidate: Candidate, check: str, reason: str) -> None:
        """Record that a candidate was turned away."""
        full = reason if reason.startswith(check) else f"{check}: {reason}"
        self.rejected.append(Rejected(candidate, check, full))

    def keep_best(self, count: int) -> None:
        """Reject all but the first `count` candidates; a step only if there are more."""
        surplus = self.candidates[count:]
        if not surplus:
            return
        reason = f"ranked below the best {count}"
        step = Step("keep", "Among the best, as many as the settings keep", len(self.candidates))
        self.candidates = self.candidates[:count]
        self.rejected.extend(Rejected(c, "keep", f"keep: {reason}") for c in surplus)
        step.passed, step.reasons = count, {reason: len(surplus)}
        self.steps.append(step)


def note(candidate: Candidate, check: str, verdict: Verdict) -> str:
    """Write a verdict into its candidate's columns; the reason of a rejection, else empty."""
    candidate.columns[f"{check}_value"] = verdict.value
    _mark(candidate, check, verdict)
    candidate.columns.update(verdict.columns)
    if verdict.structure is not None and verdict.structure != candidate.structure:
        candidate.columns.setdefault("decoded_structure", candidate.structure)
        candidate.structure = verdict.structure
    if verdict.passed:
        return ""
    return (verdict.reason or "failed") if verdict.judged else f"not judged: {verdict.reason}"


def _mark(candidate: Candidate, check: str, verdict: Verdict) -> None:
    """Keep the columns of what is not judged; a check may be asked a second time."""
    names = str(candidate.columns.get(NOT_JUDGED) or "").split(", ")
    names = [name for name in names if name and name != check]
    why = f"{check}_{NOT_JUDGED}"
    if not verdict.judged:
        names.append(check)
        candidate.columns[why] = verdict.reason
    elif why in candidate.columns:
        candidate.columns[why] = None
    if names or NOT_JUDGED in candidate.columns:
        candidate.columns[NOT_JUDGED] = ", ".join(names) or None


BUDGET = "budget"
"""Name of the check that lets only so many candidates on to those that cost seconds each."""


def check_tables(
    matter: Matter,
    tables: Sequence[dict[str, Any]],
    budget: int | None = None,
    unjudged: Unjudged = "keep",
) -> list[dict[str, Any]]:
    """A table for each check: those that the settings list, or the matter's default funnel.

    Args:
        unjudged: what becomes of what a check cannot judge, where its own table does not say.
        budget: candidates that go on to costly checks, whatever the table of that check says; 0
            leaves that check out.
    """
    usual = (name for name, check in matter.checks.own().items() if check.usual)
    chosen = [dict(table) for table in tables] or [{"name": name} for name in usual]
    if unjudged != "keep":
        chosen = [{"unjudged": unjudged} | table for table in chosen]
    if budget is None:
        return chosen
    others = [table for table in chosen if budget or table.get("name") != BUDGET]
    return [t | {"limit": budget} if t.get("name") == BUDGET else t for t in others]


def build_checks(
    matter: Matter, tables: Sequence[dict[str, Any]], context: CheckContext, where: str = "screen"
) -> list[Check]:
    """The checks of the tables (`check_tables`), in order.

    Raises:
        SettingsError: a table without a name, an unknown check or option, or a check without
            another that it needs before it.
    """
    checks: list[Check] = []
    for table in tables:
        table = dict(table)
        name = table.pop("name", None)
        if not isinstance(name, str):
            raise SettingsError(f"{where}: every check needs a name")
        check = matter.checks.build(name, table, context, where)
        absent = [need for need in check.needs if need not in {c.name for c in checks}]
        if absent:
            raise SettingsError(f"{where} [{name}]: needs {', '.join(absent)} before it")
        checks.append(check)
    return checks


def general(reason: str) -> str:
    """A reason without its numbers, by which it is counted."""
    return _NUMBER.sub("…", reason)[:200]


def count_reasons(reasons: Iterable[str] | Counter[str]) -> dict[str, int]:
    """Counts of reasons that differ in more than their numbers, the commonest first.

    Args:
        reasons: as they are, or counts of `general` ones.
    """
    found = reasons if isinstance(reasons, Counter) else Counter(map(general, reasons))
    counts = found.most_common()
    shown = dict(counts[:SHOWN_REASONS])
    rest = sum(count for _, count in counts[SHOWN_REASONS:])
    if rest:
        shown["other reasons"] = rest
    return shown
