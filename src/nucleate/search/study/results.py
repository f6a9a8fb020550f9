"""Results of a study, as rows and as a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from nucleate.novelty.representatives import distinct
from nucleate.objectives.constraints import penalise, violation
from nucleate.objectives.desirability import combine
from nucleate.objectives.objective import Objective
from nucleate.objectives.pareto import Front, rank_points
from nucleate.search.evolution.quota import QUOTA_COLUMNS, Quota
from nucleate.search.repeats import Repeats
from nucleate.search.study.local_search import Local
from nucleate.search.study.runner import Source
from nucleate.search.trial_attributes import OUTCOME, PROPOSAL, RESULT, STRUCTURE, UNSCORED

LAYER = "pareto_layer"
"""Column: 1 for rows that none betters in everything; None where a constraint is broken, or a value
is missing."""
REASON = "reason"
"""Column: why a row lacks a value; empty where it has all of them."""
KNOWN_KEPT = 10
"""Known structures that a summary shows."""
REASONS_KEPT = 20
"""Reasons of one objective that a summary tells apart."""


@dataclass(frozen=True)
class StudyResult:
    """What a finished study found.

    Attributes:
        rows: one per new structure, the same as none known and none before it (see
            `nucleate.search.repeats`), best first: structure, latent (that it was decoded from,
            else its own; None if it has none), origin (what proposed it), trial, parent (the
            first), parents, log_likelihood, raw properties, `<name>_desirability`, score, and
            `more`. Those without a value of some property come last.
        summary: counts (`variants`: rows left out, the same as better ones), why it `stopped`,
            `best`, `starts`, `objectives` with their scales, `origins` (by origin: trials, new
            structures, best score), `history` (trial, score, best new score so far; of several
            objectives the hypervolume so far), `best_known` (the
            best known structures that were scored), `without_value` (scored structures that lack a
            value) and `objective_failures` (how many of them, by objective and reason).
        more: columns that depend on the settings and on what was found: `violation` and `feasible`
            where there are constraints, `reason` where a row lacks a value, `pareto_layer`,
            `group`, `rank_in_group` and `beyond_quota`, nearness to a lead.
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
    repeats: Repeats | None = None,
) -> StudyResult:
    """Rows and summary of all scored trials, whoever scored them.

    Args:
        starts: the best known structures, or the lead.
        stopped: why the study ended.
        quota: of rows of one group before the others.
        local: every row is judged again, and left out if it fails.
        repeats: tells structures that are the same. A row that is the same as a known structure or
            as a better row is left out, in studies of versions that asked for them, too.
    """
    told = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    missing = _missing_columns(told, objective)
    rows = _rows(told, source, objective, missing)
    known_again = worse_again = 0
    if repeats is not None:
        every = len(rows)
        rows = [row for row in rows if repeats.known_as(row["structure"]) is None]
        known_again = every - len(rows)
        kept = set(distinct(repeats.identity, [row["structure"] for row in rows]))
        worse_again = len(rows) - len(kept)
        rows = [row for row in rows if row["structure"] in kept]
    new = len(rows)
    more = ["violation", "feasible"] if objective.limited else []
    if any(row[REASON] for row in rows):
        more.append(REASON)
    if local is not None:
        rows = _judge(rows, local, more)
    front = [row for row in rows if _counts(row)]
    if objective.several:
        front = _add_layers(rows, objective)
        more.append(LAYER)
    if quota is not None:
        rows = sorted(quota.apply(rows), key=lambda row: bool(row[REASON]))
        more += QUOTA_COLUMNS
    if REASON not in more:
        for row in rows:
            del row[REASON]
    found = [row for row in rows if not row.get(REASON)]
    penalised_scores = [_penalised_score(trial, objective) for trial in told]
    outcomes = Counter(trial.user_attrs.get(OUTCOME) for trial in told)
    start_scores = objective.score(starts)
    keep = ("structure", "trial", "origin", "parent", "score", *objective.names, *more)
    summary: dict[str, Any] = {
        "sampler": sampler,
        "stopped": stopped,
        "trials": sum(trial.user_attrs.get(OUTCOME) not in UNSCORED for trial in told),
        "new": new,
        "duplicates": outcomes["duplicate"],
        "known": outcomes["known"] + known_again,
        "variants": worse_again,
        "failed": outcomes["failed"],
        "without_value": len(missing),
        "best_score": max((row["score"] for row in front), default=0.0),
        "best_start_score": max((scored.penalised_score for scored in start_scores), default=0.0),
        "best_known": _best_known(starts, told, objective),
        "best": {key: found[0][key] for key in keep if key in found[0]} if found else None,
        "starts": [
            {"structure": structure, **scored.columns(), **_why(structure, objective)}
            for structure, scored in zip(starts, start_scores, strict=True)
        ],
        "combine": objective.how,
        "objectives": objective.to_json(),
        "objective_failures": _failures(missing, objective),
        "origins": _origins(told, penalised_scores, missing),
        "history": _history(told, penalised_scores, objective, missing),
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


def _penalised_score(trial: FrozenTrial, objective: Objective) -> float:
    """What ranks a trial among all of its study, as `Scored.penalised_score`."""
    if not objective.several:
        return float(trial.values[0])
    columns = {name: np.array([v]) for name, v in zip(objective.goals, trial.values, strict=True)}
    score = float(combine(columns, objective.weights)[0])
    return penalise(score, violation(trial.constraints.values()))


def _missing_columns(told: Sequence[FrozenTrial], objective: Objective) -> set[str]:
    """Scored structures that lack a value."""
    scored = (trial for trial in told if trial.user_attrs.get(OUTCOME) in ("new", "known"))
    structures = (trial.user_attrs.get(STRUCTURE) for trial in scored)
    return {structure for structure in structures if structure and objective.reasons(structure)}


def _failures(missing: Collection[str], objective: Objective) -> dict[str, dict[str, int]]:
    """How many structures lack a value, by objective and reason, the commonest first."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in objective.names}
    for structure in missing:
        for name, why in objective.reasons(structure).items():
            counts[name][why] += 1
    found: dict[str, dict[str, int]] = {}
    for name, counted in counts.items():
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        rest = sum(count for _, count in ordered[REASONS_KEPT:])
        kept = dict(ordered[:REASONS_KEPT]) | ({"other reasons": rest} if rest else {})
        if kept:
            found[name] = kept
    return found


def _best_known(
    starts: Sequence[str], told: Sequence[FrozenTrial], objective: Objective
) -> list[dict[str, Any]]:
    """The best of the starts and of the known structures that the study scored."""
    asked = (t.user_attrs for t in told if t.user_attrs.get(OUTCOME) == "known")
    scored = (attributes[STRUCTURE] for attributes in asked if RESULT in attributes)
    structures = list(dict.fromkeys([*starts, *scored]))
    rows = zip(structures, objective.score(structures), strict=True)
    whole = [(s, scored) for s, scored in rows if not objective.reasons(s)]
    ordered = sorted(whole, key=lambda row: (-row[1].penalised_score, row[0]))
    return [{"structure": s, **scored.columns()} for s, scored in ordered[:KNOWN_KEPT]]


def _why(structure: str, objective: Objective) -> dict[str, str]:
    reason = objective.reason(structure)
    return {REASON: reason} if reason else {}


def _counts(row: Mapping[str, Any]) -> bool:
    """Whether a row may be among the best: it breaks no constraint and lacks no value."""
    return row.get("feasible", True) and not row[REASON]


def _rows(
    told: Sequence[FrozenTrial], source: Source, objective: Objective, missing: Collection[str]
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
            REASON: objective.reason(p.structure) if p.structure in missing else "",
        }
        for trial, p, scored in zip(fresh, found, scores, strict=True)
    ]
    rank = {r["trial"]: -scored.penalised_score for r, scored in zip(rows, scores, strict=True)}
    rows.sort(key=lambda row: (bool(row[REASON]), rank[row["trial"]], row["trial"]))
    return rows


def _judge(rows: list[dict[str, Any]], local: Local, more: list[str]) -> list[dict[str, Any]]:
    """Rows that meet the local conditions, with what these measured."""
    columns, reasons = local.judge([row["structure"] for row in rows])
    for name, values in columns.items():
        if rows and name not in rows[0]:
            more.append(name)
            for row, value in zip(rows, values.tolist(), strict=True):
                row[name] = value
    return [row for row, reason in zip(rows, reasons, strict=True) if not reason]


def _add_layers(rows: list[dict[str, Any]], objective: Objective) -> list[dict[str, Any]]:
    """Sort rows that count by layer, the others stay behind; returns the front."""
    fit = [row for row in rows if _counts(row)]
    rest = [row | {LAYER: None} for row in rows if not _counts(row)]
    columns = [f"{name}_desirability" for name in objective.goals]
    points = np.array([[row[c] for c in columns] for row in fit]).reshape(-1, len(columns))
    order, layer = rank_points(points, np.array([row["score"] for row in fit]))
    rows[:] = [fit[i] | {LAYER: int(layer[i])} for i in order] + rest
    return [row for row in rows if row[LAYER] == 1]


def _found_rows(trial: FrozenTrial, missing: Collection[str]) -> bool:
    """Whether a trial found a new structure that has all values."""
    attributes = trial.user_attrs
    return attributes.get(OUTCOME) == "new" and attributes.get(STRUCTURE) not in missing


def _history(
    told: Sequence[FrozenTrial],
    penalised_scores: Sequence[float],
    objective: Objective,
    missing: Collection[str],
) -> list[dict[str, Any]]:
    history = []
    best, front = 0.0, Front()
    for trial, penalised_score in zip(told, penalised_scores, strict=True):
        point: dict[str, Any] = {"trial": trial.number, "score": penalised_score}
        if _found_rows(trial, missing):
            best = max(best, penalised_score)
            if objective.several and penalised_score >= 0:
                front.add(np.array(trial.values))
        point["best"] = best
        if objective.several:
            point["hypervolume"] = front.hypervolume
        history.append(point)
    return history


def _origins(
    told: Sequence[FrozenTrial], penalised_scores: Sequence[float], missing: Collection[str]
) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for trial, penalised_score in zip(told, penalised_scores, strict=True):
        origin = str((trial.user_attrs.get(PROPOSAL) or {}).get("origin", "given"))
        row = table.setdefault(origin, {"trials": 0, "new": 0, "best": 0.0})
        row["trials"] += 1
        if trial.user_attrs.get(OUTCOME) == "new":
            row["new"] += 1
        if _found_rows(trial, missing):
            row["best"] = max(row["best"], penalised_score)
    return table
