"""All that the search benchmarks may set against each other: our searchers, the default one with
each of its ideas left out, and Optuna's samplers.

A stock sampler knows coordinates and values, no structures. `BoxSearcher` gives it what the study
gives it (`nucleate.search.boxes`): boxes around the best of the first structures, whose axes are
the leading principal directions of the encoded training set; what is scored is what they decode to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler
from optuna.trial import Trial

from nucleate.config import OptimizeSettings
from nucleate.search import build
from nucleate.search.attributes import OUTCOME
from nucleate.search.evolution_settings import EvolutionSettings
from nucleate.search.operators import (
    Extrapolation,
    Graft,
    Perturbation,
    Recombination,
    Regrowth,
    SparsePerturbation,
)
from nucleate.search.regions import space_around
from nucleate.search.samplers import (
    REGION,
    RegionCmaSampler,
    build_sampler,
    distributions,
    latents_of,
)
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.storage import quiet_optuna

if TYPE_CHECKING:
    from nucleate.latent import LatentModel

WHOLE = "nucleate"
"""The searcher that ablations are made of."""
LATENT_NAMES = tuple(
    operator.name
    for operator in (
        Perturbation,
        SparsePerturbation,
        Recombination,
        Extrapolation,
        Regrowth,
        Graft,
    )
)
EDIT_NAMES = tuple(
    f"{kind}_{change}" for kind in build.EDITS[WHOLE] for change in ("mutation", "crossover")
)
STOCK = {
    "cmaes": "control: CMA-ES in every box",
    "tpe": "control: Optuna's tree-structured Parzen estimator over boxes",
    "gp": "control: Optuna's Gaussian process over boxes; slow beyond some hundred calls",
    "nsga2": "control: Optuna's NSGA-II over boxes",
    "nsga3": "control: Optuna's NSGA-III over boxes",
    "qmc": "control: a scrambled Sobol sequence over boxes",
    "random": "control: random points of boxes",
}
LEFT_OUT: dict[str, tuple[str, dict[str, Any]]] = {
    "screen": ("the surrogate", {"screen": False}),
    "generations": ("generations between two questions", {"generations": 1, "breeding": 0.0}),
    "draws": ("draws of the posterior: the highest means are asked", {"boldness": 0.0}),
    "data": ("screening of the data", {"pool": 0}),
    "niches": ("parents by niches", {"niching": 0.0}),
    "families": ("retiring of exhausted families", {"retire": 0}),
    "restless": ("boldness that grows while nothing better is found", {"restless": 1.0}),
    "plausible": ("the half that is kept plausible", {"plausible": 0.0}),
    "reencoding": ("re-encoding of children (alignment)", {"aligned": False}),
    "edits": ("all edits of structures", {"without": EDIT_NAMES}),
    "latent": ("all latent moves", {"without": LATENT_NAMES}),
    "perturbation": ("noise on latent vectors", {"without": ("latent_perturbation",)}),
    "sparse": ("changes of few latent dimensions", {"without": ("latent_sparse",)}),
    "recombination": (
        "crossover and differences of latent vectors",
        {"without": ("latent_crossover", "latent_difference")},
    ),
    "regrowth": ("parts grown anew", {"without": ("latent_regrowth", "latent_graft")}),
}
"""Ideas of `nucleate` by name: what they are, and how to leave them out."""
_WITHOUT = f"{WHOLE}-without-"
ABLATIONS = {
    f"{_WITHOUT}{name}": f"ablation: without {what}" for name, (what, _) in LEFT_OUT.items()
}
SEARCHERS = build.SEARCHERS | STOCK | ABLATIONS
WITHOUT_MODEL = ("best-of-data",)
"""Those of them that need no model: the edits of the others too are the model's matter's."""
ROUND = 50
"""Points that are asked for and decoded together."""
BARREN = 20
"""Rounds without a new structure after which there are none."""


def build_searcher(
    name: str,
    *,
    model: LatentModel,
    data: Sequence[str],
    seed: int,
    settings: EvolutionSettings | None = None,
) -> Searcher:
    """A searcher of `SEARCHERS`; see `nucleate.search.build.build_searcher`.

    Raises:
        SettingsError: no such searcher.
    """
    if name in STOCK:
        initial = (settings or EvolutionSettings()).initial
        return BoxSearcher(name, model, data, seed, initial)
    if name in ABLATIONS:
        return _ablated(name, model, data, seed, settings or EvolutionSettings())
    return build.build_searcher(name, model=model, data=data, seed=seed, settings=settings)


def _ablated(
    name: str, model: LatentModel, data: Sequence[str], seed: int, settings: EvolutionSettings
) -> Searcher:
    changes = LEFT_OUT[name.removeprefix(_WITHOUT)][1]
    arguments = {key: value for key, value in changes.items() if key in ("without", "aligned")}
    own = {key: value for key, value in changes.items() if key not in arguments}
    searcher = build.build_searcher(
        WHOLE, model=model, data=data, seed=seed, settings=replace(settings, **own), **arguments
    )
    searcher.name = name
    return searcher


class BoxSearcher(Searcher):
    """One of Optuna's samplers, asked for points of boxes, which are decoded.

    As in a study (`nucleate.search.boxes`), a structure's score is told to the point that comes to
    it first, also that of the first ones, the centres of boxes among them; points that only repeat
    one are told the lowest score, and so is what decodes to nothing. A batch may be smaller than
    wanted: whatever of a round is new. Values are told in the order of the points, so that a
    searcher that is told earlier calls goes through the same rounds again and goes on as one
    process would have.

    Args:
        kind: one of `STOCK`.
        data: structures to start from.
        seed: of all randomness.
        initial: structures of the data that are asked for first, and among which boxes are laid.
        how: number, size and dimensions of boxes, and the temperature of decoding.
    """

    def __init__(
        self,
        kind: str,
        model: LatentModel,
        data: Sequence[str],
        seed: int,
        initial: int,
        how: OptimizeSettings | None = None,
    ):
        self.name, self.model, self.seed, self.initial = kind, model, seed, initial
        self.how = how or OptimizeSettings()
        order = np.random.default_rng([seed, 1]).permutation(len(data))
        self.data = [data[i] for i in order]
        self.scores: dict[str, float] = {}  # in the order in which they were told
        self._asked: set[str] = set()
        self._boxes: _Boxes | None = None
        self._queue: deque[Proposal] = deque()

    def ask(self, count: int) -> list[Proposal]:
        missing = min(self.initial, len(self.data)) - len(self.scores)
        if self._boxes is None and missing > 0:
            fresh = (s for s in self.data if s not in self.scores and s not in self._asked)
            chosen = [Proposal(s, "data") for s in islice(fresh, min(count, missing))]
            return self._given(chosen)
        if self._boxes is None:
            first = dict(islice(self.scores.items(), self.initial))
            self._boxes = _Boxes(self.name, self.model, first, self.seed, self.how)
        for _ in range(BARREN):
            if self._queue:
                break
            self._queue.extend(self._boxes.round(self.scores))
        return self._given([self._queue.popleft() for _ in range(min(count, len(self._queue)))])

    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        values = np.asarray(scores, np.float64).tolist()
        self.scores |= dict(zip(structures, values, strict=True))
        if self._boxes is not None:
            self._boxes.settle(self.scores)

    def resume(self, proposals: Sequence[Proposal]) -> None:
        self._given(list(proposals))

    def _given(self, proposals: list[Proposal]) -> list[Proposal]:
        self._asked |= {proposal.structure for proposal in proposals}
        return proposals


class _Boxes:
    """Boxes around the best of the first structures, and the study of their points.

    Args:
        first: structures and their scores, in the order in which they were told.

    Raises:
        CheckpointError: the model can encode none of them.
    """

    def __init__(
        self,
        kind: str,
        model: LatentModel,
        first: Mapping[str, float],
        seed: int,
        how: OptimizeSettings,
    ):
        self.kind, self.model, self.seed, self.how = kind, model, seed, how
        values = np.array(list(first.values()), np.float64)
        self.lowest = float(np.nanmin(values)) if np.isfinite(values).any() else 0.0
        merit = np.where(np.isfinite(values), values, self.lowest)
        self.space = space_around(model, list(first), merit, how, "first structures")
        self.asked = 0
        with quiet_optuna():
            self.study = optuna.create_study(direction="maximize", sampler=self._sampler())
        self._waiting: deque[tuple[Trial, str | None]] = deque()
        self._seen: set[str] = set(first)  # has been, or needs not be, proposed
        self._valued: set[str] = set()  # its score has been told

    def round(self, scores: Mapping[str, float]) -> list[Proposal]:
        """Decode a round of points; structures that have no score yet.

        Rounds of which all is known already are gone through at once, as long as they bring
        anything that was not seen before.
        """
        fresh: list[Proposal] = []
        brought = True
        while brought and not fresh:
            before = len(self._seen)
            fresh = [p for p in self._decoded() if p.structure not in scores]
            self.settle(scores)
            brought = len(self._seen) > before
        return fresh

    def settle(self, scores: Mapping[str, float]) -> None:
        """Tell the sampler all values that are known, in the order of the points."""
        while self._waiting:
            trial, structure = self._waiting[0]
            value = self.lowest
            if structure is not None and structure not in self._valued:
                if structure not in scores:
                    return
                value = scores[structure] if np.isfinite(scores[structure]) else self.lowest
                self._valued.add(structure)
            self.study.tell(trial, value)
            self._waiting.popleft()

    def _sampler(self) -> BaseSampler:
        return build_sampler(
            self.kind,
            regions=self.space.regions,
            dimensions=self.space.dimensions,
            batch=ROUND,
            seed=self.seed,
            finished=self.asked,
        )

    def _decoded(self) -> list[Proposal]:
        """The next round's structures that were not seen before."""
        # As in a study: CMA-ES keeps its state, the others read the trials (`search.boxes`).
        if not isinstance(self.study.sampler, RegionCmaSampler):
            self.study.sampler = self._sampler()
        dimensions = distributions(self.space.regions, self.space.dimensions)
        trials = [self.study.ask(dimensions) for _ in range(ROUND)]
        latents = latents_of(self.space, [trial.params for trial in trials])
        found = self.model.decode(
            latents, self.how.temperature, self.seed + self.asked, refine=self.model.sampling()
        )
        self.asked += len(trials)
        fresh = []
        for trial, item, latent in zip(trials, found, latents, strict=True):
            new = item.structure is not None and item.structure not in self._seen
            trial.set_user_attr(OUTCOME, "new" if new else "duplicate")
            self._waiting.append((trial, item.structure))
            if new and item.structure is not None:
                self._seen.add(item.structure)
                parents = (self.space.parents[trial.params[REGION]],)
                nats = float(item.log_likelihood)
                fresh.append(Proposal(item.structure, "latent_box", parents, latent, nats))
        return fresh
