"""The distributions that reconstruct fields: choosing one is a statement about the data.

Every likelihood turns a vector of network outputs (`parameters`, last dimension
`parameter_count`) into a distribution over one field's value. Shapes: leading dimensions `...` are
shared by parameters and value; a categorical value is int64 [...], an angle float32 [...], every
other value float32 [..., size]. NaN components are absent: they add nothing to the log-likelihood
and get no gradient. Log-likelihoods are in nats.

`mode` is the value that a greedy decoder writes; `sample` draws at a temperature (0 means `mode`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from nucleate.core.errors import CheckpointError
from nucleate.vae.schema import Field

LOG_TWO_PI = math.log(2 * math.pi)
ILLEGAL = -1e9


class Likelihood(ABC):
    """A family of distributions for a field of `size` categories or components."""

    parameter_count: int

    def __init__(self, size: int):
        self.size = size

    @abstractmethod
    def log_prob(self, parameters: Tensor, value: Tensor, legal: Tensor | None = None) -> Tensor:
        """Log-likelihood in nats, [...]."""

    @abstractmethod
    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        """The value a greedy decoder writes."""

    @abstractmethod
    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        """A random value at a temperature above 0; use `sample`."""

    def sample(
        self,
        parameters: Tensor,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        legal: Tensor | None = None,
    ) -> Tensor:
        """A random value; temperature 0 gives `mode`."""
        if temperature <= 0:
            return self.mode(parameters, legal)
        return self.draw(restrict(parameters, legal), temperature, generator)


class Factorised(Likelihood):
    """A likelihood whose components are independent, so that each can be weighed by itself."""

    @abstractmethod
    def terms(self, parameters: Tensor, value: Tensor) -> Tensor:
        """Log-likelihood of every component in nats, [..., size]; 0 where the value is NaN."""

    def log_prob(self, parameters: Tensor, value: Tensor, legal: Tensor | None = None) -> Tensor:
        return self.terms(parameters, value).sum(-1)


def restrict(logits: Tensor, legal: Tensor | None) -> Tensor:
    """Logits with what is not legal as good as impossible."""
    return logits if legal is None else logits.masked_fill(~legal, ILLEGAL)


def _present(terms: Tensor, value: Tensor) -> Tensor:
    """`terms`, finite everywhere, with 0 where the value is NaN."""
    return terms * (~torch.isnan(value)).to(terms.dtype)


def _bound(raw: Tensor, low: float, high: float) -> Tensor:
    """Smooth map to (low, high); its gradient never quite vanishes, as a clamp's does."""
    return low + (high - low) * torch.sigmoid(raw)


def _choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Inverse of the cumulative distribution: one random number a row, where torch.multinomial
    takes one a category, which is slow for thousands of them."""
    cumulative = torch.softmax(logits / temperature, -1).cumsum(-1)
    total = cumulative[..., -1:]
    drawn = torch.rand(total.shape, generator=generator, device=logits.device) * total
    chosen = torch.searchsorted(cumulative, drawn, right=True)
    # Rounding may reach the total itself: then the last category of any weight.
    last = torch.searchsorted(cumulative, total.contiguous())
    return torch.minimum(chosen, last)[..., 0]


class Categorical(Likelihood):
    """One of `size` values, normalised over the legal ones. Parameters: logits [..., size]."""

    def __init__(self, size: int):
        super().__init__(size)
        self.parameter_count = size

    def log_prob(self, parameters: Tensor, value: Tensor, legal: Tensor | None = None) -> Tensor:
        logits = restrict(parameters, legal)
        return logits.gather(-1, value[..., None])[..., 0] - torch.logsumexp(logits, -1)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        return restrict(parameters, legal).argmax(-1)

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        return _choose(parameters, temperature, generator)


class VonMisesMixture(Likelihood):
    """An angle of period 1: a mixture of von Mises distributions (Mardia & Jupp 2000, 3.5.4).

    Parameters [..., 4K]: K weight logits, K pairs (cosine, sine) of the location, K raw
    concentrations. log kappa is kept in (-3, 9.5): from almost uniform to a standard deviation of
    0.0014 periods, the resolution of the data. `kappa (cos d - 1)` loses its digits in float32
    near d = 0, so it is written as `-2 kappa sin^2(d / 2)`, with the scaled Bessel function.
    """

    LOW, HIGH = -3.0, 9.5

    def __init__(self, size: int = 1, components: int = 6):
        super().__init__(1)
        self.components = components
        self.parameter_count = 4 * components

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        k = self.components
        weights = torch.log_softmax(parameters[..., :k], -1)
        # The small constant keeps the angle's gradient finite at the origin.
        cosine, sine = parameters[..., k : 2 * k] + 1e-6, parameters[..., 2 * k : 3 * k]
        return (
            weights,
            torch.atan2(sine, cosine),
            _bound(parameters[..., 3 * k :], self.LOW, self.HIGH),
        )

    def log_prob(self, parameters: Tensor, value: Tensor, legal: Tensor | None = None) -> Tensor:
        weights, location, log_kappa = self._split(parameters)
        angle = 2 * math.pi * torch.nan_to_num(value)[..., None]
        kappa = log_kappa.exp()
        log_density = -2 * kappa * torch.sin((angle - location) / 2) ** 2 - torch.log(
            torch.special.i0e(kappa)
        )
        return torch.logsumexp(weights + log_density, -1) * (~torch.isnan(value))

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        weights, location, log_kappa = self._split(parameters)
        # The tallest peak, damped: a sharp but unlikely component should not win.
        best = (weights + 0.25 * log_kappa).argmax(-1, keepdim=True)
        return (location.gather(-1, best)[..., 0] / (2 * math.pi)) % 1.0

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        weights, location, log_kappa = self._split(parameters)
        chosen = _choose(weights, temperature, generator)[..., None]
        angle = location.gather(-1, chosen)[..., 0].double().cpu()
        kappa = (log_kappa.gather(-1, chosen)[..., 0].double().exp() / temperature**2).cpu()
        seed = torch.randint(2**62, (), generator=generator, device=parameters.device)
        # torch's von Mises sampler takes no generator: seed a fork of the global one.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            drawn = torch.distributions.VonMises(angle, kappa).sample()
        return (drawn / (2 * math.pi) % 1.0).to(parameters)


class GaussianMixture(Likelihood):
    """A joint mixture of diagonal Gaussians over `size` components, absent ones integrated out.

    Parameters [..., K (1 + 2 size)]: weight logits, means, raw log standard deviations, the
    latter kept in (-6, 2).
    """

    LOW, HIGH = -6.0, 2.0

    def __init__(self, size: int, components: int = 8):
        super().__init__(size)
        self.components = components
        self.parameter_count = components * (1 + 2 * size)

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        k, d = self.components, self.size
        shape = (*parameters.shape[:-1], k, d)
        weights = torch.log_softmax(parameters[..., :k], -1)
        mean = parameters[..., k : k + k * d].reshape(shape)
        return (
            weights,
            mean,
            _bound(parameters[..., k + k * d :].reshape(shape), self.LOW, self.HIGH),
        )

    def log_prob(self, parameters: Tensor, value: Tensor, legal: Tensor | None = None) -> Tensor:
        weights, mean, log_sd = self._split(parameters)
        target = value[..., None, :]
        distance = (torch.nan_to_num(target) - mean) * torch.exp(-log_sd)
        terms = -0.5 * (distance**2 + LOG_TWO_PI) - log_sd
        return torch.logsumexp(weights + _present(terms, target).sum(-1), -1)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        weights, mean, log_sd = self._split(parameters)
        best = (weights - 0.25 * log_sd.sum(-1)).argmax(-1)
        index = best[..., None, None].expand(*best.shape, 1, self.size)
        return mean.gather(-2, index)[..., 0, :]

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        weights, mean, log_sd = self._split(parameters)
        chosen = _choose(weights, temperature, generator)
        index = chosen[..., None, None].expand(*chosen.shape, 1, self.size)
        centre, spread = mean.gather(-2, index)[..., 0, :], log_sd.gather(-2, index)[..., 0, :]
        return centre + temperature * spread.exp() * _normal(centre, generator)


def _normal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


class Gaussian(Factorised):
    """Independent Gaussians, missing values masked. Parameters [..., 2 size]: means, raw log sd."""

    LOW, HIGH = -6.0, 4.0

    def __init__(self, size: int):
        super().__init__(size)
        self.parameter_count = 2 * size

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        d = self.size
        return parameters[..., :d], _bound(parameters[..., d:], self.LOW, self.HIGH)

    def terms(self, parameters: Tensor, value: Tensor) -> Tensor:
        mean, log_sd = self._split(parameters)
        distance = (torch.nan_to_num(value) - mean) * torch.exp(-log_sd)
        return _present(-0.5 * (distance**2 + LOG_TWO_PI) - log_sd, value)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        return self._split(parameters)[0]

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        mean, log_sd = self._split(parameters)
        return mean + temperature * log_sd.exp() * _normal(mean, generator)


class Bernoulli(Factorised):
    """Independent yes/no values (fingerprint bits). Parameters: logits [..., size]."""

    def __init__(self, size: int):
        super().__init__(size)
        self.parameter_count = size

    def terms(self, parameters: Tensor, value: Tensor) -> Tensor:
        target = torch.nan_to_num(value)
        terms = -F.binary_cross_entropy_with_logits(parameters, target, reduction="none")
        return _present(terms, value)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        return (parameters > 0).to(parameters.dtype)

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        return torch.bernoulli(torch.sigmoid(parameters / temperature), generator=generator)


class ContinuousBernoulli(Factorised):
    """Intensities in [0, 1] (Loaiza-Ganem & Cunningham 2019). Parameters: logits [..., size].

    Unlike binary cross entropy it is a density: its normaliser does not pull values to 0.5. With
    logit l the log normaliser is log(l / tanh(l / 2)), which tends to log 2 at l = 0; there a
    Taylor series replaces it.
    """

    def __init__(self, size: int):
        super().__init__(size)
        self.parameter_count = size

    @staticmethod
    def _log_normaliser(logit: Tensor) -> Tensor:
        small = logit.abs() < 0.05
        safe = torch.where(small, torch.ones_like(logit), logit)
        exact = torch.log(safe / torch.tanh(safe / 2))
        return torch.where(small, math.log(2) + logit**2 / 12, exact)

    def terms(self, parameters: Tensor, value: Tensor) -> Tensor:
        target = torch.nan_to_num(value)
        terms = -F.binary_cross_entropy_with_logits(parameters, target, reduction="none")
        return _present(terms + self._log_normaliser(parameters), value)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        """The mean, since the density's mode is always an end of the interval."""
        small = parameters.abs() < 0.05
        safe = torch.where(small, torch.ones_like(parameters), parameters)
        mean = 1 / (1 - torch.exp(-safe)) - 1 / safe
        return torch.where(small, 0.5 + parameters / 12, mean)

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        logit = parameters / temperature
        uniform = torch.rand(
            logit.shape, generator=generator, device=logit.device, dtype=logit.dtype
        )
        small = logit.abs() < 0.05
        safe = torch.where(small, torch.ones_like(logit), logit)
        inverse = torch.log1p(uniform * torch.expm1(safe)) / safe
        return torch.where(small, uniform, inverse).clamp(0, 1)


class NegativeBinomial(Factorised):
    """Counts of size-dependent spread. Parameters [..., 2 size]: log mean, log inverse dispersion.

    p(k) = G(k + r) / (k! G(r)) (r / (r + m))^r (m / (r + m))^k with mean m and variance
    m + m^2 / r.
    """

    def __init__(self, size: int):
        super().__init__(size)
        self.parameter_count = 2 * size

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        d = self.size
        return parameters[..., :d].clamp(-12, 8), parameters[..., d : 2 * d].clamp(-6, 8)

    def _terms(self, parameters: Tensor, count: Tensor) -> Tensor:
        log_mean, log_r = self._split(parameters)
        r = log_r.exp()
        log_total = torch.logaddexp(log_mean, log_r)
        return (
            torch.lgamma(count + r)
            - torch.lgamma(r)
            - torch.lgamma(count + 1)
            + r * (log_r - log_total)
            + count * (log_mean - log_total)
        )

    def terms(self, parameters: Tensor, value: Tensor) -> Tensor:
        return _present(self._terms(parameters, torch.nan_to_num(value)), value)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        log_mean, log_r = self._split(parameters)
        r = log_r.exp()
        return torch.where(r > 1, log_mean.exp() * (r - 1) / r, torch.zeros_like(r)).floor()

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        log_mean, log_r = self._split(parameters)
        r = (log_r - 2 * math.log(temperature)).clamp(-6, 12).exp()
        seed = torch.randint(2**62, (), generator=generator, device=parameters.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            rate = torch.distributions.Gamma(r.cpu(), (r / log_mean.exp()).cpu()).sample()
            return torch.poisson(rate).to(parameters)


class ZeroInflatedNegativeBinomial(NegativeBinomial):
    """Counts that are mostly zero. Parameters [..., 3 size]: as above, then logits of a zero."""

    def __init__(self, size: int):
        super().__init__(size)
        self.parameter_count = 3 * size

    def terms(self, parameters: Tensor, value: Tensor) -> Tensor:
        count = torch.nan_to_num(value)
        gate = parameters[..., 2 * self.size :]
        counted = F.logsigmoid(-gate) + self._terms(parameters, count)
        zero = torch.logaddexp(F.logsigmoid(gate), counted)
        return _present(torch.where(count == 0, zero, counted), value)

    def mode(self, parameters: Tensor, legal: Tensor | None = None) -> Tensor:
        closed = parameters[..., 2 * self.size :] > 0
        return super().mode(parameters).masked_fill(closed, 0)

    def draw(
        self, parameters: Tensor, temperature: float, generator: torch.Generator | None
    ) -> Tensor:
        gate = torch.sigmoid(parameters[..., 2 * self.size :] / temperature)
        closed = torch.bernoulli(gate, generator=generator).bool()
        return super().draw(parameters, temperature, generator).masked_fill(closed, 0)


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "categorical": Categorical,
    "von_mises_mixture": VonMisesMixture,
    "gaussian_mixture": GaussianMixture,
    "gaussian": Gaussian,
    "bernoulli": Bernoulli,
    "continuous_bernoulli": ContinuousBernoulli,
    "negative_binomial": NegativeBinomial,
    "zero_inflated_negative_binomial": ZeroInflatedNegativeBinomial,
}


def for_field(field: Field) -> Likelihood:
    """The likelihood that a field names.

    Raises:
        CheckpointError: the name is unknown (a schema of a newer version).
    """
    if field.likelihood not in LIKELIHOODS:
        raise CheckpointError(f"field {field.name}: unknown likelihood {field.likelihood!r}")
    return LIKELIHOODS[field.likelihood](field.size)
