"""Optuna's study of a closed loop: it follows from what was proposed and told.

Proposals are running trials that belong to no worker (`attributes.PROPOSED`). A structure that is
complete is a complete trial whose value is its score at that time; one that could not be made or
was given up is a failed trial. Trials that have ended cannot be changed, so that a structure which
is measured again afterwards gets a further trial.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nucleate.campaign.batches import Batch
from nucleate.campaign.measurements import WITHDRAWN, Measurements
from nucleate.objectives.scored import Scored
from nucleate.search.optuna_adapter import (
    create_running_trial,
    end_trial,
    trial_id,
    write_attributes,
)
from nucleate.search.searcher import Proposal
from nucleate.search.trial_attributes import (
    MEASURED,
    OUTCOME,
    PROPOSAL,
    PROPOSED,
    REASON,
    RESULT,
    STRUCTURE,
    origin_attribute,
)

OWN = "own"
"""Origin of structures that were never proposed."""
FAILED = "failed"


def bring_up(
    study: optuna.Study,
    batches: Sequence[Batch],
    measurements: Measurements,
    scores: Mapping[str, Scored],
    failed: Mapping[str, str],
) -> None:
    """Make Optuna's study say what was proposed and told; what it says already stays.

    Args:
        scores: of complete structures.
        failed: why others failed.
    """
    latest: dict[str, FrozenTrial] = {}
    for trial in study.get_trials(deepcopy=False):
        if PROPOSED in trial.user_attrs:
            latest[trial.user_attrs[STRUCTURE]] = trial
    about: dict[str, dict[str, Any]] = {}
    for batch in batches:
        for p in batch.proposals:
            about[p.structure] = {
                PROPOSAL: origin_attribute(p.proposal),
                OUTCOME: "known" if p.known else "new",
                PROPOSED: {"id": p.id, "batch": batch.number, "date": batch.created},
            }
    for structure in measurements.observed:
        about.setdefault(structure, _own(structure, measurements.of(structure).proposal))
    for structure, attributes in about.items():
        told = measurements.of(structure)
        measured = told.to_json()
        ended: dict[str, Any] | None = None
        values: list[float] | None = None
        if structure in scores:
            scored = scores[structure]
            ended, values = {RESULT: _result(scored)}, [scored.penalised_score]
        elif structure in failed:
            ended = {OUTCOME: FAILED, REASON: failed[structure]}
        elif told.withdrawn is not None and not measured:
            ended = {OUTCOME: WITHDRAWN, REASON: told.withdrawn.reason}
        now = {**attributes, **({MEASURED: measured} if measured else {}), **(ended or {})}
        _write(study, structure, now, values, ended is not None, latest.get(structure))


def _write(
    study: optuna.Study,
    structure: str,
    now: Mapping[str, Any],
    values: list[float] | None,
    ended: bool,
    trial: FrozenTrial | None,
) -> None:
    if trial is not None and trial.state.is_finished():
        if all(_same(trial.user_attrs.get(key), now.get(key)) for key in (MEASURED, REASON)):
            return
        trial = None
    if trial is None:
        identity = create_running_trial(study, {STRUCTURE: structure, **now})
    else:
        identity = trial_id(trial)
        before = trial.user_attrs
        news = {k: v for k, v in now.items() if not _same(before.get(k), v)}
        write_attributes(study, identity, news)
    if ended:
        state = TrialState.FAIL if values is None else TrialState.COMPLETE
        end_trial(study, identity, state, values)


def _same(first: Any, second: Any) -> bool:
    """Whether two attributes are the same once written."""
    return json.dumps(first) == json.dumps(second)


def _own(structure: str, identity: str) -> dict[str, Any]:
    if identity:  # proposed by a batch whose files are lost
        about = {PROPOSED: {"id": identity}, OUTCOME: "new"}
        return {PROPOSAL: origin_attribute(Proposal(structure, "lost")), **about}
    return {
        PROPOSAL: origin_attribute(Proposal(structure, OWN)),
        OUTCOME: OWN,
        PROPOSED: {"id": "", "own": True},
    }


def _result(scored: Scored) -> dict[str, Any]:
    properties = {k: v if v == v else None for k, v in scored.raw.items()}
    return {"properties": properties, "desirability": scored.desirability}
