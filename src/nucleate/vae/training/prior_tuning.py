"""A fitted prior moved to a smaller set, without learning that set by heart."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import monotonic
from typing import Any

import torch
from torch import Tensor

from nucleate.vae.prior import FlowMatchingPrior, GaussianMixturePrior, Prior, make_prior

CHECK_EVERY = 25
PATIENCE = 6
_POINTS_A_COMPONENT = 50
_JUDGED_DRAWS = 4096

Encoded = tuple[Tensor, Tensor]
"""Posterior means and log variances, each [n, D]."""


def tune_prior(
    old: Prior,
    training: Encoded,
    judges: Encoded,
    *,
    steps: int,
    seed: int,
    report: Callable[[int, float], None] = lambda step, loss: None,
    seconds: float = math.inf,
) -> tuple[Prior, dict[str, Any]]:
    """The prior of a small set, starting from that of a large one.

    A flow is trained on until the flow-matching loss on held-out encodings has not fallen for
    `PATIENCE` checks: from a few hundred points it would otherwise learn to repeat them. A mixture
    is fitted anew with as many components as the points can bear.

    Args:
        judges: held-out encodings; the training ones where there are none.
        seconds: after which a flow is trained no further.

    Returns:
        The prior, and figures worth recording.
    """
    generator = torch.Generator().manual_seed(seed)
    if isinstance(old, FlowMatchingPrior):
        return _tuned_flow(old, training, judges, steps, generator, report, seconds)
    settings = old.settings
    if isinstance(old, GaussianMixturePrior):
        most = max(1, len(training[0]) // _POINTS_A_COMPONENT)
        settings = settings.model_copy(update={"components": min(settings.components, most)})
    prior = make_prior(old.size, settings)
    figures = prior.fit(*training, generator, report)
    prior.eval()
    return prior, figures


def _tuned_flow(
    old: FlowMatchingPrior,
    training: Encoded,
    judges: Encoded,
    steps: int,
    generator: torch.Generator,
    report: Callable[[int, float], None],
    seconds: float,
) -> tuple[Prior, dict[str, Any]]:
    begun = monotonic()
    prior = make_prior(old.size, old.settings)
    assert isinstance(prior, FlowMatchingPrior)
    prior.load_state_dict(old.state_dict())
    # The same noise and times at every check, or their scatter would hide the trend.
    judged = _flow_points(prior, judges, _JUDGED_DRAWS, generator)
    best, kept, stale = _flow_loss(prior, judged), old.state_dict(), 0
    figures: dict[str, Any] = {"held_out_flow_loss_before": best}
    optimiser = torch.optim.AdamW(prior.parameters(), lr=5e-4, weight_decay=1e-4)
    step = 0
    for step in range(1, steps + 1):
        prior.train()
        x, time, velocity = _flow_points(prior, training, prior.BATCH, generator)
        loss = ((prior.velocity(x, time) - velocity) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimiser.step()
        report(step, float(loss.detach()))
        if step % CHECK_EVERY:
            continue
        now = _flow_loss(prior, judged)
        if math.isfinite(now) and now < best:
            best, stale = now, 0
            kept = {k: v.clone() for k, v in prior.state_dict().items()}
        else:
            stale += 1
            if stale >= PATIENCE:
                break
        if monotonic() - begun > seconds:
            break
    prior.load_state_dict(kept)
    prior.eval()
    return prior, {**figures, "held_out_flow_loss": best, "steps": step}


def _flow_points(
    prior: FlowMatchingPrior, encoded: Encoded, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Points on straight paths from noise to posterior draws, their times, the paths' velocities.

    As in `FlowMatchingPrior.fit`.
    """
    mean, log_variance = encoded
    rows = torch.randint(len(mean), (count,), generator=generator)
    noise = torch.randn(count, prior.size, generator=generator)
    draw = mean[rows] + noise * (0.5 * log_variance[rows]).exp()
    end = (draw - prior.centre) / prior.spread
    start = torch.randn(end.shape, generator=generator)
    time = torch.rand(count, generator=generator)
    return start + time[:, None] * (end - start), time, end - start


@torch.no_grad()
def _flow_loss(prior: FlowMatchingPrior, points: tuple[Tensor, Tensor, Tensor]) -> float:
    prior.eval()
    x, time, velocity = points
    return float(((prior.velocity(x, time) - velocity) ** 2).mean())
