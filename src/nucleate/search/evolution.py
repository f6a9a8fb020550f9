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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.search.adaptation import Adaptation
from nucleate.search.datapool import DataPool
from nucleate.search.families import Families
from nucleate.search.memory import Memory
from nucleate.search.operators import EditOperator, LatentMaker, LatentOperator, Operator
from nucleate.search.plausibility import Plausibility
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.surrogate import TRIED, Features, Prediction, Surrogate, Table

Accept = Callable[[Sequence[str]], NDArray[np.bool_]]


@dataclass(frozen=True)
class EvolutionSettings:
    """How screened evolution goes about it.

    Attributes:
        initial: structures of the data that are asked for first.
        screened: children made for each question.
        generations: of children between two questions.
        breeding: share of parents, from the second generation on, that are children themselves.
        pool: structures of the data that the surrogate screens as well; 0 for none.
        support: scores that the surrogate rests on at most: the best, the latest and some others.
        optimism: factor of the deviation by which candidates are bred and shortlisted.
        shortlist: candidates for each question, of which a draw from their joint posterior picks
            the highest (Thompson sampling: the questions of one round differ as they should).
        boldness: factor of the draws' deviations from the mean.
        patience: questions without a better top ten after which optimism and boldness have doubled;
            they grow on, up to `restless` times, until something better is found.
        retire: questions without a better top ten after which the best one's family is left alone
            (see `nucleate.search.families`); 0 for never.
        niching: share of parents drawn by niches.
        crowd: best scores that are sorted into niches.
        likeness: similarity from which structures share a niche.
        refit: questions after which the kernel is chosen anew.
        floor: share of children that every operator makes at least.
        front: scores among which a child counts as a success of its operator.
        screen: whether there is a surrogate at all; without, children are asked for as they come.
        plausible: share of parents and of questions that are of structures which the model finds
            plausible: a search of its own within the search, which does not drift.
        quota: structures of one group that may be parents, the best of it; 0 for no such limit.
    """

    initial: int = 200
    screened: int = 12
    generations: int = 4
    breeding: float = 0.5
    pool: int = 10_000
    support: int = 1000
    optimism: float = 0.5
    shortlist: int = 6
    boldness: float = 0.5
    patience: int = 250
    restless: float = 4.0
    retire: int = 1000
    niching: float = 0.5
    crowd: int = 500
    likeness: float = 0.5
    refit: int = 500
    floor: float = 0.025
    front: int = 100
    screen: bool = True
    plausible: float = 0.5
    quota: int = 0


_CHUNK = 500
"""Structures of the data that are looked at together."""


@dataclass
class _Pool:
    """Candidates of one round and what is expected of them."""

    proposals: list[Proposal] = field(default_factory=list)
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    deviation: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    seen: set[str] = field(default_factory=set)
    table: Table = field(default_factory=Table)

    def add(self, proposals: Sequence[Proposal], features: Features, expected: Prediction) -> None:
        self.proposals += proposals
        self.table.append(features)
        self.seen |= {p.structure for p in proposals}
        self.mean = np.concatenate([self.mean, expected.mean])
        self.deviation = np.concatenate([self.deviation, expected.deviation])


def _ranks(length: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Log-uniform ranks below a length, [count]."""
    ranks = np.exp(rng.uniform(0, np.log(length + 1), count)).astype(np.int64) - 1
    out: NDArray[np.int64] = np.clip(ranks, 0, length - 1)
    return out


class Credit:
    """How often each operator's children succeed, older rounds counting less."""

    def __init__(self, count: int, floor: float, memory: float = 0.9):
        self.won, self.made = np.full(count, 1.0), np.full(count, 1.0)
        self.floor, self.memory = min(floor, 1.0 / max(1, count)), memory

    def shares(self) -> NDArray[np.float64]:
        """Shares of children to make, [count]; none below the floor."""
        rate = self.won / self.made
        free = 1.0 - self.floor * len(rate)
        out: NDArray[np.float64] = self.floor + free * rate / rate.sum()
        return out

    def learn(self, made: NDArray[np.float64], won: NDArray[np.float64]) -> None:
        """Children made and successes of one round, [count] each."""
        self.made = 1.0 + self.memory * (self.made - 1.0) + made
        self.won = 0.02 + self.memory * (self.won - 0.02) + won


class ScreenedEvolution(Searcher):
    """The search.

    Args:
        memory: empty.
        operators: ways to make children.
        maker: makes those of latent operators; None if there are none.
        data: structures to start from and to screen.
        seed: of all randomness; what is asked depends on it and on what was told.
        starts: structures that are asked for first, before any of the data.
        accept: which structures may be asked for at all, [n] of n; all if not given. Starts may.
        group: of a structure, for the quota: a scaffold, a chemical system.
        adaptation: fine-tunes the model now and then; never if not given.
        plausibility: tells plausible structures; without, all are.
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
    ):
        self.name = name
        self.memory, self.operators, self.maker = memory, list(operators), maker
        self.settings = settings or EvolutionSettings()
        self.seed = seed
        order = np.random.default_rng([seed, 1]).permutation(len(data))
        self.data = [data[i] for i in order]
        self.starts, self.accept, self.group = list(dict.fromkeys(starts)), accept, group
        self._groups: dict[str, str] = {}
        self.plausibility = plausibility
        self.adaptation, self._adapted_at = adaptation, self.settings.initial
        self.asked: dict[str, str] = {}  # structure -> origin, not told yet or told
        self.surrogate = Surrogate()
        self.credit = Credit(len(self.operators), self.settings.floor)
        self._number = {operator.name: i for i, operator in enumerate(self.operators)}
        self._rounds = 0
        self._chosen_at = -1
        self._pool: DataPool | None = None
        self._made = np.zeros(len(self.operators))
        self.families = Families(self.settings.likeness)
        self._better: tuple[float, int] | None = None  # top ten's mean, and when it was reached
        self._niched: dict[bytes, list[list[int]]] = {}  # by ranking

    # Searcher

    def ask(self, count: int) -> list[Proposal]:
        rng = np.random.default_rng([self.seed, 2, len(self.memory), self._rounds])
        self._rounds += 1
        first = [Proposal(s, "start") for s in self.starts if s not in self.asked]
        if first:
            return self._asked(first[:count])
        missing = self.settings.initial - len(self.memory)
        if missing > 0 or not self.operators:
            chosen = self._fresh_data(min(count, missing) if self.operators else count)
            if chosen or not len(self.memory):
                return self._asked(chosen)
        if self.settings.screen:
            return self._asked(self._screened(count, rng))
        return self._asked(self._unscreened(count, rng))

    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        for structure in structures:
            self.asked.setdefault(structure, "told")
        before = self._threshold()
        self.memory.add(structures, np.asarray(scores, np.float64))
        won = np.zeros(len(self.operators))
        for structure, score in zip(structures, scores.tolist(), strict=True):
            number = self._number.get(self.asked[structure])
            if number is not None and np.isfinite(score) and score > before:
                won[number] += 1
        self._rest()
        self.credit.learn(self._made, won)
        self._made = np.zeros(len(self.operators))

    # Parts

    def _rest(self) -> None:
        """Note whether the top ten have become better; retire a family that is exhausted."""
        self.families.extend(self.memory)
        best = self._active_best()[:10]
        top = float(self.memory.values()[best].mean()) if len(best) else 0.0
        if self._better is None or top > self._better[0] + 1e-3 * abs(self._better[0]):
            self._better = (top, len(self.memory))
        retire = self.settings.retire
        if retire and len(self.memory) - self._better[1] >= retire:
            self.families.retire(self.memory)
            self._better = None

    def _active_best(self) -> NDArray[np.int64]:
        """Rows of families that are not retired, best first."""
        ranked = self.memory.best(len(self.memory))
        return ranked[self.families.active[ranked]]

    def _urge(self) -> float:
        """Factor of optimism and boldness: it grows while nothing better is found."""
        since = len(self.memory) - (self._better[1] if self._better else 0)
        return min(self.settings.restless, 1.0 + since / self.settings.patience)

    def _threshold(self) -> float:
        best = self.memory.best(self.settings.front)
        return float(self.memory.values()[best[-1]]) if len(best) else -np.inf

    def _asked(self, proposals: list[Proposal]) -> list[Proposal]:
        for proposal in proposals:
            self.asked[proposal.structure] = proposal.origin
        return proposals

    def _fresh_data(self, count: int) -> list[Proposal]:
        out: list[Proposal] = []
        for start in range(0, len(self.data), _CHUNK):
            chunk = [s for s in self.data[start : start + _CHUNK] if s not in self.asked]
            out += self._accepted([Proposal(s, "data") for s in chunk])
            if len(out) >= count:
                break
        return out[:count]

    def _accepted(self, proposals: list[Proposal]) -> list[Proposal]:
        if self.accept is None or not proposals:
            return proposals
        allowed = self.accept([p.structure for p in proposals])
        return [p for p, ok in zip(proposals, allowed.tolist(), strict=True) if ok]

    def _unscreened(self, count: int, rng: np.random.Generator) -> list[Proposal]:
        out: dict[str, Proposal] = {}
        for _ in range(20):
            children = self._children(self._parents(2 * count, rng), rng, count)
            fresh = [p for p in children if p.structure not in self.asked]
            out |= {p.structure: p for p in self._accepted(fresh)}
            if len(out) >= count:
                break
        chosen = list(out.values())
        return [chosen[i] for i in rng.permutation(len(chosen))[:count]]

    def _screened(self, count: int, rng: np.random.Generator) -> list[Proposal]:
        s = self.settings
        self._learn(rng)
        self._adapt()
        pool = _Pool()
        self._screen_data(pool, count)
        each = -(-s.screened * count // s.generations)
        for generation in range(s.generations):
            parents = self._parents(2 * each, rng)
            if generation and pool.proposals:
                bred = self._bred(pool, 2 * each, rng)
                take = rng.random(2 * each) < s.breeding
                parents = [b if t else a for a, b, t in zip(parents, bred, take, strict=True)]
            children = self._children(parents, rng, None if generation else each * s.generations)
            fresh = {
                p.structure: p
                for p in children
                if p.structure not in self.asked and p.structure not in pool.seen
            }
            allowed = self._accepted(list(fresh.values()))
            if allowed:
                names = [p.structure for p in allowed]
                self._add(
                    pool, allowed, self.memory.comparison.features(names, self._groups_used())
                )
        return self._picked(pool, count, rng)

    def _learn(self, rng: np.random.Generator) -> None:
        """Fit the surrogate to the best, the latest and some other scores."""
        s, n = self.settings, len(self.memory)
        values = self.memory.values()
        best = self.memory.best(int(0.6 * s.support))
        latest = np.arange(max(0, n - int(0.2 * s.support)), n)
        # The same ones as long as there are no more, so that similarities are kept.
        others = np.random.default_rng([self.seed, 3]).permutation(max(n, 1 << 16))
        others = others[others < n][: int(0.2 * s.support)]
        rows = np.unique(np.concatenate([best, latest, others]))
        if self._chosen_at < 0 or n - self._chosen_at >= s.refit:
            some = np.unique(
                np.concatenate(
                    [
                        best[: TRIED // 2],
                        rng.choice(rows, min(len(rows), TRIED // 2), replace=False),
                    ]
                )
            )
            self.surrogate.choose(self.memory.table.take(some), values[some])
            self._chosen_at = n
        self.surrogate.fit(self.memory.table, rows, values[rows])

    def _adapt(self) -> None:
        """Fine-tune the model if it is time, and encode everything anew."""
        if self.adaptation is None or self.maker is None:
            return
        if len(self.memory) - self._adapted_at < self.adaptation.settings.every:
            return
        best = self.memory.best(self.adaptation.settings.best)
        self.adaptation.train([self.memory.structures[row] for row in best])
        self.maker.latents.forget()
        self._adapted_at = len(self.memory)

    def _groups_used(self) -> list[str]:
        """Groups of features that predictions and families need."""
        used = self.surrogate.used()
        own = self.families.group(self.memory.table) if self.families.founders else None
        return used if own is None or own in used else [*used, own]

    def _add(self, pool: _Pool, proposals: Sequence[Proposal], features: Features) -> None:
        """Predict candidates, those of retired families left out."""
        kept = self.families.kept(features, self.memory.table)
        if kept is not None:
            proposals = [p for p, keep in zip(proposals, kept.tolist(), strict=True) if keep]
            features = {name: rows[kept] for name, rows in features.items()}
        if proposals:
            used = {name: features[name] for name in self.surrogate.used()}
            pool.add(proposals, used, self.surrogate.predict(used))

    def _screen_data(self, pool: _Pool, count: int) -> None:
        """Add those structures of the data that are expected to be best."""
        if not self.settings.pool:
            return
        if self._pool is None:
            drawn = [Proposal(s, "data") for s in self.data[-self.settings.pool :]]
            allowed = [p.structure for p in self._accepted(drawn)]
            self._pool = DataPool(allowed, self.memory.comparison)
        rows = self._pool.best(self.surrogate, self.asked, 2 * count)
        if len(rows):
            chosen = [Proposal(self._pool.structures[row], "data") for row in rows]
            self._add(pool, chosen, self._pool.table.take(rows))

    def _parents(self, count: int, rng: np.random.Generator) -> list[str]:
        """Scored structures, their ranks log-uniform: each tenth of the ranking's logarithm is
        drawn from as often as any other. A share of them by niches: first a niche by its rank, then
        one of its members by its rank there, so that one family does not breed alone."""
        ranked = self._breeders()
        rows = self._drawn(ranked, count, rng)
        if self.plausibility is not None and self.settings.plausible:
            few = ranked[: 4 * self.settings.crowd]
            sound = few[self.plausibility([self.memory.structures[row] for row in few])]
            if len(sound):
                instead = rng.random(count) < self.settings.plausible
                rows = np.where(instead, self._drawn(sound, count, rng), rows)
        return [self.memory.structures[row] for row in rows]

    def _drawn(
        self, ranked: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Rows of a ranking, by rank or by niche."""
        rows = ranked[_ranks(len(ranked), count, rng)]
        if self.settings.niching:
            niches = self._niches(ranked[: self.settings.crowd])
            for place in np.flatnonzero(rng.random(count) < self.settings.niching):
                members = niches[int(_ranks(len(niches), 1, rng)[0])]
                rows[place] = members[int(_ranks(len(members), 1, rng)[0])]
        return rows

    def _breeders(self) -> NDArray[np.int64]:
        """Rows that may be parents, best first."""
        ranked = self._active_best()
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

    def _niches(self, ranked: NDArray[np.int64]) -> list[list[int]]:
        """Rows by niche, best first: each joins the first niche whose best one it resembles (sphere
        exclusion)."""
        key = ranked.tobytes()
        if key in self._niched:
            return self._niched[key]
        alike = self.surrogate.similarity(self.memory.table.take(ranked))
        niches: list[list[int]] = []
        centres: list[int] = []
        for place, row in enumerate(ranked.tolist()):
            near = np.flatnonzero(alike[place, centres] >= self.settings.likeness)
            if len(near):
                niches[int(near[0])].append(row)
            else:
                centres.append(place)
                niches.append([row])
        if len(self._niched) > 3:
            self._niched.clear()
        self._niched[key] = niches
        return niches

    def _bred(self, pool: _Pool, count: int, rng: np.random.Generator) -> list[str]:
        """Candidates of this round, likewise, by what is expected of them."""
        order = np.argsort(-(pool.mean + self._urge() * self.settings.optimism * pool.deviation))
        return [pool.proposals[i].structure for i in order[_ranks(len(order), count, rng)]]

    def _children(
        self, parents: Sequence[str], rng: np.random.Generator, latent_of: int | None
    ) -> list[Proposal]:
        """Children of parents [2 n], n of them at most, each operator making its share.

        Args:
            latent_of: children of which latent operators make their share here; none if not given.
                They are made once a round: decoding many together is much quicker.
        """
        half = len(parents) // 2
        pairs = list(zip(parents[:half], parents[half:], strict=True))
        shares = self.credit.shares()
        moving = np.array([isinstance(o, LatentOperator) for o in self.operators])
        if moving.any() and not moving.all():
            moved = shares * moving
            count = 0 if latent_of is None else rng.binomial(latent_of, moved.sum())
            count = min(count, half)
            which = rng.choice(len(shares), count, p=moved / moved.sum())
            edited = shares * ~moving
            others = rng.choice(len(shares), half - count, p=edited / edited.sum())
            which = np.concatenate([which, others])
        else:
            which = rng.choice(len(shares), half, p=shares)
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

    def _picked(self, pool: _Pool, count: int, rng: np.random.Generator) -> list[Proposal]:
        s = self.settings
        if not pool.proposals:
            return []
        urge = self._urge()
        value = pool.mean + urge * s.optimism * pool.deviation
        listed = np.argsort(-value, kind="stable")[: s.shortlist * count]
        drawn = self.surrogate.sample(pool.table.take(listed), count, rng)
        drawn = pool.mean[listed] + urge * s.boldness * (drawn - pool.mean[listed])
        left = np.ones(len(listed), bool)
        sound = self._sound([pool.proposals[i].structure for i in listed])
        chosen: list[Proposal] = []
        for draw in drawn[: len(listed)]:
            allowed = left & sound if rng.random() < s.plausible else left
            place = int(np.where(allowed if allowed.any() else left, draw, -np.inf).argmax())
            left[place] = False
            chosen.append(pool.proposals[listed[place]])
        return chosen

    def _sound(self, structures: Sequence[str]) -> NDArray[np.bool_]:
        """Which structures are plausible."""
        if self.plausibility is None or not self.settings.plausible:
            return np.ones(len(structures), bool)
        return self.plausibility(structures)

    def figures(self) -> Mapping[str, Any]:
        """What the search has learnt of itself: shares of operators, the kernel."""
        names = [operator.name for operator in self.operators]
        return {
            "shares": dict(zip(names, self.credit.shares().round(3).tolist(), strict=True)),
            "urge": round(self._urge(), 2),
            "retired": len(self.families.founders),
            "kernel": None if self.surrogate.kernel is None else vars(self.surrogate.kernel),
        }
