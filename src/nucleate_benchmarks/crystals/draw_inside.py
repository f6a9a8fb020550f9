"""Draws of crystals inside the range of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nucleate.core.errors import SettingsError
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import DrawSettings

if TYPE_CHECKING:
    from nucleate_benchmarks.crystals.data import Region
from nucleate_benchmarks.common.drawing import ROUND_SEED, ROUNDS, draw


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
