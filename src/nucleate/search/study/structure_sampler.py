"""Our searchers as Optuna samplers: trials propose structures, not parameters.

    study = optuna.create_study(direction="maximize", sampler=StructureSampler(searcher))
    study.optimize(lambda trial: score(proposed_structure(trial)), n_trials=1000)

A trial's structure and provenance are its user attributes (see `attributes`). Any storage will do
and any number of workers: the sampler learns the trials of all of them, and never proposes a
structure that another one scores or has scored.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nucleate.core.errors import SettingsError
from nucleate.search.optuna_adapter import (
    create_running_trial,
    end_trial,
    in_optimize_loop,
    same_study,
    trial_id,
    write_attributes,
)
from nucleate.search.repeats import Repeats
from nucleate.search.scalarisation import Scalarisation
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.study.trial_index import TrialIndex
from nucleate.search.trial_attributes import (
    OUTCOME,
    PROPOSAL,
    REASON,
    STRUCTURE,
    origin_attribute,
    proposal_of,
)

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

TRIES = 5
"""Times a searcher is asked in a row where it proposes nothing, or what others already have: a
search within narrow bounds may find nothing once and something the next time."""

NOTHING_NEW = "the search has nothing new to propose"
"""Reason of trials without a structure."""


class StructureSampler(BaseSampler):
    """An Optuna sampler around a searcher.

    A trial gets its structure when it begins (`before_trial`). What was scored is told to the
    searcher when it is next asked, the trials of a batch together, as searchers want it; so
    `after_trial` has nothing to do. Parameters that an objective suggests besides are drawn at
    random. `claim` is for those who score batches.

    Args:
        searcher: what proposes; larger is better for it, so values of a study that minimises are
            told with their sign changed.
        batch: proposals that it is asked for at once.
        seed: of parameters and of the order in which structures of dead workers are taken up.
        scalarise: makes one score of several objectives, all in [0, 1] and to be maximised; None
            for a study with one.
        repeats: what need not be asked, told of all that any worker asks for; None to tell
            structures apart by their texts alone.

    Raises:
        ValueError: (when used) the study has several objectives and there is no `scalarise`, or
            not a weight for each of them.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        batch: int = 20,
        seed: int = 0,
        scalarise: Scalarisation | None = None,
        repeats: Repeats | None = None,
    ):
        self.searcher, self.batch, self.scalarise = searcher, batch, scalarise
        self.repeats = repeats
        self._parameters = RandomSampler(seed)
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._queue: deque[Proposal] = deque()
        self._observed = 0  # scored trials of the index that the searcher knows
        self._index: TrialIndex | None = None

    # For batches

    def claim(
        self,
        study: optuna.Study,
        count: int,
        attributes: Callable[[Proposal], Mapping[str, Any]] = lambda proposal: {},
        budget: int | None = None,
    ) -> list[tuple[FrozenTrial, Proposal]]:
        """Running trials, each with a structure that nobody else has; one operation each.

        Args:
            count: at most so many; fewer, or none, where the searcher has no more or where other
                workers were quicker.
            attributes: further user attributes of a proposal's trial.
            budget: trials of the study that may be scored (see `TrialIndex.place`).
        """
        with self._lock:
            index = self.read(study)
            wanted = {
                create_running_trial(
                    study,
                    {STRUCTURE: p.structure, PROPOSAL: origin_attribute(p), **attributes(p)},
                ): p
                for p in self._next(index, count)
            }
            index = self.read(study)
            mine = [t for t in index.running.values() if trial_id(t) in wanted]
            kept = []
            for trial in mine:
                if index.holders(trial.user_attrs[STRUCTURE])[0] < trial.number:
                    index.yield_trial(trial, "another worker has this structure")
                elif budget is not None and index.place(trial.number) >= budget:
                    index.yield_trial(trial, "the budget is spent")
                else:
                    kept.append((trial, wanted[trial_id(trial)]))
            return kept

    def read(self, study: optuna.Study) -> TrialIndex:
        """The study as it is now."""
        with self._lock:
            if self._index is None or not same_study(self._index.study, study):
                self._check_objectives(len(study.directions))
                self._index, self._observed = TrialIndex(study), 0
            before = len(self._index.scored)
            index = self._index.read()
            if self.repeats is not None:
                for trial in with_structure([*index.scored[before:], *index.running.values()]):
                    self.repeats.note(trial.user_attrs[STRUCTURE])
            return index

    def _check_objectives(self, count: int) -> None:
        if self.scalarise is None and count > 1:
            raise ValueError(
                f"a multi-objective study: {type(self).__name__} needs `scalarise`, which makes "
                "one score of several; ScreenedEvolutionSampler makes its own"
            )
        if self.scalarise is not None and len(self.scalarise.weights) != count:
            raise ValueError(
                f"the study has {count} objectives, there are weights for "
                f"{len(self.scalarise.weights)}"
            )

    def _tell(self, index: TrialIndex) -> None:
        news = with_structure(index.scored[self._observed :])
        self._observed = len(index.scored)
        signs = objective_signs(index.study)
        if self.scalarise is not None:
            self.scalarise.tell(self.searcher, news, signs)
        elif news:
            scores = np.array([signs[0] * trial.values[0] for trial in news])
            self.searcher.tell([trial.user_attrs[STRUCTURE] for trial in news], scores)

    def _next(self, index: TrialIndex, count: int, together: int = 1) -> list[Proposal]:
        """At most `count` proposals that nobody else has, those of dead workers first.

        Args:
            together: proposals that the searcher is asked for at least; more are kept for later.
        """
        left_over = index.left_over()
        # In another order for each worker, so that they do not all take up the same ones.
        chosen = self._random.sample(left_over, min(count, len(left_over)))
        out = {proposal.structure: proposal for proposal in chosen}
        for _ in range(TRIES):
            if len(out) >= count:
                break
            if not self._queue:
                self._tell(index)
                self._queue += self.searcher.ask(max(count - len(out), together))
            while self._queue and len(out) < count:
                proposal = self._queue.popleft()
                taken = self.repeats is None or self.repeats.take(proposal)
                if taken and not index.holders(proposal.structure):
                    out.setdefault(proposal.structure, proposal)
        return list(out.values())

    # Optuna's

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Give the trial a structure, unless it has one (it was enqueued with it)."""
        if STRUCTURE in trial.user_attrs:
            return
        with self._lock:
            while True:
                # Reading all trials costs most; what others have is seen after writing anyway.
                fresh = self._index is not None and same_study(self._index.study, study)
                index = self._index if fresh and self._queue else None
                found = self._next(index or self.read(study), 1, self.batch)
                proposal = next(iter(found), None)
                if proposal is None:
                    write_attributes(study, trial_id(trial), {REASON: NOTHING_NEW})
                    trial.user_attrs[REASON] = NOTHING_NEW
                    if in_optimize_loop(study):
                        study.stop()
                    return
                structure = {STRUCTURE: proposal.structure}
                write_attributes(study, trial_id(trial), structure)
                if self.read(study).holders(proposal.structure) == [trial.number]:
                    break
            origin = {PROPOSAL: origin_attribute(proposal)}
            write_attributes(study, trial_id(trial), origin)
            trial.user_attrs |= structure | origin

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Nothing: the searcher is told before it is next asked."""

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Empty: a structure is no parameter."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A parameter that the objective suggests besides, at random."""
        return self._parameters.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """For parameters drawn in parallel; the searcher is shared, so it keeps its seed."""
        self._parameters.reseed_rng()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"], state["_index"]  # another process reads the study anew
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock, self._index = threading.RLock(), None


def with_structure(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if STRUCTURE in trial.user_attrs]


def objective_signs(study: optuna.Study) -> list[float]:
    """By objective: with them, larger is better."""
    return [-1.0 if d == StudyDirection.MINIMIZE else 1.0 for d in study.directions]


def proposed_structure(trial: optuna.trial.BaseTrial) -> str:
    """The structure that a trial is to score.

    Raises:
        optuna.TrialPruned: the search has nothing new to propose.
        SettingsError: the trial's sampler is none that proposes structures.
    """
    if trial.user_attrs.get(REASON) == NOTHING_NEW:
        raise optuna.TrialPruned(NOTHING_NEW)
    structure = trial.user_attrs.get(STRUCTURE)
    if structure is None:
        study = getattr(trial, "study", None)
        name = f" ({type(study.sampler).__name__})" if study is not None else ""
        raise SettingsError(
            f"trial {trial.number} has no structure: its study's sampler{name} proposes none; give "
            "create_study or load_study sampler=ScreenedEvolutionSampler(model, structures)"
        )
    return str(structure)


def proposal(trial: optuna.trial.BaseTrial) -> Proposal | None:
    """A trial's structure with where it comes from; None if the search had nothing to propose."""
    return proposal_of(trial.user_attrs)


@dataclass(frozen=True)
class AskedPoint:
    """A running trial.

    Attributes:
        structure: None where nothing was decoded.
        outcome: `new`, `known`, `duplicate` or `failed` (see `attributes.OUTCOME`).
        attributes: user attributes that are yet to be written.
        scored: whether the objective is asked; if not, the trial is told the worst values.
    """

    trial_id: int
    number: int
    structure: str | None
    outcome: str
    attributes: Mapping[str, Any]
    scored: bool


class Searching:
    """Asks a searcher of ours. Known structures are scored like others, as starts, but marked.

    Args:
        known: structures that are no discovery, if `repeats` does not say it.
        seed: of this worker.
        scalarise, repeats: see `StructureSampler`.
    """

    def __init__(
        self,
        study: optuna.Study,
        searcher: Searcher,
        model: LatentModel | None,
        known: frozenset[str],
        *,
        batch: int,
        seed: int,
        scalarise: Scalarisation | None = None,
        repeats: Repeats | None = None,
    ):
        self.study, self.model, self.known, self.repeats = study, model, known, repeats
        self.sampler = StructureSampler(
            searcher, batch=batch, seed=seed, scalarise=scalarise, repeats=repeats
        )
        study.sampler = self.sampler

    def read(self) -> TrialIndex:
        return self.sampler.read(self.study)

    def ask(
        self, count: int, attributes: Mapping[str, Any], budget: int | None
    ) -> list[AskedPoint]:
        def outcome(proposal: Proposal) -> str:
            known = proposal.structure in self.known
            if self.repeats is not None:
                known = self.repeats.known_as(proposal.structure) is not None
            return "known" if known else "new"

        claimed = self.sampler.claim(
            self.study, count, lambda p: {OUTCOME: outcome(p), **attributes}, budget
        )
        return [
            AskedPoint(trial_id(trial), trial.number, p.structure, outcome(p), {}, scored=True)
            for trial, p in claimed
        ]

    def tell(self, asked: AskedPoint, values: Sequence[float]) -> bool:
        # The sampler learns from the storage, so that `Study.tell`'s reading of it is spared.
        return end_trial(self.study, asked.trial_id, TrialState.COMPLETE, values)

    def proposals(self, trials: Sequence[FrozenTrial]) -> list[Proposal]:
        found = [p for p in (proposal_of(trial.user_attrs) for trial in trials) if p is not None]
        bare = [place for place, p in enumerate(found) if p.latent is None]
        if bare and self.model is not None:
            vectors, _ = self.model.encode([found[place].structure for place in bare])
            for place, vector in zip(bare, vectors, strict=True):
                if np.isfinite(vector).all():
                    found[place] = replace(found[place], latent=vector)
        return found
