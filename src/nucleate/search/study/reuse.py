"""Values that other studies of the same storage have paid for.

Another goal, weight or sampler makes another study, but not another value of a property. So each
study says what computes its columns (`COMPUTED`), and a study that opens takes over the values of
all structures that others have scored by the same means, known structures included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import optuna

from nucleate.objectives.build_objectives import Computation
from nucleate.objectives.objective import Objective
from nucleate.search.optuna_adapter import FrozenStudy
from nucleate.search.study.storage import Storage
from nucleate.search.trial_attributes import OUTCOME, REFERENCE, RESULT, STRUCTURE

COMPUTED = "computed_by"
"""Study attribute: for each column its name and the two digests of its `Computation`."""

_Value = float | None


def state_computations(
    study: optuna.Study, objective: Objective, computations: Sequence[Computation]
) -> None:
    """Write down what computes a study's columns.

    Args:
        computations: of the objective's terms; none if its values are not for other studies.
    """
    stated = [
        [name, one.what, one.limits]
        for name, one in zip(objective.names, computations, strict=bool(computations))
    ]
    if stated and study.user_attrs.get(COMPUTED) != stated:
        study.set_user_attr(COMPUTED, stated)


def reuse(
    storage: Storage, name: str, objective: Objective, computations: Sequence[Computation]
) -> int:
    """Let the objective remember what other studies know; returns of how many structures.

    Only of those studies in which every term is computed by the same means. What failed there is
    left out where it was run within other limits.

    Args:
        name: of the study that opens.
    """
    taken: set[str] = set()
    for other in storage.others(name) if computations else ():
        columns = _columns(other, computations)
        if columns is None:
            continue
        for structure, values, reasons in _known(storage, other):
            if structure in taken or any(column not in values for column, _ in columns):
                continue
            found = [values[column] for column, _ in columns]
            if any(v is None and not same for v, (_, same) in zip(found, columns, strict=True)):
                continue
            theirs = zip(objective.names, columns, strict=True)
            why = {own: reasons[column] for own, (column, _) in theirs if column in reasons}
            objective.remember(structure, dict(zip(objective.names, found, strict=True)), why)
            taken.add(structure)
    return len(taken)


def _columns(
    other: FrozenStudy, computations: Sequence[Computation]
) -> list[tuple[str, bool]] | None:
    """For each term another study's column, and whether it is run within the same limits; None if
    any is missing."""
    stated = {what: (name, limits) for name, what, limits in other.user_attrs.get(COMPUTED, ())}
    if any(one.what not in stated for one in computations):
        return None
    found = [(*stated[one.what], one.limits) for one in computations]
    return [(name, limits == own) for name, limits, own in found]


def _known(
    storage: Storage, other: FrozenStudy
) -> Iterator[tuple[str, Mapping[str, _Value], Mapping[str, str]]]:
    """Structures that another study has scored, values by column, reasons of those that failed."""
    for trial in storage.scored_trials(other):
        result: dict[str, Any] | None = trial.user_attrs.get(RESULT)
        if result is not None and trial.user_attrs.get(OUTCOME) in ("new", "known"):
            yield trial.user_attrs[STRUCTURE], result["properties"], result.get("reasons", {})
    reference = other.user_attrs.get(REFERENCE, {"structures": (), "raw": ()})
    names = [name for name, _, _ in other.user_attrs[COMPUTED]]
    for structure, row in zip(reference["structures"], reference["raw"], strict=False):
        yield structure, dict(zip(names, row, strict=True)), {}
