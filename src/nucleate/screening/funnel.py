"""The funnel: candidates go through an ordered list of checks, and nothing is lost silently."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nucleate.errors import NucleateError, SettingsError, StructureError
from nucleate.matter import Candidate, Check, CheckContext, Matter, Verdict
from nucleate.progress import bar

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
SHOWN_REASONS = 20
"""Reasons counted one by one per step; rarer ones are summed up."""


@dataclass
class Step:
    """One line of the funnel's table; entered = passed + the sum of the reasons' counts."""

    check: str
    description: str
    entered: int
    passed: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values for `funnel.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Rejected:
    """A candidate that was turned away, with the name of the step and a sentence."""

    candidate: Candidate
    rejected_by: str
    reason: str


@dataclass
class Funnel:
    """Candidates on their way, best first, and the record of those that left it.

    Attributes:
        candidates: still in the running.
        rejected: in the order in which they were rejected.
        steps: one per check so far.
    """

    candidates: list[Candidate]
    rejected: list[Rejected] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def apply(self, check: Check) -> None:
        """Put all candidates through a check.

        Adds the column `<name>_value` and the verdict's own columns. A structure that the check
        replaced (relaxation) by that of a better candidate is rejected as its double.
        """
        started = time.perf_counter()
        step = Step(check.name, check.description, len(self.candidates))
        passed: list[Candidate] = []
        reasons: list[str] = []
        seen: set[str] = set()
        verdicts = guarded_run(check, self.candidates)
        for candidate, verdict in zip(self.candidates, verdicts, strict=True):
            candidate.columns[f"{check.name}_value"] = verdict.value
            candidate.columns.update(verdict.columns)
            if verdict.structure is not None and verdict.structure != candidate.structure:
                candidate.columns.setdefault("decoded_structure", candidate.structure)
                candidate.structure = verdict.structure
            reason = "" if verdict.passed else verdict.reason or "failed"
            if not reason and candidate.structure in seen:
                reason = "became the same structure as a better candidate"
            if not reason:
                seen.add(candidate.structure)
                passed.append(candidate)
                continue
            reasons.append(reason)
            full = reason if reason.startswith(check.name) else f"{check.name}: {reason}"
            self.rejected.append(Rejected(candidate, check.name, full))
        self.candidates = passed
        step.passed = len(passed)
        step.reasons = count_reasons(reasons)
        step.seconds = round(time.perf_counter() - started, 3)
        self.steps.append(step)

    def keep_best(self, count: int) -> None:
        """Reject all but the first `count` candidates; a step only if there are more."""
        surplus = self.candidates[count:]
        if not surplus:
            return
        reason = f"ranked below the best {count}"
        step = Step("keep", "Among the best, as many as the settings keep", len(self.candidates))
        self.candidates = self.candidates[:count]
        self.rejected += [Rejected(c, "keep", f"keep: {reason}") for c in surplus]
        step.passed, step.reasons = count, {reason: len(surplus)}
        self.steps.append(step)


def build_checks(
    matter: Matter, tables: Sequence[dict[str, Any]], context: CheckContext, where: str = "screen"
) -> list[Check]:
    """The checks that the settings list, or the matter's default funnel.

    Raises:
        SettingsError: a table without a name, an unknown check or option, or a check without
            another that it needs before it.
    """
    usual = (name for name, check in matter.checks().items() if check.usual)
    chosen = [dict(table) for table in tables] or [{"name": name} for name in usual]
    checks: list[Check] = []
    for table in chosen:
        name = table.pop("name", None)
        if not isinstance(name, str):
            raise SettingsError(f"{where}: every check needs a name")
        check = matter.build_check(name, table, context, where)
        absent = [need for need in check.needs if need not in {c.name for c in checks}]
        if absent:
            raise SettingsError(f"{where} [{name}]: needs {', '.join(absent)} before it")
        checks.append(check)
    return checks


def run_funnel(
    funnel: Funnel, checks: Sequence[Check], before_expensive: Callable[[Funnel], None]
) -> None:
    """Apply the checks in order.

    Args:
        before_expensive: called once, before the first expensive check (before the first of all
            if none is): computes what is missing for ranking and puts the candidates in order.
    """
    expensive = (number for number, check in enumerate(checks) if check.expensive)
    turn = next(expensive, 0)
    with bar(description="screen", total=len(checks), unit="check") as progress:
        for number, check in enumerate(checks):
            if number == turn:
                before_expensive(funnel)
            progress.set_postfix(check=check.name, candidates=len(funnel.candidates))
            funnel.apply(check)
            progress.update()
    if not checks:
        before_expensive(funnel)


def guarded_run(check: Check, candidates: Sequence[Candidate]) -> list[Verdict]:
    """One verdict per candidate even if the check raises on some, against its promise.

    The culprits are found one by one and rejected; the others are judged together once more, since
    a check may compare candidates with each other.

    Raises:
        NucleateError: what a person can mend, such as a file that an option names.
    """
    if not candidates:
        return []
    verdicts = _attempt(check, candidates)
    if isinstance(verdicts, list):
        return verdicts
    alone = [_attempt(check, [candidate]) for candidate in candidates]
    sound = [c for c, verdict in zip(candidates, alone, strict=True) if isinstance(verdict, list)]
    together = _attempt(check, sound)
    again = iter(together) if isinstance(together, list) else None
    return [
        _failed(verdict)
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


def _failed(error: Exception) -> Verdict:
    return Verdict(False, reason=f"check failed: {type(error).__name__}: {error}"[:500])


def count_reasons(reasons: Sequence[str]) -> dict[str, int]:
    """Counts of reasons that differ in more than their numbers, the commonest first."""
    counts = Counter(_NUMBER.sub("…", reason)[:200] for reason in reasons).most_common()
    shown = dict(counts[:SHOWN_REASONS])
    rest = sum(count for _, count in counts[SHOWN_REASONS:])
    if rest:
        shown["other reasons"] = rest
    return shown
