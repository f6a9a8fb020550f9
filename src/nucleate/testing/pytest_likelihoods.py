"""The suite that a likelihood passes: it is a distribution, and draws follow it.

class TestMine(LikelihoodTestCase):
    @pytest.fixture
    def likelihood(self) -> Likelihood:
        return Mine(1)

    @pytest.fixture
    def support(self) -> tuple[Tensor, float]:
        return torch.linspace(-60, 60, 60001, dtype=torch.float64)[:, None], 120 / 60000
"""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from nucleate.vae.likelihoods import Likelihood


def some_parameters(likelihood: Likelihood, seed: int) -> Tensor:
    """Random parameters that a grid resolves, float64 [parameter_count]."""
    generator = torch.Generator().manual_seed(seed)
    count = likelihood.parameter_count
    return torch.randn(count, generator=generator, dtype=torch.float64).clamp(-1.5, 1.5)


class LikelihoodTestCase:
    """What every `Likelihood` keeps.

    Attributes:
        components: of a value whose parts may be missing; 0 where a value has none.
        cold_draws_are_the_mode: false where greedy decoding writes something else than the
            likeliest value: a mean, a rounded count, the strongest part of a mixture.
    """

    components: ClassVar[int] = 3
    cold_draws_are_the_mode: ClassVar[bool] = True

    @pytest.fixture
    def likelihood(self) -> Likelihood:
        """The likelihood of a field of one component that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def support(self) -> tuple[Tensor, float]:
        """Values that cover the support [n, ...], and the measure of each."""
        raise NotImplementedError

    @pytest.mark.parametrize("seed", range(20))
    def test_probabilities_sum_to_one(
        self, likelihood: Likelihood, support: tuple[Tensor, float], seed: int
    ) -> None:
        values, measure = support
        wide = some_parameters(likelihood, seed).expand(len(values), -1)
        total = likelihood.log_prob(wide, values).double().exp().sum() * measure
        assert float(total) == pytest.approx(1.0, abs=2e-3)

    def test_draws_have_the_distribution_s_mean_log_likelihood(
        self, likelihood: Likelihood, support: tuple[Tensor, float]
    ) -> None:
        values, measure = support
        parameters = some_parameters(likelihood, 3)
        log_p = likelihood.log_prob(parameters.expand(len(values), -1), values).double()
        expected = float((log_p.exp() * torch.nan_to_num(log_p, neginf=0) * measure).sum())
        wide = parameters.expand(20000, -1)
        drawn = likelihood.sample(wide, 1.0, torch.Generator().manual_seed(0))
        measured = likelihood.log_prob(wide, drawn).double()
        error = float(measured.std()) / math.sqrt(len(measured))
        assert float(measured.mean()) == pytest.approx(expected, abs=5 * error + 1e-3)

    def test_temperature_zero_is_the_mode_and_low_temperature_is_near_it(
        self, likelihood: Likelihood
    ) -> None:
        parameters, generator = some_parameters(likelihood, 5), torch.Generator().manual_seed(0)
        mode = likelihood.mode(parameters)
        assert torch.equal(likelihood.sample(parameters, 0.0, generator), mode)
        if self.cold_draws_are_the_mode:
            drawn = likelihood.sample(parameters.expand(200, -1), 0.02, generator)
            assert float((drawn.double() - mode.double()).abs().median()) < 0.2

    def test_missing_components_add_nothing_and_get_no_gradient(
        self, likelihood: Likelihood
    ) -> None:
        if not self.components:
            return
        several = type(likelihood)(self.components)
        parameters = torch.randn(2, several.parameter_count, requires_grad=True)
        missing = torch.full((2, self.components), float("nan"))
        nothing = several.log_prob(parameters, missing).detach()
        assert nothing.tolist() == pytest.approx([0, 0], abs=1e-6)
        mixed = torch.ones(2, self.components)
        mixed[1, 0] = 0.0
        mixed[0, 1] = float("nan")
        several.log_prob(parameters, mixed).sum().backward()
        assert parameters.grad is not None
        assert bool(torch.isfinite(parameters.grad).all())
