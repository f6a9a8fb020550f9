"""What a benchmark of molecules measures, against what, and on how many."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from nucleate.core.settings import Device, Fraction, Positive, Settings

Suite = Literal["table", "moses", "guacamol"]


class TableSettings(Settings):
    """How many molecules each part of the table rests on."""

    samples: Positive = 10_000
    """Prior samples of each seed."""
    reconstruct: Positive | None = None
    """Test molecules to rebuild; all if not given."""
    stochastic: Positive = 200
    """Test molecules of the 10 x 10 protocol: each costs 100 decodes."""
    neighbourhood: Positive = 500
    """Test molecules that are perturbed."""
    midpoints: Positive = 1000
    """Midpoints between test molecules."""
    pairs: Positive = 20_000
    """Random test pairs of the rank correlation."""
    probe: Positive = 10_000
    """Training molecules that the spread and the linear probe are fitted on."""
    noise: Fraction = 0.0
    """Share of noise that the decoder assumes when it rebuilds; 0 is a codec."""
    timed: bool = True
    """Measure the seconds of 10,000 samples."""


class BenchmarkSettings(Settings):
    """What is measured against what."""

    train: str
    """Training molecules: a file, a catalogued set (its training part), or the folder of `nucleate
    featurize`."""
    test: str
    """Test molecules, likewise."""
    model: str | None = None
    """A model's folder or a shipped model's name."""
    samples_file: str | None = None
    """Somebody's own samples, which are scored instead of a model's."""
    suites: tuple[Suite, ...] = ("table", "moses", "guacamol")
    """What is measured."""
    samples: Positive = 30_000
    """Draws of each seed for MOSES and GuacaMol."""
    seeds: Positive = 3
    """How many seeds are averaged over."""
    seed: int = 0
    """The first seed; the others follow it."""
    controls: bool = True
    """Measure the controls as well: as many molecules again, three times, once."""
    table: TableSettings = TableSettings()
    mirror: str | None = None
    """Folder that holds dataset files already."""
    limit: Positive | None = None
    """Use only the first molecules of the training and of the test set."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    processes: Positive | None = None
    """Worker processes; as many as cores if not given."""

    @model_validator(mode="after")
    def _one_source(self) -> BenchmarkSettings:
        if (self.model is None) == (self.samples_file is None):
            raise ValueError("give either a model or a file of samples")
        return self
