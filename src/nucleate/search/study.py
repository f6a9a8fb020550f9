"""The study: ask for coordinates, decode, score what was decoded, tell.

What is scored is the decoded structure, never a surrogate's opinion of the latent vector: a
surrogate's gradient leaves the manifold. Nothing is scored twice, in this process or an earlier
one. A structure of the reference set is told 0 without being scored: the best known structure is
the centre of a region, and a sampler that is paid for finding it again learns to stay there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, Trial, TrialState

from nucleate.config import OptimizeSettings
from nucleate.errors import CheckpointError
from nucleate.progress import bar
from nucleate.search.objective import Objective
from nucleate.search.regions import (
    SearchSpace,
    choose_starts,
    principal_axes,
    sample_reference,
)
from nucleate.search.samplers import (
    OUTCOME,
    REGION,
    build_sampler,
    coordinate_names,
    distributions,
)
from nucleate.search.storage import open_study

if TYPE_CHECKING:
    from nucleate.latent import Decoded, LatentModel

REFERENCE = "reference"
"""Study attribute: the sample of known structures and their raw property values."""


@dataclass(frozen=True)
class StudyResult:
    """What a finished study found.

    Attributes:
        rows: one per new structure, best first: structure, latent, origin, trial, parent,
            log_likelihood, raw properties, `<name>_desirability`, score.
        summary: counts, `best`, `starts`, `objectives` with their scales, `history` (trial,
            score, best so far).
    """

    rows: list[dict[str, Any]]
    summary: dict[str, Any]


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
    """Run the study, or go on with it, until `settings.trials` are told.

    Args:
        objective: not yet fitted.
        training: structures of the training split; starts are chosen among them.
        known: structures that are no discovery.
        path: journal file.
        name: study's name, a digest of everything that its course depends on.

    Raises:
        CheckpointError: the model can encode none of the training structures.
        ResultsError: the journal is damaged, in use or cannot be written.
    """
    known = frozenset(known)
    with open_study(path, name) as study:
        space = _prepare(study, model, objective, training, settings, seed)
        search = _Search(study, model, objective, space, known, settings, seed)
        search.run()
        return search.result()


def _prepare(
    study: optuna.Study,
    model: LatentModel,
    objective: Objective,
    training: Sequence[str],
    settings: OptimizeSettings,
    seed: int,
) -> SearchSpace:
    """Fit the objective's scales on a reference sample and lay regions around its best."""
    stored = study.user_attrs.get(REFERENCE)
    if stored is None:
        sample = sample_reference(training, settings.starts, seed)
        objective.fit(sample)
        raw = _plain(objective.raw(sample))
        study.set_user_attr(REFERENCE, {"structures": sample, "raw": raw})
    else:
        sample = stored["structures"]
        for structure, values in zip(sample, stored["raw"], strict=True):
            objective.remember(structure, dict(zip(objective.names, values, strict=True)))
        objective.fit(sample)
    scores = np.array([scored.score for scored in objective.score(sample)])
    latents, _ = model.encode(sample)
    starts = choose_starts(sample, scores, latents, settings.starts)
    if not starts:
        raise CheckpointError("the model can encode none of the training structures")
    axes = principal_axes(model.training_latents(), settings.dimensions, settings.radius)
    return SearchSpace(latents[starts], tuple(sample[i] for i in starts), axes)


def _plain(values: NDArray[np.float64]) -> list[list[float | None]]:
    """Rows as JSON values: numbers that are not finite become None."""
    return [[v if np.isfinite(v) else None for v in row] for row in values.tolist()]


class _Search:
    """One study's loop and its memory of what was decoded."""

    def __init__(
        self,
        study: optuna.Study,
        model: LatentModel,
        objective: Objective,
        space: SearchSpace,
        known: frozenset[str],
        settings: OptimizeSettings,
        seed: int,
    ):
        self.study, self.model, self.objective, self.space = study, model, objective, space
        self.known, self.settings, self.seed = known, settings, seed
        self.names = coordinate_names(space.dimensions)
        self.distributions = distributions(space.regions, space.dimensions)
        self.first: dict[str, int] = {}  # structure -> trial that decoded it first
        self.best = 0.0
        for trial in self._told():
            self._remember(trial)

    def _told(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))

    def _remember(self, trial: FrozenTrial) -> None:
        """Take over a trial of an earlier process."""
        self.best = max(self.best, trial.values[0])
        if trial.user_attrs.get(OUTCOME) == "new":
            structure = trial.user_attrs["structure"]
            self.first[structure] = trial.number
            self.objective.remember(structure, trial.user_attrs["properties"])

    def run(self) -> None:
        """Ask, decode, score and tell in batches until the budget is spent."""
        finished = len(self._told())
        total = self.settings.trials
        with bar(description="optimise", total=total, unit="trial") as progress:
            progress.update(min(finished, total))
            while finished < total:
                self._set_sampler(finished)
                count = min(self.settings.batch, total - finished)
                self._batch([self.study.ask(self.distributions) for _ in range(count)], finished)
                finished += count
                progress.update(count)
                progress.set_postfix(best=f"{self.best:.3f}", structures=len(self.first))

    def _set_sampler(self, finished: int) -> None:
        kind = self.settings.sampler
        # CMA-ES keeps its state in the sampler; the others read the study, and a new one for each
        # batch makes a resumed study ask what an uninterrupted one would have asked.
        if kind == "cmaes" and type(self.study.sampler).__name__ == "RegionCmaSampler":
            return
        self.study.sampler = build_sampler(
            kind,
            regions=self.space.regions,
            dimensions=self.space.dimensions,
            batch=self.settings.batch,
            seed=self.seed,
            finished=finished,
        )

    def _batch(self, trials: Sequence[Trial], finished: int) -> None:
        latents = self._latents([trial.params for trial in trials])
        decoded = self.model.decode(
            latents,
            self.settings.temperature,
            self.seed + finished,
            refine=self.model.sampling(),
        )
        outcomes = []
        for trial, item in zip(trials, decoded, strict=True):
            outcome = self._outcome(item)
            outcomes.append(outcome)
            if outcome == "new" and item.structure is not None:
                self.first[item.structure] = trial.number
        wanted = [
            item.structure
            for item, outcome in zip(decoded, outcomes, strict=True)
            if outcome in ("new", "duplicate") and item.structure is not None
        ]
        scores = dict(zip(wanted, self.objective.score(wanted), strict=True))
        for trial, item, outcome in zip(trials, decoded, outcomes, strict=True):
            scored = scores.get(item.structure) if item.structure is not None else None
            trial.set_user_attr(OUTCOME, outcome)
            trial.set_user_attr("parent", self.space.parents[trial.params[REGION]])
            if item.structure is None:
                trial.set_user_attr("reason", item.reason)
            else:
                trial.set_user_attr("structure", item.structure)
                trial.set_user_attr("log_likelihood", float(item.log_likelihood))
            if outcome == "new" and scored is not None:
                raw = {k: v if np.isfinite(v) else None for k, v in scored.raw.items()}
                trial.set_user_attr("properties", raw)
                trial.set_user_attr("desirability", scored.desirability)
            value = 0.0 if scored is None else scored.score
            self.best = max(self.best, value)
            self.study.tell(trial, value)

    def _outcome(self, item: Decoded) -> str:
        if item.structure is None:
            return "failed"
        if item.structure in self.known:
            return "known"
        return "duplicate" if item.structure in self.first else "new"

    def _latents(self, parameters: Sequence[dict[str, Any]]) -> NDArray[np.float32]:
        """Latent vectors [n, D] of trials' parameters."""
        regions = np.array([p[REGION] for p in parameters], dtype=np.int64)
        coordinates = np.array([[p[name] for name in self.names] for p in parameters])
        return self.space.latent(regions, coordinates)

    def result(self) -> StudyResult:
        """Rows and summary of all told trials."""
        told = self._told()
        fresh = [trial for trial in told if trial.user_attrs.get(OUTCOME) == "new"]
        structures = [trial.user_attrs["structure"] for trial in fresh]
        rows = []
        if fresh:
            latents = self._latents([trial.params for trial in fresh])
            for trial, latent, scored in zip(
                fresh, latents, self.objective.score(structures), strict=True
            ):
                rows.append(
                    {
                        "structure": trial.user_attrs["structure"],
                        "latent": latent.tolist(),
                        "origin": "study",
                        "trial": trial.number,
                        "parent": trial.user_attrs["parent"],
                        "log_likelihood": trial.user_attrs["log_likelihood"],
                        **scored.columns(),
                    }
                )
        rows.sort(key=lambda row: (-row["score"], row["trial"]))
        return StudyResult(rows, self._summary(told, rows))

    def _summary(self, told: list[FrozenTrial], rows: list[dict[str, Any]]) -> dict[str, Any]:
        outcomes = [trial.user_attrs.get(OUTCOME) for trial in told]
        starts = self.objective.score(self.space.parents)
        history, best = [], 0.0
        for trial in told:
            best = max(best, trial.values[0])
            history.append({"trial": trial.number, "score": trial.values[0], "best": best})
        keep = ("structure", "trial", "parent", "score", *self.objective.names)
        return {
            "sampler": self.settings.sampler,
            "trials": len(told),
            "new": len(rows),
            "duplicates": outcomes.count("duplicate"),
            "known": outcomes.count("known"),
            "failed": outcomes.count("failed"),
            "best_score": best,
            "best_start_score": starts[0].score,
            "best": {key: rows[0][key] for key in keep} if rows else None,
            "starts": [
                {"structure": structure, **scored.columns()}
                for structure, scored in zip(self.space.parents, starts, strict=True)
            ],
            "objectives": self.objective.to_json(),
            "history": history,
        }
