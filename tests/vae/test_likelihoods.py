"""Every likelihood passes the suite, and agrees with a reference."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from nucleate.core.errors import CheckpointError
from nucleate.testing.pytest_likelihoods import LikelihoodTestCase
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

GREEDY_OTHERWISE = (
    "negative_binomial",
    "zero_inflated_negative_binomial",
    "gaussian_mixture",
    "von_mises_mixture",
    "continuous_bernoulli",
)
"""A mixture's greedy component is damped, a count's mode is rounded, greedy writes the mean."""


def support_of(likelihood: Likelihood) -> tuple[Tensor, float]:
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


class TestLikelihoods(LikelihoodTestCase):
    @pytest.fixture(params=sorted(LIKELIHOODS), autouse=True)
    def likelihood(self, request: pytest.FixtureRequest) -> Likelihood:
        name = request.param
        if name in ("categorical", "von_mises_mixture"):
            self.components = 0  # type: ignore[misc]
        if name in GREEDY_OTHERWISE:
            self.cold_draws_are_the_mode = False  # type: ignore[misc]
        return LIKELIHOODS[name](4 if name == "categorical" else 1)

    @pytest.fixture
    def support(self, likelihood: Likelihood) -> tuple[Tensor, float]:
        return support_of(likelihood)


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
