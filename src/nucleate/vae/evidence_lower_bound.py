"""The evidence lower bound as a training loss: distortion plus beta times rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nucleate.settings.model import ObjectiveSettings
from nucleate.vae.arrays import Batch
from nucleate.vae.model import VAE
from nucleate.vae.posterior import add_noise


@dataclass
class Loss:
    """Terms of the loss, each the mean over the batch, nats per structure.

    Attributes:
        total: what is minimised.
        distortion: negative log-likelihood of the structure's fields.
        rate: KL divergence of the posterior from the standard normal.
        nats: negative log-likelihood by field, auxiliary fields included, these as the sum over
            components of the mean over the rows labelled with that component.
    """

    total: Tensor
    distortion: Tensor
    rate: Tensor
    nats: dict[str, Tensor]

    def terms(self) -> dict[str, float]:
        """All terms as plain numbers, fields under their own names."""
        terms = {"total": self.total, "distortion": self.distortion, "rate": self.rate, **self.nats}
        values = torch.stack([v.detach() for v in terms.values()]).cpu().tolist()
        return dict(zip(terms, values, strict=True))


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
    walk = model.walk(target)
    posterior = model.encode(view, walk if view is target else None)
    latent = posterior.sample(generator) if sample else posterior.mean
    auxiliary = {}
    for name, terms in model.predict_auxiliary(latent, target).items():
        count = labels(target.auxiliary[name], terms.shape[1])
        # Over the labelled rows alone: a rare label weighs as much as one that every row has.
        auxiliary[name] = (terms.sum(0) / count.clamp(min=1)).sum()
    dropout, noise = 0.0, None
    if sample:
        dropout, noise = settings.word_dropout, noise_levels(settings, latent)
        if target.invented is not None:
            noise = noise.masked_fill(target.invented, 0.0)
        latent = add_noise(latent, noise)
    fields = model.reconstruct(latent, target, dropout, noise, walk)
    nats = {k: v.mean() for k, v in fields.nats.items()}
    divergence = posterior.divergence().mean(0)  # [D]
    # Free bits: a dimension below its allowance is neither pushed nor pulled (Kingma 2016).
    charged = torch.clamp(divergence, min=settings.free_bits).sum()
    distortion = torch.stack(list(nats.values())).sum()
    total = distortion + beta * charged
    for name, value in auxiliary.items():
        weight = settings.auxiliary_weights.get(name, settings.auxiliary_weight)
        total = total + weight * value
    if settings.alignment_weight and settings.alignment_field in target.auxiliary:
        crooked = misalignment(posterior.mean, target.auxiliary[settings.alignment_field])
        auxiliary["misalignment"] = crooked
        total = total + settings.alignment_weight * crooked
    return Loss(total, distortion, divergence.sum(), nats | auxiliary)


def labels(value: Tensor, components: int) -> Tensor:
    """How many rows of an auxiliary field are labelled, by component, [components].

    Args:
        value: [B] or [B, size], NaN where not labelled.
        components: as `VAE.predict_auxiliary` gives; 1 counts the rows with any label.
    """
    known = ~torch.isnan(value.reshape(len(value), -1))
    if components != known.shape[1]:
        known = known.any(1, keepdim=True)
    return known.sum(0)


def noise_levels(settings: ObjectiveSettings, latent: Tensor) -> Tensor:
    """Amplitudes of noise [B]: between 0 and 1 for a random share of the rows, else 0."""
    drawn = torch.rand(2, len(latent), device=latent.device)
    level = drawn[1]
    if settings.noise_schedule == "cosine":
        level = torch.sin(0.5 * math.pi * level)
    return torch.where(drawn[0] < settings.noise, level, 0.0)


def misalignment(mean: Tensor, bits: Tensor) -> Tensor:
    """One minus the correlation of latent and Tanimoto distances over the pairs of a batch.

    Args:
        mean: latent vectors [B, D].
        bits: fingerprints [B, size] of zeros and ones; rows with NaN do not take part.
    """
    known = ~torch.isnan(bits).any(-1)
    mean, bits = mean[known], bits[known]
    if len(mean) < 3:
        return mean.new_zeros(())
    common = bits @ bits.T
    count = bits.sum(-1)
    distance = 1 - common / (count[:, None] + count[None] - common).clamp(min=1)
    i, j = torch.triu_indices(len(mean), len(mean), 1, device=mean.device)
    wanted = distance[i, j]
    apart = (mean[i] - mean[j]).square().sum(-1).clamp(min=1e-8).sqrt()
    wanted, apart = wanted - wanted.mean(), apart - apart.mean()
    return 1 - (wanted * apart).sum() / (wanted.norm() * apart.norm() + 1e-8)
