"""The loop of one worker of a study: ask in batches, score together, tell."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial

from nucleate.core.progress import bar
from nucleate.objectives.objective import Objective
from nucleate.objectives.pareto import Front
from nucleate.objectives.scored import Scored
from nucleate.search.optuna_adapter import write_attributes, write_constraints
from nucleate.search.searcher import Proposal
from nucleate.search.study.liveness import WorkerPool
from nucleate.search.study.stopping import Progress
from nucleate.search.study.structure_sampler import AskedPoint
from nucleate.search.study.trial_index import TrialIndex
from nucleate.search.trial_attributes import OUTCOME, RESULT, STRUCTURE, WORKER
from nucleate.settings.study import OptimizeSettings

WAIT = 0.5
"""Seconds between two looks at what other workers are doing, where nothing else is left to do."""


class Source(Protocol):
    """Asked for trials, told their values: `Searching`, or `Boxes` of `latent_boxes`."""

    def read(self) -> TrialIndex:
        """The study as it is now."""

    def ask(
        self, count: int, attributes: Mapping[str, Any], budget: int | None
    ) -> list[AskedPoint]:
        """Running trials with these user attributes, at most `count`.

        Args:
            budget: trials that may be scored in all where several workers share the study.
        """

    def tell(self, asked: AskedPoint, values: Sequence[float]) -> bool:
        """End a trial; False if another worker has failed it meanwhile: its values are dropped."""

    def proposals(self, trials: Sequence[FrozenTrial]) -> list[Proposal]:
        """Structures of scored trials with where they come from; latent vectors where known."""


class Runner:
    """The loop of one worker.

    Args:
        objective: fitted.
        pool: None where the study is this process's alone.
    """

    def __init__(
        self,
        study: optuna.Study,
        source: Source,
        objective: Objective,
        settings: OptimizeSettings,
        pool: WorkerPool | None = None,
    ):
        self.study, self.source, self.objective = study, source, objective
        self.settings, self.pool = settings, pool
        front = Front() if settings.combine == "pareto" else None
        self.progress = Progress(settings.patience, settings.collapse, settings.batch, front)
        self._taken = 0  # scored trials of the index that are taken in

    @property
    def _what(self) -> str:
        return "best score" if self.progress.front is None else "hypervolume"

    def run(self) -> str:
        """Ask, score and tell until the study ends; returns why."""
        total = self.settings.trials
        attributes = {} if self.pool is None else {WORKER: self.pool.id}
        with bar(description="optimise", total=total, unit="trial") as shown:
            while True:
                index = self.look()
                shown.n = min(len(index.complete), total)
                best = f"{self.progress.best:.3f}"
                shown.set_postfix({self._what: best, "structures": self.progress.new})
                if len(index.complete) >= total:
                    return f"all {total} trials are scored"
                reason = self.progress.reason()
                if reason is not None:
                    return reason
                others = len(index.workers_running())
                count = min(self.settings.batch, total - len(index.complete) - others)
                budget = None if self.pool is None else total
                asked = self.source.ask(count, attributes, budget) if count > 0 else []
                if asked:
                    self._score(asked)
                elif self.pool is None or (count > 0 and not others):
                    if self.pool is None or not self.look().workers_running():
                        return "exhausted: nothing new was proposed"
                else:
                    time.sleep(WAIT)  # for what others are scoring

    def look(self) -> TrialIndex:
        """Read the study, take in what is new, and see after the other workers."""
        index = self.source.read()
        if self.pool is not None and self.pool.look_after(index):
            index = self.source.read()
        fresh = index.scored[self._taken :]
        self._taken = len(index.scored)
        self.progress.add(fresh)
        for trial in fresh:
            self._remember(trial)
        return index

    def _remember(self, trial: FrozenTrial) -> None:
        """Take over what another process scored."""
        result = trial.user_attrs.get(RESULT)
        if result is not None and trial.user_attrs.get(OUTCOME) in ("new", "known"):
            structure = trial.user_attrs[STRUCTURE]
            self.objective.remember(structure, result["properties"], result.get("reasons", {}))

    def _score(self, asked: Sequence[AskedPoint]) -> None:
        wanted = [a.structure for a in asked if a.scored and a.structure is not None]
        scores = dict(zip(wanted, self.objective.score(wanted), strict=True))
        for a in asked:
            scored = scores.get(a.structure) if a.scored and a.structure is not None else None
            attributes = dict(a.attributes)
            if scored is not None and a.outcome != "duplicate" and a.structure is not None:
                attributes[RESULT] = self._result(a.structure, scored)
            told = self.objective.nothing() if scored is None else scored
            try:
                write_attributes(self.study, a.trial_id, attributes)
                write_constraints(self.study, a.trial_id, told.excess)
            except UpdateFinishedTrialError:
                continue  # taken for dead meanwhile: another worker scores this structure
            self.source.tell(a, told.observed)

    def _result(self, structure: str, scored: Scored) -> dict[str, Any]:
        result: dict[str, Any] = {
            "properties": {k: v if np.isfinite(v) else None for k, v in scored.raw.items()},
            "desirability": scored.desirability,
        }
        reasons = self.objective.reasons(structure)
        return {**result, "reasons": reasons} if reasons else result
