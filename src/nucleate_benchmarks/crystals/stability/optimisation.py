"""Optimising the formation energy in latent space: search by what is decoded.

A proposal near the current latent vector is decoded, encoded again and scored, and taken if it is
better. Following a predictor's gradient alone leaves the manifold of crystals, to where the
predictor is wrong; here it only makes half of the proposals, and what is scored is the crystal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.crystals.geometry.describe import reduced_formula
from nucleate.latent.latent_model import LatentModel
from nucleate.regression.property_heads import PropertyHead, fit_head, predict
from nucleate_benchmarks.crystals.fingerprints import COMPOSITION_SIZE, scaled_composition
from nucleate_benchmarks.crystals.validity import describe_one

KEPT = 10
"""Crystals of a start that the judge sees (CDVAE's)."""
PER_FORMULA = 2
"""Of them, of one reduced formula, while there are others: the judge shall have a choice."""
TIE = 0.02
"""Weight of the latent head beside an oracle of compositions, which cannot tell polymorphs."""
REGRESSIONS = 5
"""Regressions of the oracle of compositions, each fitted to other training crystals."""
CAUTION = 2.0
"""Standard deviations between them that the oracle adds: a search finds where a regression errs
low, and regressions that saw other crystals err apart there."""
STEPS = (0.15, 0.3, 0.6, 1.0)
"""Lengths of proposals per axis, in standard deviations of the training latents."""
Oracle = Literal["composition", "latent", "chgnet"]
Score = Callable[[Sequence[str]], NDArray[np.float64]]
"""Formation energies of crystals, eV/atom; NaN where there is none."""
Vectors = NDArray[np.float32]


@dataclass
class Climber:
    """One start.

    Attributes:
        latent: where it stands, [D].
        value: of the crystal there, eV/atom; infinite until something valid was found.
        seen: valid crystals and their scores.
    """

    latent: Vectors
    value: float = float("inf")
    seen: dict[str, float] = field(default_factory=dict)

    def best(self, count: int = KEPT) -> list[str]:
        """The lowest crystals seen, few of one formula first."""
        ordered = sorted(self.seen, key=self.seen.__getitem__)
        formulas: Counter[str] = Counter()
        chosen: list[str] = []
        others: list[str] = []
        for crystal in ordered:
            formula = reduced_formula(crystal)
            formulas[formula] += 1
            (chosen if formulas[formula] <= PER_FORMULA else others).append(crystal)
        return [*chosen, *others][:count]


def acceptable(crystal: str | None) -> bool:
    """Valid as CDVAE counts it, and without clashes, where no energy can be trusted."""
    one = describe_one(crystal)
    return one.valid and one.contacts


class Scorer:
    """Decodes latent vectors, refined as samples are, and scores what they become.

    Args:
        head: predicts the energy from latent vectors.
        score: the oracle where it is not the head; it is asked about crystals, never vectors.
        tie: weight of the head beside it.
    """

    def __init__(
        self,
        model: LatentModel,
        head: PropertyHead,
        score: Score | None = None,
        tie: float = 0.0,
    ):
        self.model, self.head, self.score, self.tie = model, head, score, tie
        self.known: dict[str, float] = {}

    def predict(self, latents: Vectors) -> NDArray[np.float64]:
        """The head's energies, [n]; NaN for rows with NaN."""
        return predict(self.head, latents)

    def __call__(self, latents: Vectors) -> tuple[list[str | None], Vectors, NDArray[np.float64]]:
        """Crystals of latent vectors [n, D], their own latent vectors, and their energies [n].

        A crystal is None and its energy infinite where nothing acceptable was decoded.
        """
        decoded = self.model.decode(latents, refine=self.model.sampling())
        found = [item.structure for item in decoded]
        crystals = [crystal if acceptable(crystal) else None for crystal in found]
        own = latents.copy()
        energies = np.full(len(latents), np.inf)
        places = [i for i, crystal in enumerate(crystals) if crystal is not None]
        if places:
            chosen = [crystals[i] or "" for i in places]
            again, _ = self.model.encode(chosen)
            values = self._score(chosen, again)
            # What the codec refuses stays where it was proposed.
            own[places] = np.where(np.isfinite(again), again, latents[places])
            energies[places] = np.where(np.isfinite(values), values, np.inf)
        return crystals, own, energies

    def _score(self, crystals: list[str], latents: Vectors) -> NDArray[np.float64]:
        if self.score is None:
            return self.predict(latents)
        new = [c for c in dict.fromkeys(crystals) if c not in self.known]
        if new:
            self.known |= dict(zip(new, self.score(new).tolist(), strict=True))
        values = np.array([self.known[c] for c in crystals], np.float64)
        return values + self.tie * np.nan_to_num(self.predict(latents)) if self.tie else values


def _directions(head: PropertyHead, latents: Vectors) -> Vectors:
    """Downhill unit vectors of the head, [n, D]."""
    points = torch.from_numpy(latents).requires_grad_(True)
    (gradient,) = torch.autograd.grad(head.predict(points).sum(), points)
    length = gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)
    out: Vectors = (-gradient / length).numpy()
    return out


def propose(
    latents: Vectors, spread: Vectors, head: PropertyHead, rng: np.random.Generator
) -> Vectors:
    """A neighbour of each latent vector [n, D]: at random, or downhill of the head with noise.

    Args:
        spread: standard deviations of the training latents, [D].
    """
    n, size = latents.shape
    step = rng.choice(STEPS, (n, 1))
    noise = rng.standard_normal((n, size))
    downhill = _directions(head, latents) * np.sqrt(size)
    guided = rng.random((n, 1)) < 0.5
    move = np.where(guided, downhill + 0.5 * noise, noise)
    return (latents + step * spread * move).astype(np.float32)


def climb(
    scorer: Scorer,
    starts: Vectors,
    spread: Vectors,
    rounds: int,
    seed: int,
    screened: int = 1,
    done: Callable[[int], object] = lambda count: None,
) -> list[Climber]:
    """Hill climbing from each start [n, D]; every start asks the oracle `rounds` times at most.

    Args:
        screened: proposals of a round, of which the head's best one goes on to the oracle.
        done: told of each round.
    """
    rng = np.random.default_rng(seed)
    climbers = [Climber(latent) for latent in starts]
    _take(climbers, scorer(starts))
    for _ in range(rounds - 1):
        here = np.stack([climber.latent for climber in climbers])
        proposed = [propose(here, spread, scorer.head, rng) for _ in range(screened)]
        values = np.stack([scorer.predict(latents) for latents in proposed])  # screened x n
        best = np.nanargmin(values, axis=0)
        chosen = np.stack([proposed[b][i] for i, b in enumerate(best.tolist())])
        _take(climbers, scorer(chosen))
        done(1)
    return climbers


def _take(
    climbers: Sequence[Climber],
    found: tuple[list[str | None], Vectors, NDArray[np.float64]],
) -> None:
    for climber, crystal, latent, value in zip(climbers, *found, strict=True):
        if crystal is None or not np.isfinite(value):
            continue
        climber.seen[crystal] = float(value)
        if value < climber.value:
            climber.latent, climber.value = latent, float(value)


def fit_energy_head(latents: Vectors, energies: NDArray[np.float64], seed: int) -> PropertyHead:
    """The head that searches and screens, fitted to training crystals.

    Raises:
        SettingsError: fewer than ten training crystals have an energy.
    """
    head = fit_head("energy", latents, energies, seed)
    if head is None:
        raise SettingsError("too few training crystals with an energy to fit a head to")
    return head


def composition_oracle(crystals: Sequence[str], energies: NDArray[np.float64], seed: int) -> Score:
    """Kernel ridge regressions on Magpie's fingerprint of the composition, cautiously combined.

    They know the energies of known crystals only, neither the model nor CHGNet. The energy is their
    mean and `CAUTION` standard deviations between them.

    Raises:
        SettingsError: fewer than ten crystals have an energy.
    """
    points = _fingerprints(crystals)
    heads = [fit_energy_head(points, energies, seed + k) for k in range(REGRESSIONS)]

    def score(asked: Sequence[str]) -> NDArray[np.float64]:
        found = _fingerprints(asked)
        each = np.stack([predict(head, found) for head in heads])
        values: NDArray[np.float64] = each.mean(0) + CAUTION * each.std(0)
        return values

    return score


def _fingerprints(crystals: Sequence[str]) -> Vectors:
    missing = np.full(COMPOSITION_SIZE, np.nan)
    rows = [scaled_composition(crystal) for crystal in crystals]
    return np.array([missing if row is None else row for row in rows], np.float32)


def from_prior(scorer: Scorer, starts: int, calls: int, pool: int, seed: int) -> list[list[str]]:
    """The control: each start's best of `calls` prior samples, from a common pool."""
    latents = scorer.model.draw_prior(min(pool, starts * calls), seed)
    crystals, _, energies = scorer(latents)
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(starts):
        chosen = rng.choice(len(crystals), min(calls, len(crystals)), replace=False)
        found = Climber(latents[0])
        for place in chosen.tolist():
            crystal, energy = crystals[place], float(energies[place])
            if crystal is not None and np.isfinite(energy):
                found.seen[crystal] = energy
        out.append(found.best())
    return out


def from_known(
    energies: NDArray[np.float64], starts: int, calls: int, seed: int
) -> list[list[float]]:
    """The control: energies of as many random known crystals as each start asked about."""
    rng = np.random.default_rng(seed)
    known = energies[np.isfinite(energies)]
    asked = min(calls, len(known))
    return [rng.choice(known, asked, replace=False).tolist() for _ in range(starts)]
