"""Screened evolution: many cheap proposals, a surrogate that screens them, few questions.

Each round makes several generations of children of the best structures by latent moves and by
edits, predicts all of them with a Gaussian process on the structures themselves, breeds from those
that it thinks best, and asks for the few that it likes most. So most of evolution happens between
two questions to the objective (Jensen's genetic algorithm inside Bayesian optimisation; Tripp et
al., arXiv:2406.07709, found that how well the acquisition is maximised decides). Parents are
sampled by rank, not only the best, and structures known are never asked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.regression.gaussian_process import TRIED, Features, Prediction, Surrogate
from nucleate.search.evolution.adaptation import Adaptation
from nucleate.search.evolution.candidates import Candidates
from nucleate.search.evolution.families import Families
from nucleate.search.evolution.memory import DataPool, Memory
from nucleate.search.evolution.offspring import Offspring
from nucleate.search.evolution.operators import LatentMaker, Operator
from nucleate.search.evolution.parents import Parents
from nucleate.search.evolution.plausibility import Plausibility
from nucleate.search.searcher import Accept, Proposal, Searcher, Take
from nucleate.settings.evolution import EvolutionSettings

_CHUNK = 500
"""Structures of the data that are looked at together."""
_ROUNDS = 20
"""Of children without a surrogate, in which enough new ones are looked for."""
BEST, LATEST, OTHERS = 0.6, 0.2, 0.2
"""Of what the surrogate rests on: the best scores, the latest, and a random sample."""
BETTER = 1e-3
"""Relative gain of the mean of the top ten from which it counts as better."""


class ScreenedEvolution(Searcher):
    """The search.

    Args:
        memory: empty.
        operators: ways to make children.
        maker: makes those of latent operators; None if there are none.
        data: structures to start from and to screen.
        seed: of all randomness; what is asked depends on it and on what was told.
        starts: structures that are asked for first, before any of the data.
        accept: which structures may be asked for at all; all if not given. Starts may.
        group: of a structure, for the quota: a scaffold, a chemical system.
        adaptation: fine-tunes the model now and then; never if not given.
        plausibility: tells plausible structures; without, all are.
        take: see `SearchTask`.
    """

    def __init__(
        self,
        memory: Memory,
        operators: Sequence[Operator],
        maker: LatentMaker | None,
        data: Sequence[str],
        seed: int,
        settings: EvolutionSettings | None = None,
        name: str = "screened-evolution",
        *,
        starts: Sequence[str] = (),
        accept: Accept | None = None,
        group: Callable[[str], str] | None = None,
        adaptation: Adaptation | None = None,
        plausibility: Plausibility | None = None,
        take: Take | None = None,
    ):
        self.name, self.seed = name, seed
        self.settings = settings or EvolutionSettings()
        self.memory, self.plausibility = memory, plausibility
        order = np.random.default_rng([seed, 1]).permutation(len(data))
        self.data = [data[i] for i in order]
        self.starts, self.accept = list(dict.fromkeys(starts)), accept
        self.take = take
        self.asked: dict[str, str] = {}  # structure -> origin, told or not
        self.surrogate = Surrogate()
        self.families = Families(self.settings.niche_similarity)
        self.parents = Parents(memory, self.families, self.settings, plausibility, group)
        self.offspring = Offspring(operators, maker, self.settings.floor)
        self.adaptation, self._adapted_at = adaptation, self.settings.initial
        self._rounds = 0
        self._chosen_at = -1
        self._pool: DataPool | None = None
        self._better: tuple[float, int] | None = None  # top ten's mean, and when it was reached

    # Searcher

    def ask(self, count: int) -> list[Proposal]:
        rng = np.random.default_rng([self.seed, 2, len(self.memory), self._rounds])
        self._rounds += 1
        first = [Proposal(s, "start") for s in self.starts if s not in self.asked]
        if first:
            return self._ask_some(first[:count])
        missing = self.settings.initial - len(self.memory)
        barren = not self.offspring.operators
        if missing > 0 or barren:
            chosen = self._fresh_data(count if barren else min(count, missing))
            if chosen or not len(self.memory) or barren:
                return self._ask_some(chosen)
        chosen = (self._screen if self.settings.screen else self._without_screening)(count, rng)
        return self._ask_some(chosen)

    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        for structure in structures:
            self.asked.setdefault(structure, "told")
        before = self._threshold()
        self.memory.add(structures, np.asarray(scores, np.float64))
        self._rest()
        good = zip(structures, scores.tolist(), strict=True)
        # A failure is NaN, and never more than anything.
        self.offspring.learn(Counter(self.asked[s] for s, score in good if score > before))

    def resume(self, proposals: Sequence[Proposal]) -> None:
        self._ask_some(list(proposals))

    def rescore(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        # No child has succeeded or failed, and nothing has become better: the measure has changed.
        self.memory.add(structures, np.asarray(scores, np.float64))
        self._better = (self._top(), len(self.memory))

    def predict(self, structures: Sequence[str]) -> Prediction | None:
        if self.surrogate.kernel is None or not structures:
            return None
        used = self.surrogate.used_groups()
        return self.surrogate.predict(self.memory.comparison.features(structures, used))

    # Progress

    def _threshold(self) -> float:
        """Score beyond which a child is a success."""
        best = self.memory.best(self.settings.success_rank)
        return float(self.memory.values()[best[-1]]) if len(best) else -np.inf

    def _rest(self) -> None:
        """Note whether the top ten have become better; retire a family that is exhausted."""
        self.families.extend(self.memory)
        top = self._top()
        if self._better is None or top > self._better[0] + BETTER * abs(self._better[0]):
            self._better = (top, len(self.memory))
        limit = self.settings.stagnation_limit
        if limit and len(self.memory) - self._better[1] >= limit:
            self.families.retire(self.memory)
            self._better = (self._top(), len(self.memory))

    def _top(self) -> float:
        best = self.parents.rank()[:10]
        return float(self.memory.values()[best].mean()) if len(best) else 0.0

    def _urge(self) -> float:
        """Growth of `ucb_factor` and `sampling_temperature` while nothing better is found."""
        since = len(self.memory) - (self._better[1] if self._better else 0)
        return min(self.settings.exploration_growth, 1.0 + since / self.settings.patience)

    # What is asked

    def _ask_some(self, proposals: list[Proposal]) -> list[Proposal]:
        self.asked |= {proposal.structure: proposal.origin for proposal in proposals}
        return proposals

    def _accept(self, proposals: list[Proposal]) -> list[Proposal]:
        if self.accept is None or not proposals:
            return proposals
        allowed = self.accept([p.structure for p in proposals])
        return [p for p, ok in zip(proposals, allowed.tolist(), strict=True) if ok]

    def _take(self, proposal: Proposal) -> bool:
        """Whether one may be asked for; a repetition is not made again."""
        if self.take is None or self.take(proposal):
            return True
        self.asked.setdefault(proposal.structure, "repeated")
        return False

    def _fresh(self, proposals: Sequence[Proposal], seen: set[str]) -> list[Proposal]:
        """Distinct ones that may be asked for."""
        new = {p.structure: p for p in proposals}
        return self._accept([p for s, p in new.items() if s not in self.asked and s not in seen])

    def _fresh_data(self, count: int) -> list[Proposal]:
        out: list[Proposal] = []
        for start in range(0, len(self.data), _CHUNK):
            chunk = [Proposal(s, "data") for s in self.data[start : start + _CHUNK]]
            out += self._fresh(chunk, set())
            if len(out) >= count:
                break
        return out[:count]

    def _without_screening(self, count: int, rng: np.random.Generator) -> list[Proposal]:
        out: list[Proposal] = []
        for _ in range(_ROUNDS):
            parents = self.parents.draw(2 * count, rng)
            children = self.offspring.make(parents, rng, count)
            out += filter(self._take, self._fresh(children, {p.structure for p in out}))
            if len(out) >= count:
                break
        return [out[i] for i in rng.permutation(len(out))[:count]]

    def _screen(self, count: int, rng: np.random.Generator) -> list[Proposal]:
        s, urge = self.settings, self._urge()
        self._learn(rng)
        self._adapt()
        pool = Candidates(urge * s.ucb_factor, urge * s.sampling_temperature)
        self._screen_data(pool, count)
        each = -(-s.screened * count // s.generations)
        for generation in range(s.generations):
            parents = self.parents.draw(2 * each, rng)
            if generation and pool.proposals:
                bred = pool.breed(2 * each, rng)
                take = rng.random(2 * each) < s.breeding
                parents = [b if t else a for a, b, t in zip(parents, bred, take, strict=True)]
            latent_of = None if generation else each * s.generations
            children = self.offspring.make(parents, rng, latent_of)
            fresh = self._fresh(children, pool.seen)
            if fresh:
                names = [p.structure for p in fresh]
                features = self.memory.comparison.features(names, self._groups_used())
                self._add(pool, fresh, features)
        return pool.pick(
            *(count, s.shortlist, self.surrogate, self.plausibility, s.plausible, rng),
            take=self._take,
        )

    def _screen_data(self, pool: Candidates, count: int) -> None:
        """Add those structures of the data that are expected to be best."""
        if not self.settings.pool:
            return
        if self._pool is None:
            drawn = [Proposal(s, "data") for s in self.data[-self.settings.pool :]]
            allowed = [p.structure for p in self._accept(drawn)]
            self._pool = DataPool(allowed, self.memory.comparison)
        rows = self._pool.best(self.surrogate, self.asked, 2 * count)
        if len(rows):
            chosen = [Proposal(self._pool.structures[row], "data") for row in rows]
            self._add(pool, chosen, self._pool.table.take(rows))

    def _add(self, pool: Candidates, proposals: Sequence[Proposal], features: Features) -> None:
        """Predict candidates, those of retired families left out."""
        kept = self.families.outside_by_features(features, self.memory.table)
        if kept is not None:
            proposals = [p for p, keep in zip(proposals, kept.tolist(), strict=True) if keep]
            features = {name: rows[kept] for name, rows in features.items()}
        if proposals:
            used = {name: features[name] for name in self.surrogate.used_groups()}
            pool.add(proposals, used, self.surrogate.predict(used))

    def _groups_used(self) -> list[str]:
        """Groups of features that predictions and families need."""
        used = self.surrogate.used_groups()
        own = self.families.group(self.memory.table) if self.families.founders else None
        return used if own is None or own in used else [*used, own]

    # What is learnt

    def _learn(self, rng: np.random.Generator) -> None:
        """Fit the surrogate to the best, the latest and some other scores."""
        s, n = self.settings, len(self.memory)
        values = self.memory.values()
        best = self.memory.best(int(BEST * s.support))
        latest = np.arange(max(0, n - int(LATEST * s.support)), n)
        # The same ones as long as there are no more, so that similarities are kept.
        others = np.random.default_rng([self.seed, 3]).permutation(max(n, 1 << 16))
        others = others[others < n][: int(OTHERS * s.support)]
        rows = np.unique(np.concatenate([best, latest, others]))
        if self._chosen_at < 0 or n - self._chosen_at >= s.refit:
            few = rng.choice(rows, min(len(rows), TRIED // 2), replace=False)
            some = np.unique(np.concatenate([best[: TRIED // 2], few]))
            self.surrogate.choose(self.memory.table.take(some), values[some])
            self._chosen_at = n
        self.surrogate.fit(self.memory.table, rows, values[rows])

    def _adapt(self) -> None:
        """Fine-tune the model if it is time, and encode everything anew."""
        if self.adaptation is None or self.offspring.maker is None:
            return
        if len(self.memory) - self._adapted_at < self.adaptation.settings.every:
            return
        best = self.memory.best(self.adaptation.settings.best)
        self.adaptation.train([self.memory.structures[row] for row in best])
        self.offspring.maker.latents.forget()
        self._adapted_at = len(self.memory)
