"""What a benchmark of crystals measures, on how many, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleate.core.settings import Device, Positive, Settings
from nucleate_benchmarks.crystals.data import Cutoffs
from nucleate_benchmarks.crystals.stability.optimisation import Oracle

Suite = Literal["reconstruction", "generation", "stability", "optimisation", "speed"]
SUITES: tuple[Suite, ...] = ("reconstruction", "generation", "stability", "optimisation", "speed")
Above = Annotated[float, Field(gt=0)]


class StabilitySettings(Settings):
    """Stable, unique, novel."""

    count: Positive = 100
    """Samples of each seed to relax: some seconds each."""
    threshold: Above = 0.08
    """eV/atom above the hull up to which a crystal counts as stable."""
    force: Above = 0.1
    """Threshold of the largest force (eV/A) and of the largest virial per atom (eV)."""
    steps: Positive = 150
    """Steps of a relaxation at most."""
    keep_symmetry: bool = True
    """Whether relaxations keep the space group."""
    references: Annotated[int, Field(ge=10)] = 700
    """Crystals of the data that the references of the elements are regressed on."""


class OptimisationSettings(Settings):
    """Latent optimisation of the formation energy."""

    starts: Positive = 100
    """Test crystals that optimisation starts from."""
    calls: Positive = 200
    """Questions to the oracle from each start, the start's own included."""
    oracle: Oracle = "composition"
    """What the search asks about a decoded crystal: regressions on its composition or on its latent
    vector, fitted to training energies, or CHGNet, which then is judge as well."""
    screened: Positive = 4
    """Proposals of which the head on latent vectors chooses one to decode for CHGNet; else 1."""
    relaxing: Annotated[int, Field(ge=0)] = 50
    """Steps that the judge relaxes for, besides judging crystals as they are; 0 for none."""
    pool: Positive = 5_000
    """Prior samples that the control draws on."""


class CrystalBenchmarkSettings(Settings):
    """What is measured."""

    model: str
    """A model's folder or a shipped model's name."""
    features: str
    """Output of `nucleate featurize`: its training, validation and test split."""
    suites: tuple[Suite, ...] = SUITES
    """What is measured."""
    reconstruct: Positive | None = None
    """Test crystals to rebuild; all if not given."""
    inference_steps: Annotated[int, Field(ge=0)] = 30
    """Gradient steps on each latent vector in a second reconstruction, told apart; 0 for none."""
    samples: Positive = 1_000
    """Prior samples of each seed for the generation suite."""
    region: Literal["test", "any"] = "test"
    """Draws that are measured: those with as many elements and atoms as test crystals have (their
    share is told), or all. A test set may be of another kind than the training set by design."""
    reference: Positive | None = None
    """Test crystals that coverage and distributions are held against; all if not given."""
    seeds: Positive = 1
    """How many seeds are averaged over."""
    seed: int = 0
    """The first seed; the others follow it."""
    controls: bool = True
    """Measure what no model made as well."""
    cutoffs: Cutoffs | None = None
    """CDVAE's cut-offs of coverage; guessed from the test crystals if not given."""
    energy: str | None = None
    """Column of energies per atom; `formation_energy_per_atom`, else `energy_per_atom`."""
    stability: StabilitySettings = StabilitySettings()
    optimisation: OptimisationSettings = OptimisationSettings()
    speed: tuple[Positive, ...] = (1_000, 10_000)
    """Crystals to time."""
    limit: Positive | None = None
    """Use only the first crystals of each split."""
    work: str | None = None
    """Folder of costly results, with which a killed run goes on; beside the report if not given."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""

    @model_validator(mode="after")
    def _some_suite(self) -> CrystalBenchmarkSettings:
        if not self.suites:
            raise ValueError(f"name at least one suite of {', '.join(SUITES)}")
        return self
