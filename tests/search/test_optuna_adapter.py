"""Optuna's private names, as the adapter uses them: fails loudly where Optuna changes them."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import nucleate
from nucleate.search import optuna_adapter as adapter

ADAPTED = re.compile(
    r"study\._storage|\._trial_id|\._study_id|\._thread_local|optuna\.\w+\._|optuna\._"
)


@pytest.fixture(params=["memory", "journal", "sqlite"])
def study(request, tmp_path):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = {
        "memory": InMemoryStorage,
        "journal": lambda: JournalStorage(JournalFileBackend(str(tmp_path / "a.journal"))),
        "sqlite": lambda: optuna.storages.get_storage(f"sqlite:///{tmp_path / 'a.db'}"),
    }[request.param]()
    return optuna.create_study(storage=storage, study_name="a", direction="maximize")


def test_a_trial_is_made_written_to_and_ended_as_by_optuna(study):
    number = adapter.create_running_trial(study, {"a": 1})
    (trial,) = study.get_trials()
    assert adapter.trial_id(trial) == number
    assert (trial.state, trial.user_attrs) == (TrialState.RUNNING, {"a": 1})
    adapter.write_attributes(study, number, {"b": [2], "c": "d"})
    adapter.write_constraints(study, number, {"weight": -0.25})
    assert adapter.end_trial(study, number, TrialState.COMPLETE, [0.5])
    (trial,) = study.get_trials()
    assert (trial.state, trial.values) == (TrialState.COMPLETE, [0.5])
    assert trial.user_attrs == {"a": 1, "b": [2], "c": "d"}
    assert study.best_value == 0.5


def test_constraints_are_where_optuna_puts_and_looks_for_them(study):
    theirs = study.ask()
    theirs.set_constraint("weight", 0.25)
    ours = adapter.create_running_trial(study, {})
    adapter.write_constraints(study, ours, {"weight": 0.25})
    first, second = study.get_trials()
    assert first.system_attrs == second.system_attrs
    assert first.constraints == second.constraints == {"weight": 0.25}


def test_a_trial_that_has_ended_cannot_be_changed(study):
    number = adapter.create_running_trial(study, {})
    assert adapter.end_trial(study, number, TrialState.FAIL)
    assert not adapter.end_trial(study, number, TrialState.COMPLETE, [1.0])
    with pytest.raises(UpdateFinishedTrialError):
        adapter.write_attributes(study, number, {"a": 1})
    with pytest.raises(UpdateFinishedTrialError):
        adapter.write_constraints(study, number, {"a": 1.0})
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_studies_of_a_storage_are_told_apart(study):
    storage = study._storage
    again = optuna.load_study(study_name="a", storage=storage)
    other = optuna.create_study(study_name="b", storage=storage)
    assert adapter.same_study(study, again)
    assert not adapter.same_study(study, other)
    for value in (1.0, 2.0):
        trial = adapter.create_running_trial(study, {})
        adapter.end_trial(study, trial, TrialState.COMPLETE, [value])
    adapter.create_running_trial(study, {})
    frozen = {one.study_name: one for one in storage.get_all_studies()}
    assert isinstance(frozen["a"], adapter.FrozenStudy)
    assert [t.values for t in adapter.completed_trials(storage, frozen["a"])] == [[1.0], [2.0]]
    assert adapter.completed_trials(storage, frozen["b"]) == []


def test_the_loop_of_optimize_is_noticed():
    study = optuna.create_study()
    seen = []
    study.optimize(lambda trial: seen.append(adapter.in_optimize_loop(study)) or 0.0, n_trials=1)
    assert seen == [True]
    assert not adapter.in_optimize_loop(study)


def test_nobody_else_uses_private_names_of_optuna():
    source = Path(nucleate.__file__).parents[1]
    found = [
        f"{path.relative_to(source)}: {line.strip()}"
        for path in sorted(source.rglob("*.py"))
        if path.name != "optuna_adapter.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if ADAPTED.search(line)
    ]
    assert found == []
