"""Starting points for what is wanted: structures that the model was trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.latent.latent_model import DECODE_BATCH, LatentModel
from nucleate.matter.conditions import Constraint
from nucleate.vae.decoding import decode

_ENOUGH = 400
_MOST = 3000


def known_latents(model: LatentModel, most: int, seed: int) -> NDArray[np.float32]:
    """At most so many posterior means of the training set, [n, D]; none if it is not there."""
    try:
        found = model.training_latents()
    except CheckpointError:
        return np.zeros((0, model.size), np.float32)
    return found[np.random.default_rng(seed).permutation(len(found))[:most]]


def starting_latents(
    model: LatentModel, constraint: Constraint, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Latent vectors of training structures that were adapted to a constraint.

    The structures are recalled: decoded from their latent vectors, as no training data is at hand.
    Draws from the prior take their place in a model that keeps no latent vectors.

    Returns:
        Posterior means [n, D], and the way in which each meets the constraint, [n].
    """
    sources = known_latents(model, _MOST, seed)
    if not len(sources):
        sources = model.draw_prior(_MOST, seed)
    found: list[str] = []
    ways: list[NDArray[np.int64]] = []
    for start in range(0, len(sources), DECODE_BATCH):
        adapted, own = constraint.starting_points(
            _recall(model, sources[start : start + DECODE_BATCH])
        )
        found += adapted
        ways.append(own)
        if len(found) >= _ENOUGH:
            break
    latents, refused = model.encode(found)
    held = np.array([i not in refused for i in range(len(found))], dtype=bool)
    return latents[held], np.concatenate(ways)[held]


@torch.no_grad()
def _recall(model: LatentModel, latents: NDArray[np.float32]) -> list[str]:
    """Structures that latent vectors decode to, as they are written: not canonical."""
    vectors = torch.from_numpy(np.ascontiguousarray(latents)).to(model.device)
    arrays, _ = decode(model.model, vectors)
    out = []
    for i in range(len(arrays)):
        try:
            out.append(model.codec.as_written(arrays.record(i)))
        except StructureError:
            continue
    return out
