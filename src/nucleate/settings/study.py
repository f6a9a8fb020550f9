"""A run's settings: pydantic models read from TOML, unknown keys refused.

Sections that belong to one kind of matter (`standardise`, `codec`, options of checks and
properties) stay plain tables here and are validated by that matter's own classes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nucleate.core.settings import Device, Fraction, OneOf, Positive, Settings
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.sample import ConditionSettings
from nucleate.settings.searchers import searcher_entry, searchers


class LocalSettings(ConditionSettings):
    """A search around a lead, or among structures that keep a part: what each must meet."""

    @model_validator(mode="after")
    def _local(self) -> LocalSettings:
        for name in ("between", "budget"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: not offered in a search")
        return self


SearcherName = Annotated[str, OneOf(lambda: list(searchers()))]
"""Name of one of `searchers`."""


class OptimizeSettings(Settings):
    """An Optuna study over structures and their latent space."""

    objectives: tuple[PropertySettings, ...] = ()
    """What is wanted; the matter's default if empty."""
    combine: Literal["desirability", "mean", "pareto"] = "desirability"
    """How several objectives make a score: the weighted geometric mean of their desirabilities, the
    weighted arithmetic mean, or not at all: then the front of structures is looked for that none
    betters in every objective."""
    quota: Positive | None = None
    """Structures of one group (a scaffold, a chemical system) that breed, and that are ranked
    before the rest."""
    quota_by: str | None = None
    """What makes a group: `scaffold` (molecules); `chemical_system`, `formula` or `prototype`
    (crystals). The first one that the matter knows if not given."""
    local: LocalSettings = LocalSettings()
    """A search around a lead, or among structures that keep a part; everywhere if empty."""
    sampler: SearcherName = "nucleate"
    """Who searches: one of ours, or one of Optuna's samplers (from `cmaes` on) over boxes in latent
    space."""
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
    variants: Annotated[int, Field(ge=0)] = 0
    """Further structures that may be asked for of each new one, being the same as it: a crystal of
    a slightly other cell has a slightly other energy, but is the same crystal. The best of them is
    the result. Known structures have none."""
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
        from nucleate.settings.objectives import OPERATIONAL

        free = {"trials", "patience", "variants", "collapse", "storage", "stale_seconds"}
        if not searcher_entry(self.sampler).boxes:
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
        entry = searcher_entry(self.sampler)
        if self.combine == "pareto" and not entry.several:
            more = "nsga2 or nucleate know more"
            raise ValueError(f"combine 'pareto': {self.sampler} knows one score; {more}")
        if self.local.any() and not entry.conditions:
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
    """Seed of all randomness."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""

    @model_validator(mode="after")
    def _one_start(self) -> StudySettings:
        if self.data is not None and self.features is not None:
            raise ValueError("data and features exclude each other: both say where to start")
        return self
