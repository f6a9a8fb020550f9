"""The study: ask for structures in batches, score them together, tell.

Nothing is scored twice, in this process, an earlier one, or (with our own searchers) by another
worker of the same study. A study goes on where it was after any end of its process: what was
scored is in its storage, and what a dead process was scoring is proposed again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial

from nucleate.config import OptimizeSettings
from nucleate.errors import CheckpointError
from nucleate.progress import bar
from nucleate.search.asking import Asked, Searching, Source
from nucleate.search.attributes import OUTCOME, RESULT, STRUCTURE, WORKER
from nucleate.search.boxes import Boxes
from nucleate.search.build import SEARCHERS, build_searcher
from nucleate.search.ledger import Ledger
from nucleate.search.objective import Objective, Scored
from nucleate.search.regions import SearchSpace, choose_starts, principal_axes, sample_reference
from nucleate.search.results import StudyResult, study_result
from nucleate.search.stopping import Progress
from nucleate.search.storage import open_study
from nucleate.search.workers import Crew

if TYPE_CHECKING:
    from nucleate.latent import LatentModel

REFERENCE = "reference"
"""Study attribute: the sample of known structures and their raw property values."""
WAIT = 0.5
"""Seconds between two looks at what other workers are doing, where nothing else is left to do."""


def run_study(
    model: LatentModel,
    objective: Objective,
    training: Sequence[str],
    known: Collection[str],
    settings: OptimizeSettings,
    *,
    seed: int,
    path: Path,
    name: str,
) -> StudyResult:
    """Run the study, or go on with it, until `settings.trials` are scored or a rule stops it.

    Args:
        objective: not yet fitted.
        training: structures to start from, canonical.
        known: structures that are no discovery.
        path: journal file, where `settings.storage` names no database.
        name: study's name, a digest of everything that its course depends on.

    Raises:
        CheckpointError: the model can encode none of the training structures.
        ResultsError: the journal is damaged, in use or cannot be written; no such database.
        SettingsError: see `open_study` and `Objective.fit`.
    """
    with (
        open_study(path, name, settings.storage) as study,
        _crew(study, settings) as crew,
    ):
        reference = _Reference(study, objective, training, settings, seed)
        own = _worker_seed(seed, crew)
        known = frozenset(known)
        source: Source
        if settings.sampler in SEARCHERS:
            searcher = build_searcher(settings.sampler, model=model, data=training, seed=own)
            searcher.tell(reference.structures, reference.scores)
            source = Searching(study, searcher, model, known, batch=settings.batch, seed=own)
            starts = reference.best(settings.starts)
        else:
            space = reference.space(model, settings)
            source = Boxes(study, model, space, known, settings, own)
            starts = list(space.parents)
        runner = Runner(study, source, objective, settings, crew)
        stopped = runner.run()
        return study_result(
            study, source, objective, starts, sampler=settings.sampler, stopped=stopped
        )


@contextmanager
def _crew(study: optuna.Study, settings: OptimizeSettings) -> Iterator[Crew | None]:
    """The workers of a study in a database; a journal has only one."""
    if settings.storage is None:
        yield None
        return
    with Crew(study, settings.stale_seconds) as crew:
        yield crew


def _worker_seed(seed: int, crew: Crew | None) -> int:
    """A seed of its own for each worker but the first, so that not all propose the same."""
    if crew is None or crew.alone:
        return seed
    return int(np.random.SeedSequence([seed, int(crew.id, 16)]).generate_state(1)[0])


class _Reference:
    """The sample of known structures on which the objective's scales rest, and their scores."""

    def __init__(
        self,
        study: optuna.Study,
        objective: Objective,
        training: Sequence[str],
        settings: OptimizeSettings,
        seed: int,
    ):
        stored = study.user_attrs.get(REFERENCE)
        if stored is None:
            self.structures = sample_reference(training, settings.starts, seed)
            objective.fit(self.structures)
            raw = _plain(objective.raw(self.structures))
            study.set_user_attr(REFERENCE, {"structures": self.structures, "raw": raw})
        else:
            self.structures = stored["structures"]
            for structure, values in zip(self.structures, stored["raw"], strict=True):
                objective.remember(structure, dict(zip(objective.names, values, strict=True)))
            objective.fit(self.structures)
        self.scores = np.array([scored.score for scored in objective.score(self.structures)])

    def best(self, count: int) -> list[str]:
        order = sorted(
            range(len(self.structures)), key=lambda i: (-self.scores[i], self.structures[i])
        )
        return [self.structures[i] for i in order[:count]]

    def space(self, model: LatentModel, settings: OptimizeSettings) -> SearchSpace:
        """Regions around the best."""
        latents, _ = model.encode(self.structures)
        starts = choose_starts(self.structures, self.scores, latents, settings.starts)
        if not starts:
            raise CheckpointError("the model can encode none of the training structures")
        axes = principal_axes(model.training_latents(), settings.dimensions, settings.radius)
        return SearchSpace(latents[starts], tuple(self.structures[i] for i in starts), axes)


def _plain(values: NDArray[np.float64]) -> list[list[float | None]]:
    """Rows as JSON values: numbers that are not finite become None."""
    return [[v if np.isfinite(v) else None for v in row] for row in values.tolist()]


class Runner:
    """The loop of one worker.

    Args:
        objective: fitted.
        crew: None where the study is this process's alone.
    """

    def __init__(
        self,
        study: optuna.Study,
        source: Source,
        objective: Objective,
        settings: OptimizeSettings,
        crew: Crew | None = None,
    ):
        self.study, self.source, self.objective = study, source, objective
        self.settings, self.crew = settings, crew
        self.progress = Progress(settings.patience, settings.collapse, settings.batch)
        self._taken = 0  # scored trials of the ledger that are taken in

    def run(self) -> str:
        """Ask, score and tell until the study ends; returns why."""
        total = self.settings.trials
        attributes = {} if self.crew is None else {WORKER: self.crew.id}
        with bar(description="optimise", total=total, unit="trial") as shown:
            while True:
                ledger = self._look()
                shown.n = min(len(ledger.complete), total)
                best = f"{self.progress.best:.3f}"
                shown.set_postfix(best=best, structures=self.progress.new)
                if len(ledger.complete) >= total:
                    return f"all {total} trials are scored"
                reason = self.progress.reason()
                if reason is not None:
                    return reason
                others = len(ledger.workers_running())
                count = min(self.settings.batch, total - len(ledger.complete) - others)
                budget = None if self.crew is None else total
                asked = self.source.ask(count, attributes, budget) if count > 0 else []
                if asked:
                    self._score(asked)
                elif self.crew is None or (count > 0 and not others):
                    if self.crew is None or not self._look().workers_running():
                        return "exhausted: nothing new was proposed"
                else:
                    time.sleep(WAIT)  # for what others are scoring

    def _look(self) -> Ledger:
        """Read the study, take in what is new, and see after the other workers."""
        ledger = self.source.read()
        if self.crew is not None and self.crew.look_after(ledger):
            ledger = self.source.read()
        fresh = ledger.scored[self._taken :]
        self._taken = len(ledger.scored)
        self.progress.add(fresh)
        for trial in fresh:
            self._remember(trial)
        return ledger

    def _remember(self, trial: FrozenTrial) -> None:
        """Take over what another process scored."""
        result = trial.user_attrs.get(RESULT)
        if result is not None and trial.user_attrs.get(OUTCOME) in ("new", "known"):
            structure = trial.user_attrs[STRUCTURE]
            self.objective.remember(structure, result["properties"], result.get("reasons", {}))

    def _score(self, asked: Sequence[Asked]) -> None:
        wanted = [a.structure for a in asked if a.scored and a.structure is not None]
        scores = dict(zip(wanted, self.objective.score(wanted), strict=True))
        for a in asked:
            scored = scores.get(a.structure) if a.scored and a.structure is not None else None
            attributes = dict(a.attributes)
            if scored is not None and a.outcome != "duplicate" and a.structure is not None:
                attributes[RESULT] = self._result(a.structure, scored)
            try:
                for key, value in attributes.items():
                    self.study._storage.set_trial_user_attr(a.trial_id, key, value)
            except UpdateFinishedTrialError:
                continue  # taken for dead meanwhile: another worker scores this structure
            self.source.tell(a, 0.0 if scored is None else scored.score)

    def _result(self, structure: str, scored: Scored) -> dict[str, Any]:
        result: dict[str, Any] = {
            "properties": {k: v if np.isfinite(v) else None for k, v in scored.raw.items()},
            "desirability": scored.desirability,
        }
        reasons = self.objective.reasons(structure)
        return {**result, "reasons": reasons} if reasons else result
