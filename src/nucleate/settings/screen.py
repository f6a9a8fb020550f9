"""Settings of the funnel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from nucleate.core.settings import Device, Settings, Unjudged
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings


def _check_table(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class ScreenSettings(Settings):
    """The funnel."""

    checks: tuple[Annotated[dict[str, Any], BeforeValidator(_check_table)], ...] = ()
    """The funnel's checks in order: names, or tables with `name` and that check's options; the
    matter's default funnel if empty. `nucleate checks` lists all."""
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
    """Limit for one structure in the checks that a worker does one after the other; where a check
    has a longer one of its own, that. Beyond it the process is stopped and the structure becomes a
    rejected row. Checks that compare structures with each other have no limit."""
    unjudged: Unjudged = "keep"
    """What becomes of a structure that a check cannot judge (bond valences without oxidation
    states, an element that the energy model does not know): `keep` lets it go on, marked as not
    judged, and ranks it behind equals that were judged; `reject` turns it away. A check's own
    table may say otherwise: `{ name = "bond_valence", unjudged = "reject" }`."""
    embed: bool = False
    """Whether `candidates.sdf` has a conformer of every molecule, which takes some 50 ms each;
    otherwise only of those that the check `embedding` has embedded, and the others lie flat."""
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
    """Folder of a featurized set, whose structures are known."""
    model: str | None = None
    """A trained model's folder or a shipped model's name, for objectives that it predicts."""
    objectives: tuple[PropertySettings, ...] = ()
    """What ranks the survivors; the study's own or the kind of matter's default if empty."""
    keep: Annotated[int, Field(ge=0)] = 0
    """Candidates written at most; 0 for all."""
    out: str
    """Folder to write to, relative to the working folder."""
    seed: int = 0
    """Seed of all randomness."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""

    def stage(self) -> ScreenSettings:
        """The settings of the stage."""
        fields = {name: getattr(self, name) for name in ScreenSettings.model_fields}
        return ScreenSettings.model_validate(fields)
