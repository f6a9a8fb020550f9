"""Better continuous values for what a decoder has written, its categorical fields kept.

A greedy decoder writes the mode of each continuous field in turn, and modes need not go together.
Where a kind of matter can tell that they do not (`Refiner.quality`), the continuous fields are
drawn again for the same categorical ones, and what is still not fine is repaired.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from nucleate.vae.arrays import Batch, RaggedArrays
from nucleate.vae.model import VAE

CHUNK = 512
"""Structures decoded or repaired together."""


class Refiner(ABC):
    """What a kind of matter knows of good continuous values. Uses torch and numpy only.

    Attributes:
        enough: quality from which on a structure is fine as it is.
    """

    enough: float

    @abstractmethod
    def quality(self, batch: Batch) -> Tensor:
        """How good the continuous fields of each structure are, more is better, [B]."""

    @abstractmethod
    def repair(self, batch: Batch) -> Batch:
        """The same structures with continuous fields mended where their quality is not enough;
        those of enough quality stay bit for bit, and none gets worse."""


def quality_of(refiner: Refiner, arrays: RaggedArrays, device: torch.device) -> Tensor:
    """Quality of each structure, [n]."""
    parts = [refiner.quality(arrays.batch(rows).to(device)).cpu() for rows in _chunks(len(arrays))]
    return torch.cat([torch.zeros(0), *parts])


@torch.no_grad()
def resample(
    model: VAE,
    refiner: Refiner,
    latent: Tensor,
    arrays: RaggedArrays,
    likelihood: Tensor,
    draws: int,
    temperature: float,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
    stricter: bool = False,
) -> tuple[RaggedArrays, Tensor]:
    """Draw the continuous fields anew where they are not fine.

    Of the draws of a structure that are fine the likeliest (given its categorical fields) is taken;
    if none is, the one of the highest quality, what was written at first included.

    Args:
        latent: of the structures, [n, D].
        arrays: as decoded at first.
        likelihood: of all fields, nats [n].
        draws: for each structure that is not fine.
        temperature: of the draws.
        noise: amplitude that the decoder takes for granted, [n]; none if not given.
        stricter: whether `likelihood` is that under a stricter legality than the model's own, to
            which the change under the model's own is then added.

    Returns:
        The structures, their categorical fields unchanged, and their log-likelihoods.
    """
    noise = latent.new_zeros(len(latent)) if noise is None else noise
    quality = quality_of(refiner, arrays, latent.device)
    poor = (quality < refiner.enough).nonzero()[:, 0].numpy()
    if len(poor) == 0 or draws == 0:
        return arrays, likelihood
    repeated = np.repeat(poor, draws)
    made, gained = [], []
    for rows in _chunks(len(repeated)):
        chosen = torch.from_numpy(repeated[rows]).to(latent.device)
        drawn, nats = model.decode(
            latent[chosen],
            temperature,
            generator,
            noise[chosen],
            given=arrays.subset(repeated[rows]),
        )
        made.append(drawn)
        gained.append(nats.cpu())
    drawings = RaggedArrays.concatenated(made)
    table = torch.cat(gained).reshape(-1, draws)
    found = quality_of(refiner, drawings, latent.device).reshape(-1, draws)
    # Fine ones by likelihood, above all others by quality.
    fine = found >= refiner.enough
    score = torch.where(fine, table - table.min() + 1, found - refiner.enough)
    best, place = score.max(1)
    better = (best > quality[poor] - refiner.enough).numpy()
    order = np.arange(len(arrays))
    picked = len(arrays) + np.arange(len(poor)) * draws + place.numpy()
    order[poor[better]] = picked[better]
    out, likelihood, changed = (
        arrays.joined(drawings).subset(order),
        likelihood.clone(),
        poor[better],
    )
    if stricter:
        likelihood[changed] -= _likelihoods(model, latent, arrays, noise, changed)
    else:
        likelihood[changed] = 0.0
    likelihood[changed] += _likelihoods(model, latent, out, noise, changed)
    return out, likelihood


def _likelihoods(
    model: VAE, latent: Tensor, arrays: RaggedArrays, noise: Tensor, rows: np.ndarray
) -> Tensor:
    """Teacher-forced log-likelihoods of some of the structures, nats [rows]."""
    parts = [torch.zeros(0)]
    for span in _chunks(len(rows)):
        chosen = torch.from_numpy(rows[span]).to(latent.device)
        batch = arrays.batch(rows[span]).to(latent.device)
        nats = model.reconstruct(latent[chosen], batch, noise=noise[chosen]).nats
        parts.append(-torch.stack(list(nats.values())).sum(0).cpu())
    return torch.cat(parts)


@torch.no_grad()
def repair(refiner: Refiner, arrays: RaggedArrays, device: torch.device) -> RaggedArrays:
    """Mend structures of too little quality."""
    if len(arrays) == 0:
        return arrays
    return RaggedArrays.concatenated(
        [
            RaggedArrays.from_batch(arrays.schema, refiner.repair(arrays.batch(rows).to(device)))
            for rows in _chunks(len(arrays))
        ]
    )


def _chunks(count: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
