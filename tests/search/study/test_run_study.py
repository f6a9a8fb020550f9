import json
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.matter.part import part
from nucleate.objectives.build_objectives import Computation
from nucleate.objectives.objective import Objective
from nucleate.objectives.property import ObjectiveProperty
from nucleate.search.latent_boxes.optuna_samplers import (
    build_sampler,
    coordinate_names,
    distributions,
)
from nucleate.search.optuna_adapter import create_running_trial as create
from nucleate.search.study import run_study as study_module
from nucleate.search.study.run_study import run_study
from nucleate.search.study.storage import open_storage, open_study
from nucleate.search.study.trial_index import TrialIndex, fail
from nucleate.search.trial_attributes import ABANDONED, PROPOSAL, RESULT, STRUCTURE
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.searchers import searcher_names
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_matter import (
    SMALL,
    ToyMatter,
    ToyModel,
    ToyProperties,
    calls,
    training_set,
)

STOCK = ("tpe", "cmaes", "gp", "nsga2", "nsga3", "qmc", "random")
OURS = ("nucleate", "latent", "random-prior", "best-of-data")


@pytest.fixture(autouse=True)
def small_searches(monkeypatch):
    """Searches of ours that do not ask the toy model what only a network can say."""
    monkeypatch.setattr(study_module, "build_searcher", build_small_searcher)


TERMS = (
    PropertySettings(property="sum"),
    PropertySettings(property="spread", goal="minimise", low=0, high=20),
)


def settings(**changes):
    values = {"trials": 80, "batch": 10, "starts": 3, "dimensions": 4, "objectives": TERMS}
    return OptimizeSettings(**(values | changes))


def run(tmp_path, model=None, name="study", training=None, objective=None, **changes):
    training = training or training_set()
    more = {k: changes.pop(k) for k in ("computations", "say", "interruptible") if k in changes}
    chosen = settings(**changes)
    return run_study(
        model or ToyModel(training),
        objective or Objective(ToyMatter(), chosen.objectives),
        training,
        training,
        chosen,
        seed=3,
        path=tmp_path / "study.journal",
        name=name,
        **more,
    )


def test_settings_name_every_search():
    assert set(OURS) < set(searcher_names(boxes=False))
    assert set(searcher_names(boxes=True)) == set(STOCK)


@pytest.mark.parametrize("sampler", STOCK)
def test_every_sampler_finds_new_structures_in_silence(tmp_path, sampler, capsys):
    calls.clear()
    trials = 18 if sampler == "gp" else 60
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(tmp_path, sampler=sampler, trials=trials, batch=6)
    summary = result.summary
    # Repetitions cost nothing of the budget, and are told all the same.
    assert summary["new"] + summary["known"] == summary["trials"] == trials
    told = trials + summary["duplicates"] + summary["failed"]
    assert len(summary["history"]) == told
    assert summary["new"] == len(result.rows) > 0
    assert set(calls.values()) == {1}
    known = set(training_set())
    structures = [row["structure"] for row in result.rows]
    assert len(set(structures)) == len(structures)
    assert not known & set(structures)
    scores = [row["score"] for row in result.rows]
    assert scores == sorted(scores, reverse=True)
    best = [point["best"] for point in summary["history"]]
    assert best == sorted(best)
    assert best[-1] == summary["best_score"] == scores[0]
    out, err = capsys.readouterr()
    assert out == err == ""


@pytest.mark.parametrize("sampler", OURS)
def test_every_search_of_ours_scores_no_structure_twice(tmp_path, sampler, capsys):
    calls.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(tmp_path, sampler=sampler, trials=40, reference=256)
    summary = result.summary
    assert set(calls.values()) == {1}
    assert summary["duplicates"] == summary["failed"] == 0
    if sampler == "best-of-data":
        # Those of the reference sample are known without asking; known ones are no discovery.
        left = len(set(training_set())) - 256
        assert (summary["known"], result.rows) == (left, [])
        assert summary["stopped"].startswith("exhausted")
        assert summary["best_score"] == 0.0
    elif sampler == "random-prior":  # the toy model has no prior to draw from: only data is left
        assert summary["known"] + summary["new"] == summary["trials"]
    else:
        assert summary["known"] + summary["new"] == summary["trials"] == 40
        assert summary["stopped"] == "all 40 trials are scored"
        assert summary["best_score"] >= summary["best_start_score"]
        row = result.rows[0]
        assert row["parent"] == row["parents"][0]
        assert row["origin"] in summary["origins"]
        assert len(row["latent"]) == 4
    assert not set(training_set()) & {row["structure"] for row in result.rows}
    out, err = capsys.readouterr()
    assert out == err == ""


def test_a_database_holds_the_same_study(tmp_path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    first = run(tmp_path / "a", storage=url, trials=30)
    calls.clear()
    more = run(tmp_path / "b", storage=url, trials=40)
    assert more.summary["history"][:30] == first.summary["history"]
    assert set(calls.values()) == {1}
    assert len(calls) == 10
    boxes = run(tmp_path / "c", storage=url, name="boxes", sampler="tpe", trials=20, batch=5)
    assert boxes.summary["trials"] == 20


def test_trials_carry_what_a_dashboard_shows(tmp_path):
    result = run(tmp_path, trials=20)
    with open_study(tmp_path / "study.journal", "study") as study:
        trial = study.get_trials()[result.rows[0]["trial"]]
    assert trial.user_attrs["structure"] == result.rows[0]["structure"]
    assert trial.user_attrs["outcome"] == "new"
    assert trial.user_attrs[PROPOSAL]["parents"] == result.rows[0]["parents"]
    assert trial.user_attrs[RESULT]["properties"]["sum"] == result.rows[0]["sum"]
    assert trial.values == [result.rows[0]["score"]]


def test_patience_ends_a_study_and_says_so(tmp_path):
    summary = run(tmp_path, sampler="random", trials=400, patience=30, radius=0.5).summary
    assert summary["trials"] < 400
    assert "no better score in" in summary["stopped"]
    again = run(tmp_path, sampler="random", trials=400, patience=30, radius=0.5).summary
    assert again["trials"] == summary["trials"]


def test_collapse_ends_a_study_and_says_so(tmp_path):
    small = {"sampler": "random", "radius": 0.1, "collapse": 0.05, "trials": 600, "starts": 1}
    summary = run(tmp_path, **small).summary
    assert summary["trials"] < 600
    assert summary["stopped"].startswith("collapse")


def test_studies_of_other_settings_share_a_journal_and_go_on(tmp_path):
    said = []
    first = run(tmp_path, trials=20, say=said.append)
    run(tmp_path, trials=10, name="other", say=said.append)
    again = run(tmp_path, trials=30, say=said.append)
    assert again.summary["history"][:20] == first.summary["history"]
    assert [path.name for path in tmp_path.iterdir()] == ["study.journal"]
    kept = [line for line in said if "study" in line]
    assert len(kept) == 2
    assert kept[0].startswith("Other settings begin another study")
    assert "It keeps 1 other study (20 trials scored)" in kept[0]
    assert kept[1].startswith("Going on with the study of these settings (20 trials scored)")
    assert "also holds 1 other study (10 trials scored)" in kept[1]


SAME = (Computation("sum", ""), Computation("spread", ""))


@pytest.mark.parametrize("url", [False, True])
def test_values_that_another_study_paid_for_are_taken_over(tmp_path, url):
    calls.clear()
    place = {"storage": f"sqlite:///{tmp_path / 'a.db'}"} if url else {}
    run(tmp_path, trials=20, computations=SAME, **place)
    assert len(calls) == 84
    fewer = TERMS[:1]  # of other weight and in another place
    run(tmp_path, trials=20, name="b", objectives=fewer, computations=SAME[:1], **place)
    assert set(calls.values()) == {1}
    swapped = {"objectives": TERMS[::-1], "computations": SAME[::-1], **place}
    rows = run(tmp_path, trials=20, name="c", sampler="random", **swapped).rows
    assert all(row["sum"] == sum(map(int, row["structure"].split(","))) for row in rows)
    known = dict(calls)
    run(tmp_path, trials=5, name="d", computations=(SAME[0], Computation("x", "")), **place)
    assert sum(calls.values()) == sum(known.values()) + 64 + 5


@pytest.mark.parametrize(("limits", "again"), [("10 s", 0), ("20 s", 1)])
def test_what_failed_elsewhere_is_tried_again_within_other_limits(tmp_path, limits, again):
    equal = "3,3,3,3"  # has no spread
    training = [equal, *training_set()[:20]]
    for name, limit in (("a", "10 s"), ("b", limits)):
        calls.clear()
        terms = (SAME[0], Computation("spread", limit))
        run(tmp_path, trials=1, name=name, computations=terms, training=training)
    assert calls[equal] == again


def test_nothing_is_written_for_an_objective_that_fails(tmp_path):
    run(tmp_path / "a", trials=20)
    before = (tmp_path / "a" / "study.journal").read_bytes()
    objective = Objective(ToyMatter(), TERMS)

    def nothing(structures):
        return np.full(len(structures), np.nan)

    objective.properties[0] = ObjectiveProperty("sum", "", "my sum", nothing)
    for folder in ("a", "b"):
        with pytest.raises(SettingsError, match=r"my sum.*no value for any"):
            run(tmp_path / folder, name="other", objective=objective, batch=4)
    assert (tmp_path / "a" / "study.journal").read_bytes() == before
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("sampler", ["nucleate", "cmaes"])
@pytest.mark.parametrize("url", [False, True])
def test_an_interrupted_study_says_what_it_found_and_goes_on(tmp_path, sampler, url):
    calls.clear()
    place = {"storage": f"sqlite:///{tmp_path / 'a.db'}"} if url else {}
    given = {"sampler": sampler, "trials": 50, "interruptible": True, **place}
    after = 15 if sampler == "cmaes" else 200
    result = run(tmp_path, ToyModel(training_set(), fail_after=after), **given)
    assert result.summary["stopped"] == "interrupted"
    assert 0 < result.summary["trials"] < 50
    assert len(result.rows) == result.summary["new"]
    with open_storage(tmp_path / "study.journal", settings(**place).storage) as storage:
        trials = storage.find("study").get_trials()
    ended = [t.user_attrs["reason"] for t in trials if t.state == TrialState.FAIL]
    assert set(ended) <= {"interrupted"}
    assert not [t for t in trials if t.state == TrialState.RUNNING]
    whole = run(tmp_path, **given)
    before = result.summary["history"]
    assert whole.summary["history"][: len(before)] == before
    assert whole.summary["stopped"] == "all 50 trials are scored"
    assert set(calls.values()) == {1}


def test_a_study_interrupted_before_it_found_anything_writes_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ToyModel(training_set(), fail_after=1), sampler="tpe", interruptible=True)


def test_a_structure_is_not_to_blame_for_interruptions(tmp_path):
    with open_study(tmp_path / "a.journal", "a") as study:
        for reason in ("interrupted",) * 3 + ("its process ended",) * 2:
            fail(study, create(study, {STRUCTURE: "1,2,3,4"}), ABANDONED, reason)
        assert TrialIndex(study).read().left_over()


@pytest.mark.parametrize("sampler", ["nucleate", "latent"])
def test_our_killed_study_loses_and_doubles_nothing(tmp_path, sampler):
    calls.clear()
    model = ToyModel(training_set(), fail_after=400)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, model, sampler=sampler, reference=256)
    scored = dict(calls)
    assert len(scored) > 256
    resumed = run(tmp_path, sampler=sampler, reference=256)
    assert set(calls.values()) == {1}
    assert set(scored) <= set(calls)
    assert resumed.summary["trials"] == 80


class DyingProperties(ToyProperties):
    """Dies in the middle of scoring what is known."""

    def build(self, name, arguments):
        built = super().build(name, arguments)

        def compute(structures):
            if name == "sum" and len(calls) >= 25:
                raise KeyboardInterrupt
            return built.compute(structures)

        return replace(built, compute=compute)


class Dying(ToyMatter):
    properties = part(DyingProperties)


def test_what_is_known_is_scored_batch_by_batch_and_once(tmp_path):
    calls.clear()
    training, chosen = training_set(), settings(trials=10, reference=40)
    with pytest.raises(KeyboardInterrupt):
        run_study(
            ToyModel(training),
            Objective(Dying(), chosen.objectives),
            training,
            training,
            chosen,
            seed=3,
            path=tmp_path / "study.journal",
            name="study",
        )
    scored = dict(calls)
    assert len(scored) == 30
    result = run(tmp_path, trials=10, reference=40)
    assert set(calls.values()) == {1}
    assert len(calls) == 50
    assert result.summary["trials"] == 10


@pytest.mark.parametrize(("cheap", "count"), [(True, 256), (False, 64)])
def test_fewer_known_structures_are_scored_where_it_takes_long(tmp_path, cheap, count):
    calls.clear()
    objective = Objective(ToyMatter(), settings().objectives)
    objective.properties = [replace(one, is_cheap=cheap) for one in objective.properties]
    training, chosen = training_set(), settings(trials=10)
    path = tmp_path / "study.journal"
    run_study(
        ToyModel(training), objective, training, training, chosen, seed=3, path=path, name="study"
    )
    assert len(calls) == count + 10


def test_known_structures_are_no_trials_however_few_are_scored_first(tmp_path, monkeypatch):
    alone = SMALL.model_copy(update={"pool": 0})
    monkeypatch.setattr(
        study_module, "build_searcher", partial(build_small_searcher, settings=alone)
    )
    summary = run(tmp_path, sampler="nucleate", trials=10, reference=SMALL.initial // 2).summary
    assert (summary["trials"], summary["known"]) == (10, 0)


def test_cmaes_does_better_than_random_search_and_than_its_starts(tmp_path):
    wide = {"trials": 400, "batch": 20, "radius": 3.0}
    directed = run(tmp_path / "a", sampler="cmaes", **wide).summary
    blind = run(tmp_path / "b", sampler="random", **wide).summary
    assert directed["best_score"] > blind["best_score"]
    assert directed["best_score"] > directed["best_start_score"]


@pytest.mark.parametrize("sampler", ["cmaes", "tpe", "qmc"])
def test_a_killed_study_goes_on_as_if_nothing_had_happened(tmp_path, sampler):
    whole = run(tmp_path / "whole", sampler=sampler)
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", ToyModel(training_set(), fail_after=35), sampler=sampler)
    journal = tmp_path / "killed" / "study.journal"
    with journal.open("ab") as file:
        file.write(b'{"op_code": 5, "half a li')  # killed while writing
    resumed = run(tmp_path / "killed", sampler=sampler)
    assert set(calls.values()) == {1}
    assert resumed.summary["trials"] == 80
    if sampler == "qmc":  # the points that the killed batch was given are spent
        return
    names = ("structure", "latent", "score")
    assert [[row[n] for n in names] for row in resumed.rows] == [
        [row[n] for n in names] for row in whole.rows
    ]


def test_cmaes_begins_with_steps_as_wide_as_its_regions():
    """A greedy decoder writes the centre's structure for all that is near."""
    study = optuna.create_study(
        sampler=build_sampler("cmaes", regions=1, dimensions=4, batch=60, seed=0, finished=0)
    )
    first = [study.ask(distributions(1, 4)).params for _ in range(60)]
    points = np.array([[p[name] for name in coordinate_names(4)] for p in first])
    assert (points.std(0) > 0.4).all()


def test_one_dimension_and_one_region(tmp_path):
    summary = run(tmp_path, sampler="cmaes", dimensions=1, starts=1).summary
    # There is nothing else on that line, and going round it costs nothing of the budget.
    assert 10 < summary["new"] + summary["known"] == summary["trials"] < 80
    assert summary["stopped"].startswith("collapse")


def test_more_trials_continue_and_other_settings_start_anew(tmp_path):
    first = run(tmp_path, trials=40)
    more = run(tmp_path, trials=60)
    assert more.summary["history"][:40] == first.summary["history"]
    assert run(tmp_path, name="other", trials=40).summary["trials"] == 40


def test_failed_decodes_are_told_zero_and_counted(tmp_path):
    summary = run(tmp_path, sampler="random", radius=3.0).summary
    assert summary["failed"] > 0
    assert summary["trials"] == 80
    zeros = sum(point["score"] == 0.0 for point in summary["history"])
    assert zeros >= summary["failed"]


@pytest.mark.parametrize("collapse", [0.0, None])
def test_a_study_that_only_repeats_itself_ends(tmp_path, collapse):
    narrow = {"sampler": "random", "radius": 1e-6, "starts": 1, "collapse": collapse}
    summary = run(tmp_path, **narrow).summary
    assert (summary["trials"], summary["new"], summary["known"]) == (1, 0, 1)
    assert summary["stopped"].startswith("collapse")
    # The first one, which was news, has left the window with the batch after it.
    assert summary["duplicates"] == (200 if collapse is not None else 1000) + 9


@pytest.mark.parametrize("sampler", ["random", "cmaes", "tpe"])
def test_a_known_structure_is_told_its_own_score_once(tmp_path, sampler):
    """The centres are the best that is known: no sampler may learn that nothing is worse."""
    calls.clear()
    summary = run(tmp_path, sampler=sampler, radius=0.3, trials=12, starts=2).summary
    scores = {start["structure"]: start["score"] for start in summary["starts"]}
    with open_study(tmp_path / "study.journal", "study") as study:
        told = study.get_trials()
    seen = set()
    for trial in told:
        structure = trial.user_attrs["structure"]
        outcome = trial.user_attrs["outcome"]
        assert (structure in seen) == (outcome == "duplicate")
        if outcome == "duplicate":
            assert trial.value == 0.0
        elif structure in scores:
            assert outcome == "known"
            assert trial.value == pytest.approx(scores[structure])
        seen.add(structure)
    assert seen & set(scores)
    assert summary["duplicates"] > 0
    assert set(calls.values()) == {1}


def test_rows_decode_from_their_own_latent(tmp_path):
    model = ToyModel(training_set())
    result = run(tmp_path, model, sampler="cmaes")
    latents = np.array([row["latent"] for row in result.rows], np.float32)
    again = [item.structure for item in model.decode(latents)]
    assert again == [row["structure"] for row in result.rows]
    assert json.dumps(result.summary)


def test_a_study_in_use_or_damaged_is_refused(tmp_path):
    path = tmp_path / "study.journal"
    with open_study(path, "a"), pytest.raises(ResultsError, match="in use"), open_study(path, "a"):
        pass
    path.write_text('{"op_code": 4, "study_id": 7}\nnot json\n')
    with pytest.raises(ResultsError, match="damaged"), open_study(path, "a"):
        pass
