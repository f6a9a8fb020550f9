"""Better continuous values for what a decoder has written, its categorical fields kept.

A greedy decoder writes the mode of each continuous field in turn, and modes need not go together.
Where a kind of matter can tell that they do not (`Refiner.quality`), the continuous fields are
drawn again for the same categorical ones, and what is still not fine is repaired.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.settings.model import DrawSettings
from nucleate.vae.arrays import Batch, RaggedArrays
from nucleate.vae.decoding import decode
from nucleate.vae.model import VAE

CHUNK = 512
"""Structures decoded together."""
ALIKE = 128
"""Structures of like length that are padded together."""


class Refiner(ABC):
    """What a kind of matter knows of good continuous values. Uses torch and numpy only.

    Attributes:
        enough: quality from which on a structure is fine as it is.
        mendable: quality from which on repair alone does as well as draws and repair.
    """

    enough: float
    mendable: float

    @abstractmethod
    def quality(self, batch: Batch) -> Tensor:
        """How good the continuous fields of each structure are, more is better, [B]."""

    @abstractmethod
    def repair(self, batch: Batch) -> Batch:
        """The same structures with continuous fields mended; the quality of none gets less."""


def quality_of(refiner: Refiner, arrays: RaggedArrays, device: torch.device) -> Tensor:
    """Quality of each structure, [n]."""
    parts = [refiner.quality(arrays.batch(rows).to(device)).cpu() for rows in _chunks(len(arrays))]
    return torch.cat([torch.zeros(0), *parts])


@torch.no_grad()
def refine(
    model: VAE,
    refiner: Refiner,
    latent: Tensor,
    arrays: RaggedArrays,
    likelihood: Tensor,
    how: DrawSettings,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
    stricter: bool = False,
) -> tuple[RaggedArrays, Tensor]:
    """Draw the continuous fields of structures that are not fine anew, and mend them.

    Args:
        latent: of the structures, [n, D].
        arrays: as decoded at first.
        likelihood: of all fields, nats [n].
        how: `resample` (draws of each structure), `resample_temperature` and `relief` are taken.
        noise: amplitude that the decoder takes for granted, [n]; none if not given.
        stricter: whether `likelihood` is that under a stricter legality than the model's own, to
            which the change under the model's own is then added.

    Returns:
        The structures, those that were fine bit for bit and all with the categorical fields that
        they had, and their log-likelihoods before they were mended.
    """
    quality = quality_of(refiner, arrays, latent.device)
    poor = (quality < refiner.enough).nonzero()[:, 0].numpy()
    if len(poor) == 0:
        return arrays, likelihood
    limit = refiner.mendable if how.relief else refiner.enough
    rows = (quality < limit).nonzero()[:, 0].numpy()
    if how.resample and len(rows):
        chosen = torch.from_numpy(rows).to(latent.device)
        vectors = latent[chosen]
        levels = vectors.new_zeros(len(rows)) if noise is None else noise[chosen]
        before = arrays.subset(rows)
        drawn, better = resample(
            model, refiner, vectors, before, quality[rows], how, generator, levels
        )
        changed, likelihood = better.nonzero()[:, 0].numpy(), likelihood.clone()
        if stricter:
            likelihood[rows[changed]] -= _likelihoods(model, vectors, before, levels, changed)
        else:
            likelihood[rows[changed]] = 0.0
        likelihood[rows[changed]] += _likelihoods(model, vectors, drawn, levels, changed)
        arrays = _replace(arrays, rows, drawn)
    if how.relief:
        mended = repair(refiner, arrays.subset(poor), latent.device)
        arrays = _replace(arrays, poor, mended)
    return arrays, likelihood


def _replace(arrays: RaggedArrays, rows: NDArray[np.int64], by: RaggedArrays) -> RaggedArrays:
    """The structures with those of some rows replaced."""
    order = np.arange(len(arrays))
    order[rows] = len(arrays) + np.arange(len(rows))
    return RaggedArrays.concatenated([arrays, by]).subset(order)


@torch.no_grad()
def resample(
    model: VAE,
    refiner: Refiner,
    latent: Tensor,
    arrays: RaggedArrays,
    quality: Tensor,
    how: DrawSettings,
    generator: torch.Generator | None,
    noise: Tensor,
) -> tuple[RaggedArrays, Tensor]:
    """Draw the continuous fields of each structure anew, `how.resample` times.

    Of the draws that are fine the likeliest (given the categorical fields) is taken; if none is,
    the one of the highest quality, what was written at first included.

    Args:
        quality: of what was written at first, not enough, [n].

    Returns:
        The structures, and which of them changed, bool [n].
    """
    draws = how.resample
    repeated = np.repeat(np.arange(len(arrays)), draws)
    made, nats = [], []
    for rows in _chunks(len(repeated)):
        chosen = torch.from_numpy(repeated[rows]).to(latent.device)
        drawn, gained = decode(
            model,
            latent[chosen],
            how.resample_temperature,
            generator,
            noise[chosen],
            given=arrays.subset(repeated[rows]),
        )
        made.append(drawn)
        nats.append(gained.cpu())
    drawings = RaggedArrays.concatenated(made)
    table = torch.cat(nats).reshape(-1, draws)
    found = quality_of(refiner, drawings, latent.device).reshape(-1, draws)
    # Fine ones by likelihood, above all others by quality.
    score = torch.where(found >= refiner.enough, table - table.min() + 1, found - refiner.enough)
    best, place = score.max(1)
    better = best > quality - refiner.enough
    picked = len(arrays) + np.arange(len(arrays)) * draws + place.numpy()
    order = np.where(better.numpy(), picked, np.arange(len(arrays)))
    return RaggedArrays.concatenated([arrays, drawings]).subset(order), better


def _likelihoods(
    model: VAE, latent: Tensor, arrays: RaggedArrays, noise: Tensor, rows: NDArray[np.int64]
) -> Tensor:
    """Teacher-forced log-likelihoods of some of the structures, nats."""
    out = torch.zeros(len(rows))
    for places in _alike(arrays.lengths[rows]):
        chosen = torch.from_numpy(rows[places]).to(latent.device)
        batch = arrays.batch(rows[places]).to(latent.device)
        nats = model.reconstruct(latent[chosen], batch, noise=noise[chosen]).nats
        out[places] = -torch.stack(list(nats.values())).sum(0).cpu()
    return out


def repair(refiner: Refiner, arrays: RaggedArrays, device: torch.device) -> RaggedArrays:
    """Mend structures."""
    chunks = _alike(arrays.lengths)
    mended = [
        RaggedArrays.from_batch(arrays.schema, refiner.repair(arrays.batch(rows).to(device)))
        for rows in chunks
    ]
    return RaggedArrays.concatenated(mended).subset(np.argsort(np.concatenate(chunks)))


def _alike(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Chunks of structures of like length, which need little padding."""
    order = np.argsort(lengths, kind="stable")
    return [order[rows] for rows in _chunks(len(order), ALIKE)]


def _chunks(count: int, size: int = CHUNK) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
