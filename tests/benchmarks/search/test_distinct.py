"""The judge of a study's crystals, which knows nothing of what the study goes by."""

from __future__ import annotations

from pathlib import Path

from optuna.trial import TrialState

from nucleate.search.optuna_adapter import create_running_trial, end_trial
from nucleate.search.study.storage import open_study
from nucleate.search.trial_attributes import OUTCOME, RESULT, STRUCTURE
from nucleate_benchmarks.search.distinct import Judge, Judged, asked

SALT, SWOLLEN, OTHER = "225 a:Na b:Cl | 5.64", "225 a:Na b:Cl | 5.65", "221 a:Na b:Cl | 3.5"


def test_crystals_are_counted_by_what_the_matcher_says() -> None:
    judge = Judge([SALT, "225 a:K b:Cl | 6.3"])
    assert judge.judge([SWOLLEN, SALT, OTHER, "221 a:Na b:Cl | 3.6"]) == Judged(4, 2, 2)
    assert judge.judge([]) == Judged(0, 0, 0)


def test_calls_are_trials_that_were_given_values(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    with open_study(journal, "a") as study:
        for structure, outcome in ((SALT, "known"), (OTHER, "new"), (SWOLLEN, "duplicate")):
            about = {STRUCTURE: structure, OUTCOME: outcome}
            more = {} if outcome == "duplicate" else {RESULT: {"properties": {}}}
            end_trial(study, create_running_trial(study, about | more), TrialState.COMPLETE, [0.5])
        create_running_trial(study, {STRUCTURE: "221 a:Na b:Cl | 3.7", OUTCOME: "new"})
    assert asked(journal) == [SALT, OTHER]
