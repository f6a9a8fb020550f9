"""The approximate posterior and what a reconstruction holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def add_noise(latent: Tensor, noise: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Blend latent vectors [B, D] with standard normal noise, variance kept.

    Args:
        noise: amplitude of the noise in each vector, [B], from 0 (none) to 1 (nothing else).
    """
    share = noise[:, None]
    fresh = torch.randn(latent.shape, generator=generator, device=latent.device)
    return torch.sqrt(1 - share**2) * latent + share * fresh


@dataclass
class Posterior:
    """Diagonal Gaussians over the latent vector: mean and log variance, each [B, D]."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Reparametrised draw, [B, D]."""
        noise = torch.randn(self.mean.shape, generator=generator, device=self.mean.device)
        return self.mean + noise * torch.exp(0.5 * self.log_variance)

    def divergence(self) -> Tensor:
        """KL divergence from the standard normal by dimension, nats, [B, D]."""
        return 0.5 * (self.mean**2 + self.log_variance.exp() - 1 - self.log_variance)


@dataclass
class Reconstruction:
    """Teacher-forced likelihoods of a batch.

    Attributes:
        nats: negative log-likelihood by field, summed over steps, each [B].
        right: by categorical field, how many of its values are the mode, [B].
        counted: by categorical field, how many values there are, [B].
    """

    nats: dict[str, Tensor]
    right: dict[str, Tensor]
    counted: dict[str, Tensor]


@dataclass
class Walk:
    """Legality along known sequences.

    Attributes:
        masks: legal categories by field, bool [B, T + 1, size].
        presents: by field, bool [B, T + 1].
        context: parent's value and place of each step, int64 [B, T + 1] each, or None.
    """

    masks: dict[str, Tensor]
    presents: dict[str, Tensor]
    context: tuple[Tensor, Tensor] | None
