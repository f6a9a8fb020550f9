"""A run's settings: pydantic models read from TOML, unknown keys refused.

Sections that belong to one kind of matter (`standardise`, `codec`, options of checks and
properties) stay plain tables here and are validated by that matter's own classes.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nucleate.errors import SettingsError
from nucleate.wording import near

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Share = Fraction | Positive
"""A share of the whole, or, as a whole number above 0, a count."""


class Settings(BaseModel):
    """Base of all settings: frozen, unknown keys refused, defaults validated."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


S = TypeVar("S", bound=Settings)


def validate(model: type[S], values: Mapping[str, Any], where: str) -> S:
    """Check a table of values against a settings class.

    Args:
        where: file and section, for the message.

    Raises:
        SettingsError: one line per offending key, with the allowed keys for a misspelt one.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = []
        for item in error.errors():
            location = item["loc"]
            message = item["msg"]
            if item["type"] == "extra_forbidden":
                message = "unknown key" + _allowed(model, location)
            elif item["type"] == "tuple_type" and isinstance(item["input"], Mapping):
                message = "write it as a list of tables, with two pairs of brackets: "
                message += f"[[{location[-1]}]]"
            elif item["type"] == "literal_error" and str(location[-1]).startswith("literal["):
                location = location[:-1]  # of a union of several lists: told as one
                message = _one_of(error, location, item["input"])
            path = ".".join(str(p) for p in location)
            lines.append(f"  {path or '(top level)'}: {message}")
        lines = list(dict.fromkeys(lines))
        raise SettingsError(f"{where}: invalid settings\n" + "\n".join(lines)) from None


def _one_of(error: ValidationError, location: tuple[int | str, ...], given: Any) -> str:
    """What is said of a value that is in none of the lists of a union."""
    lists = [e["ctx"]["expected"] for e in error.errors() if e["loc"][:-1] == location]
    known = sorted({word for expected in lists for word in re.findall(r"'([^']*)'", expected)})
    meant = near(str(given), known)
    hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
    return f"{given!r} is none of {', '.join(known)}{hint}"


def _allowed(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The keys allowed beside a misspelt one, walking into nested settings."""
    current: Any = model
    for part in location[:-1]:
        known = getattr(current, "model_fields", None)
        if known is not None:
            current = getattr(known.get(part), "annotation", None)
        else:  # a table or tuple of settings: go on to the class of its values
            current = next((a for a in get_args(current) if hasattr(a, "model_fields")), None)
    fields = getattr(current, "model_fields", None)
    return f"; known keys: {', '.join(sorted(fields))}" if fields else ""


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        SettingsError: missing, unreadable or not TOML; names the file and the place.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such settings file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


class DatasetSettings(Settings):
    """Where structures come from."""

    source: str | Annotated[tuple[str, ...], Field(min_length=1)]
    """Catalogue name (`nucleate datasets list`) or path of a file or folder; or a list of them,
    read in that order: of equal rows the first is kept."""
    test_source: str | None = None
    """Another one whose rows are the test split, whatever `split` says; they are read first."""
    validation_source: str | None = None
    """Likewise for the validation split."""
    format: Literal["auto", "csv", "tsv", "smi", "parquet", "sdf", "cif", "poscar", "extxyz"] = (
        "auto"
    )
    """What a file holds, if its name does not tell; folders and zips hold `cif` or `poscar`."""
    structure_column: str | None = None
    """Column with the SMILES or CIF; found by its usual names if not given."""
    id_column: str | None = None
    """Column with the row's id; row numbers if not given and no column is called `id`."""
    properties: tuple[str, ...] = ()
    """Columns (or SD tags, or extxyz info keys) to keep as properties; missing values allowed."""
    limit: Positive | None = None
    """Use only the first rows of `source`, and of `test_source` and `validation_source` each."""

    @property
    def sources(self) -> tuple[str, ...]:
        """What `source` names, always as a tuple."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def shown(self) -> str:
        """What `source` names, on one line."""
        return ", ".join(self.sources)


class SplitSettings(Settings):
    """How records are divided. Rows of equal split key never part."""

    kind: str = "random"
    """`random`, or a kind that the matter offers: `scaffold` (molecules), `formula` (crystals)."""
    validation: Share = 0.05
    """Share of the rows that may be held out (below 1), or how many of them (a whole number)."""
    test: Share = 0.05
    """Likewise."""
    hold_out: dict[str, Any] = Field(default_factory=dict)
    """Which rows may be held out, by the matter's own options; all of them if empty. Rows whose
    split key is also that of a row that may not are trained on."""

    @model_validator(mode="after")
    def _leaves_training(self) -> SplitSettings:
        shares = [s for s in (self.validation, self.test) if isinstance(s, float)]
        if sum(shares) >= 1:
            raise ValueError("validation and test leave nothing to train on")
        return self


class FeaturizeSettings(Settings):
    """Dataset -> records -> arrays."""

    dataset: DatasetSettings
    standardise: dict[str, Any] = Field(default_factory=dict)
    codec: dict[str, Any] = Field(default_factory=dict)
    split: SplitSettings = SplitSettings()
    duplicates: Literal["drop", "drop_within_split", "keep"] = "drop"
    """What becomes of rows that repeat an earlier one. The last two are for protocols of the
    literature whose test sets repeat training rows."""
    spellings: Annotated[int, Field(ge=0)] = 0
    """Random spellings of each training structure to train on besides the canonical one."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""
    chunk: Positive = 2000
    """Rows per unit of work, of progress and of resumption."""


class NetworkSettings(Settings):
    """Encoder and decoder. `auto` takes what trains best for the kind of matter on two cores."""

    encoder: Literal["auto", "gru", "transformer"] = "auto"
    decoder: Literal["auto", "gru", "transformer"] = "auto"
    width: Positive | None = None
    """Size of hidden vectors; by kind of network if not given."""
    layers: Positive | None = None
    latent: Positive = 64
    """Dimensions of the latent vector."""
    binding: bool = False
    """A short way between steps and latent vector beside the networks (see `Binding`)."""
    dropout: Fraction = 0.0


class ObjectiveSettings(Settings):
    """The evidence lower bound and its warm-up (Kingma & Welling 2014; beta-VAE, Higgins 2017)."""

    beta: Annotated[float, Field(ge=0)] = 0.02
    """Weight of the KL divergence: the price of a nat of rate in nats of distortion."""
    warm_up: Fraction = 0.3
    """Share of training over which beta rises from zero."""
    free_bits: Annotated[float, Field(ge=0)] = 0.0
    """Nats per latent dimension that cost nothing (Kingma et al. 2016)."""
    word_dropout: Fraction = 0.1
    """Share of steps hidden from the decoder's input, so that it leans on the latent vector."""
    auxiliary_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the auxiliary fields' negative log-likelihood."""
    auxiliary_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """By auxiliary field, where it differs from `auxiliary_weight`."""
    alignment_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of one minus the correlation of latent and Tanimoto distances within a batch."""
    alignment_field: str = "fingerprint"
    """Auxiliary field whose Tanimoto distances the latent ones follow."""
    noise: Fraction = 0.0
    """Share of a batch whose latent vectors are blended with noise of a random amplitude that the
    decoder is told, so that it also learns what is usual where the vector says little."""
    noise_schedule: Literal["uniform", "cosine"] = "uniform"
    """Of the amplitudes: uniform between 0 and 1, or the sine of a uniform angle, which has more of
    those that leave little of the vector."""


class PriorSettings(Settings):
    """The distribution that the sampler draws latent vectors from."""

    kind: Literal["flow_matching", "gaussian_mixture", "standard_normal"] = "flow_matching"
    components: Positive = 30
    """Of the Gaussian mixture."""
    steps: Annotated[int, Field(ge=20)] = 3000
    """Optimiser steps of the flow."""
    width: Positive = 256
    layers: Positive = 3
    integration_steps: Positive = 16
    """Steps of the midpoint rule by which the flow draws."""


class DrawSettings(Settings):
    """How samples are drawn from a model unless a command says otherwise."""

    temperature: Annotated[float, Field(ge=0)] = 0.0
    continuous_temperature: Annotated[float, Field(ge=0)] | None = None
    """Of continuous fields, where it is lower than `temperature`."""
    prior_temperature: Annotated[float, Field(gt=0)] = 1.0
    noise: Fraction = 0.0
    blended: bool = False
    """Whether the prior's draws hold that much noise, as vectors did in training; else they are as
    free of it as the prior can make them, and only the decoder is told to lean on what is usual."""
    resample: Annotated[int, Field(ge=0)] = 4
    """Draws of the continuous fields, categorical ones kept, where what was written is not fine, as
    the kind of matter judges (crystals: atoms that overlap); 0 for none."""
    resample_temperature: Annotated[float, Field(gt=0)] = 0.7
    relief: bool = True
    """Whether continuous fields that are still not fine are mended, where the kind of matter knows
    how (crystals: atoms that overlap part, symmetry kept)."""


class TrainSettings(Settings):
    """Arrays -> model and prior."""

    sampling: DrawSettings | None = None
    """Goes into the model's info, where `sample` finds it; if not given, what the start model has
    there, else the defaults."""

    network: NetworkSettings = NetworkSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    prior: PriorSettings = PriorSettings()
    augment: dict[str, Any] = Field(default_factory=dict)
    """Options of the matter's augmentation; `{enabled = false}` switches it off."""
    epochs: Positive = 40
    batch: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1.5e-3
    patience: Positive = 8
    """Epochs without a better validation loss after which training stops."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.995
    """Decay of the exponential moving average of weights that is validated and kept."""
    maximum_minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop early after this time (the result then depends on the machine's speed)."""
    processes: Positive = 1
    """Processes that share each batch, on the CPU: nearly as many times faster, since a step is too
    small for threads. Results depend on their number, as they do on the batch."""
    checkpoint_minutes: Annotated[float, Field(gt=0)] = 1.0
    start: str = "none"
    """A model to start from instead of random weights: a shipped model's name, a model's folder,
    `auto` (the shipped model of this kind of matter, if there is one) or `none`. Its codec and
    network are then taken, `featurize.codec` and `network` are not looked at, and beta does not
    warm up."""
    start_extend: bool = False
    """Whether symbols that the start model does not know are added to its vocabulary; else
    structures with such symbols are rejected rows."""
    start_epochs: Positive | None = None
    """`epochs` where a start model was found; the same number if not given."""
    start_learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    """`learning_rate` where a start model was found."""


class Window(Settings):
    """Where a number shall lie, ends included. Also read from `2..3`, `2..`, `..3`, `>=2`, `<=3`,
    or a list of both ends."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        if isinstance(value, str):
            return _ends(value)
        if isinstance(value, (list, tuple)) and len(value) == 2:
            return {"low": value[0], "high": value[1]}
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.low is None and self.high is None:
            raise ValueError("a window needs a lower or an upper end")
        if not all(math.isfinite(end) for end in (self.low, self.high) if end is not None):
            raise ValueError("the ends of a window are finite numbers")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the lower end {self.low:g} exceeds the upper end {self.high:g}")
        return self

    def __str__(self) -> str:
        low, high = ("" if end is None else f"{end:g}" for end in (self.low, self.high))
        return f"{low}..{high}"


def _ends(text: str) -> dict[str, float | None]:
    """Both ends of a window as a person writes it."""
    written = text.replace(" ", "")
    if written.startswith((">=", "<=")):
        written = f"{written[2:]}.." if written[0] == ">" else f"..{written[2:]}"
    low, between, high = written.partition("..")
    try:
        if not between:
            raise ValueError
        return {"low": float(low) if low else None, "high": float(high) if high else None}
    except ValueError:
        raise ValueError(f"{text!r} is not a window: write 2..3, >=2 or <=3") from None


class ConditionSettings(Settings):
    """What every sampled structure shall meet. Conditions combine.

    Further keys belong to the kind of matter and are checked by its `Guide.Options`.
    """

    model_config = ConfigDict(extra="allow")

    like: str | None = None
    """A lead: structures near it, never itself. A SMILES; a file of a crystal or a Wyckoff
    string."""
    similarity: Window | None = None
    """To the lead, 0 to 1; 0.4..0.8 if not given."""
    between: tuple[str, str] | None = None
    """Two structures: what lies between them."""
    scaffold: str | None = None
    """A part that every structure holds; where it has marks (`*`), it grows there, only there."""
    property: dict[str, Window] = Field(default_factory=dict)
    """By property, where it shall lie."""
    minimum_size: Positive | None = None
    """Heavy atoms of a molecule."""
    maximum_size: Positive | None = None
    budget: Positive | None = None
    """Draws at most; 50 for each structure asked for, and no fewer than 5,000, if not given."""

    @model_validator(mode="after")
    def _agree(self) -> ConditionSettings:
        if self.like is not None and self.between is not None:
            raise ValueError("like and between exclude each other: both say where to start")
        if self.similarity is not None:
            if self.like is None:
                raise ValueError("similarity is that to a lead: give like as well")
            low, high = self.similarity.low, self.similarity.high
            if (low is not None and low > 1) or (high is not None and high < 0):
                raise ValueError(f"similarity {self.similarity} is empty: it lies between 0 and 1")
        sizes = (self.minimum_size, self.maximum_size)
        if sizes[0] is not None and sizes[1] is not None and sizes[0] > sizes[1]:
            raise ValueError(f"minimum_size {sizes[0]} exceeds maximum_size {sizes[1]}")
        return self

    def any(self) -> bool:
        """Whether there is any condition."""
        return bool(self.model_dump(exclude={"budget"}, exclude_defaults=True))


class SampleSettings(Settings):
    """Draws from the prior, or under conditions."""

    count: Positive = 1000
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Of the decoder; 0 is greedy. What the model was shipped or trained with if not given."""
    continuous_temperature: Annotated[float, Field(ge=0)] | None = None
    """Of the decoder's continuous fields, where it is lower than `temperature`."""
    prior_temperature: Annotated[float, Field(gt=0)] | None = None
    """Scale of the prior's base noise."""
    noise: Fraction | None = None
    """Amplitude of noise that the decoder takes for granted in the latent vectors: 0 copies them,
    more writes what is usual near them."""
    blended: bool | None = None
    """Whether the prior's draws hold that much noise (see `DrawSettings`)."""
    resample: Annotated[int, Field(ge=0)] | None = None
    """Draws of coordinates and lattice at a fixed gene where atoms overlap (see `DrawSettings`)."""
    resample_temperature: Annotated[float, Field(gt=0)] | None = None
    relief: bool | None = None
    """Whether atoms that still overlap are parted, symmetry kept (see `DrawSettings`)."""
    conditions: ConditionSettings = ConditionSettings()
    """What every structure shall meet; nothing if empty. Temperature and noise then are those that
    suit the conditions if not given."""


OBJECTIVE_KINDS = ("property", "python", "command", "column", "head", "measured")


class PropertySettings(Settings):
    """One term of an objective: what is computed and how much of it is wanted.

    What is computed is one of the matter's own properties or something that a person brings:
    exactly one of `property`, `python`, `command`, `column`, `head` and `measured` is given.
    Further keys (`timeout`, `data`, ...) belong to that kind and are checked by its class in
    `nucleate.search.objectives.settings`.
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
    low: float | None = None
    """`maximise`/`minimise`: the values at which desirability is 0 or 1; `range`: its ends."""
    high: float | None = None
    target: float | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None
    """`target`, `range`: distance outside at which desirability falls to exp(-1/2)."""
    weight: Annotated[float, Field(gt=0)] = 1.0
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
            # Only here: it rests on this module.
            from nucleate.search.objectives.settings import source_of

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


class LocalSettings(ConditionSettings):
    """A search around a lead, or among structures that keep a part: what each must meet."""

    @model_validator(mode="after")
    def _local(self) -> LocalSettings:
        for name in ("between", "budget"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: not offered in a search")
        return self


Searcher = Literal[
    "nucleate", "nucleate+adaptation", "latent", "edits+screen", "token-edits",
    "token-edits+screen", "random-prior", "best-of-data",
]  # fmt: skip
"""Searches of our own, which propose structures; see `nucleate.search.build.SEARCHERS`."""
BoxSampler = Literal["tpe", "cmaes", "gp", "nsga2", "nsga3", "qmc", "random"]
"""Optuna's own samplers, over boxes in latent space around good structures."""


class OptimizeSettings(Settings):
    """An Optuna study over structures and their latent space."""

    objectives: tuple[PropertySettings, ...] = ()
    """Weighted mix; empty means the matter's default."""
    combine: Literal["desirability", "mean", "pareto"] = "desirability"
    """How several objectives make a score: the weighted geometric mean of their desirabilities, the
    weighted arithmetic mean, or not at all: then the front of structures is looked for that none
    betters in every objective."""
    quota: Positive | None = None
    """Structures of one group that breed, and that are ranked before the rest."""
    quota_by: str | None = None
    """What makes a group: `scaffold` (molecules); `chemical_system`, `formula` or `prototype`
    (crystals). The first one that the matter knows if not given."""
    local: LocalSettings = LocalSettings()
    """A search around a lead, or among structures that keep a part; everywhere if empty."""
    sampler: Searcher | BoxSampler = "nucleate"
    trials: Positive = 400
    """Structures to score, repetitions not counted. More of them continue the study."""
    batch: Positive = 20
    """Structures asked for and scored together."""
    starts: Positive = 8
    """Good known structures that are shown, and around which boxes lie."""
    reference: Positive | None = None
    """Known structures that are scored before the first trial: scales rest on them, and the search
    starts from them. If not given 256, or 64 where an objective takes more than milliseconds."""
    radius: Annotated[float, Field(gt=0)] = 1.5
    """Boxes: half-width, in standard deviations of the encoded training set."""
    dimensions: Positive = 16
    """Boxes: search coordinates, leading principal directions of the encoded training set."""
    temperature: Annotated[float, Field(ge=0)] = 0.0
    """Boxes: of the decoder."""
    patience: Positive | None = None
    """Stop after so many structures without a better score; never if not given."""
    collapse: Fraction | None = 0.01
    """Stop where fewer of the latest 200 trials than this share were structures not seen before."""
    storage: str | None = None
    """Database of the study, e.g. `postgresql://user@host/name`; several workers may share it. If
    not given, a journal file in the output folder."""
    stale_seconds: Annotated[float, Field(gt=0)] = 30.0
    """In a database: a worker without a sign of life for so long is dead, and its structures are
    proposed again."""

    def course(self) -> dict[str, Any]:
        """What the course of a study depends on; the rest may change from one call to the next."""
        # Only here: it rests on this module.
        from nucleate.search.objectives.settings import OPERATIONAL

        free = {"trials", "patience", "collapse", "storage", "stale_seconds"}
        if self.sampler in get_args(Searcher):
            # Ours learn from whatever was scored, in batches of whatever size, and lay no boxes;
            # `starts` only says how many are shown. With boxes all of these stay: generations of
            # `cmaes`, `nsga2` and `nsga3` are counted off by the batch when a study is taken up
            # again, and a trial's coordinates mean something only in the boxes they were drawn in.
            free |= {"batch", "starts", "radius", "dimensions", "temperature"}
        # Without defaults, so that a study goes on in a version that has more settings.
        course = self.model_dump(mode="json", exclude=free, exclude_defaults=True)
        for term, written in zip(self.objectives, course.get("objectives", ()), strict=True):
            for key in OPERATIONAL.get(term.source_kind(), ()):
                written.pop(key, None)
        return course

    @model_validator(mode="after")
    def _possible(self) -> OptimizeSettings:
        boxes = self.sampler in get_args(BoxSampler)
        if self.combine == "pareto" and self.sampler == "cmaes":
            raise ValueError("combine 'pareto': cmaes knows one score; nsga2 or nucleate know more")
        if self.local.any() and (boxes or self.sampler == "random-prior"):
            raise ValueError(f"local: not offered for {self.sampler}, which knows no lead")
        if self.quota_by is not None and self.quota is None:
            raise ValueError("quota_by says what a quota is of: give quota as well")
        return self


class StudySettings(OptimizeSettings):
    """A study's own file, `nucleate optimize STUDY.toml`."""

    model: str
    """A trained model's folder or a shipped model's name."""
    data: str | DatasetSettings | None = None
    """Structures to start from, which are known: a file, a catalogued dataset, or a table as in
    `featurize.dataset`. Neither this nor `features`: what the model recalls of its training."""
    features: str | None = None
    """The same from a featurized set's folder."""
    out: str
    """Folder to write to, relative to the working folder."""
    seed: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    @model_validator(mode="after")
    def _one_start(self) -> StudySettings:
        if self.data is not None and self.features is not None:
            raise ValueError("data and features exclude each other: both say where to start")
        return self


class ScreenSettings(Settings):
    """The funnel."""

    checks: tuple[dict[str, Any], ...] = ()
    """Tables with `name` and that check's options; empty means the matter's default funnel."""
    keep: Annotated[int, Field(ge=0)] = 200
    """Candidates written at most; 0 for all."""
    reference: tuple[DatasetSettings, ...] = ()
    """Further known structures, besides the training set, for novelty."""
    standardise: dict[str, Any] = Field(default_factory=dict)
    """How a file's rows are standardised, as in `featurize.standardise`; larger structures than
    training sets hold are read unless this says otherwise."""
    budget: Annotated[int, Field(ge=0)] | None = None
    """Best candidates that go on to the checks that cost seconds each; the check's own number if
    not given, 0 for all."""
    rank: Literal["score", "pareto"] = "score"
    """Order of the survivors: by score, or first by Pareto layers over the objectives."""
    seconds: Annotated[float, Field(gt=0)] = 30.0
    """Limit for one structure in one check; beyond it the check's process is stopped and the
    structure becomes a rejected row."""
    processes: Annotated[int, Field(ge=0)] | None = None
    """Workers, as many as cores if not given; 0 does everything in one process, where nothing can
    be stopped."""

    def course(self) -> ScreenSettings:
        """What the result depends on."""
        return self.model_copy(update={"processes": None})


class ScreeningSettings(ScreenSettings):
    """A screening's own file, `nucleate screen SCREEN.toml`."""

    matter: str | None = None
    """Kind of matter; that of the draws if not given."""
    structures: str | tuple[str, ...] | DatasetSettings | None = None
    """What is screened: files, folders or zips of structures, a catalogued dataset, a table as in
    `featurize.dataset`; or draws: a run's folder, the output of `sample` or `optimize`."""
    features: str | None = None
    """A featurized set, which is known."""
    model: str | None = None
    """A trained model's folder or a shipped model's name, for objectives that it predicts."""
    objectives: tuple[PropertySettings, ...] = ()
    """What ranks the survivors; the study's own or the kind of matter's default if empty."""
    keep: Annotated[int, Field(ge=0)] = 0
    """Candidates written at most; 0 for all."""
    out: str
    """Folder to write to, relative to the working folder."""
    seed: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"

    def stage(self) -> ScreenSettings:
        """The settings of the stage."""
        fields = {name: getattr(self, name) for name in ScreenSettings.model_fields}
        return ScreenSettings.model_validate(fields)


class FinetuneSettings(Settings):
    """A trained model and a person's own set -> a model of that set which has not forgotten."""

    dataset: DatasetSettings
    """`properties` names the columns for which property heads are fitted."""
    standardise: dict[str, Any] = Field(default_factory=dict)
    split: SplitSettings = SplitSettings(validation=0.1, test=0.1)
    frozen: bool = False
    """Whether the networks stay as they are and only the prior and the property heads are fitted;
    symbols that the model does not know are then not added."""
    extend: bool = True
    """Whether symbols that the model does not know are added to its vocabulary; else structures
    with such symbols are rejected rows."""
    epochs: Positive = 30
    batch: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4
    patience: Positive = 6
    """Epochs without a better validation loss within the forgetting bound after which it ends."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.98
    """Decay of the moving average of weights that is judged and kept."""
    maximum_minutes: Annotated[float, Field(gt=0)] | None = None
    """Stop training early after this time."""
    rehearsal: Annotated[float, Field(ge=0)] = 2.0
    """Structures decoded by the old model to train on besides, per structure of one's own."""
    pull: Annotated[float, Field(ge=0)] = 3.0
    """Decay of the weights towards the old ones, per unit of learning rate and step (L2-SP)."""
    maximum_forgetting: Fraction = 0.02
    """Most that the share of exactly rebuilt structures may fall on the base set."""
    base_set: Positive = 500
    """Structures decoded by the old model on which forgetting is measured."""
    prior_steps: Positive = 2000
    """Most optimiser steps by which the prior is fitted to one's own set."""
    samples: Positive = 500
    """Draws from the prior, before and after, that are compared with one's own set."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""


class PipelineSettings(Settings):
    """Everything for one kind of matter."""

    enabled: bool = True
    featurize: FeaturizeSettings
    train: TrainSettings = TrainSettings()
    sample: SampleSettings = SampleSettings()
    optimize: OptimizeSettings = OptimizeSettings()
    screen: ScreenSettings = ScreenSettings()


class DiscoverSettings(Settings):
    """`flows/discover.toml`: a whole run."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "discover"
    """Name of the run's folder."""
    results: str = "results"
    """Folder of runs, relative to the working folder."""
    seed: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    mirror: str | None = None
    """Folder that holds dataset files already; `NUCLEATE_DATA_MIRROR` if not given."""
    matter: dict[str, PipelineSettings]
    """By registry name: `[matter.molecules]`, `[matter.crystals]`."""
