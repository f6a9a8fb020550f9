"""Copies of training crystals with other elements and small noise. torch and numpy only.

A relabelled copy keeps the arrangement of a crystal and draws every element anew, different ones
for different ones, with the volume scaled by the elements' typical atomic volumes. It teaches the
decoder that any element may stand on any site: the best single lever on reconstruction that we
measured.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from nucleate.core.settings import Fraction, Settings
from nucleate.crystals.codec.schema import AXES, position_table
from nucleate.crystals.elements import supported, volumes
from nucleate.vae.arrays import Batch
from nucleate.vae.schema import Schema


class AugmentOptions(Settings):
    """How training batches are varied."""

    enabled: bool = True
    relabel: Fraction = 0.5
    """Share of crystals whose elements are drawn anew."""
    blur: Fraction = 0.0
    """Share of the other crystals that noise is added to, as it is to all relabelled ones."""
    coordinate_noise: Annotated[float, Field(ge=0, lt=0.1)] = 0.0
    """Largest standard deviation of noise on free coordinates, fractions of the cell. Each crystal
    has its own, uniform between 0 and this, so that ideal coordinates remain frequent."""
    lattice_noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Likewise of noise on the normalised lattice numbers."""


class Augment:
    """Varies padded batches of the crystal schema. The result obeys the schema's masks."""

    def __init__(self, schema: Schema, options: AugmentOptions):
        self.options = options
        self.stop = schema.stop
        self.spread = float(schema.options["lattice_spread"][0])
        accepted = np.array(supported(bool(schema.options["noble_gases"]))) - 1
        self.accepted = torch.from_numpy(accepted)
        self.volume = torch.from_numpy(volumes())
        self.size = torch.from_numpy(position_table()[0].astype(np.float32))

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        once, steps, auxiliary = dict(batch.once), dict(batch.steps), dict(batch.auxiliary)
        chosen = torch.rand(2, len(batch), generator=generator, device=generator.device)
        chosen = chosen.to(batch.device)
        relabelled = chosen[0] < self.options.relabel
        blurred = relabelled | (chosen[1] < self.options.blur)
        if self.options.relabel > 0:
            self._relabel(once, steps, relabelled, generator)
        self._blur(once, steps, blurred, generator)
        for name, values in auxiliary.items():  # nobody measured the copy's properties
            auxiliary[name] = values.masked_fill(blurred[:, None], float("nan"))
        return Batch(once, steps, batch.length, auxiliary, relabelled)

    def _blur(
        self,
        once: dict[str, Tensor],
        steps: dict[str, Tensor],
        blurred: Tensor,
        generator: torch.Generator,
    ) -> None:
        amount = torch.rand(len(blurred), 1, generator=generator, device=generator.device)
        amount = amount.to(blurred.device) * blurred[:, None]
        if self.options.coordinate_noise > 0:
            for axis in AXES:
                noise = _normal(steps[axis], generator) * self.options.coordinate_noise * amount
                steps[axis] = (steps[axis] + noise) % 1.0
        if self.options.lattice_noise > 0:
            noise = _normal(once["lattice"], generator) * self.options.lattice_noise * amount
            once["lattice"] = once["lattice"] + noise

    def _relabel(
        self,
        once: dict[str, Tensor],
        steps: dict[str, Tensor],
        relabelled: Tensor,
        generator: torch.Generator,
    ) -> None:
        old, position = steps["element"], steps["wyckoff_position"]
        device, count = old.device, len(old)
        scores = torch.rand(count, len(self.accepted), generator=generator, device=generator.device)
        accepted = self.accepted.to(device)
        table = torch.arange(len(self.volume), device=device).repeat(count, 1)
        table[:, accepted] = accepted[scores.to(device).argsort(1)]
        new = table.gather(1, old)
        new = torch.where(relabelled[:, None], new, old)
        real = position != self.stop
        sizes = self.size.to(device)[position]  # 0 beyond the end
        volume = self.volume.to(device)
        change = (sizes * volume[new]).sum(1).log() - (sizes * volume[old]).sum(1).log()
        lattice = once["lattice"].clone()
        lattice[:, 0] += change / self.spread
        once["lattice"] = lattice
        new = torch.where(real, new, old)
        # Sites on one position stay in the order of their atomic numbers.
        key = torch.where(real, position * 256 + new, torch.iinfo(torch.long).max)
        order = key.sort(dim=1, stable=True).indices
        steps["element"] = new
        for name, values in steps.items():
            steps[name] = values.gather(1, order)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator, device=generator.device)
    return drawn.to(like.device, like.dtype)
