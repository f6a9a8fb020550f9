"""One conformance suite for every prior."""

from __future__ import annotations

import pytest
import torch

from nucleate.settings.model import PriorSettings
from nucleate.vae.posterior import add_noise
from nucleate.vae.prior import PRIORS, Prior, make_prior


def two_clumps(count: int) -> torch.Tensor:
    """Points near (2, 2) and (-2, -2), in four dimensions."""
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(2, (count, 1), generator=generator) * 4.0 - 2.0
    noise = 0.3 * torch.randn(count, 4, generator=generator)
    return torch.cat([side, side, torch.zeros(count, 2)], 1) + noise


def fitted(kind: str) -> Prior:
    """A prior of a kind, fitted to the clumps."""
    torch.manual_seed(0)
    prior = make_prior(4, PriorSettings(kind=kind, components=4, steps=600, width=64, layers=2))
    points = two_clumps(1000)
    prior.fit(
        points, torch.full_like(points, -6.0), torch.Generator().manual_seed(1), lambda *_: None
    )
    return prior


@pytest.mark.parametrize("kind", sorted(PRIORS))
def test_draws_are_reproducible_and_survive_saving(kind: str) -> None:
    torch.manual_seed(0)
    settings = PriorSettings(kind=kind, components=4, steps=30, width=32)
    prior = make_prior(4, settings)
    points = two_clumps(400)
    prior.fit(
        points, torch.full_like(points, -6.0), torch.Generator().manual_seed(1), lambda *_: None
    )
    first = prior.sample(50, torch.Generator().manual_seed(5))
    again = make_prior(4, settings)
    again.load_state_dict(prior.state_dict())
    torch.testing.assert_close(first, again.sample(50, torch.Generator().manual_seed(5)))
    assert first.shape == (50, 4)
    cold = prior.sample(2000, torch.Generator().manual_seed(5), temperature=0.3)
    warm = prior.sample(2000, torch.Generator().manual_seed(5))
    assert float(cold[:, 2:].std()) < float(warm[:, 2:].std())


@pytest.mark.parametrize("kind", sorted(PRIORS))
def test_draws_hold_the_noise_that_was_asked_for(kind: str) -> None:
    prior = fitted(kind)
    clean = prior.sample(4000, torch.Generator().manual_seed(2))
    for amplitude in (0.0, 0.4, 0.8, 1.0):
        noise = torch.full((4000,), amplitude)
        held = prior.sample(4000, torch.Generator().manual_seed(3), noise=noise)
        wanted = add_noise(clean, noise, torch.Generator().manual_seed(4))
        assert torch.isfinite(held).all()
        torch.testing.assert_close(held.mean(0), wanted.mean(0), atol=0.2, rtol=0)
        torch.testing.assert_close(held.std(0), wanted.std(0), atol=0.15, rtol=0)
        torch.testing.assert_close(held.abs().mean(0), wanted.abs().mean(0), atol=0.15, rtol=0)
    mixed = torch.tensor([0.0, 0.9]).repeat(2000)
    held = prior.sample(4000, torch.Generator().manual_seed(3), noise=mixed)
    assert float(held[1::2, 2].std()) > float(held[::2, 2].std()) - 0.1


@pytest.mark.parametrize("kind", sorted(set(PRIORS) - {"standard_normal"}))
def test_a_fitted_prior_finds_both_clumps_and_not_the_gap(kind: str) -> None:
    prior = fitted(kind)
    drawn = prior.sample(1000, torch.Generator().manual_seed(2))
    near = ((drawn[:, :2].abs() - 2).abs() < 1).all(1)
    same_side = drawn[:, 0] * drawn[:, 1] > 0
    assert float((near & same_side).float().mean()) > 0.9
    assert 0.3 < float((drawn[:, 0] > 0).float().mean()) < 0.7
