"""The study: ask for structures in batches, score them together, tell.

Nothing is scored twice, in this process, an earlier one, or (with our own searchers) by another
worker of the same study. A study goes on where it was after any end of its process: what was
scored is in its storage, and what a dead process was scoring is proposed again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import TrialState

from nucleate.core.progress import Say, bar, log
from nucleate.objectives.build_objectives import Computation
from nucleate.objectives.objective import Objective
from nucleate.objectives.property_values import MIN_FAILURES_TO_ABORT
from nucleate.search.evolution.quota import Quota, build_quota
from nucleate.search.factories import build_searcher
from nucleate.search.latent_boxes.box_searcher import Boxes
from nucleate.search.latent_boxes.regions import SearchSpace, sample_reference, space_around
from nucleate.search.repeats import Repeats
from nucleate.search.scalarisation import Scalarisation
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.search.study.liveness import WorkerPool
from nucleate.search.study.local_search import Local
from nucleate.search.study.results import StudyResult, study_result
from nucleate.search.study.reuse import reuse, state_computations
from nucleate.search.study.runner import Runner, Source
from nucleate.search.study.storage import Storage, open_storage
from nucleate.search.study.structure_sampler import Searching
from nucleate.search.trial_attributes import INTERRUPTED, REFERENCE
from nucleate.settings.evolution import EvolutionSettings
from nucleate.settings.searchers import searcher_entry
from nucleate.settings.study import OptimizeSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel


UNKNOWN = EvolutionSettings(pool=0)
"""Of known structures only the sample that is scored before the first trial is asked for."""


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
    computations: Sequence[Computation] = (),
    say: Say = log,
    interruptible: bool = False,
) -> StudyResult:
    """Run the study, or go on with it, until `settings.trials` are scored or a rule stops it.

    Nothing is written before the objective has given values of known structures.

    Args:
        objective: not yet fitted.
        training: structures to start from, canonical.
        known: structures that are no discovery.
        path: journal file, where `settings.storage` names no database. It may hold other studies.
        name: study's name, a digest of everything that its course depends on.
        computations: of the objective's terms; what other studies in the same place computed by
            the same means is then not computed again.
        say: takes what a person should know.
        interruptible: whether an interruption ends the study as one of its rules does, with what
            was found so far, if there is anything.

    Raises:
        CheckpointError: the model can encode none of the training structures.
        ResultsError: the journal is damaged, in use or cannot be written; no such database.
        SettingsError: see `open_storage`, `Objective.fit`, `Local` and `build_quota`.
        KeyboardInterrupt: not `interruptible`, or nothing was found yet, or a second time.
    """
    study = _Study(model, objective, training, known, settings, seed, path, name, computations, say)
    try:
        return study.run()
    except KeyboardInterrupt:
        if not interruptible:
            raise
    # What was in memory may be half done, so that the study is read anew from its storage.
    return study.run(interrupted=True)


@dataclass(frozen=True)
class _Study:
    """What `run_study` was given."""

    model: LatentModel
    objective: Objective
    training: Sequence[str]
    known: Collection[str]
    settings: OptimizeSettings
    seed: int
    path: Path
    name: str
    computations: Sequence[Computation]
    say: Say

    def run(self, interrupted: bool = False) -> StudyResult:
        """Search; or, if it was interrupted, only say what was found."""
        model, objective, settings = self.model, self.objective, self.settings
        quota = build_quota(model.matter, settings)
        local = None
        if settings.local.any():
            local = Local(model, settings.local, self.training, self.seed)
        with open_storage(self.path, settings.storage) as storage:
            reference = self._open(storage, interrupted)
            study = reference.study
            own_known = local.own if local else ()
            repeats = Repeats(model.matter.identity, [*self.known, *own_known], settings.variants)
            with nullcontext() if interrupted else _worker_pool(study, settings) as pool:
                own = self.seed if pool is None else pool.seed(self.seed)
                source, starts = self._source(reference, local, quota, own, repeats)
                runner = Runner(study, source, objective, settings, pool)
                if interrupted:
                    runner.look()
                return study_result(
                    study,
                    source,
                    objective,
                    starts,
                    sampler=settings.sampler,
                    stopped=INTERRUPTED if interrupted else runner.run(),
                    quota=quota,
                    local=local,
                    repeats=repeats,
                )

    def _open(self, storage: Storage, interrupted: bool) -> _Reference:
        """The study with its objective fitted; it is made once that has shown to give values."""
        objective, settings = self.objective, self.settings
        found = storage.find(self.name)
        if interrupted and (found is None or not _scored_trials(found)):
            raise KeyboardInterrupt
        taken = reuse(storage, self.name, objective, self.computations)
        if not interrupted:
            _announce(storage, self.name, found, taken, self.say)

        @cache
        def begin() -> optuna.Study:
            values = len(objective.goals) if objective.several else 1
            ended = INTERRUPTED if interrupted else "its process ended"
            study = storage.begin(self.name, values, ended)
            if objective.several:
                _name_values(study, objective)
            state_computations(study, objective, self.computations)
            return study

        stored = None if found is None else begin().user_attrs.get(REFERENCE)
        return _Reference(begin, stored, objective, self.training, settings, self.seed)

    def _source(
        self,
        reference: _Reference,
        local: Local | None,
        quota: Quota | None,
        own: int,
        repeats: Repeats,
    ) -> tuple[Source, list[str]]:
        """What is asked for structures, and the good known ones that are shown.

        Args:
            own: seed of this worker.
        """
        model, settings, study = self.model, self.settings, reference.study
        if searcher_entry(settings.sampler).boxes:
            space = reference.space(model, settings)
            scored = reference.structures
            boxes = Boxes(study, model, space, repeats, scored, settings, own)
            return boxes, list(space.parents)
        task = SearchTask(
            *(settings.sampler, model, self.training, own, UNKNOWN),
            initial=len(reference.structures),
            take=repeats.take,
        )
        if local is not None:
            task = local.bound(task)
        if quota is not None:
            task = replace(task, group=quota.group, quota=quota.most)
        searcher = build_searcher(task)
        several = self.objective.several
        scalarise = Scalarisation(self.objective.weights, own) if several else None
        reference.tell(searcher, scalarise, local)
        source = Searching(
            *(study, searcher, model, frozenset()),
            batch=settings.batch,
            seed=own,
            scalarise=scalarise,
            repeats=repeats,
        )
        if local is not None and local.lead is not None:
            return source, [local.lead]
        return source, reference.best(settings.starts, local)


def _announce(
    storage: Storage, name: str, found: optuna.Study | None, taken: int, say: Say
) -> None:
    """Say which of a journal's studies this is, if it holds others, and what they save."""
    others = storage.others(name) if storage.place is not None else []
    if others:
        *first, last = (f"{len(storage.scored_trials(other)):,}" for other in others)
        scored = f"{', '.join(first)} and {last}" if first else last
        studies = f"{len(others)} other " + ("study" if len(others) == 1 else "studies")
        kept = f"{studies} ({scored} trials scored)"
        if found is None:
            say(
                f"Other settings begin another study in {storage.place}. It keeps {kept}, to go on "
                "with by the settings as they were."
            )
        else:
            say(
                "Going on with the study of these settings "
                f"({_scored_trials(found):,} trials scored). "
                f"{storage.place} also holds {kept}."
            )
    if taken and found is None:
        say(f"Values of {taken:,} structures are taken over from earlier studies.")


def _scored_trials(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def _name_values(study: optuna.Study, objective: Objective) -> None:
    """What the dashboard calls the values of a study with several."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"{name}_desirability" for name in objective.goals])


@contextmanager
def _worker_pool(study: optuna.Study, settings: OptimizeSettings) -> Iterator[WorkerPool | None]:
    """The workers of a study in a database; a journal has only one."""
    if settings.storage is None:
        yield None
        return
    with WorkerPool(study, settings.stale_seconds) as pool:
        yield pool


class _Reference:
    """The sample of known structures on which the objective's scales rest, and their scores.

    Args:
        begin: makes the study, or loads it, once.
        stored: what the study holds of it.
    """

    def __init__(
        self,
        begin: Callable[[], optuna.Study],
        stored: dict[str, Any] | None,
        objective: Objective,
        training: Sequence[str],
        settings: OptimizeSettings,
        seed: int,
    ):
        if stored is None:
            count = settings.reference or objective.reference_size
            stored = {"structures": sample_reference(training, count, seed), "raw": []}
        self.structures: list[str] = stored["structures"]
        done = len(stored["raw"])
        for structure, values in zip(self.structures[:done], stored["raw"], strict=True):
            objective.remember(structure, dict(zip(objective.names, values, strict=True)))
        # What is dear to compute is kept batch by batch. What fails on all of the first is told
        # before there is a study.
        count, batch = len(self.structures), max(settings.batch, MIN_FAILURES_TO_ABORT)
        with bar(description="score known structures", total=count) as shown:
            shown.update(done)
            for end in _ends(done, count, batch, objective.is_cheap):
                raw = _plain(objective.check(self.structures[:end]))
                begin().set_user_attr(REFERENCE, {"structures": self.structures, "raw": raw})
                shown.update(end - shown.n)
        objective.fit(self.structures)
        self.study = begin()
        self.scored = objective.score(self.structures)
        self.scores = np.array([scored.penalised_score for scored in self.scored])

    def tell(
        self, searcher: Searcher, scalarise: Scalarisation | None, local: Local | None
    ) -> None:
        """Tell a searcher what is known; of a local search only what it might ask for."""
        kept = [True] * len(self.structures)
        if local is not None:
            kept = local.accept(self.structures).tolist()
        if scalarise is None:
            chosen = np.flatnonzero(kept)
            searcher.tell([self.structures[i] for i in chosen], self.scores[chosen])
            return
        for structure, scored, keep in zip(self.structures, self.scored, kept, strict=True):
            if keep:
                scalarise.add(structure, scored.observed, scored.violation)

    def best(self, count: int, local: Local | None = None) -> list[str]:
        """The best of the sample; in a local search of those that it might ask for."""
        order = sorted(
            range(len(self.structures)), key=lambda i: (-self.scores[i], self.structures[i])
        )
        found = [self.structures[i] for i in order]
        if local is not None:
            found = [s for s, ok in zip(found, local.accept(found).tolist(), strict=True) if ok]
        return found[:count]

    def space(self, model: LatentModel, settings: OptimizeSettings) -> SearchSpace:
        """Regions around the best."""
        return space_around(model, self.structures, self.scores, settings, "training structures")


def _ends(done: int, count: int, batch: int, cheap: bool) -> list[int]:
    """Where batches end that lead from what is done to the whole count."""
    step = count if cheap else batch
    return [*range(done + step, count, step), count] if done < count else []


def _plain(values: NDArray[np.float64]) -> list[list[float | None]]:
    """Rows as JSON values: numbers that are not finite become None."""
    return [[v if np.isfinite(v) else None for v in row] for row in values.tolist()]
