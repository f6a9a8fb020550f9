"""The study: ask for structures in batches, score them together, tell.

Nothing is scored twice, in this process, an earlier one, or (with our own searchers) by another
worker of the same study. A study goes on where it was after any end of its process: what was
scored is in its storage, and what a dead process was scoring is proposed again.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray

from nucleate.config import OptimizeSettings
from nucleate.progress import bar
from nucleate.search.asking import Searching, Source
from nucleate.search.boxes import Boxes
from nucleate.search.build import SEARCHERS, build_searcher
from nucleate.search.local import Local
from nucleate.search.objective import Objective
from nucleate.search.quota import build_quota
from nucleate.search.regions import SearchSpace, sample_reference, space_around
from nucleate.search.results import StudyResult, study_result
from nucleate.search.runner import Runner
from nucleate.search.scalarising import Scalarisation
from nucleate.search.searcher import Searcher
from nucleate.search.storage import open_study
from nucleate.search.workers import Crew

if TYPE_CHECKING:
    from nucleate.latent import LatentModel

REFERENCE = "reference"
"""Study attribute: the sample of known structures and their raw property values."""


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
        SettingsError: see `open_study`, `Objective.fit`, `Local` and `build_quota`.
    """
    quota = build_quota(model.matter, settings)
    local = Local(model, settings.local, training, seed) if settings.local.any() else None
    values = len(objective.goals) if objective.several else 1
    with (
        open_study(path, name, settings.storage, values) as study,
        _crew(study, settings) as crew,
    ):
        if objective.several:
            _name_values(study, objective)
        reference = _Reference(study, objective, training, settings, seed)
        own = seed if crew is None else crew.seed(seed)
        known = frozenset([*known, *(local.own if local else ())])
        source: Source
        if settings.sampler in SEARCHERS:
            bounds: dict[str, Any] = {} if local is None else local.bounds()
            if quota is not None:
                bounds |= {"group": quota.group, "quota": quota.most}
            searcher = build_searcher(
                settings.sampler,
                model=model,
                data=training,
                seed=own,
                initial=len(reference.structures),
                **bounds,
            )
            scalarise = Scalarisation(objective.weights, own) if objective.several else None
            reference.tell(searcher, scalarise, local)
            source = Searching(
                study,
                searcher,
                model,
                known,
                batch=settings.batch,
                seed=own,
                scalarise=scalarise,
            )
            starts = reference.best(settings.starts, local)
            if local is not None and local.lead is not None:
                starts = [local.lead]
        else:
            space = reference.space(model, settings)
            source = Boxes(study, model, space, known, settings, own)
            starts = list(space.parents)
        runner = Runner(study, source, objective, settings, crew)
        stopped = runner.run()
        return study_result(
            study,
            source,
            objective,
            starts,
            sampler=settings.sampler,
            stopped=stopped,
            quota=quota,
            local=local,
        )


def _name_values(study: optuna.Study, objective: Objective) -> None:
    """What the dashboard calls the values of a study with several."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([f"{name}_desirability" for name in objective.goals])


@contextmanager
def _crew(study: optuna.Study, settings: OptimizeSettings) -> Iterator[Crew | None]:
    """The workers of a study in a database; a journal has only one."""
    if settings.storage is None:
        yield None
        return
    with Crew(study, settings.stale_seconds) as crew:
        yield crew


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
            count = settings.reference or objective.reference_size
            stored = {"structures": sample_reference(training, count, seed), "raw": []}
        self.structures: list[str] = stored["structures"]
        done = len(stored["raw"])
        for structure, values in zip(self.structures[:done], stored["raw"], strict=True):
            objective.remember(structure, dict(zip(objective.names, values, strict=True)))
        # What is dear to compute is kept batch by batch, and what fails on all is told soon.
        with bar(description="score known structures", total=len(self.structures)) as shown:
            shown.update(done)
            for end in _ends(done, len(self.structures), settings.batch, objective.quick):
                raw = _plain(objective.check(self.structures[:end]))
                study.set_user_attr(REFERENCE, {"structures": self.structures, "raw": raw})
                shown.update(end - shown.n)
        objective.fit(self.structures)
        self.scored = objective.score(self.structures)
        self.scores = np.array([scored.merit for scored in self.scored])

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
                scalarise.add(structure, scored.told, scored.violation)

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


def _ends(done: int, count: int, batch: int, quick: bool) -> list[int]:
    """Where batches end that lead from what is done to the whole count."""
    step = count if quick else batch
    return [*range(done + step, count, step), count] if done < count else []


def _plain(values: NDArray[np.float64]) -> list[list[float | None]]:
    """Rows as JSON values: numbers that are not finite become None."""
    return [[v if np.isfinite(v) else None for v in row] for row in values.tolist()]
