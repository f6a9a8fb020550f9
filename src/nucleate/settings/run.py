"""Settings of a whole run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nucleate.core.settings import Device, Settings
from nucleate.settings.data import FeaturizeSettings
from nucleate.settings.model import TrainSettings
from nucleate.settings.sample import SampleSettings
from nucleate.settings.screen import ScreenSettings
from nucleate.settings.study import OptimizeSettings


class PipelineSettings(Settings):
    """Everything for one kind of matter."""

    enabled: bool = True
    """Whether the run works on this kind of matter."""
    featurize: FeaturizeSettings
    """Dataset -> records -> arrays."""
    train: TrainSettings = TrainSettings()
    """Arrays -> model and prior."""
    sample: SampleSettings = SampleSettings()
    """Draws from the prior."""
    optimize: OptimizeSettings = OptimizeSettings()
    """The search."""
    screen: ScreenSettings = ScreenSettings()
    """The funnel."""


class DiscoverSettings(Settings):
    """`flows/discover.toml`: a whole run."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "discover"
    """Name of the run's folder."""
    results: str = "results"
    """Folder of runs, relative to the working folder."""
    seed: int = 0
    """Seed of all randomness."""
    device: Device = "auto"
    """Where networks run; `auto` takes a GPU if there is one."""
    mirror: str | None = None
    """Folder that holds dataset files already; `NUCLEATE_DATA_MIRROR` if not given."""
    matter: dict[str, PipelineSettings]
    """By registry name: `[matter.molecules]`, `[matter.crystals]`."""
