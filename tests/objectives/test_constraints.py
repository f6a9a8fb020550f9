"""Constraints: values that must lie somewhere and are no part of the score."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from nucleate.core.errors import SettingsError
from nucleate.objectives.constraints import penalise, resolve_limit, violation
from nucleate.objectives.objective import Objective
from nucleate.search.study import run_study as study_module
from nucleate.search.study.run_study import run_study
from nucleate.search.study.storage import open_study
from nucleate.settings.objective_texts import parse_constraint
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_matter import ToyMatter, ToyModel, parse, training_set

SUM = PropertySettings(property="sum")
NARROW = PropertySettings(property="spread", constraint=True, high=1.0)


@pytest.fixture(autouse=True)
def small_searches(monkeypatch):
    monkeypatch.setattr(study_module, "build_searcher", build_small_searcher)


def run(path, terms=(SUM, NARROW), training=None, **changes):
    training = training or training_set()
    values = {"trials": 60, "batch": 10, "starts": 3, "dimensions": 4, "objectives": terms}
    chosen = OptimizeSettings(**(values | changes))
    objective = Objective(ToyMatter(), chosen.objectives, how=chosen.combine)
    model = ToyModel(training)
    return run_study(
        model, objective, training, training, chosen, seed=3, path=path / "a.journal", name="a"
    )


def limit(reference=(), **values):
    term = PropertySettings(property="spread", constraint=True, **values)
    return resolve_limit(term, np.array(reference, float))


def test_excess_is_counted_in_tolerances_or_in_the_spread_of_what_is_known():
    values = np.array([-1.0, 0.0, 1.0, 2.0, 4.0])
    both = limit(low=0, high=2, tolerance=2.0)
    np.testing.assert_allclose(both(values), [0.5, 0, -0.5, 0, 1])
    np.testing.assert_allclose(limit(low=1, tolerance=1)(values), [2, 1, 0, -1, -3])
    reference = np.linspace(0, 100, 1001)
    np.testing.assert_allclose(limit(reference, high=50)(np.array([50.0, 140.0])), [0, 1])


def test_an_unknown_value_is_worse_than_the_worst_that_is_known():
    found = limit([0.0, 3.0, math.nan], high=1, tolerance=1.0)
    np.testing.assert_allclose(found(np.array([3.0, np.nan, np.inf])), [2, 3, 3])
    assert limit([], high=1)(np.array([np.nan]))[0] == 1


def test_feasible_ones_come_first_whatever_they_score():
    scores = [penalise(s, v) for s, v in ((0.9, 0), (0.0, 0), (1.0, 0.1), (1.0, 5), (0, 1e9))]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    assert violation([-3.0, 0.5, 2.0]) == 2.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs low, high or both"),
        ({"low": 2, "high": 1}, "must not exceed"),
        ({"high": 1, "goal": "minimise"}, "has no goal"),
        ({"high": 1, "target": 1}, "has no goal"),
    ],
)
def test_impossible_constraints_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        PropertySettings(property="spread", constraint=True, **values)


def test_the_score_knows_nothing_of_constraints():
    objective = Objective(ToyMatter(), (SUM, NARROW))
    objective.fit(training_set())
    plain = Objective(ToyMatter(), (SUM,))
    plain.fit(training_set())
    structures = ["1,1,1,2", "5,0,0,0", "3,3,3,3"]
    found = objective.score(structures)
    assert [s.score for s in found] == [s.score for s in plain.score(structures)]
    assert [s.feasible for s in found] == [True, False, False]  # the last has no spread: NaN
    assert found[0].penalised_score == found[0].score
    assert found[1].observed == (-found[1].violation / (1 + found[1].violation),)
    assert list(found[0].desirability) == ["sum"]
    assert found[1].columns()["feasible"] is False
    again = Objective.from_json(ToyMatter(), objective.to_json())
    assert [s.observed for s in again.score(structures)] == [s.observed for s in found]


@pytest.mark.parametrize("sampler", ["nucleate", "nsga2", "cmaes", "tpe", "random"])
def test_every_search_ranks_what_meets_them_first(tmp_path, sampler):
    result = run(tmp_path, sampler=sampler)
    feasible = [row["feasible"] for row in result.rows]
    assert feasible == sorted(feasible, reverse=True)
    assert feasible == [row["spread"] <= 1 for row in result.rows]
    summary = result.summary
    assert (summary["feasible"], summary["infeasible"]) == (
        feasible.count(True),
        feasible.count(False),
    )
    broken = [row["violation"] for row in result.rows if not row["feasible"]]
    assert broken == sorted(broken)
    assert summary["best_score"] == (result.rows[0]["score"] if feasible[0] else 0.0)


def test_optuna_knows_them_as_its_own(tmp_path):
    wide = PropertySettings(property="spread", constraint=True, high=6.0)
    result = run(tmp_path, (SUM, wide), sampler="random", radius=2.5)
    assert result.summary["failed"]
    with open_study(tmp_path / "a.journal", "a") as study:
        trials = study.get_trials()
        best = study.best_trial
    for trial in trials:
        (name,) = trial.constraints
        assert name == "spread"
        if trial.user_attrs["outcome"] == "new":
            values = parse(trial.user_attrs["structure"])
            inside = 0 < max(values) - min(values) <= 6
            assert (trial.constraints[name] <= 0) == inside == (trial.values[0] >= 0)
        else:
            assert trial.constraints[name] > 0
            assert trial.values[0] < 0
    assert best.constraints["spread"] <= 0


def test_the_search_is_drawn_to_where_they_are_met(tmp_path):
    directed = run(tmp_path / "a", trials=120).summary
    blind = run(tmp_path / "b", trials=120, sampler="random").summary
    assert directed["feasible"] > blind["feasible"]
    assert directed["best_score"] > 0.9


def test_patience_counts_the_way_to_the_first_that_meets_them(tmp_path):
    far = PropertySettings(property="sum", constraint=True, low=30.0)
    summary = run(tmp_path, (PropertySettings(property="spread"), far), trials=80, patience=40)
    assert min(p["score"] for p in summary.summary["history"]) < 0
    assert summary.summary["trials"] >= 50


def test_as_written_on_the_command_line():
    assert parse_constraint("logp<=5") == {"property": "logp", "high": 5.0, "constraint": True}
    assert parse_constraint("head=gap >= -1.5:tolerance=0.5") == {
        "head": "gap",
        "low": -1.5,
        "tolerance": 0.5,
        "constraint": True,
    }
    both = parse_constraint("logp:range=1..3")
    assert PropertySettings(**both).high == 3
    for wrong in ("logp", "logp=5", "<=5", "logp<=five"):
        with pytest.raises(SettingsError, match="--"):
            parse_constraint(wrong)
