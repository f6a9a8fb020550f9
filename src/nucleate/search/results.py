"""What a study found, as rows and as a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from nucleate.search.asking import Source
from nucleate.search.attributes import OUTCOME, PROPOSAL, UNSCORED
from nucleate.search.constraints import penalised, violation
from nucleate.search.desirability import combine
from nucleate.search.local import Local
from nucleate.search.objective import Objective
from nucleate.search.pareto import Front, ranked
from nucleate.search.quota import QUOTA_COLUMNS, Quota

LAYER = "pareto_layer"
"""Column: 1 for rows that none betters in everything; None where a constraint is broken."""


@dataclass(frozen=True)
class StudyResult:
    """What a finished study found.

    Attributes:
        rows: one per new structure, best first: structure, latent (that it was decoded from, else
            its own; None if it has none), origin (what proposed it), trial, parent (the first),
            parents, log_likelihood, raw properties, `<name>_desirability`, score, and `more`.
        summary: counts, why it `stopped`, `best`, `starts`, `objectives` with their scales,
            `origins` (by origin: trials, new structures, best score), `history` (trial, score,
            best new score so far; of several objectives the hypervolume so far).
        more: columns that depend on the settings: `violation` and `feasible` where there are
            constraints, `pareto_layer`, `group`, `rank_in_group` and `beyond_quota`, nearness to a
            lead.
    """

    rows: list[dict[str, Any]]
    summary: dict[str, Any]
    more: tuple[str, ...] = ()


def study_result(
    study: optuna.Study,
    source: Source,
    objective: Objective,
    starts: Sequence[str],
    *,
    sampler: str,
    stopped: str,
    quota: Quota | None = None,
    local: Local | None = None,
) -> StudyResult:
    """Rows and summary of all scored trials, whoever scored them.

    Args:
        starts: the best known structures, or the lead.
        stopped: why the study ended.
        quota: of rows of one group before the others.
        local: every row is judged again, and left out if it fails.
    """
    told = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    rows = _rows(told, source, objective)
    new = len(rows)
    more = ["violation", "feasible"] if objective.limited else []
    if local is not None:
        rows = _judged(rows, local, more)
    front = [row for row in rows if row.get("feasible", True)]
    if objective.several:
        front = _layered(rows, objective)
        more.append(LAYER)
    if quota is not None:
        rows = quota.apply(rows)
        more += QUOTA_COLUMNS
    merits = [_merit(trial, objective) for trial in told]
    outcomes = Counter(trial.user_attrs.get(OUTCOME) for trial in told)
    start_scores = objective.score(starts)
    keep = ("structure", "trial", "origin", "parent", "score", *objective.names, *more)
    summary: dict[str, Any] = {
        "sampler": sampler,
        "stopped": stopped,
        "trials": sum(trial.user_attrs.get(OUTCOME) not in UNSCORED for trial in told),
        "new": new,
        "duplicates": outcomes["duplicate"],
        "known": outcomes["known"],
        "failed": outcomes["failed"],
        "best_score": max((row["score"] for row in front), default=0.0),
        "best_start_score": max((scored.merit for scored in start_scores), default=0.0),
        "best": {key: rows[0][key] for key in keep if key in rows[0]} if rows else None,
        "starts": [
            {"structure": structure, **scored.columns()}
            for structure, scored in zip(starts, start_scores, strict=True)
        ],
        "combine": objective.how,
        "objectives": objective.to_json(),
        "origins": _origins(told, merits),
        "history": _history(told, merits, objective),
    }
    if objective.limited:
        summary["feasible"] = sum(row["feasible"] for row in rows)
        summary["infeasible"] = len(rows) - summary["feasible"]
    if objective.several:
        summary["front"] = len(front)
        summary["hypervolume"] = summary["history"][-1]["hypervolume"] if told else 0.0
    if quota is not None:
        summary["quota"] = {"by": quota.kind, "most": quota.most}
        summary["groups"] = len({row["group"] for row in rows})
        summary["beyond_quota"] = sum(row["beyond_quota"] for row in rows)
    if local is not None:
        summary["lead"] = local.lead
        summary["outside"] = new - len(rows)
    return StudyResult(rows, summary, tuple(more))


def _merit(trial: FrozenTrial, objective: Objective) -> float:
    """What ranks a trial among all of its study, as `Scored.merit`."""
    if not objective.several:
        return float(trial.values[0])
    columns = {name: np.array([v]) for name, v in zip(objective.goals, trial.values, strict=True)}
    score = float(combine(columns, objective.weights)[0])
    return penalised(score, violation(trial.constraints.values()))


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
    merit = {row["trial"]: scored.merit for row, scored in zip(rows, scores, strict=True)}
    rows.sort(key=lambda row: (-merit[row["trial"]], row["trial"]))
    return rows


def _judged(rows: list[dict[str, Any]], local: Local, more: list[str]) -> list[dict[str, Any]]:
    """Rows that meet the local conditions, with what these measured."""
    columns, reasons = local.judge([row["structure"] for row in rows])
    for name, values in columns.items():
        if rows and name not in rows[0]:
            more.append(name)
            for row, value in zip(rows, values.tolist(), strict=True):
                row[name] = value
    return [row for row, reason in zip(rows, reasons, strict=True) if not reason]


def _layered(rows: list[dict[str, Any]], objective: Objective) -> list[dict[str, Any]]:
    """Sort feasible rows by layer, the others stay behind; returns the front."""
    fit = [row for row in rows if row.get("feasible", True)]
    rest = [row | {LAYER: None} for row in rows if not row.get("feasible", True)]
    columns = [f"{name}_desirability" for name in objective.goals]
    points = np.array([[row[c] for c in columns] for row in fit]).reshape(-1, len(columns))
    order, layer = ranked(points, np.array([row["score"] for row in fit]))
    rows[:] = [fit[i] | {LAYER: int(layer[i])} for i in order] + rest
    return [row for row in rows if row[LAYER] == 1]


def _history(
    told: Sequence[FrozenTrial], merits: Sequence[float], objective: Objective
) -> list[dict[str, Any]]:
    history = []
    best, front = 0.0, Front()
    for trial, merit in zip(told, merits, strict=True):
        point: dict[str, Any] = {"trial": trial.number, "score": merit}
        if trial.user_attrs.get(OUTCOME) == "new":
            best = max(best, merit)
            if objective.several and merit >= 0:
                front.add(np.array(trial.values))
        point["best"] = best
        if objective.several:
            point["hypervolume"] = front.hypervolume
        history.append(point)
    return history


def _origins(told: Sequence[FrozenTrial], merits: Sequence[float]) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for trial, merit in zip(told, merits, strict=True):
        origin = str((trial.user_attrs.get(PROPOSAL) or {}).get("origin", "given"))
        row = table.setdefault(origin, {"trials": 0, "new": 0, "best": 0.0})
        row["trials"] += 1
        if trial.user_attrs.get(OUTCOME) == "new":
            row["new"] += 1
            row["best"] = max(row["best"], merit)
    return table
