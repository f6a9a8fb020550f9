"""How the benchmarks call a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.config import DrawSettings
from nucleate.errors import SettingsError
from nucleate.latent import LatentModel

if TYPE_CHECKING:
    from nucleate.benchmarks.crystals_data import Region

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


def draw_inside(
    model: LatentModel, how: DrawSettings, region: Region, count: int, seed: int
) -> tuple[list[str | None], float]:
    """`count` draws inside a region, those that became no crystal among them, and the share of all
    draws that such are.

    Raises:
        SettingsError: too few of `ROUNDS` times as many draws lie inside.
    """
    found: list[str | None] = []
    for number in range(ROUNDS):
        drawn = draw(model, how, count, seed + number * ROUND_SEED)
        found += [one for one in drawn if one is None or region.holds(one)]
        if len(found) >= count:
            return found[:count], len(found) / (count * (number + 1))
    raise SettingsError(
        f"of {ROUNDS * count:,} draws only {len(found):,} are {region}, as test crystals are; "
        "--region any measures all draws"
    )
