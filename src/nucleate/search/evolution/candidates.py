"""Candidates of one round of a search, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nucleate.regression.gaussian_process import Features, Prediction, Surrogate, Table
from nucleate.search.evolution.parents import log_uniform_ranks
from nucleate.search.evolution.plausibility import Plausibility
from nucleate.search.searcher import Proposal

_AHEAD = 2
"""Highest structures of every draw whose plausibility is looked at beforehand, together."""
_TOGETHER = 16
"""Structures that are looked at together where these do not do."""


@dataclass
class Candidates:
    """Proposals of one round and what is expected of them.

    Attributes:
        ucb_factor: factor of the deviation by which candidates are ranked.
        sampling_temperature: factor of the deviations of draws from the mean.
    """

    ucb_factor: float
    sampling_temperature: float
    proposals: list[Proposal] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    _mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _deviation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _table: Table = field(default_factory=Table)

    def add(self, proposals: Sequence[Proposal], features: Features, expected: Prediction) -> None:
        """Take in proposals with their features."""
        self.proposals += proposals
        self.seen |= {p.structure for p in proposals}
        self._table.append(features)
        self._mean = np.concatenate([self._mean, expected.mean])
        self._deviation = np.concatenate([self._deviation, expected.deviation])

    def rank(self) -> NDArray[np.int64]:
        """Numbers of the candidates, those that most is hoped of first."""
        return np.argsort(-(self._mean + self.ucb_factor * self._deviation), kind="stable")

    def breed(self, count: int, rng: np.random.Generator) -> list[str]:
        """Candidates as parents of further ones, their ranks log-uniform."""
        order = self.rank()
        ranks = log_uniform_ranks(len(order), count, rng)
        return [self.proposals[i].structure for i in order[ranks]]

    def pick(
        self,
        count: int,
        shortlist: int,
        surrogate: Surrogate,
        plausibility: Plausibility | None,
        plausible: float,
        rng: np.random.Generator,
        take: Callable[[Proposal], bool] = lambda proposal: True,
    ) -> list[Proposal]:
        """At most `count` candidates, each the highest of a draw from the joint posterior of those
        on the shortlist (Thompson sampling), so that the questions of a round differ as they
        should.

        Args:
            shortlist: candidates on it for each one picked.
            plausible: share of picks among the plausible ones.
            take: whether a candidate may be picked; asked as late as can be, since it costs. Where
                too few of the shortlist may, the next ones are picked as they are ranked.
        """
        if not self.proposals:
            return []
        ranked = self.rank()
        listed = ranked[: shortlist * count]
        drawn = surrogate.sample(self._table.take(listed), count, rng)
        drawn = self._mean[listed] + self.sampling_temperature * (drawn - self._mean[listed])
        left = np.ones(len(listed), bool)
        sound = None
        if plausibility is not None and plausible:
            sound = _Sound([self.proposals[i].structure for i in listed], plausibility)
            sound.look(np.argsort(-drawn[: len(listed)], axis=1, kind="stable")[:, :_AHEAD])
        chosen: list[Proposal] = []
        for draw in drawn[: len(listed)]:
            soundly = rng.random() < plausible and sound is not None
            while left.any():
                highest = np.argsort(np.where(left, -draw, np.inf), kind="stable")[: left.sum()]
                place = sound.first(highest) if soundly and sound is not None else int(highest[0])
                left[place] = False
                if take(self.proposals[listed[place]]):
                    chosen.append(self.proposals[listed[place]])
                    break
        further = (self.proposals[place] for place in ranked[len(listed) :])
        missing = min(count, len(drawn)) - len(chosen)
        return [*chosen, *islice((p for p in further if take(p)), missing)]


class _Sound:
    """Which structures of a shortlist are plausible, looked at as late as can be: each look costs
    a pass through the decoder, and few of the list are needed."""

    def __init__(self, structures: Sequence[str], plausibility: Plausibility):
        self.structures, self.plausibility = structures, plausibility
        self._known: dict[int, bool] = {}

    def look(self, places: NDArray[np.int64]) -> None:
        """Find out about some places together."""
        new = [place for place in np.unique(places).tolist() if place not in self._known]
        if new:
            found = self.plausibility([self.structures[place] for place in new])
            self._known |= dict(zip(new, found.tolist(), strict=True))

    def first(self, order: NDArray[np.int64]) -> int:
        """The first place of an order that is plausible; the very first if none is."""
        for at, place in enumerate(order.tolist()):
            if place not in self._known:
                self.look(order[at : at + _TOGETHER])
            if self._known[place]:
                return int(place)
        return int(order[0])
