"""Searches around a lead, or among structures that keep a part."""

import numpy as np
import pytest
from pydantic import ValidationError

from nucleate.core.errors import SettingsError
from nucleate.crystals import Crystals
from nucleate.crystals.conditions.guide import CrystalGuide
from nucleate.molecules import Molecules
from nucleate.molecules.conditions.guide import MoleculeGuide
from nucleate.objectives.objective import Objective
from nucleate.search.study import run_study as study_module
from nucleate.search.study.local_search import Local, _window
from nucleate.search.study.run_study import run_study
from nucleate.search.study.storage import open_study
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.sample import Window
from nucleate.settings.study import LocalSettings, OptimizeSettings
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_guide import GuidedMatter
from nucleate.testing.toy_matter import ToyModel, calls, parse, training_set

LEAD = "8,-8,8,-8"
"""Far from the training set."""


@pytest.fixture(autouse=True)
def small_searches(monkeypatch):
    monkeypatch.setattr(study_module, "build_searcher", build_small_searcher)


def run(path, local, **changes):
    training = training_set()
    terms = (PropertySettings(property="sum"),)
    values = {"trials": 60, "batch": 10, "objectives": terms, "local": local}
    chosen = OptimizeSettings(**(values | changes))
    model = ToyModel(training, matter=GuidedMatter())
    objective = Objective(GuidedMatter(), chosen.objectives)
    return run_study(
        model, objective, training, training, chosen, seed=3, path=path / "a.journal", name="a"
    )


def local(training=None, **conditions):
    training = training or training_set()
    model = ToyModel(training, matter=GuidedMatter())
    return Local(model, LocalSettings(**conditions), training, 0)


def distance(structure, lead):
    return int(np.abs(np.array(parse(structure)) - np.array(parse(lead))).sum())


def test_the_lead_is_scored_first_and_every_row_is_near_it(tmp_path):
    calls.clear()
    result = run(tmp_path, {"like": LEAD, "similarity": "0.1.."})
    assert set(calls.values()) == {1}
    with open_study(tmp_path / "a.journal", "a") as study:
        first, *others = study.get_trials()
    assert first.user_attrs["structure"] == LEAD
    assert (first.user_attrs["outcome"], first.user_attrs["proposal"]["origin"]) == (
        "known",
        "start",
    )
    assert all(distance(t.user_attrs["structure"], LEAD) <= 9 for t in others)
    for row in result.rows:
        assert row["structure"] != LEAD
        assert row["similarity"] == 1 / (1 + distance(row["structure"], LEAD)) >= 0.1
    summary = result.summary
    assert (summary["lead"], summary["outside"]) == (LEAD, 0)
    assert summary["starts"][0]["structure"] == LEAD
    assert summary["best_score"] > summary["best_start_score"]


def test_it_goes_on_where_it_was(tmp_path):
    where = {"like": LEAD, "similarity": "0.1.."}
    first = run(tmp_path, where, trials=30).summary["history"]
    assert run(tmp_path, where, trials=50).summary["history"][:30] == first


def test_a_part_is_kept(tmp_path):
    result = run(tmp_path, {"scaffold": "3,*"}, trials=30)
    assert result.rows
    assert {parse(row["structure"])[0] for row in result.rows} == {3}


def test_what_is_excluded_is_not_there_and_starts_are_adapted(tmp_path):
    found = local(like="1,5,5,5", exclude=[1], similarity="0.2..")
    assert found.starts == ["1,5,5,5", "2,5,5,5"]
    result = run(tmp_path, {"like": "1,5,5,5", "exclude": [1], "similarity": "0.2.."}, trials=30)
    assert result.rows
    assert all(1 not in parse(row["structure"]) for row in result.rows)


def test_only_known_structures_that_meet_the_conditions_are_compared_with(tmp_path):
    summary = run(tmp_path, {"exclude": [4, 5]}).summary
    shown = [row["structure"] for name in ("starts", "best_known") for row in summary[name]]
    assert shown
    assert not any({4, 5} & set(parse(structure)) for structure in shown)


def test_a_property_has_to_lie_in_its_window(monkeypatch):
    monkeypatch.setattr("nucleate.search.study.local_search.heads_of", lambda model: {})
    monkeypatch.setattr("nucleate.generation.requirements.heads_of", lambda model: {})
    found = local(property={"sum": "..3"}, scaffold="3,*")
    assert found.accept(["3,0,0,0", "3,0,0,-1", "3,1,0,0", "4,-4,0,0"]).tolist() == [
        False,  # the part itself
        True,
        False,
        False,
    ]


def test_near_is_as_near_as_one_likes_unless_somebody_says_so():
    molecules, crystals = MoleculeGuide(Molecules()), CrystalGuide(Crystals())
    assert _window(molecules, LocalSettings(like="C")) == Window(low=0.4)
    assert _window(crystals, LocalSettings(like="x")) == Window(high=0.4)
    asked = LocalSettings(like="C", similarity="0.5..0.9")
    assert _window(molecules, asked) == Window(low=0.5, high=0.9)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"like": "4,4,4,4", "scaffold": "3,*"}, "like and scaffold contradict"),
        ({"like": "nonsense"}, "is not a list of numbers"),
        ({"colour": "red"}, "unknown key for toy"),
        ({"exclude": list(range(-9, 10))}, "none of 3 known structures"),
    ],
)
def test_contradictions_are_refused(conditions, message):
    with pytest.raises(SettingsError, match=message):
        local(["1,1,1,1", "2,2,2,2", "3,3,3,3"], **conditions)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"local": {"between": ["a", "b"]}}, "between: not offered"),
        ({"local": {"similarity": "0.4.."}}, "similarity is that to a lead"),
        ({"local": {"like": "a"}, "sampler": "tpe"}, "not offered for tpe"),
        ({"local": {"like": "a"}, "sampler": "random-prior"}, "not offered for random-prior"),
    ],
)
def test_settings_that_cannot_be_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        OptimizeSettings(**values)


def test_settings_that_ask_for_nothing_leave_the_course_as_it_was():
    plain = OptimizeSettings(objectives=(PropertySettings(property="sum"),))
    full = OptimizeSettings.model_validate(plain.model_dump())
    assert plain.course() == full.course() == {"objectives": [{"property": "sum"}]}
    assert "local" in OptimizeSettings(local={"like": "a"}).course()
