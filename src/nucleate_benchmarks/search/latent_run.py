"""Searches from single crystals, several side by side, and their judgement."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.core.errors import NucleateError
from nucleate.core.files import code_version
from nucleate.crystals.geometry.describe import reduced_formula
from nucleate.search.searcher import SearchTask
from nucleate.settings.evolution import EvolutionSettings
from nucleate_benchmarks.crystals.identity import unique_and_novel
from nucleate_benchmarks.crystals.stability.energies import References
from nucleate_benchmarks.crystals.validity import describe_one
from nucleate_benchmarks.search.latent_objectives import (
    DENSITY,
    FORMATION,
    GAP,
    BandGap,
    Calculator,
    Density,
    FormationEnergy,
    Objective,
    Regression,
    Start,
    Values,
    acceptable,
)
from nucleate_benchmarks.search.pmo_run import resolve

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.search.searcher import Proposal, Searcher

JUDGED = 3
"""Crystals of a search that are relaxed and judged."""
LOOKED_AT = 30
"""Best crystals of a search among which novel ones are looked for."""
RANDOM_DATA = "best-of-data"
"""The searcher that is given random training crystals; others get those near the start."""


@dataclass(frozen=True)
class Materials:
    """What every worker process needs.

    Attributes:
        model: folder or shipped name; None for searchers that need none.
        references: of the elements, for formation energies.
        densities: that targets are drawn from.
        gaps: regressions that searches ask, and the judge's; None if band gaps are not asked.
        train: training crystals.
        known: crystals of all splits; what matches one is not novel.
        searchers: `module:function` that builds them.
    """

    model: str | None
    device: str
    calculator: Calculator
    references: References
    densities: Values
    gaps: tuple[Regression, Regression] | None
    train: list[str]
    known: list[str]
    searchers: str
    settings: EvolutionSettings = field(default_factory=EvolutionSettings)

    def objective(self, name: str, model: LatentModel | None) -> Objective:
        """One of the objectives."""
        if name == FORMATION:
            return FormationEnergy(self.references, self.calculator)
        if name == DENSITY:
            return Density(self.densities)
        assert self.gaps is not None
        head = None if model is None else head_of(model)
        return BandGap(self.gaps[0] if head is None else head, self.gaps[1])


def head_of(model: LatentModel) -> Any | None:
    """The model's own head for band gaps as a function of crystals, or None."""
    from nucleate.regression.property_heads import load_heads, predict

    head = load_heads(model.folder, model.info).get(GAP)
    if head is None:
        return None
    return lambda crystals: np.maximum(0.0, predict(head, model.encode(crystals)[0]))


@dataclass(frozen=True)
class Block:
    """Starts that are searched from side by side, so that the calculator gets batches."""

    objective: str
    sampler: str
    starts: tuple[Start, ...]
    calls: int
    batch: int
    seed: int


class _Worker:
    """One process's model and index of known crystals."""

    def __init__(self, materials: Materials):
        self.materials = materials
        self.model: LatentModel | None = None
        if materials.model is not None:
            import torch

            from nucleate.latent.latent_model import LatentModel

            torch.set_num_threads(1)
            self.model = LatentModel.load(materials.model, materials.device)
        self.by_formula: dict[str, list[str]] = defaultdict(list)
        for crystal in materials.known:
            self.by_formula[reduced_formula(crystal)].append(crystal)

    def novel(self, crystals: Sequence[str]) -> list[bool]:
        """Whether none of the data is the same crystal, for each."""
        formulas = dict.fromkeys(reduced_formula(crystal) for crystal in crystals)
        known = [crystal for one in formulas for crystal in self.by_formula.get(one, ())]
        return [bool(x) for x in unique_and_novel(crystals, known)[1]]

    def searcher(self, block: Block, start: Start) -> Searcher:
        data = list(start.near)
        seed = 100_003 * block.seed + start.number
        if block.sampler == RANDOM_DATA:
            train = self.materials.train
            order = np.random.default_rng(seed).permutation(len(train))
            data = [train[i] for i in order[: 2 * block.calls].tolist()]
        build = resolve(self.materials.searchers)
        settings = self.materials.settings
        made: Searcher = build(SearchTask(block.sampler, self.model, data, seed, settings))
        return made


_worker: list[_Worker] = []


def prepare(materials: Materials) -> None:
    """Initialise a process for `search_block`."""
    _worker[:] = [_Worker(materials)]


@dataclass
class _Search:
    start: Start
    searcher: Searcher
    before: float
    asked: list[tuple[Proposal, float]] = field(default_factory=list)
    ended: bool = False
    error: str = ""

    def ask(self, count: int) -> list[Proposal]:
        """What to ask next; nothing from then on if the searcher fails, which must not end a run
        of hours."""
        try:
            found = self.searcher.ask(count)[:count]
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            found = []
        self.ended = not found
        return found

    def tell(self, crystals: Sequence[str], scores: Values) -> None:
        """Likewise."""
        try:
            self.searcher.tell(crystals, scores)
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            self.ended = True


def search_block(block: Block) -> list[dict[str, Any]]:
    """Search from each start, judge; one row of results for each, JSON values."""
    worker = _worker[0]
    objective = worker.materials.objective(block.objective, worker.model)
    begun = time.perf_counter()
    searches = _searched(worker, objective, block)
    middle = time.perf_counter()
    rows = _judged(worker, objective, searches)
    ended = time.perf_counter()
    count = len(rows)
    for row in rows:
        row["search_seconds"] = round((middle - begun) / count, 2)
        row["judge_seconds"] = round((ended - middle) / count, 2)
        row["code"] = code_version()
    return rows


def _searched(worker: _Worker, objective: Objective, block: Block) -> list[_Search]:
    before = objective.search_values([start.crystal for start in block.starts]).tolist()
    searches = []
    for start, value in zip(block.starts, before, strict=True):
        search = _Search(start, worker.searcher(block, start), value)
        score = objective.score(np.array([value]), start)
        search.tell([start.crystal], score)
        searches.append(search)
    while active := [s for s in searches if not s.ended and len(s.asked) < block.calls]:
        asked = [s.ask(min(block.batch, block.calls - len(s.asked))) for s in active]
        every = list(dict.fromkeys(p.structure for part in asked for p in part))
        scored = _values(objective, every)
        for search, part in zip(active, asked, strict=True):
            if part:
                values = np.array([scored[p.structure] for p in part], np.float64)
                search.asked += zip(part, values.tolist(), strict=True)
                search.tell([p.structure for p in part], objective.score(values, search.start))
    return searches


def _values(objective: Objective, crystals: Sequence[str]) -> dict[str, float]:
    """What searches are told; NaN for crystals that are not acceptable."""
    good = [crystal for crystal in crystals if acceptable(crystal)]
    found = objective.search_values(good) if good else np.zeros(0)
    return {**dict.fromkeys(crystals, float("nan")), **dict(zip(good, found.tolist(), strict=True))}


def _chosen(worker: _Worker, objective: Objective, search: _Search) -> list[int]:
    """Places of the best novel crystals asked, of different formulas first; where there are too
    few of them, of the best known ones."""
    values = np.array([value for _, value in search.asked], np.float64)
    scores = objective.score(values, search.start)
    order: list[int] = np.argsort(-scores, kind="stable").tolist()  # NaN comes last
    order = [i for i in order if np.isfinite(scores[i])][:LOOKED_AT]
    if not order:
        return []
    crystals = [search.asked[i][0].structure for i in order]
    formulas: set[str] = set()
    ranked: list[tuple[bool, bool, int, int]] = []
    for place, crystal, novel in zip(order, crystals, worker.novel(crystals), strict=True):
        formula = reduced_formula(crystal)
        ranked.append((not novel, formula in formulas, len(ranked), place))
        formulas.add(formula)
    return [place for *_, place in sorted(ranked)[:JUDGED]]


def _judged(
    worker: _Worker, objective: Objective, searches: Sequence[_Search]
) -> list[dict[str, Any]]:
    chosen = [_chosen(worker, objective, search) for search in searches]
    every = [
        search.asked[place][0].structure
        for search, places in zip(searches, chosen, strict=True)
        for place in places
    ]
    distinct = list(dict.fromkeys(every))
    relaxed = dict(zip(distinct, worker.materials.calculator.relax(distinct), strict=True))
    return [
        _row(worker, objective, search, places, relaxed)
        for search, places in zip(searches, chosen, strict=True)
    ]


def _row(
    worker: _Worker,
    objective: Objective,
    search: _Search,
    places: Sequence[int],
    relaxed: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    start = search.start
    before = start.judged[objective.name]
    judged = []
    for place in places:
        proposal, value = search.asked[place]
        result = relaxed[proposal.structure]
        one = {
            "call": place + 1,
            "crystal": proposal.structure,
            "origin": proposal.origin,
            "asked": value,
            "relaxed": result["crystal"],
        }
        judged.append({**one, **_verdict(worker, objective, result, before, start)})
    values = np.array([value for _, value in search.asked], np.float64)
    finite = values[np.isfinite(values)]
    best = None
    if len(finite):
        best = float(finite[int(np.argmax(objective.score(finite, start)))])
    as_is = best is not None and objective.is_reached(best, search.before, start)
    return {
        "start": start.number,
        "crystal": start.crystal,
        "before": before,
        "target": start.targets.get(objective.name),
        "calls": len(values),
        "valid": len(finite),
        "asked_before": search.before if np.isfinite(search.before) else None,
        "asked_best": best,
        "asked_reached": as_is,
        "judged": judged,
        "success": any(one["reached"] and one["valid"] and one["novel"] for one in judged),
        **({"error": search.error} if search.error else {}),
        "success_known": any(one["reached"] and one["valid"] for one in judged),
    }


def _verdict(
    worker: _Worker,
    objective: Objective,
    result: Mapping[str, Any],
    before: float,
    start: Start,
) -> dict[str, Any]:
    """The judge's value of a relaxed crystal, and whether it is valid, novel and good enough."""
    nothing = {"judged": None, "valid": False, "novel": False, "reached": False}
    crystal, energy = result["crystal"], result["energy"]
    if not crystal or energy is None:
        return nothing
    try:
        value = float(objective.judge_values([crystal], np.array([energy], np.float64))[0])
        novel = worker.novel([crystal])[0]
    except (NucleateError, ValueError, ArithmeticError):
        return nothing
    if not np.isfinite(value):
        return nothing
    return {
        "judged": value,
        "valid": describe_one(crystal).valid,
        "novel": novel,
        "reached": objective.is_reached(value, before, start),
    }
