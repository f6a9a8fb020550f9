"""Structures that a trained model decodes; they stand in for its training set."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from nucleate.core.errors import CheckpointError
from nucleate.latent.latent_model import LatentModel
from nucleate.stages.reconstruct import exact_share, rebuild
from nucleate.vae.checkpoint import load_latents
from nucleate.vae.model import VAE

CHUNK = 1000
_PRIOR_DRAWS = 4  # times as many as are wanted, at most


def sample_training_like(
    model: LatentModel, count: int, seed: int, without: Collection[str] = ()
) -> tuple[list[str], str]:
    """Distinct structures that the model can encode, decoded from what it was trained on.

    Latent vectors are those of the training set that lie beside the weights, in random order; draws
    from the prior where there are none. No access to the training data is needed.

    Args:
        count: wanted; fewer are returned where the latent vectors do not suffice.
        without: structures to leave out.

    Returns:
        The structures, and where they are from: `training set` or `prior`.
    """
    try:
        stored, source = load_latents(model.folder), "training set"
        # A model that was itself fine-tuned keeps what it rehearsed beside its own set.
        latents = np.concatenate([stored["mean"], stored.get("rehearsed", stored["mean"][:0])])
        latents = latents[np.random.default_rng(seed).permutation(len(latents))]
    except CheckpointError:
        latents, source = model.draw_prior(_PRIOR_DRAWS * count, seed), "prior"
    found: dict[str, None] = {}
    for start in range(0, len(latents), CHUNK):
        if len(found) >= count:
            break
        decoded = model.decode(latents[start : start + CHUNK])
        fresh = [d.structure for d in decoded if d.structure and d.structure not in without]
        refused = model.arrays(fresh)[2]
        found |= dict.fromkeys(s for i, s in enumerate(fresh) if i not in refused)
    return list(found)[:count], source


class Memory:
    """Share of a set of structures that a network rebuilds exactly.

    Args:
        model: whose codec, kind of matter and device are taken.
        structures: the base set; at least one.
    """

    def __init__(self, model: LatentModel, structures: Sequence[str]):
        self.model, self.structures = model, structures

    def __call__(self, network: VAE) -> float:
        """Exactly rebuilt share, 0 to 1."""
        old = self.model
        using = LatentModel(
            old.folder, old.matter, old.codec, network, old.prior, old.info, old.device
        )
        return exact_share(rebuild(using, self.structures)[0])
