"""The judge of a study's crystals, which knows nothing of what the study goes by."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from optuna.trial import TrialState

from nucleate.core.files import write_json
from nucleate.core.manifest import MANIFEST_NAME
from nucleate.search.optuna_adapter import create_running_trial, end_trial
from nucleate.search.study.storage import open_study
from nucleate.search.trial_attributes import OUTCOME, RESULT, STRUCTURE
from nucleate.testing.toy_matter import features_of
from nucleate_benchmarks.search.distinct import DistinctSettings, Judge, Judged, asked, run

SALT, SWOLLEN, OTHER = "225 a:K b:At | 6.9", "225 a:K b:At | 6.95", "221 a:K b:At | 4.2"


def test_crystals_are_counted_by_what_the_matcher_says() -> None:
    judge = Judge([SALT, "225 a:Rb b:At | 7.1"])
    assert judge.judge([SWOLLEN, SALT, OTHER, "221 a:K b:At | 4.3"]) == Judged(4, 2, 2)
    assert judge.judge([]) == Judged(0, 0, 0)


def test_the_page_tells_what_each_study_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = asdict(features_of(tmp_path / "features", [SALT]))
    del facts["folder"]
    write_json(tmp_path / "features" / MANIFEST_NAME, facts)

    def study(model: str, objectives: Any, *, out: Path, **settings: Any) -> pd.DataFrame:
        assert (settings["sampler"], settings["trials"]) == ("cmaes", 4)
        out.mkdir(parents=True)
        with open_study(out / "study.journal", "a") as opened:
            for structure in (SWOLLEN, OTHER, "221 a:K b:At | 4.3"):
                about = {STRUCTURE: structure, OUTCOME: "new", RESULT: {"properties": {}}}
                end_trial(opened, create_running_trial(opened, about), TrialState.COMPLETE, [0.5])
        found = pd.DataFrame({"crystal": [OTHER, SWOLLEN], "energy": [-1.0, -0.5]})
        found.attrs["summary"] = {"stopped": "all 4 trials are scored"}
        return found

    monkeypatch.setattr("nucleate.api.search_verbs.optimize", study)
    settings = DistinctSettings(
        features=str(tmp_path / "features"), labels="labels.csv", energy="energy",
        samplers=("cmaes",), calls=4, work=str(tmp_path / "work"),
    )  # fmt: skip
    results, paths = run(settings, tmp_path / "page", "nucleate benchmark distinct")
    assert results["details"]["cmaes"]["best"] == {"crystals": 2, "distinct": 2, "known": 1}
    assert results["details"]["cmaes"]["calls"] == {"crystals": 3, "distinct": 2, "known": 1}
    page = paths[1].read_text()
    assert "| different among the best 2 | 2 |" in page
    assert "| calls to a crystal asked before | 1 |" in page


def test_calls_are_trials_that_were_given_values(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    with open_study(journal, "a") as study:
        for structure, outcome in ((SALT, "known"), (OTHER, "new"), (SWOLLEN, "duplicate")):
            about = {STRUCTURE: structure, OUTCOME: outcome}
            more = {} if outcome == "duplicate" else {RESULT: {"properties": {}}}
            end_trial(study, create_running_trial(study, about | more), TrialState.COMPLETE, [0.5])
        create_running_trial(study, {STRUCTURE: "221 a:K b:At | 4.4", OUTCOME: "new"})
    assert asked(journal) == [SALT, OTHER]
