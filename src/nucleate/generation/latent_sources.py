"""Where latent vectors come from: the prior, around a lead, between two structures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.generation.bandit import ThompsonBandit
from nucleate.generation.importance import (
    ConstraintEvidence,
    best_candidates,
    part_evidence,
    resampling_weights,
)
from nucleate.generation.starting_points import known_latents, starting_latents
from nucleate.latent.latent_model import LatentModel
from nucleate.matter.conditions import Constraint, Guide, Variation
from nucleate.settings.model import DrawSettings
from nucleate.vae.legality import Legality
from nucleate.vae.posterior import Posterior, add_noise
from nucleate.vae.training.evaluation import encode_all

_POOL = 1000
_DRAWN = 400


@dataclass
class Proposal:
    """Latent vectors to decode.

    Attributes:
        latents: [n, D].
        level: number of the arm that each came from, which tells its amplitude of noise, [n].
        columns: further numbers by column name, each [n].
        legality: stricter than the model's own, or None.
        ways: in which each is to meet the task's constraint, or None if all may, [n].
        origin: where each comes from, if not all come from the source's own `origin`, [n].
    """

    latents: NDArray[np.float32]
    level: NDArray[np.int64]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    legality: Legality | None = None
    ways: NDArray[np.int64] | None = None
    origin: NDArray[Any] | None = None


class Source(ABC):
    """Proposes latent vectors, and learns which amplitude of noise yields most."""

    origin: ClassVar[str]
    temperature: ClassVar[float | None] = 1.0
    """Of the decoder if none is asked for; None is the model's own. Greedy decoding would write the
    same few structures again and again around one point."""
    surplus: ClassVar[int] = 1
    """Structures to find for each one asked for, among which `choose` chooses."""
    parent: str | None = None

    def __init__(self, amplitudes: Sequence[float]):
        self.amplitudes = np.asarray(amplitudes, np.float32)
        self.bandit = ThompsonBandit(len(amplitudes))

    def fix_amplitude(self, amplitude: float) -> None:
        """Take one amplitude of noise, nothing to be learnt."""
        Source.__init__(self, [amplitude])

    def noise(self, proposal: Proposal) -> NDArray[np.float32]:
        """Amplitude that the decoder is told, [n]."""
        return self.amplitudes[proposal.level]

    def choose(self, rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
        """At most `count` of the rows found."""
        return rows[:count]

    @abstractmethod
    def propose(self, count: int, generator: np.random.Generator) -> Proposal:
        """`count` latent vectors."""


class PriorSource(Source):
    """Draws from the prior; where a part is to be kept, around those vectors, of the prior and of
    the training set, that tell most of it.

    Args:
        part: structure string of the part, or None.
        constraint: what the decoder is made to keep, or None. Draws then start from training
            structures adapted to it, and from draws of the prior; those more often from which the
            decoder, left alone, would keep it more likely.
    """

    origin = "prior"
    temperature = None
    AMPLITUDES = (0.0, 0.2, 0.4)
    PART_AMPLITUDES = (0.3, 0.5, 0.7)
    CONSTRAINT_AMPLITUDES = (0.0, 0.1, 0.2, 0.3, 0.4)
    """More noise, fewer sound crystals: of those in Li-Fe-O from a briefly trained model, before
    relief, 79 % had no contact below 0.7 of the radii at 0.0, 70 % at 0.3, 44 % at 0.5."""

    def __init__(
        self,
        model: LatentModel,
        how: DrawSettings,
        seed: int,
        part: str | None = None,
        constraint: Constraint | None = None,
    ):
        usual = sorted({how.noise, *self.AMPLITUDES})
        amplitudes = self.PART_AMPLITUDES if part else usual
        super().__init__(self.CONSTRAINT_AMPLITUDES if constraint else amplitudes)
        self.model, self.how = model, how
        self.pool: NDArray[np.float32] | None = None
        self.ways: NDArray[np.int64] | None = None
        self.weights: NDArray[np.float64] | None = None
        if constraint is not None:
            drawn = self._draw(_DRAWN, seed)
            latents, ways = starting_latents(model, constraint, seed)
            self.pool = np.concatenate([drawn, latents])
            self.ways = np.concatenate(
                [constraint.ways(len(drawn), np.random.default_rng(seed)), ways]
            )
            likely = ConstraintEvidence(model, constraint)(self.pool, self.ways, seed)
            self.weights = resampling_weights(likely)
        elif part and (evidence := part_evidence(model, part)) is not None:
            pool = np.concatenate([self._draw(_POOL, seed), known_latents(model, _POOL, seed)])
            self.pool = pool[best_candidates(evidence(pool))]

    def propose(self, count: int, generator: np.random.Generator) -> Proposal:
        level = self.bandit.choose(count, generator)
        if self.pool is None:
            held = self.amplitudes[level] if self.how.blended else 0.0
            return Proposal(self._draw(count, int(generator.integers(2**31)), held), level)
        chosen = generator.choice(len(self.pool), size=count, p=self.weights)
        out = Proposal(blend(self.pool[chosen], self.amplitudes[level], generator), level)
        out.ways = None if self.ways is None else self.ways[chosen]
        return out

    def _draw(
        self, count: int, seed: int, noise: float | NDArray[np.float32] = 0.0
    ) -> NDArray[np.float32]:
        return self.model.draw_prior(count, seed, self.how.prior_temperature, noise)


class LeadSource(Source):
    """Draws around a lead: its posterior, blended with noise; some of them free, some keeping most
    of the lead, whichever meets the conditions more often.

    Args:
        variation: ways to keep most of the lead, or None.

    Raises:
        SettingsError: the model cannot hold the lead.
    """

    origin = "lead"
    AMPLITUDES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    KEEPING_AMPLITUDES = (0.1, 0.3, 0.5, 0.7, 0.9)
    KEEPING = "lead, most of it kept"

    def __init__(self, model: LatentModel, lead: str, variation: Variation | None):
        self.free = len(self.AMPLITUDES)
        super().__init__(self.AMPLITUDES + (self.KEEPING_AMPLITUDES if variation else ()))
        self.posterior, self.parent = posterior_of(model, [lead], "like"), lead
        self.variation = variation

    def fix_amplitude(self, amplitude: float) -> None:
        self.free = 1
        Source.__init__(self, [amplitude] * (1 if self.variation is None else 2))

    def propose(self, count: int, generator: np.random.Generator) -> Proposal:
        level = self.bandit.choose(count, generator)
        draw = _sample(self.posterior, np.zeros(count, np.int64), generator)
        out = Proposal(blend(draw, self.amplitudes[level], generator), level)
        if self.variation is not None:
            kept = level >= self.free
            out.legality = self.variation.legality(kept, generator)
            out.origin = np.where(kept, self.KEEPING, self.origin)
        return out


ENDS = ("_first", "_second")
"""Suffixes of the columns that tell the nearness to each end of a path."""


class PathSource(Source):
    """Draws along the arc between the posteriors of two structures; of several near each place
    those that are most like the ends, each end counting by its share.

    Raises:
        SettingsError: the model cannot hold one of them, or both are the same.
    """

    origin = "path"
    AMPLITUDES = (0.0, 0.1, 0.2, 0.3)
    surplus = 5

    def __init__(self, model: LatentModel, first: str, second: str, guide: Guide):
        super().__init__(self.AMPLITUDES)
        self.guide = guide
        if first == second:
            raise SettingsError(f"between: both structures are {first}")
        self.posterior = posterior_of(model, [first, second], "between")
        self.parent = f"{first} {second}"

    def propose(self, count: int, generator: np.random.Generator) -> Proposal:
        level = self.bandit.choose(count, generator)
        # Stratified, so that every round covers the whole path.
        share = generator.permutation((np.arange(count) + generator.random(count)) / count)
        ends = [_sample(self.posterior, np.full(count, i), generator) for i in (0, 1)]
        draw = arc_points(ends[0], ends[1], share.astype(np.float32))
        draw = blend(draw, self.amplitudes[level], generator)
        return Proposal(draw, level, {"share": share})

    def choose(self, rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
        first, second = (self.guide.nearness[0] + end for end in ENDS)

        def likeness(row: dict[str, Any]) -> float:
            share = row["share"]
            return float(self.guide.nearer * ((1 - share) * row[first] + share * row[second]))

        ordered = sorted(rows, key=lambda row: float(row["share"]))
        if len(ordered) <= count:
            return ordered
        places = np.array_split(np.arange(len(ordered)), count)
        return [max((ordered[i] for i in place), key=likeness) for place in places]


def arc_points(
    first: NDArray[np.float32], second: NDArray[np.float32], share: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Points on the arcs between vectors [n, D], at shares [n] of the way (Shoemake 1985).

    Lengths are interpolated linearly, so that vectors of unequal length are met at both ends.
    """
    lengths = [np.linalg.norm(v, axis=1, keepdims=True) + 1e-9 for v in (first, second)]
    a, b = first / lengths[0], second / lengths[1]
    angle = np.arccos(np.clip((a * b).sum(1, keepdims=True), -1 + 1e-6, 1 - 1e-6))
    t = share[:, None]
    direction = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    out: NDArray[np.float32] = (direction * ((1 - t) * lengths[0] + t * lengths[1])).astype(
        np.float32
    )
    return out


def posterior_of(model: LatentModel, structures: list[str], where: str) -> Posterior:
    """Posterior of each structure, mean and log variance [n, D] each.

    Raises:
        SettingsError: the model cannot hold one of them.
    """
    arrays, _, refused = model.arrays(structures)
    for position, error in refused.items():
        raise SettingsError(f"{where}: the model cannot hold {structures[position]}: {error}")
    mean, log_variance = encode_all(model.model, arrays, model.device)
    return Posterior(torch.from_numpy(mean), torch.from_numpy(log_variance))


def _sample(
    posterior: Posterior, rows: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float32]:
    picked = Posterior(posterior.mean[rows], posterior.log_variance[rows])
    return picked.sample(_torch(generator)).numpy()


def blend(
    latents: NDArray[np.float32], amplitude: NDArray[np.float32], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Latent vectors [n, D] with noise of the given amplitudes [n], as the decoder was trained."""
    noise = torch.from_numpy(amplitude)
    return add_noise(torch.from_numpy(latents), noise, _torch(generator)).numpy()


def _torch(generator: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator.integers(2**31)))
