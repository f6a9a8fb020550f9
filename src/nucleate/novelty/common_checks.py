"""Checks that compare candidates with each other, whatever the kind of matter: picks, quotas."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nucleate.core.errors import StructureError
from nucleate.core.settings import Positive, Settings
from nucleate.matter.checks import Candidate, Check, Verdict


class PicksOptions(Settings):
    number: Positive = 100
    """Structures to pick."""


class UnlikePicks(Check):
    """As unlike each other as can be, from the best candidate on.

    The value is the turn in which a structure was picked, from 1. Column: `pick_distance`, to the
    nearest one picked before it.
    """

    name = "picks"
    Options = PicksOptions
    usual = False

    @property
    def threshold(self) -> str:
        """See `Check.threshold`."""
        return f"among {self.options.number} picks"

    @abstractmethod
    def describe(self, structure: str) -> Any:
        """What distances are computed from, or the verdict on a structure that cannot be read.

        Raises:
            StructureError: it cannot be read.
        """

    @abstractmethod
    def pick(self, described: Sequence[Any], number: int) -> list[tuple[int, float | None]]:
        """Places of at most `number`, the first one first, each with its distance to the nearest
        before it; None for the first."""

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`."""
        verdicts: dict[int, Verdict] = {}
        rows: list[int] = []
        described: list[Any] = []
        for row, candidate in enumerate(candidates):
            try:
                found = self.describe(candidate.structure)
            except StructureError as error:
                found = Verdict(False, reason=str(error))
            if isinstance(found, Verdict):
                verdicts[row] = found
            else:
                described.append(found)
                rows.append(row)
        picks = self.pick(described, self.options.number) if rows else []
        for turn, (place, distance) in enumerate(picks, 1):
            columns = {"pick_distance": None if distance is None else round(distance, 4)}
            verdicts[rows[place]] = Verdict(True, turn, columns=columns)
        left = Verdict(False, None, f"not among the {len(picks)} picked to be unlike each other")
        return [verdicts.get(row, left) for row in range(len(candidates))]


@dataclass
class Accepted:
    """The better candidates that a check has let pass.

    Attributes:
        number: of them.
        groups: how many of them belong to each group.
        members: what is compared with, by group.
    """

    number: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    members: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def full(self, group: str, most: int, shared: str) -> str:
        """Why no more of a group may pass, naming what it shares; empty while some may."""
        return f"{most} better candidates have {shared}" if self.groups[group] >= most else ""


class BestFirstCheck(Check):
    """A check that lets a candidate pass or not by the better ones that it let pass before."""

    @abstractmethod
    def beside(self, structure: str, place: int, accepted: Accepted) -> Verdict:
        """The verdict on a candidate; groups and members are its own to note if it passes.

        Args:
            place: among all candidates, from 1.

        Raises:
            StructureError: it cannot be read.
        """

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`."""
        accepted = Accepted()
        verdicts = []
        for place, candidate in enumerate(candidates, start=1):
            try:
                verdict = self.beside(candidate.structure, place, accepted)
            except StructureError as error:
                verdict = Verdict(False, reason=str(error))
            accepted.number += verdict.passed
            verdicts.append(verdict)
        return verdicts


class Budget(BestFirstCheck):
    """Keeps the costly checks affordable. It rejects for no fault of the candidate's own; the value
    is the place among the candidates."""

    name = "budget"
    expensive = True  # so that all candidates are scored and in order by now
