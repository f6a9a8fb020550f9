"""Distributions fitted to the encoded training set, from which latent vectors are drawn."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from nucleate.core.errors import CheckpointError
from nucleate.settings.model import PriorSettings
from nucleate.vae.posterior import add_noise


class Prior(nn.Module, ABC):
    """A distribution over latent vectors; its state is its buffers and parameters."""

    kind: ClassVar[str]

    def __init__(self, size: int, settings: PriorSettings):
        super().__init__()
        self.size, self.settings = size, settings

    @abstractmethod
    def fit(
        self,
        mean: Tensor,
        log_variance: Tensor,
        generator: torch.Generator,
        report: Callable[[int, float], None],
    ) -> dict[str, Any]:
        """Fit to draws from the posteriors of the training set, mean and log variance [n, D].

        Args:
            report: called with step and current loss.

        Returns:
            Figures worth recording.
        """

    def sample(
        self,
        count: int,
        generator: torch.Generator,
        temperature: float = 1.0,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Draws [count, D].

        Args:
            temperature: scale of the base noise.
            noise: amplitude of noise that each draw holds, as `add_noise` blends it in, [count];
                none if not given.
        """
        held = torch.zeros(count) if noise is None else noise
        return self.draw(count, generator, temperature, held)

    @abstractmethod
    def draw(
        self, count: int, generator: torch.Generator, temperature: float, noise: Tensor
    ) -> Tensor:
        """See `sample`; noise [count], 0 for none."""


class StandardNormal(Prior):
    """The prior that the KL term pulls towards."""

    kind = "standard_normal"

    def fit(
        self,
        mean: Tensor,
        log_variance: Tensor,
        generator: torch.Generator,
        report: Callable[[int, float], None],
    ) -> dict[str, Any]:
        return {}

    def draw(
        self, count: int, generator: torch.Generator, temperature: float, noise: Tensor
    ) -> Tensor:
        drawn = temperature * torch.randn(count, self.size, generator=generator)
        return add_noise(drawn, noise, generator)


class GaussianMixturePrior(Prior):
    """Mixture of full-covariance Gaussians by expectation maximisation (Dempster et al. 1977).

    Covariances shrink towards their diagonals (Ledoit & Wolf 2004 in spirit, a fixed share here):
    with few points per component a full covariance overfits.
    """

    kind = "gaussian_mixture"
    SHRINKAGE = 0.2
    ITERATIONS = 30

    def __init__(self, size: int, settings: PriorSettings):
        super().__init__(size, settings)
        k = settings.components
        self.register_buffer("log_weight", torch.full((k,), -math.log(k)))
        self.register_buffer("location", torch.zeros(k, size))
        self.register_buffer("scale", torch.eye(size).repeat(k, 1, 1))  # Cholesky factors
        self.log_weight: Tensor
        self.location: Tensor
        self.scale: Tensor

    def fit(
        self,
        mean: Tensor,
        log_variance: Tensor,
        generator: torch.Generator,
        report: Callable[[int, float], None],
    ) -> dict[str, Any]:
        k = min(len(self.log_weight), max(1, len(mean) // (2 * self.size)))
        points = mean + torch.randn(mean.shape, generator=generator) * (0.5 * log_variance).exp()
        centres = points[torch.randperm(len(points), generator=generator)[:k]]
        nearest = torch.cdist(points, centres).argmin(1)
        weights = nn.functional.one_hot(nearest, k).to(points)
        likelihood = 0.0
        for iteration in range(self.ITERATIONS):
            log_weight, location, scale = self._maximise(points, weights)
            joint = log_weight + self._log_density(points, location, scale)
            total = torch.logsumexp(joint, -1)
            weights, likelihood = (joint - total[:, None]).exp(), float(total.mean())
            report(iteration, -likelihood)
        unused = len(self.log_weight) - k
        self.log_weight = torch.cat([log_weight, torch.full((unused,), -1e4)])
        self.location = torch.cat([location, torch.zeros(unused, self.size)])
        self.scale = torch.cat([scale, torch.eye(self.size).repeat(unused, 1, 1)])
        return {"components": k, "log_likelihood": likelihood}

    def _maximise(self, points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mass = weights.sum(0) + 1e-6
        location = weights.T @ points / mass[:, None]
        factors = []
        for j in range(weights.shape[1]):
            offset = points - location[j]
            covariance = (weights[:, j, None] * offset).T @ offset / mass[j]
            diagonal = torch.diag_embed(covariance.diagonal() + 1e-3)
            mixed = (1 - self.SHRINKAGE) * covariance + self.SHRINKAGE * diagonal
            factors.append(torch.linalg.cholesky(mixed + 1e-4 * torch.eye(self.size)))
        return (mass / mass.sum()).log(), location, torch.stack(factors)

    @staticmethod
    def _log_density(points: Tensor, location: Tensor, scale: Tensor) -> Tensor:
        offset = (points[None] - location[:, None]).transpose(1, 2)  # [k, D, n]
        whitened = torch.linalg.solve_triangular(scale, offset, upper=False)
        log_volume = scale.diagonal(dim1=1, dim2=2).log().sum(-1)
        constant = 0.5 * points.shape[1] * math.log(2 * math.pi)
        return (-0.5 * (whitened**2).sum(1) - log_volume[:, None] - constant).T

    def draw(
        self, count: int, generator: torch.Generator, temperature: float, noise: Tensor
    ) -> Tensor:
        chosen = torch.multinomial(
            self.log_weight.exp(), count, replacement=True, generator=generator
        )
        base = temperature * torch.randn(count, self.size, 1, generator=generator)
        drawn = self.location[chosen] + (self.scale[chosen] @ base)[..., 0]
        return add_noise(drawn, noise, generator)


class FlowMatchingPrior(Prior):
    """Conditional flow matching along straight paths (Lipman et al. 2023; Liu et al. 2023).

    A network learns the velocity from standard normal noise x0 to a posterior draw x1 at
    x_t = (1 - t) x0 + t x1; sampling integrates it from t = 0 to 1 by the midpoint rule. A draw
    that shall hold noise is the path's point where signal and noise have that ratio: no more of the
    structure has to be right than will be seen.
    """

    kind = "flow_matching"
    BATCH = 256
    FREQUENCIES = 16

    def __init__(self, size: int, settings: PriorSettings):
        super().__init__(size, settings)
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.centre: Tensor
        self.spread: Tensor
        width = settings.width
        self.first = nn.Linear(size + 2 * self.FREQUENCIES, width)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)
            )
            for _ in range(settings.layers)
        )
        self.last = nn.Linear(width, size)

    def velocity(self, x: Tensor, time: Tensor) -> Tensor:
        """[n, D], [n] -> [n, D]."""
        phase = time[:, None] * math.pi * torch.arange(1, self.FREQUENCIES + 1, device=x.device)
        hidden = self.first(torch.cat([x, phase.sin(), phase.cos()], -1))
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        out: Tensor = self.last(nn.functional.silu(hidden))
        return out

    def fit(
        self,
        mean: Tensor,
        log_variance: Tensor,
        generator: torch.Generator,
        report: Callable[[int, float], None],
    ) -> dict[str, Any]:
        self.centre = mean.mean(0)
        # One scale for all dimensions, noise of the posteriors included: those that say little
        # would otherwise be blown up, and noise along the path would differ between dimensions.
        variance = mean.var(0) + log_variance.exp().mean(0)
        self.spread = variance.mean().sqrt().clamp(min=1e-3).expand(self.size).clone()
        steps = self.settings.steps
        optimiser = torch.optim.AdamW(self.parameters(), lr=2e-3, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps, pct_start=0.1)
        self.train()
        recent = 0.0
        for step in range(steps):
            rows = torch.randint(len(mean), (self.BATCH,), generator=generator)
            noise = torch.randn(self.BATCH, self.size, generator=generator)
            draw = mean[rows] + noise * (0.5 * log_variance[rows]).exp()
            end = (draw - self.centre) / self.spread
            start = torch.randn(end.shape, generator=generator)
            time = torch.rand(self.BATCH, generator=generator)
            x = start + time[:, None] * (end - start)
            loss = ((self.velocity(x, time) - (end - start)) ** 2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            recent = 0.98 * recent + 0.02 * float(loss.detach()) if step else float(loss.detach())
            report(step, recent)
        self.eval()
        return {"steps": steps, "flow_loss": recent}

    @torch.no_grad()
    def draw(
        self, count: int, generator: torch.Generator, temperature: float, noise: Tensor
    ) -> Tensor:
        x = temperature * torch.randn(count, self.size, generator=generator)
        # At time t the vector is t z + (1 - t) spread x0: of the wanted ratio of noise to signal at
        ratio = noise / (1 - noise**2).sqrt()
        spread = self.spread.mean()
        end = spread / (spread + ratio)  # 0 where there is to be nothing but noise
        steps = self.settings.integration_steps
        h = end / steps
        for i in range(steps):
            time = i * h
            middle = x + 0.5 * h[:, None] * self.velocity(x, time)
            x = x + h[:, None] * self.velocity(middle, time + 0.5 * h)
        signal = (1 - noise**2).sqrt()
        # signal / end, finite at both ends
        scale = signal + noise / spread
        return signal[:, None] * self.centre + scale[:, None] * self.spread * x


PRIORS: dict[str, type[Prior]] = {
    cls.kind: cls for cls in (StandardNormal, GaussianMixturePrior, FlowMatchingPrior)
}


def make_prior(size: int, settings: PriorSettings) -> Prior:
    """An unfitted prior of the kind that the settings name.

    Raises:
        CheckpointError: unknown kind.
    """
    if settings.kind not in PRIORS:
        raise CheckpointError(f"unknown prior {settings.kind!r}; known: {', '.join(PRIORS)}")
    return PRIORS[settings.kind](size, settings)
