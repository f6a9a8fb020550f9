"""What `nucleate benchmark latent` measures, from how many starts, and how it judges."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nucleate.core.settings import Device, Positive, Settings

NO_MODEL = "none"
SAMPLERS = ("nucleate", "latent", "edits+screen", "random-prior", "best-of-data")
SEARCHERS = "nucleate_benchmarks.search.contenders:build_searcher"
CALCULATOR = "nucleate_benchmarks.search.latent_objectives:Chgnet"
Name = Literal["formation_energy", "density", "band_gap"]


class LatentSearchSettings(Settings):
    """Which searchers from how many starts, and how they are judged."""

    model: str = "crystals"
    """A model's folder or a shipped model's name; `none` for searchers that need none."""
    features: str
    """Output of `nucleate featurize`, with formation energies."""
    objectives: Annotated[tuple[Name, ...], Field(min_length=1)] = (
        "formation_energy",
        "density",
        "band_gap",
    )
    """What is searched for, one after the other."""
    samplers: Annotated[tuple[str, ...], Field(min_length=1)] = SAMPLERS
    """Searchers: ours, controls, and samplers of Optuna over boxes."""
    starts: Positive = 100
    """Random test crystals that are searched from."""
    calls: Positive = 100
    """Crystals that the objective is asked about from each start."""
    batch: Positive = 10
    """Crystals asked for at once."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of all randomness."""
    near: Annotated[int, Field(ge=0)] = 50
    """Training crystals nearest to the start that its searcher is given."""
    initial: Annotated[int, Field(ge=0)] = 10
    """Crystals, the start and then those near it, that a search scores before it makes its own."""
    references: Annotated[int, Field(ge=10)] = 700
    """Crystals of the data that the references of the elements are regressed on."""
    force: Annotated[float, Field(gt=0)] = 0.1
    """Threshold of the largest force (eV/A) of the judge's relaxations."""
    steps: Positive = 150
    """Steps of the judge's relaxations at most."""
    together: Positive = 4
    """Starts that are searched from side by side in one process."""
    energy: str | None = None
    """Column of energies per atom; `formation_energy_per_atom` if not given."""
    gap: str = "band_gap"
    """Column of band gaps."""
    limit: Positive | None = None
    """Use only the first crystals of each split."""
    work: str = "work/latent"
    """Folder of results, with which a killed run goes on."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""
    searcher_source: str = SEARCHERS
    """`module:function` that makes the `Searcher` of a `SearchTask`, as `build_searcher` does."""
    calculator_source: str = CALCULATOR
    """`module:function` that makes a `Calculator` of a `Relaxing`."""
