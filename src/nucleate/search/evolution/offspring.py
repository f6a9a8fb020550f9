"""Children of a search, and which operators make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.search.evolution.operators import EditOperator, LatentMaker, LatentOperator, Operator
from nucleate.search.searcher import Proposal


class OperatorCredit:
    """How often each operator's children succeed, older rounds counting less."""

    def __init__(self, count: int, floor: float, memory: float = 0.9):
        self.won, self.made = np.full(count, 1.0), np.full(count, 1.0)
        self.floor, self.memory = min(floor, 1.0 / max(1, count)), memory

    def probabilities(self) -> NDArray[np.float64]:
        """Shares of children to make, [count]; none below the floor."""
        rate = self.won / self.made
        free = 1.0 - self.floor * len(rate)
        out: NDArray[np.float64] = self.floor + free * rate / rate.sum()
        return out

    def learn(self, made: NDArray[np.float64], won: NDArray[np.float64]) -> None:
        """Children made and successes of one round, [count] each."""
        self.made = 1.0 + self.memory * (self.made - 1.0) + made
        self.won = 0.02 + self.memory * (self.won - 0.02) + won


class Offspring:
    """Makes children of pairs of parents, each operator its share.

    Args:
        operators: at least one.
        maker: makes those of latent operators; None if there are none.
        floor: see `EvolutionSettings`.
    """

    def __init__(self, operators: Sequence[Operator], maker: LatentMaker | None, floor: float):
        self.operators, self.maker = list(operators), maker
        self.credit = OperatorCredit(len(self.operators), floor)
        self._number = {operator.name: i for i, operator in enumerate(self.operators)}
        self._made = np.zeros(len(self.operators))

    def learn(self, successes: Mapping[str, int]) -> None:
        """Close a round.

        Args:
            successes: children of that round that were good, by operator.
        """
        won = np.zeros(len(self.operators))
        for name, count in successes.items():
            if name in self._number:
                won[self._number[name]] = count
        self.credit.learn(self._made, won)
        self._made = np.zeros(len(self.operators))

    def probabilities(self) -> dict[str, float]:
        """Share of children by operator."""
        names = [operator.name for operator in self.operators]
        return dict(zip(names, self.credit.probabilities().round(3).tolist(), strict=True))

    def make(
        self, parents: Sequence[str], rng: np.random.Generator, latent_of: int | None
    ) -> list[Proposal]:
        """Children of parents [2 n], n of them at most.

        Args:
            latent_of: children of which latent operators make their share here; none if not given.
                They are made once a round: decoding many together is much quicker.
        """
        half = len(parents) // 2
        pairs = list(zip(parents[:half], parents[half:], strict=True))
        which = self._draw_rows(half, rng, latent_of)
        self._made += np.bincount(which, minlength=len(self.operators))
        latent: list[tuple[LatentOperator, list[tuple[str, str]]]] = []
        out: list[Proposal] = []
        for number, operator in enumerate(self.operators):
            own = [pair for pair, w in zip(pairs, which.tolist(), strict=True) if w == number]
            if isinstance(operator, LatentOperator):
                latent.append((operator, own))
            elif isinstance(operator, EditOperator) and own:
                out += operator.make(own, int(rng.integers(2**31)))
        if self.maker is not None:
            out += self.maker.make(latent, rng)
        return out

    def _draw_rows(
        self, count: int, rng: np.random.Generator, latent_of: int | None
    ) -> NDArray[np.int64]:
        """Number of the operator of each child, [count]."""
        shares = self.credit.probabilities()
        moving = np.array([isinstance(o, LatentOperator) for o in self.operators])
        if not moving.any() or moving.all():
            return rng.choice(len(shares), count, p=shares)
        moved, edited = shares * moving, shares * ~moving
        moves = 0 if latent_of is None else min(count, rng.binomial(latent_of, moved.sum()))
        return np.concatenate(
            [
                rng.choice(len(shares), moves, p=moved / moved.sum()),
                rng.choice(len(shares), count - moves, p=edited / edited.sum()),
            ]
        )
