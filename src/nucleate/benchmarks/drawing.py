"""How the benchmarks call a model: the one place that knows its sampling settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.config import SampleSettings
from nucleate.latent import LatentModel


@dataclass(frozen=True)
class Sampling:
    """How draws from the prior are made.

    Attributes:
        temperature: of the decoder; 0 is greedy.
        prior_temperature: scale of the prior's noise.
        noise: amplitude of noise in the latent vector that the decoder takes for granted.
    """

    temperature: float
    prior_temperature: float
    noise: float = 0.0

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def sampling_of(model: LatentModel) -> Sampling:
    """The settings with which `nucleate sample` draws from a model: its own, else the defaults."""
    own: dict[str, Any] = model.info.get("sampling") or {}
    usual = SampleSettings()
    return Sampling(
        temperature=float(own.get("temperature", usual.temperature)),
        prior_temperature=float(own.get("prior_temperature", usual.prior_temperature)),
        noise=float(own.get("noise", getattr(usual, "noise", None) or 0.0)),
    )


def decode(
    model: LatentModel,
    latents: NDArray[np.float32],
    temperature: float = 0.0,
    seed: int = 0,
    noise: float = 0.0,
) -> list[str | None]:
    """Structure of each latent vector [n, D], or None where it means none."""
    return [item.structure for item in model.decode(latents, temperature, seed, noise)]


def draw(model: LatentModel, sampling: Sampling, count: int, seed: int) -> list[str | None]:
    """`count` draws from the prior, decoded."""
    latents = model.draw_prior(count, seed, sampling.prior_temperature)
    return decode(model, latents, sampling.temperature, seed, sampling.noise)
