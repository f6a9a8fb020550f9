"""One conformance suite for every likelihood: it is a distribution, and draws follow it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from nucleate.core.errors import CheckpointError
from nucleate.vae.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Gaussian,
    GaussianMixture,
    Likelihood,
    NegativeBinomial,
    VonMisesMixture,
    ZeroInflatedNegativeBinomial,
    for_field,
)
from nucleate.vae.schema import Field


def support(likelihood: Likelihood) -> tuple[Tensor, float]:
    """Values that cover the support of a one-component field, and the measure of each."""
    n = 20001
    if isinstance(likelihood, Categorical):
        return torch.arange(likelihood.size), 1.0
    if isinstance(likelihood, VonMisesMixture):
        return (torch.arange(n, dtype=torch.float64) / n), 1 / n
    if isinstance(likelihood, Bernoulli):
        return torch.tensor([[0.0], [1.0]], dtype=torch.float64), 1.0
    if isinstance(likelihood, ContinuousBernoulli):
        return ((torch.arange(n, dtype=torch.float64) + 0.5) / n)[:, None], 1 / n
    if isinstance(likelihood, NegativeBinomial):
        return torch.arange(4000, dtype=torch.float64)[:, None], 1.0
    return torch.linspace(-60, 60, 60001, dtype=torch.float64)[:, None], 120 / 60000


def make(name: str, seed: int) -> tuple[Likelihood, Tensor]:
    likelihood = LIKELIHOODS[name](4 if name == "categorical" else 1)
    generator = torch.Generator().manual_seed(seed)
    count = likelihood.parameter_count
    parameters = torch.randn(count, generator=generator, dtype=torch.float64)
    return likelihood, parameters.clamp(-1.5, 1.5)  # what the grids of `support` resolve


@pytest.mark.parametrize("name", sorted(LIKELIHOODS))
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_probabilities_sum_to_one(name: str, seed: int) -> None:
    likelihood, parameters = make(name, seed)
    values, measure = support(likelihood)
    wide = parameters.expand(len(values), -1)
    total = likelihood.log_prob(wide, values).double().exp().sum() * measure
    assert total == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("name", sorted(LIKELIHOODS))
def test_draws_have_the_distribution_s_mean_log_likelihood(name: str) -> None:
    likelihood, parameters = make(name, 3)
    values, measure = support(likelihood)
    log_p = likelihood.log_prob(parameters.expand(len(values), -1), values).double()
    expected = float((log_p.exp() * torch.nan_to_num(log_p, neginf=0) * measure).sum())
    generator = torch.Generator().manual_seed(0)
    wide = parameters.expand(20000, -1)
    drawn = likelihood.sample(wide, 1.0, generator)
    measured = likelihood.log_prob(wide, drawn).double()
    error = float(measured.std()) / math.sqrt(len(measured))
    assert float(measured.mean()) == pytest.approx(expected, abs=5 * error + 1e-3)


@pytest.mark.parametrize("name", sorted(LIKELIHOODS))
def test_temperature_zero_is_the_mode_and_low_temperature_is_near_it(name: str) -> None:
    likelihood, parameters = make(name, 5)
    generator = torch.Generator().manual_seed(0)
    mode = likelihood.mode(parameters)
    assert torch.equal(likelihood.sample(parameters, 0.0, generator), mode)
    if isinstance(likelihood, (NegativeBinomial, GaussianMixture, VonMisesMixture)):
        return  # a mixture's greedy component is damped, a count's mode is rounded
    if isinstance(likelihood, ContinuousBernoulli):
        return  # greedy writes the mean
    drawn = likelihood.sample(parameters.expand(200, -1), 0.02, generator)
    assert float((drawn.double() - mode.double()).abs().median()) < 0.2


@pytest.mark.parametrize("name", sorted(set(LIKELIHOODS) - {"categorical", "von_mises_mixture"}))
def test_missing_components_add_nothing_and_get_no_gradient(name: str) -> None:
    likelihood = LIKELIHOODS[name](3)
    parameters = torch.randn(2, likelihood.parameter_count, requires_grad=True)
    present = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    missing = torch.full((2, 3), float("nan"))
    nothing = likelihood.log_prob(parameters, missing).detach()
    assert nothing.numpy() == pytest.approx(np.zeros(2), abs=1e-6)
    mixed = present.clone()
    mixed[0, 1] = float("nan")
    likelihood.log_prob(parameters, mixed).sum().backward()
    assert parameters.grad is not None
    assert bool(torch.isfinite(parameters.grad).all())


def test_illegal_categories_have_no_probability() -> None:
    likelihood = Categorical(5)
    logits = torch.tensor([5.0, 1.0, 0.0, 4.0, 2.0])
    legal = torch.tensor([False, True, True, False, True])
    values = torch.arange(5)
    p = likelihood.log_prob(logits.expand(5, -1), values, legal.expand(5, -1)).exp()
    assert float(p.sum()) == pytest.approx(1.0)
    assert float(p[~legal].sum()) == 0.0
    assert int(likelihood.mode(logits, legal)) == 4
    generator = torch.Generator().manual_seed(0)
    drawn = likelihood.sample(logits.expand(500, -1), 1.0, generator, legal.expand(500, -1))
    assert set(drawn.tolist()) <= {1, 2, 4}


def test_von_mises_matches_scipy_and_keeps_its_digits_when_sharp() -> None:
    likelihood = VonMisesMixture(components=1)
    for raw, kappa in ((-2.0, None), (0.0, None), (12.0, None)):
        parameters = torch.tensor([0.0, 0.3, -0.8, raw], dtype=torch.float64)
        log_kappa = -3 + 12.5 / (1 + math.exp(-raw))
        kappa = math.exp(log_kappa)
        location = math.atan2(-0.8, 0.3 + 1e-6)
        value = (location / (2 * math.pi) + 0.001) % 1
        expected = stats.vonmises.logpdf(2 * math.pi * value, kappa, loc=location) + math.log(
            2 * math.pi
        )
        double = float(likelihood.log_prob(parameters, torch.tensor(value, dtype=torch.float64)))
        assert double == pytest.approx(float(expected), rel=1e-6, abs=1e-6)
        single = float(likelihood.log_prob(parameters.float(), torch.tensor(value).float()))
        assert single == pytest.approx(double, abs=2e-2)


def test_counts_match_scipy() -> None:
    log_mean, log_r = 0.7, -0.4
    mean, r = math.exp(log_mean), math.exp(log_r)
    counts = torch.arange(6, dtype=torch.float64)[:, None]
    got = NegativeBinomial(1).log_prob(
        torch.tensor([log_mean, log_r], dtype=torch.float64).expand(6, -1), counts
    )
    expected = stats.nbinom.logpmf(counts[:, 0].numpy(), r, r / (r + mean))
    assert got.numpy() == pytest.approx(expected, abs=1e-9)
    zero = ZeroInflatedNegativeBinomial(1)
    gate = 0.3
    p0 = zero.log_prob(
        torch.tensor([[log_mean, log_r, gate]], dtype=torch.float64), counts[:1]
    ).exp()
    sure = 1 / (1 + math.exp(-gate))
    assert float(p0) == pytest.approx(sure + (1 - sure) * math.exp(expected[0]))


def test_continuous_bernoulli_prefers_the_true_mean_where_cross_entropy_does_not() -> None:
    """Its expected log-likelihood peaks where the distribution's mean is the data's mean."""
    likelihood = ContinuousBernoulli(1)
    grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)[:, None]
    data = torch.full((1601, 1), 0.8, dtype=torch.float64)
    best = grid[likelihood.log_prob(grid, data).argmax()]
    assert float(likelihood.mode(best)) == pytest.approx(0.8, abs=0.005)
    cross_entropy = float(torch.logit(torch.tensor(0.8)))
    assert float(best) > cross_entropy + 1


def test_gaussian_mixture_integrates_absent_components_out() -> None:
    mixture = GaussianMixture(2, components=3)
    parameters = torch.randn(mixture.parameter_count, dtype=torch.float64)
    grid = torch.linspace(-40, 40, 160001, dtype=torch.float64)
    both = torch.stack([torch.full_like(grid, 0.3), grid], -1)
    wide = parameters.expand(len(grid), -1)
    marginal = mixture.log_prob(wide, both).exp().sum() * (80 / 160000)
    alone = mixture.log_prob(parameters, torch.tensor([0.3, float("nan")], dtype=torch.float64))
    assert float(marginal) == pytest.approx(float(alone.exp()), rel=1e-3)


def test_gaussian_matches_scipy() -> None:
    parameters = torch.tensor([0.5, 0.4], dtype=torch.float64)
    sd = math.exp(-6 + 10 / (1 + math.exp(-0.4)))
    got = float(Gaussian(1).log_prob(parameters, torch.tensor([1.7], dtype=torch.float64)))
    assert got == pytest.approx(float(stats.norm.logpdf(1.7, 0.5, sd)))


def test_an_unknown_likelihood_is_refused_by_name() -> None:
    field = Field("odd", "categorical", 3)
    object.__setattr__(field, "likelihood", "cauchy")
    with pytest.raises(CheckpointError, match=r"odd.*cauchy"):
        for_field(field)
