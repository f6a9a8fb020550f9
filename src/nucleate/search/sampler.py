"""Our searchers as Optuna samplers: trials propose structures, not parameters.

    study = optuna.create_study(
        direction="maximize", sampler=ScreenedEvolutionSampler(model, structures)
    )
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
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nucleate.search.attributes import (
    PROPOSAL,
    STRUCTURE,
    origin_attribute,
    proposal_of,
)
from nucleate.search.ledger import Ledger, create
from nucleate.search.scalarising import Scalarisation
from nucleate.search.searcher import Proposal, Searcher

if TYPE_CHECKING:
    from nucleate.latent import LatentModel
    from nucleate.search.evolution_settings import EvolutionSettings

TRIES = 5
"""Times a searcher is asked in a row where it proposes nothing, or what others already have: a
search within narrow bounds may find nothing once and something the next time."""


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

    Raises:
        ValueError: (when used) the study has several objectives and there is no `scalarise`.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        batch: int = 20,
        seed: int = 0,
        scalarise: Scalarisation | None = None,
    ):
        self.searcher, self.batch, self.scalarise = searcher, batch, scalarise
        self._parameters = RandomSampler(seed)
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._queue: deque[Proposal] = deque()
        self._told = 0  # scored trials of the ledger that the searcher knows
        self._ledger: Ledger | None = None

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
            budget: trials of the study that may be scored (see `Ledger.place`).
        """
        with self._lock:
            ledger = self.read(study)
            wanted = {
                create(
                    study,
                    {STRUCTURE: p.structure, PROPOSAL: origin_attribute(p), **attributes(p)},
                ): p
                for p in self._next(ledger, count)
            }
            ledger = self.read(study)
            mine = [t for t in ledger.running.values() if t._trial_id in wanted]
            kept = []
            for trial in mine:
                if ledger.holders(trial.user_attrs[STRUCTURE])[0] < trial.number:
                    ledger.yield_trial(trial, "another worker has this structure")
                elif budget is not None and ledger.place(trial.number) >= budget:
                    ledger.yield_trial(trial, "the budget is spent")
                else:
                    kept.append((trial, wanted[trial._trial_id]))
            return kept

    def read(self, study: optuna.Study) -> Ledger:
        """The study as it is now."""
        with self._lock:
            if self._ledger is None or not _same(self._ledger.study, study):
                if self.scalarise is None:
                    self._raise_error_if_multi_objective(study)
                self._ledger, self._told = Ledger(study), 0
            return self._ledger.read()

    def _tell(self, ledger: Ledger) -> None:
        news = [t for t in ledger.scored[self._told :] if STRUCTURE in t.user_attrs]
        self._told = len(ledger.scored)
        if self.scalarise is not None:
            self.scalarise.tell(self.searcher, news)
        elif news:
            sign = -1.0 if ledger.study.direction == StudyDirection.MINIMIZE else 1.0
            scores = np.array([sign * trial.values[0] for trial in news])
            self.searcher.tell([trial.user_attrs[STRUCTURE] for trial in news], scores)

    def _next(self, ledger: Ledger, count: int, together: int = 1) -> list[Proposal]:
        """At most `count` proposals that nobody else has, those of dead workers first.

        Args:
            together: proposals that the searcher is asked for at least; more are kept for later.
        """
        left_over = ledger.left_over()
        # In another order for each worker, so that they do not all take up the same ones.
        chosen = self._random.sample(left_over, min(count, len(left_over)))
        out = {proposal.structure: proposal for proposal in chosen}
        for _ in range(TRIES):
            if len(out) >= count:
                break
            if not self._queue:
                self._tell(ledger)
                self._queue += self.searcher.ask(max(count - len(out), together))
            while self._queue and len(out) < count:
                proposal = self._queue.popleft()
                if not ledger.holders(proposal.structure):
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
                fresh = self._ledger is not None and _same(self._ledger.study, study)
                ledger = self._ledger if fresh and self._queue else None
                found = self._next(ledger or self.read(study), 1, self.batch)
                proposal = next(iter(found), None)
                if proposal is None:
                    if study._thread_local.in_optimize_loop:
                        study.stop()
                    return
                storage, value = study._storage, origin_attribute(proposal)
                storage.set_trial_user_attr(trial._trial_id, STRUCTURE, proposal.structure)
                if self.read(study).holders(proposal.structure) == [trial.number]:
                    break
            storage.set_trial_user_attr(trial._trial_id, PROPOSAL, value)
            trial.user_attrs |= {STRUCTURE: proposal.structure, PROPOSAL: value}

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
        del state["_lock"], state["_ledger"]  # another process reads the study anew
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock, self._ledger = threading.RLock(), None


def _same(first: optuna.Study, second: optuna.Study) -> bool:
    return first._storage is second._storage and first._study_id == second._study_id


class ScreenedEvolutionSampler(StructureSampler):
    """Nucleate's own search as an Optuna sampler (see `evolution`).

    Args:
        model: a trained model, e.g. `LatentModel.load("molecules")`.
        data: structures to start from, canonical.
        seed: of all randomness; workers that share a study need different ones.
        name: of the searcher, one of `nucleate.search.build.SEARCHERS`.
        batch: proposals that are made together.
        settings: of the evolution.

    Raises:
        SettingsError: no such searcher.
    """

    def __init__(
        self,
        model: LatentModel,
        data: Sequence[str],
        seed: int = 0,
        *,
        name: str = "nucleate",
        batch: int = 20,
        settings: EvolutionSettings | None = None,
    ):
        from nucleate.search.build import build_searcher

        searcher = build_searcher(name, model=model, data=data, seed=seed, settings=settings)
        super().__init__(searcher, batch=batch, seed=seed)


def proposed_structure(trial: optuna.trial.BaseTrial) -> str:
    """The structure that a trial is to score.

    Raises:
        optuna.TrialPruned: the search has nothing new to propose.
    """
    structure = trial.user_attrs.get(STRUCTURE)
    if structure is None:
        raise optuna.TrialPruned("the search has nothing new to propose")
    return str(structure)


def proposal(trial: optuna.trial.BaseTrial) -> Proposal | None:
    """A trial's structure with where it comes from; None if the search had nothing to propose."""
    return proposal_of(trial.user_attrs)
