"""Who breeds: scored structures by rank, by niche, and by what the model finds plausible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nucleate.regression.gaussian_process import resemblance
from nucleate.search.evolution.families import Families
from nucleate.search.evolution.memory import Memory
from nucleate.search.evolution.plausibility import Plausibility
from nucleate.settings.evolution import EvolutionSettings

_RANKINGS = 3
"""Rankings whose niches are remembered."""


def log_uniform_ranks(length: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Ranks below a length, [count]: each tenth of the ranking's logarithm is drawn from as often
    as any other (Tripp and Hernandez-Lobato, arXiv:2310.09267)."""
    ranks = np.exp(rng.uniform(0, np.log(length + 1), count)).astype(np.int64) - 1
    out: NDArray[np.int64] = np.clip(ranks, 0, length - 1)
    return out


class Parents:
    """Draws parents.

    Args:
        memory: scored structures.
        families: those of retired families do not breed.
        plausibility: see `EvolutionSettings.plausible`; None if all are plausible.
        group: of a structure, for the quota.
    """

    def __init__(
        self,
        memory: Memory,
        families: Families,
        settings: EvolutionSettings,
        plausibility: Plausibility | None,
        group: Callable[[str], str] | None,
    ):
        self.memory, self.families, self.settings = memory, families, settings
        self.plausibility, self.group = plausibility, group
        self._groups: dict[str, str] = {}
        self._niched: dict[bytes, list[list[int]]] = {}

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        """Structures, [count]; half of them (or another share) plausible ones."""
        ranked = self.breeders()
        rows = self._draw_rows(ranked, count, rng)
        if self.plausibility is not None and self.settings.plausible:
            few = ranked[: 4 * self.settings.niche_pool]
            sound = few[self.plausibility([self.memory.structures[row] for row in few])]
            if len(sound):
                instead = rng.random(count) < self.settings.plausible
                rows = np.where(instead, self._draw_rows(sound, count, rng), rows)
        return [self.memory.structures[row] for row in rows]

    def rank(self) -> NDArray[np.int64]:
        """Rows of families that are not retired, best first."""
        ranked = self.memory.best(len(self.memory))
        return ranked[self.families.active[ranked]]

    def breeders(self) -> NDArray[np.int64]:
        """Rows that may be parents, best first: no more of one group than the quota allows."""
        ranked = self.rank()
        if self.group is None or not self.settings.quota:
            return ranked
        members: Counter[str] = Counter()
        kept = []
        for row in ranked.tolist():
            structure = self.memory.structures[row]
            if structure not in self._groups:
                self._groups[structure] = self.group(structure)
            members[self._groups[structure]] += 1
            if members[self._groups[structure]] <= self.settings.quota:
                kept.append(row)
        return np.array(kept, np.int64)

    def _draw_rows(
        self, ranked: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Rows of a ranking by rank; a share of them by niches: first a niche by its rank, then one
        of its members by its rank there, so that one family does not breed alone."""
        rows = ranked[log_uniform_ranks(len(ranked), count, rng)]
        if self.settings.niching:
            niches = self._niches(ranked[: self.settings.niche_pool])
            for place in np.flatnonzero(rng.random(count) < self.settings.niching):
                members = niches[int(log_uniform_ranks(len(niches), 1, rng)[0])]
                rows[place] = members[int(log_uniform_ranks(len(members), 1, rng)[0])]
        return rows

    def _niches(self, ranked: NDArray[np.int64]) -> list[list[int]]:
        """Rows by niche, best first: each joins the first niche whose best one it resembles (sphere
        exclusion)."""
        key = ranked.tobytes()
        if key in self._niched:
            return self._niched[key]
        alike = resemblance(self.memory.table.take(ranked))
        niches: list[list[int]] = []
        centres: list[int] = []
        for place, row in enumerate(ranked.tolist()):
            near = np.flatnonzero(alike[place, centres] >= self.settings.niche_similarity)
            if len(near):
                niches[int(near[0])].append(row)
            else:
                centres.append(place)
                niches.append([row])
        if len(self._niched) >= _RANKINGS:
            self._niched.clear()
        self._niched[key] = niches
        return niches
