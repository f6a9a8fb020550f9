"""Ways to make structures out of those that a search has scored.

Latent operators give vectors that are decoded together; the others give structures. Each is told
parents and makes one child of each (or of each pair).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from nucleate.generation.latent_sources import arc_points, blend
from nucleate.search.evolution.memory import Latents
from nucleate.search.searcher import Proposal

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.matter.variation import Edits

Pairs = Sequence[tuple[str, str]]
"""Parents; an operator of one parent leaves the second alone."""


class Operator(ABC):
    """A way to make children. `name` is the `origin` of its proposals."""

    name: str
    parents: ClassVar[int] = 1

    def _family(self, pair: tuple[str, str]) -> tuple[str, ...]:
        return pair[: self.parents]


class EditOperator(Operator):
    """Changes structures without a network."""

    @abstractmethod
    def children(self, pairs: Pairs, seed: int) -> list[str | None]:
        """One child of each pair, None where there is none."""

    def make(self, pairs: Pairs, seed: int) -> list[Proposal]:
        """Proposals, fewer than pairs where some have no child."""
        found = zip(pairs, self.children(pairs, seed), strict=True)
        return [Proposal(c, self.name, self._family(p)) for p, c in found if c is not None]


class Mutation(EditOperator):
    """A small random change.

    Args:
        kind: of edits.
    """

    def __init__(self, edits: Edits, kind: str):
        self.edits, self.name = edits, f"{kind}_mutation"

    def children(self, pairs: Pairs, seed: int) -> list[str | None]:
        return self.edits.mutate([first for first, _ in pairs], seed)


class Crossover(EditOperator):
    """Parts of both parents.

    Args:
        kind: of edits.
    """

    parents = 2

    def __init__(self, edits: Edits, kind: str):
        self.edits, self.name = edits, f"{kind}_crossover"

    def children(self, pairs: Pairs, seed: int) -> list[str | None]:
        return self.edits.cross(pairs, seed)


@dataclass(frozen=True)
class Moves:
    """Latent vectors to decode.

    Attributes:
        latents: [n, D].
        noise: amplitude of the noise that they hold, of which the decoder is told, [n].
    """

    latents: NDArray[np.float32]
    noise: NDArray[np.float32]


class LatentOperator(Operator):
    """Moves in latent space.

    Attributes:
        keeps: whether a random part of the first parent is forced on the decoder, which fills in
            the rest.
    """

    keeps: ClassVar[bool] = False

    @abstractmethod
    def moves(
        self, first: NDArray[np.float32], second: NDArray[np.float32], rng: np.random.Generator
    ) -> Moves:
        """A move for each pair of parents' latent vectors, [n, D] each."""


class Perturbation(LatentOperator):
    """Noise blended into the parent, as in the decoder's training: it knows what to fill in."""

    name = "latent_perturbation"
    AMPLITUDES: ClassVar[tuple[float, ...]] = (0.3, 0.4, 0.5, 0.6, 0.7)

    def moves(
        self, first: NDArray[np.float32], second: NDArray[np.float32], rng: np.random.Generator
    ) -> Moves:
        noise = rng.choice(self.AMPLITUDES, len(first)).astype(np.float32)
        return Moves(blend(first, noise, rng), noise)


class SparsePerturbation(LatentOperator):
    """A few coordinates drawn anew, the others left alone (Wang et al., "NF-BO", ICLR 2025, changes
    few tokens likewise).

    Args:
        spread: standard deviations of the training latents, [D].
    """

    name = "latent_sparse"
    SHARES = (0.05, 0.1, 0.2, 0.4)

    def __init__(self, centre: NDArray[np.float32], spread: NDArray[np.float32]):
        self.centre, self.spread = centre, spread

    def moves(
        self, first: NDArray[np.float32], second: NDArray[np.float32], rng: np.random.Generator
    ) -> Moves:
        share = rng.choice(self.SHARES, (len(first), 1))
        drawn = self.centre + self.spread * rng.standard_normal(first.shape)
        out = np.where(rng.random(first.shape) < share, drawn, first).astype(np.float32)
        # As much of the vector's variance is new as an amplitude of this size would bring in.
        return Moves(out, np.sqrt(share[:, 0]).astype(np.float32))


class Recombination(LatentOperator):
    """Between two parents: on the arc, or each coordinate from either."""

    name = "latent_crossover"
    parents = 2
    AMPLITUDES = (0.0, 0.2, 0.4)

    def moves(
        self, first: NDArray[np.float32], second: NDArray[np.float32], rng: np.random.Generator
    ) -> Moves:
        n = len(first)
        arc = arc_points(first, second, rng.uniform(0.1, 0.9, n).astype(np.float32))
        share = rng.uniform(0.1, 0.9, (n, 1))
        mixed = np.where(rng.random(first.shape) < share, first, second)
        out = np.where(rng.random((n, 1)) < 0.5, arc, mixed).astype(np.float32)
        noise = rng.choice(self.AMPLITUDES, n).astype(np.float32)
        return Moves(blend(out, noise, rng), noise)


class Extrapolation(LatentOperator):
    """From a parent along the difference of two others, as in differential evolution (Storn and
    Price 1997); here away from the second parent, or towards and beyond it."""

    name = "latent_difference"
    parents = 2
    AMPLITUDES = (0.2, 0.4)

    def moves(
        self, first: NDArray[np.float32], second: NDArray[np.float32], rng: np.random.Generator
    ) -> Moves:
        n = len(first)
        other = second[rng.permutation(n)]
        step = rng.uniform(0.2, 0.7, (n, 1))
        out = first + step * (second - other)
        length = np.linalg.norm(first, axis=1, keepdims=True)
        out *= length / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9)
        noise = rng.choice(self.AMPLITUDES, n).astype(np.float32)
        return Moves(blend(out.astype(np.float32), noise, rng), noise)


class Regrowth(Perturbation):
    """A part of the parent cut off and grown anew, from a noisy vector of the parent."""

    name = "latent_regrowth"
    keeps = True
    AMPLITUDES = (0.5, 0.7, 0.9, 1.0)


class Graft(LatentOperator):
    """A part of the first parent cut off and grown anew as the second parent's vector tells."""

    name = "latent_graft"
    parents = 2
    keeps = True
    AMPLITUDES = (0.2, 0.5)

    def moves(
        self, first: NDArray[np.float32], second: NDArray[np.float32], rng: np.random.Generator
    ) -> Moves:
        noise = rng.choice(self.AMPLITUDES, len(first)).astype(np.float32)
        share = rng.uniform(0.4, 1.0, len(first)).astype(np.float32)
        return Moves(blend(arc_points(first, second, share), noise, rng), noise)


class LatentMaker:
    """Makes children by latent operators: encodes parents, moves, decodes all together.

    Args:
        temperature: of the decoder; greedy decoding writes the same few children again and again.
        aligned: a child that becomes a parent is encoded anew; else it keeps the vector that it was
            decoded from.
    """

    def __init__(
        self, model: LatentModel, latents: Latents, temperature: float, aligned: bool = True
    ):
        self.model, self.latents, self.temperature = model, latents, temperature
        self.aligned = aligned

    def make(
        self,
        wanted: Sequence[tuple[LatentOperator, Pairs]],
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Children of all operators' pairs, fewer where nothing was decoded."""
        vectors, noise, origin = [], [], []
        everyone = [s for _, pairs in wanted for pair in pairs for s in pair]
        self.latents.of(everyone)
        for operator, pairs in wanted:
            if not pairs:
                continue
            first = self.latents.of([a for a, _ in pairs])
            second = self.latents.of([b for _, b in pairs])
            usable = np.isfinite(np.concatenate([first, second], 1)).all(1)
            if not usable.any():
                continue
            moves = operator.moves(first[usable], second[usable], rng)
            vectors.append(moves.latents)
            noise.append(moves.noise)
            chosen = [pair for pair, ok in zip(pairs, usable.tolist(), strict=True) if ok]
            origin += [(operator, pair) for pair in chosen]
        if not origin:
            return []
        latents = np.concatenate(vectors)
        kept = [pair[0] if operator.keeps else None for operator, pair in origin]
        legality = None
        if any(structure is not None for structure in kept):
            seed = int(rng.integers(2**31))
            legality = self.model.matter.variations.regrowth(self.model.codec, kept, seed)
        decoded = self.model.decode(
            latents,
            self.temperature,
            int(rng.integers(2**31)),
            noise=np.concatenate(noise),
            legality=legality,
            refine=self.model.sampling() if self.model.refiner is not None else None,
        )
        out = [
            Proposal(d.structure, operator.name, operator._family(pair), z, d.log_likelihood)
            for d, (operator, pair), z in zip(decoded, origin, latents, strict=True)
            if d.structure is not None
        ]
        if not self.aligned:
            self.latents.take({p.structure: p.latent for p in out if p.latent is not None})
        return out
