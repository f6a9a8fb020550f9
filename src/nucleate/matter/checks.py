"""Part of a kind of matter: checks of the funnel, candidates in, verdicts out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from typing import Any, ClassVar, get_args

from nucleate.core.errors import SettingsError, StructureError
from nucleate.core.settings import Settings, Unjudged, validate
from nucleate.matter.part import MatterPart


@dataclass
class Candidate:
    """A structure on its way through the funnel.

    Attributes:
        structure: structure string; a check may replace it (relaxation).
        columns: everything known about it by column name: provenance, properties, check values.
    """

    structure: str
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What a check says of one candidate.

    Attributes:
        passed: whether the candidate goes on.
        value: the measured value, shown beside the verdict; None where there is none.
        reason: why it failed or could not be judged, one short sentence with the numbers; empty if
            it passed.
        columns: further columns for the table.
        structure: replaces the candidate's structure if given.
        judged: whether the check could judge at all. What it could not goes on or not, by `passed`,
            but has not passed: tables and reports say `not judged`. See `Verdict.unjudged`.
    """

    passed: bool
    value: float | str | None = None
    reason: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    structure: str | None = None
    judged: bool = True

    @classmethod
    def unjudged(
        cls, reason: str, value: float | str | None = None, columns: Mapping[str, Any] | None = None
    ) -> Verdict:
        """The verdict `not judged`: nothing speaks against the candidate, nothing for it.

        Args:
            reason: why the check could not judge, one short sentence.
        """
        return cls(True, value, reason, columns or {}, judged=False)


@dataclass(frozen=True)
class CheckContext:
    """What checks may need besides the candidates.

    Attributes:
        known: structure strings of the training and reference sets (for novelty).
        seed: of all randomness.
        processes: worker processes that a check may start.
        device: torch device name.
    """

    known: Sequence[str] = ()
    seed: int = 0
    processes: int = 1
    device: str = "cpu"


class Check(ABC):
    """One named test of the funnel. Subclasses state `name`, `description` and `Options`.

    Attributes:
        name: snake_case; the table's columns are `<name>_value`, and a rejection's reason starts
            with it.
        description: one line for the report.
        Options: its settings with defaults (pydantic, unknown keys refused).
        needs: names of checks that must stand before it: it reads their columns, or relies on what
            they refuse.
        usual: whether it is part of the default funnel; others run where the settings name them.
        expensive: seconds rather than milliseconds a candidate. Draws without a score are scored
            just before the first expensive check, once the cheap ones have thinned them out.
        apart: whether what it rejects is reported in a table of its own, not only among the rest.
        independent: whether its verdict on a candidate depends on that candidate alone: then it
            runs in worker processes, on `chunk` candidates at a time, and what was judged is kept
            if the run is killed. Checks that compare candidates, or know others, are not.
        chunk: candidates that an independent check is given together.
        limit: what the options ask of a value, with options in braces: `at most {maximum:g} A`.
        unjudged: what becomes of candidates that it could not judge; of the settings.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    Options: ClassVar[type[Settings]] = Settings
    needs: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[bool] = True
    expensive: ClassVar[bool] = False
    apart: ClassVar[bool] = False
    independent: ClassVar[bool] = False
    chunk: ClassVar[int] = 64
    limit: ClassVar[str] = ""
    unjudged: Unjudged = "keep"

    def __init__(self, options: Any, context: CheckContext):
        self.options = options
        self.context = context

    @property
    def threshold(self) -> str:
        """What the options ask of a value, in a few words: `at most 4.5`; empty if nothing."""
        return self.limit.format(**dict(self.options))

    @abstractmethod
    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """One verdict per candidate, in order. Never raises for one bad candidate.

        Candidates arrive best first, so that checks that keep a subset (diversity, a budget of
        relaxations) prefer the better ones.
        """

    def decide(self, verdict: Verdict) -> Verdict:
        """The verdict by the settings: what was not judged is turned away where they say so."""
        if verdict.passed and not verdict.judged and self.unjudged == "reject":
            return replace(verdict, passed=False)
        return verdict


class EachCheck(Check):
    """A check whose verdict on a candidate depends on that candidate alone.

    Such checks run in worker processes, several of them in a row on each candidate. A candidate
    that takes longer than its limit is stopped in its worker and becomes a rejected row.

    Attributes:
        seconds: limit for one candidate; that of the settings if None.
    """

    independent = True
    seconds: ClassVar[float | None] = None

    @abstractmethod
    def one(self, candidate: Candidate) -> Verdict:
        """The verdict on one candidate, which is not changed.

        An exception becomes a rejection: where a structure cannot be read, `StructureError` says it
        best.
        """

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """One verdict per candidate, in order."""
        return [self.guarded(candidate) for candidate in candidates]

    def guarded(self, candidate: Candidate) -> Verdict:
        """`one`, its exceptions turned into a verdict."""
        try:
            return self.one(candidate)
        except Exception as error:
            return verdict_of(error)


def verdict_of(error: Exception) -> Verdict:
    """What an exception in a check means for its candidate.

    A structure that cannot be read fails. A package that is not there says nothing of it: not
    judged. Where the check itself broke down nothing was judged either, but such a candidate never
    goes on: it would get past a check by breaking it.
    """
    if isinstance(error, StructureError):
        return Verdict(False, reason=str(error))
    if isinstance(error, ImportError):
        name = error.name or str(error)
        return Verdict.unjudged(f"it needs the package {name}, which is not installed")
    said = str(error).strip().splitlines() or [""]
    told = f"the check failed ({type(error).__name__}: {said[0]})"
    return Verdict(False, reason=told[:300], judged=False)


class Checks(MatterPart):
    """Checks by name: its own, and those that installed packages bring."""

    def own(self) -> dict[str, type[Check]]:
        """Every check of its own by name, cheapest first: those that are `usual` are, in this
        order, the default funnel."""
        return {}

    def all(self) -> dict[str, type[Check]]:
        """Checks of its own, and those of the entry point group `nucleate.checks.<kind of matter>`;
        the latter are never part of the default funnel.

        Raises:
            SettingsError: an entry point brings something else than a check.
        """
        checks = dict(self.own())
        for entry in entry_points(group=f"nucleate.checks.{self.matter.name}"):
            brought = entry.load()
            if not (isinstance(brought, type) and issubclass(brought, Check)):
                raise SettingsError(f"entry point {entry.value}: {entry.name} is not a Check")
            checks.setdefault(entry.name, brought)
        return checks

    def build(
        self, name: str, options: Mapping[str, Any], context: CheckContext, where: str
    ) -> Check:
        """Make a check from its section of the settings: its own options, and `unjudged`.

        Raises:
            SettingsError: unknown check (the message lists the known ones) or option.
        """
        options = dict(options)
        unjudged = options.pop("unjudged", "keep")
        known = self.all()
        if name not in known:
            raise SettingsError(
                f"{where}: no check named {name!r} for {self.matter.name}; known: "
                f"{', '.join(known)}"
            )
        cls = known[name]
        check = cls(validate(cls.Options, options, f"{where} [{name}]"), context)
        if unjudged not in get_args(Unjudged):
            raise SettingsError(
                f"{where} [{name}]: unjudged: {unjudged!r} is neither 'keep' nor 'reject'"
            )
        check.unjudged = unjudged
        return check

    def reasons_to_forbid(self, structures: Sequence[str]) -> list[str]:
        """Why a search must never be paid for each of n structures (a hazard, say); empty where it
        may."""
        return [""] * len(structures)
