"""How the benchmarks call a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import DrawSettings

if TYPE_CHECKING:
    pass

ROUNDS = 20
"""Times as many draws as are wanted, at most, to find those inside a region."""
ROUND_SEED = 1_000_003


def decode(
    model: LatentModel,
    latents: NDArray[np.float32],
    temperature: float = 0.0,
    seed: int = 0,
    noise: float = 0.0,
    refine: DrawSettings | None = None,
) -> list[str | None]:
    """Structure of each latent vector [n, D], or None where it means none.

    Args:
        refine: see `LatentModel.decode`.
    """
    items = model.decode(latents, temperature, seed, noise, refine=refine)
    return [item.structure for item in items]


def draw(model: LatentModel, sampling: DrawSettings, count: int, seed: int) -> list[str | None]:
    """`count` draws from the prior, decoded and refined as samples are."""
    latents = model.draw(count, seed, sampling)
    return decode(model, latents, sampling.temperature, seed, sampling.noise, sampling)
