"""Everything of Optuna that is used beyond its public interface, in one place.

`Study.tell` and `Study.add_trial` read the study again each time and do not tell a trial's id; at
thousands of trials that costs more than the search. `tests/search/test_optuna_adapter.py` fails
loudly where a version of Optuna has changed any of this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, Trial, TrialState

__all__ = [
    "FrozenStudy",
    "completed_trials",
    "create_running_trial",
    "end_trial",
    "in_optimize_loop",
    "quiet_optuna",
    "same_study",
    "trial_id",
    "write_attributes",
    "write_constraints",
]

_CONSTRAINTS = "constraints:"
"""Begins the system attribute that Optuna's `Trial.set_constraint` writes."""


def trial_id(trial: FrozenTrial | Trial) -> int:
    """Return the id by which the storage knows a trial; its number counts within its study."""
    return trial._trial_id


def same_study(first: optuna.Study, second: optuna.Study) -> bool:
    """Return whether two objects are the same study of the same storage."""
    return first._storage is second._storage and first._study_id == second._study_id


def in_optimize_loop(study: optuna.Study) -> bool:
    """Return whether `Study.optimize` is running: only then may a study be stopped."""
    return bool(study._thread_local.in_optimize_loop)


def completed_trials(storage: BaseStorage, study: FrozenStudy) -> list[FrozenTrial]:
    """Return a study's completed trials, not copied."""
    states = (TrialState.COMPLETE,)
    return storage.get_all_trials(study._study_id, deepcopy=False, states=states)


def create_running_trial(study: optuna.Study, attributes: Mapping[str, Any]) -> int:
    """Make a running trial with these user attributes, in one operation; returns its id."""
    template = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs=dict(attributes))
    return study._storage.create_new_trial(study._study_id, template_trial=template)


def write_attributes(study: optuna.Study, trial: int, attributes: Mapping[str, Any]) -> None:
    """Write user attributes of a running trial.

    Raises:
        UpdateFinishedTrialError: it has ended.
    """
    for key, value in attributes.items():
        study._storage.set_trial_user_attr(trial, key, value)


def write_constraints(study: optuna.Study, trial: int, excesses: Mapping[str, float]) -> None:
    """Give a running trial its constraints, as Optuna's `Trial.set_constraint` does, which first
    reads the trial again.

    Raises:
        UpdateFinishedTrialError: it has ended.
    """
    for name, excess in excesses.items():
        study._storage.set_trial_system_attr(trial, _CONSTRAINTS + name, float(excess))


def end_trial(
    study: optuna.Study, trial: int, state: TrialState, values: Sequence[float] | None = None
) -> bool:
    """End a running trial; False if it had already ended."""
    try:
        return study._storage.set_trial_state_values(trial, state, values)
    except UpdateFinishedTrialError:
        return False


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Optuna says nothing but errors inside: what it would say of every study is ours to say."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)
