"""Settings of objectives that a person brings, one class for each kind.

In a study's settings a term names its kind by the key that it has, and the other keys of that
kind's class stand beside it:

    [[objectives]]
    python = "my_module:score"      # or "scores/mine.py:score", or an entry point's name
    as = "exchange"                 # it gets SMILES or CIF texts; "structure": structure strings
    timeout = 20
    goal = "maximise"

    [[objectives]]
    command = ["dock", "--json"]    # see `command` for what it reads and writes
    slots = 4
    goal = "minimise"

    [[objectives]]
    column = "pIC50"                # learnt from a person's own data
    data = "assay.csv"
    acquisition = "lower"

    [[objectives]]
    head = "band_gap"               # a property head of the model
    goal = "target"
    target = 1.5
    tolerance = 0.2

    [[objectives]]
    measured = "pIC50"              # told by a person: `nucleate propose` and `nucleate tell`
    low = 5.0
    high = 9.0
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Positive, Settings, validate
from nucleate.settings.data import DatasetSettings

OBJECTIVE_KINDS = ("property", "python", "command", "column", "head", "measured")


class PropertySettings(Settings):
    """One term of an objective: what is computed and how much of it is wanted.

    What is computed is one of the matter's own properties or something that a person brings:
    exactly one of `property`, `python`, `command`, `column`, `head` and `measured` is given.
    Further keys (`timeout`, `data`, ...) belong to that kind and are checked by its class in
    `nucleate.settings.objectives`.
    """

    model_config = ConfigDict(extra="allow")

    property: str = ""
    """One of the matter's own properties."""
    python: str | None = None
    """A function: `module:function`, `path/to/file.py:function` or an entry point's name."""
    command: tuple[str, ...] | None = None
    """An external program and its arguments."""
    column: str | None = None
    """A column of a person's own `data`, learnt by a predictor."""
    head: str | None = None
    """What the model itself predicts."""
    measured: str | None = None
    """What a person measures: the column that `nucleate tell` takes its values from."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Of the property or the function."""
    goal: Literal["maximise", "minimise", "target", "range"] = "maximise"
    """What is wanted of the value."""
    low: float | None = None
    """`maximise`, `minimise`: the value at which desirability is 0 or 1; `range`: its lower end."""
    high: float | None = None
    """The other one of these values, which is higher; `range`: its upper end."""
    target: float | None = None
    """`target`: the value wanted."""
    tolerance: Annotated[float, Field(gt=0)] | None = None
    """`target`, `range`: distance outside at which desirability falls to exp(-1/2)."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """In the score, beside the other terms."""
    constraint: bool = False
    """The value must lie between `low` and `high`, either of which may be missing; it is no part of
    the score. `tolerance` is the unit in which the distance outside is counted; if not given, the
    spread of known structures' values."""

    # `property` is a field here, so there is no decorator of that name.
    def source_kind(self) -> str:
        """Which of `OBJECTIVE_KINDS` is given."""
        return next(kind for kind in OBJECTIVE_KINDS if getattr(self, kind))

    @model_validator(mode="after")
    def _complete(self) -> PropertySettings:
        kinds = [kind for kind in OBJECTIVE_KINDS if getattr(self, kind)]
        if len(kinds) != 1:
            raise ValueError(
                "an objective needs exactly one of property, python, command, column, head and "
                "measured; "
                f"given: {', '.join(kinds) or 'none'}"
            )
        if kinds != ["property"] or self.model_extra:
            try:
                source_of(self)
            except SettingsError as error:
                raise ValueError(str(error)) from None
        if self.constraint:
            self._constrains()
            return self
        if self.goal == "target" and (self.target is None or self.tolerance is None):
            raise ValueError("goal 'target' needs target and tolerance")
        if self.goal == "range" and (self.low is None or self.high is None):
            raise ValueError("goal 'range' needs low and high")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must be below high")
        return self

    def _constrains(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("a constraint needs low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low must not exceed high")
        if self.goal in ("minimise", "target") or self.target is not None:
            raise ValueError("a constraint has no goal: it says where the value must lie")


Seconds = Annotated[float, Field(gt=0)]

RESERVED = frozenset(
    {"structure", "latent", "origin", "trial", "parent", "log_likelihood", "score", "score_basis"}
    | {"violation", "feasible", "pareto_layer", "group", "rank_in_group", "beyond_quota"}
    | {"candidate_id", "rank", "run", "id", "row", "smiles", "crystal", "reason", "rejected_by"}
)
"""Names that other columns of a study's tables have."""
_ENDINGS = ("_desirability", "_value")


class _Own(Settings):
    """What all kinds that a person brings have in common."""

    name: str = ""
    """Of the table's column; by the kind's own name if not given."""
    unit: str = ""
    """E.g. `kcal/mol`; shown in the report."""

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value in RESERVED or value.endswith(_ENDINGS):
            raise ValueError(f"{value!r} is the name of another column; choose a different one")
        return value

    def column_name(self) -> str:
        """Name of the property and of its column."""
        return self.name or _usable(*self._usual())

    def _usual(self) -> tuple[str, str]:
        """The kind's own name, and what to put before it where that is taken."""
        raise NotImplementedError


def _usable(name: str, prefix: str) -> str:
    taken = name in RESERVED or name.endswith(_ENDINGS)
    return (
        f"{prefix}_{name.removesuffix('_desirability').removesuffix('_value')}" if taken else name
    )


class GivenSource(_Own):
    """What all kinds have in common that hand structures to what a person brings."""

    # The word that reads well in a settings file is Python's own.
    model_config = ConfigDict(populate_by_name=True)

    given_as: Literal["exchange", "structure"] = Field(default="exchange", alias="as")
    """In the settings: `as`. `exchange`: what other programs read, SMILES or the text of a CIF
    (see `Export.exchange`). `structure`: Nucleate's own structure string."""


class PropertySource(Settings):
    """One of the matter's own properties."""

    kind: Literal["property"] = "property"
    property: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class PythonSource(GivenSource):
    """A function: list of SMILES or CIFs -> one number each (None or NaN where it has none)."""

    kind: Literal["python"] = "python"
    python: Annotated[str, Field(min_length=1)]
    """`module:function`, `path/to/file.py:function`, or the name of an entry point of the group
    `nucleate.objectives`."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further keyword arguments of the function."""
    each: bool | None = None
    """Whether it takes one string and returns one number. If not given: the function's attribute
    `each`, else whether its first parameter is annotated as `str`."""
    timeout: Seconds = 60.0
    """Of one call. A call with many structures that takes longer is repeated one by one."""
    start_timeout: Seconds = 300.0
    """For importing it."""

    def _usual(self) -> tuple[str, str]:
        place, _, function = self.python.rpartition(":")
        return function.rpartition(".")[2], PurePath(place).stem or "python"


class CommandSource(GivenSource):
    """An external program that reads and writes JSON lines (see `command`)."""

    kind: Literal["command"] = "command"
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """Program and arguments; no shell is involved."""
    timeout: Seconds = 600.0
    """Of one call, which has up to `batch` structures."""
    retries: Annotated[int, Field(ge=0)] = 1
    """How often structures without an answer are asked again, then one per call, so that the one
    that brings the program down costs only itself."""
    slots: Positive = 1
    """Processes at a time."""
    batch: Positive = 32
    """Structures per call."""

    def _usual(self) -> tuple[str, str]:
        words = [PurePath(self.command[0]).stem]
        if words[0].startswith(("python", "bash", "sh")):  # what they run has the telling name
            words = [PurePath(w).stem for w in self.command[1:] if not w.startswith("-")] or words
        return words[0], "command"


class ColumnSource(GivenSource):
    """A column of a person's own data, learnt by a predictor with uncertainty (see `column`)."""

    kind: Literal["column"] = "column"
    column: Annotated[str, Field(min_length=1)]
    """Name of the column."""
    data: str | DatasetSettings
    """A file or a catalogued dataset, or a table as in `featurize.dataset`."""
    standardise: dict[str, Any] = Field(default_factory=dict)
    """As in `featurize.standardise`."""
    features: str | None = None
    """A function as in `python`, list of n texts (see `as`) -> [n, D], whose numbers are learnt
    from instead of the latent vectors. It runs in this process, without a time limit."""
    acquisition: Literal["mean", "lower", "upper"] = "mean"
    """What is scored: the prediction, or the lower or upper end of its interval. Cautious is
    `lower` where the goal is to maximise and `upper` where it is to minimise."""
    coverage: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Share of structures like the labelled ones whose interval holds the true value."""
    calibration: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the labels that the interval is calibrated on and that nothing is fitted to."""
    members: Annotated[int, Field(ge=2)] = 8
    """Regressions of the ensemble."""
    domain_percentile: Annotated[float, Field(ge=0, le=50)] = 1.0
    """A structure is in the domain if the model rebuilds it no less likely than this percentile of
    the labelled structures; 5 is stricter."""
    seed: int = 0
    """Of the split into fitted and calibration labels, and of the ensemble."""

    def _usual(self) -> tuple[str, str]:
        return self.column, "predicted"


class HeadSource(_Own):
    """A property that the model itself predicts from latent vectors."""

    kind: Literal["head"] = "head"
    head: Annotated[str, Field(min_length=1)]
    """Name of a head that fine-tuning fitted, or of a property that the model was trained with."""

    def _usual(self) -> tuple[str, str]:
        return self.head, "predicted"


class MeasuredSource(_Own):
    """What a person measures and tells (see `nucleate.campaign`)."""

    kind: Literal["measured"] = "measured"
    measured: Annotated[str, Field(min_length=1)]
    """Column of the tables that are told."""
    standardise: dict[str, Any] = Field(default_factory=dict)
    """Of structures in those tables, as in `featurize.standardise`; what is known by the id of its
    proposal is not standardised."""

    def _usual(self) -> tuple[str, str]:
        return self.measured, "measured"


ObjectiveSource = Annotated[
    PropertySource | PythonSource | CommandSource | ColumnSource | HeadSource | MeasuredSource,
    Field(discriminator="kind"),
]
"""What an objective's term computes."""

SOURCES: dict[str, type[Settings]] = {
    "property": PropertySource,
    "python": PythonSource,
    "command": CommandSource,
    "column": ColumnSource,
    "head": HeadSource,
    "measured": MeasuredSource,
}
"""The class of each of `OBJECTIVE_KINDS`."""

OPERATIONAL: dict[str, frozenset[str]] = {
    "python": frozenset({"timeout", "start_timeout"}),
    "command": frozenset({"timeout", "retries", "slots", "batch"}),
}
"""By kind, the keys that say how it is run. They change no value, at most whether there is one."""


def source_of(term: PropertySettings) -> ObjectiveSource:
    """What a term of the settings computes.

    Raises:
        SettingsError: a key that its kind does not have (the message lists those that it has), or
            a value that does not fit.
    """
    kind = term.source_kind()
    cls = SOURCES[kind]
    values: dict[str, Any] = {kind: getattr(term, kind), **(term.model_extra or {})}
    if term.arguments:
        values["arguments"] = term.arguments
    own = {field.alias or name for name, field in cls.model_fields.items()} - {"kind"}
    unknown = [key for key in values if key not in own]
    if unknown:
        known = own | set(type(term).model_fields) - set(SOURCES) - {"arguments"}
        raise SettingsError(
            f"a {kind} objective has no key {', '.join(unknown)}; known keys: "
            + ", ".join(sorted(known))
        )
    return validate(cls, values, f"a {kind} objective")  # type: ignore[return-value]


def relative_to(path: str, folder: Path | None) -> Path:
    """A path of the settings: in their folder if it is there, else as seen from here."""
    plain = Path(path).expanduser()
    if folder is not None and not plain.is_absolute() and (folder / plain).exists():
        return folder / plain
    return plain
