"""The evidence lower bound as a training loss: distortion plus beta times rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nucleate.config import ObjectiveSettings
from nucleate.vae.arrays import Batch
from nucleate.vae.model import VAE


@dataclass
class Loss:
    """Terms of the loss, each the mean over the batch, nats per structure.

    Attributes:
        total: what is minimised.
        distortion: negative log-likelihood of the structure's fields.
        rate: KL divergence of the posterior from the standard normal.
        nats: negative log-likelihood by field, auxiliary fields included.
    """

    total: Tensor
    distortion: Tensor
    rate: Tensor
    nats: dict[str, Tensor]


def beta_at(settings: ObjectiveSettings, progress: float) -> float:
    """KL weight after a share `progress` of training: linear warm-up (Bowman et al. 2016)."""
    if settings.warm_up <= 0:
        return settings.beta
    return settings.beta * min(1.0, progress / settings.warm_up)


def evidence_loss(
    model: VAE,
    view: Batch,
    target: Batch,
    settings: ObjectiveSettings,
    beta: float,
    *,
    generator: torch.Generator | None = None,
    sample: bool = True,
) -> Loss:
    """Negative evidence lower bound of `target` seen through `view`.

    Args:
        view: what the encoder reads; may be another view of the same structures.
        beta: KL weight now (see `beta_at`).
        sample: draw the latent vector (training) or use its mean (evaluation).
    """
    posterior = model.encode(view)
    latent = posterior.sample(generator) if sample else posterior.mean
    dropout = settings.word_dropout if sample else 0.0
    nats = {k: v.mean() for k, v in model.reconstruct(latent, target, dropout).nats.items()}
    divergence = posterior.divergence().mean(0)  # [D]
    # Free bits: a dimension below its allowance is neither pushed nor pulled (Kingma 2016).
    charged = torch.clamp(divergence, min=settings.free_bits).sum()
    auxiliary = {f.name for f in model.schema.auxiliary}
    distortion = torch.stack([v for k, v in nats.items() if k not in auxiliary]).sum()
    total = distortion + beta * charged
    for name in auxiliary:
        total = total + settings.auxiliary_weight * nats[name]
    return Loss(total, distortion, divergence.sum(), nats)
