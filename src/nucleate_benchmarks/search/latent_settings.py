"""What `nucleate benchmark latent` measures, from how many starts, and how it judges."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nucleate.core.settings import Positive, Settings

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
    samplers: Annotated[tuple[str, ...], Field(min_length=1)] = SAMPLERS
    """Names of `nucleate_benchmarks.search.contenders.SEARCHERS`."""
    starts: Positive = 100
    """Test crystals."""
    calls: Positive = 100
    """Crystals that the objective is asked about from each start."""
    batch: Positive = 10
    seed: Annotated[int, Field(ge=0)] = 0
    near: Annotated[int, Field(ge=0)] = 50
    """Training crystals nearest to the start that its searcher is given."""
    initial: Annotated[int, Field(ge=0)] = 10
    """Crystals, the start and then those near it, that a search scores before it makes its own."""
    references: Positive = 700
    """Crystals of the data that the references of the elements are regressed on."""
    force: Annotated[float, Field(gt=0)] = 0.1
    steps: Positive = 150
    """Of the judge's relaxations."""
    together: Positive = 4
    """Starts that are searched from side by side in one process."""
    energy: str | None = None
    gap: str = "band_gap"
    """Column of band gaps."""
    limit: Positive | None = None
    """Use only the first crystals of each split."""
    work: str = "work/latent"
    """Folder of results, with which a killed run goes on."""
    device: str = "auto"
    processes: Positive | None = None
    searcher_source: str = SEARCHERS
    """`module:function` that builds a searcher, called as `build_searcher` is."""
    calculator_source: str = CALCULATOR
    """`module:function` that makes a `Calculator` of a `Relaxing`."""
