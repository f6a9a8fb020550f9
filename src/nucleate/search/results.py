"""What a study found, as rows and as a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nucleate.search.asking import Source
from nucleate.search.attributes import OUTCOME, PROPOSAL
from nucleate.search.objective import Objective


@dataclass(frozen=True)
class StudyResult:
    """What a finished study found.

    Attributes:
        rows: one per new structure, best first: structure, latent (that it was decoded from, else
            its own; None if it has none), origin (what proposed it), trial, parent (the first),
            parents, log_likelihood, raw properties, `<name>_desirability`, score.
        summary: counts, why it `stopped`, `best`, `starts`, `objectives` with their scales,
            `origins` (by origin: trials, new structures, best score), `history` (trial, score,
            best new score so far).
    """

    rows: list[dict[str, Any]]
    summary: dict[str, Any]


def study_result(
    study: optuna.Study,
    source: Source,
    objective: Objective,
    starts: Sequence[str],
    *,
    sampler: str,
    stopped: str,
) -> StudyResult:
    """Rows and summary of all scored trials, whoever scored them.

    Args:
        starts: the best known structures.
        stopped: why the study ended.
    """
    told = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    rows = _rows(told, source, objective)
    history, best = [], 0.0
    for trial in told:
        if trial.user_attrs.get(OUTCOME) == "new":
            best = max(best, trial.values[0])
        history.append({"trial": trial.number, "score": trial.values[0], "best": best})
    outcomes = Counter(trial.user_attrs.get(OUTCOME) for trial in told)
    start_scores = objective.score(starts)
    keep = ("structure", "trial", "origin", "parent", "score", *objective.names)
    summary = {
        "sampler": sampler,
        "stopped": stopped,
        "trials": len(told),
        "new": len(rows),
        "duplicates": outcomes["duplicate"],
        "known": outcomes["known"],
        "failed": outcomes["failed"],
        "best_score": best,
        "best_start_score": start_scores[0].score,
        "best": {key: rows[0][key] for key in keep} if rows else None,
        "starts": [
            {"structure": structure, **scored.columns()}
            for structure, scored in zip(starts, start_scores, strict=True)
        ],
        "objectives": objective.to_json(),
        "origins": _origins(told),
        "history": history,
    }
    return StudyResult(rows, summary)


def _rows(
    told: Sequence[FrozenTrial], source: Source, objective: Objective
) -> list[dict[str, Any]]:
    fresh = [trial for trial in told if trial.user_attrs.get(OUTCOME) == "new"]
    found = source.proposals(fresh)
    scores = objective.score([proposal.structure for proposal in found])
    rows = [
        {
            "structure": p.structure,
            "latent": None if p.latent is None else p.latent.tolist(),
            "origin": p.origin,
            "trial": trial.number,
            "parent": p.parents[0] if p.parents else None,
            "parents": list(p.parents),
            "log_likelihood": p.log_likelihood,
            **scored.columns(),
        }
        for trial, p, scored in zip(fresh, found, scores, strict=True)
    ]
    rows.sort(key=lambda row: (-row["score"], row["trial"]))
    return rows


def _origins(told: Sequence[FrozenTrial]) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for trial in told:
        origin = str((trial.user_attrs.get(PROPOSAL) or {}).get("origin", "given"))
        row = table.setdefault(origin, {"trials": 0, "new": 0, "best": 0.0})
        row["trials"] += 1
        if trial.user_attrs.get(OUTCOME) == "new":
            row["new"] += 1
            row["best"] = max(row["best"], trial.values[0])
    return table
