"""Several objectives: layers, hypervolume, scalarisation, studies with a front."""

import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from nucleate.objectives.objective import Objective
from nucleate.objectives.pareto import Front, contributions, hypervolume, layers, rank_points
from nucleate.report import figures
from nucleate.search.scalarisation import Scalarisation, tchebycheff
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.study import run_study as study_module
from nucleate.search.study.run_study import run_study
from nucleate.search.study.storage import open_study
from nucleate.search.study.structure_sampler import StructureSampler
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_matter import ToyMatter, ToyModel, calls, training_set

TERMS = (
    PropertySettings(property="sum", low=-20, high=30),
    PropertySettings(property="spread", low=0, high=20),
)
clouds = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(0, 1, width=16)
)


@pytest.fixture(autouse=True)
def small_searches(monkeypatch):
    monkeypatch.setattr(study_module, "build_searcher", build_small_searcher)


def run(path, terms=TERMS, **changes):
    training = training_set()
    values = {"trials": 60, "batch": 10, "starts": 3, "dimensions": 4, "objectives": terms}
    chosen = OptimizeSettings(**({"combine": "pareto"} | values | changes))
    objective = Objective(ToyMatter(), chosen.objectives, how=chosen.combine)
    model = ToyModel(training)
    return run_study(
        model, objective, training, training, chosen, seed=3, path=path / "a.journal", name="a"
    )


def better(first, second):
    return bool((first >= second).all() and (first > second).any())


@settings(max_examples=60, deadline=None)
@given(clouds)
def test_layers_are_what_their_definition_says(points):
    found = layers(points)
    left = np.ones(len(points), bool)
    for number in range(1, found.max() + 1):
        first = [
            i for i in np.flatnonzero(left)
            if not any(better(points[j], points[i]) for j in np.flatnonzero(left))
        ]  # fmt: skip
        assert list(np.flatnonzero(found == number)) == first
        left[first] = False
    assert not left.any()


@settings(max_examples=60, deadline=None)
@given(clouds)
def test_a_front_that_grows_has_the_hypervolume_of_all(points):
    front = Front()
    gained = [front.add(point) for point in points]
    assert min(gained) >= -1e-12
    assert front.hypervolume == pytest.approx(sum(gained))
    assert front.hypervolume == pytest.approx(hypervolume(points))


def test_hypervolume_and_contributions_by_hand():
    points = np.array([[0.5, 0.5], [0.2, 0.9], [0.5, 0.5]])
    assert hypervolume(points) == pytest.approx(0.33)
    np.testing.assert_allclose(contributions(points), [0.15, 0.08, 0.15])
    order, layer = rank_points(np.array([[0.1, 0.1], [0.2, 0.9], [0.5, 0.5]]), np.zeros(3))
    assert order.tolist() == [2, 1, 0]
    assert layer.tolist() == [2, 1, 1]


@settings(max_examples=40, deadline=None)
@given(clouds, st.integers(0, 1000))
def test_scores_are_bounded_and_their_best_is_on_the_front(points, seed):
    weights = np.random.default_rng(seed).dirichlet(np.ones(points.shape[1]))
    scores = tchebycheff(points, weights)
    assert ((scores >= 0) & (scores <= 1)).all()
    best = points[scores >= scores.max() - 1e-12]
    assert any(not any(better(other, point) for other in points) for point in best)


class Told(Searcher):
    """Remembers what it was told, and how."""

    name = "told"

    def __init__(self):
        self.next, self.log = 0, []

    def ask(self, count):
        self.next += count
        return [Proposal(str(i), "next") for i in range(self.next - count, self.next)]

    def tell(self, structures, scores):
        self.log.append(("tell", list(structures), scores.tolist()))

    def rescore(self, structures, scores):
        self.log.append(("rescore", list(structures), scores.tolist()))


def test_all_is_told_again_under_other_weights_in_each_round():
    searcher = Told()
    scalarise = Scalarisation([1.0, 1.0], seed=0)
    scalarise.add("known", (0.5, 0.5))
    sampler = StructureSampler(searcher, batch=2, scalarise=scalarise)
    study = optuna.create_study(directions=["maximize"] * 2, sampler=sampler)
    study.optimize(lambda trial: (0.2 + trial.number / 10, 0.9), n_trials=6)
    kinds = [(kind, names) for kind, names, _ in searcher.log]
    assert kinds == [
        ("tell", ["known"]),
        ("rescore", ["known"]),
        ("tell", ["0", "1"]),
        ("rescore", ["known", "0", "1"]),
        ("tell", ["2", "3"]),
    ]
    first, *later = [scores[0] for _, names, scores in searcher.log if names[0] == "known"]
    assert len({first, *later}) == 3


def test_what_breaks_a_constraint_is_told_below_all_others():
    scalarise = Scalarisation([1.0, 2.0], seed=0)
    scalarise.add("good", (0.0, 0.0))
    scalarise.add("bad", (1.0, 1.0), 0.5)
    good, bad = scalarise.scores()
    assert good >= 0 > bad


@pytest.mark.parametrize("sampler", ["nucleate", "nsga2", "nsga3", "tpe", "random"])
def test_a_study_finds_a_front(tmp_path, sampler):
    calls.clear()
    result = run(tmp_path, sampler=sampler)
    assert set(calls.values()) == {1}
    points = np.array([[r["sum_desirability"], r["spread_desirability"]] for r in result.rows])
    layer = [row["pareto_layer"] for row in result.rows]
    assert layer == sorted(layer)
    assert layer == layers(points).tolist()
    summary = result.summary
    assert summary["front"] == layer.count(1)
    assert summary["hypervolume"] == pytest.approx(hypervolume(points))
    volumes = [point["hypervolume"] for point in summary["history"]]
    assert volumes == sorted(volumes)
    with open_study(tmp_path / "a.journal", "a", values=2) as study:
        assert len(study.directions) == 2
        front = {t.user_attrs["structure"] for t in study.best_trials}
    if not summary["known"]:
        assert {r["structure"] for r in result.rows if r["pareto_layer"] == 1} <= front


def test_a_search_of_ours_finds_more_than_chance(tmp_path):
    ours = run(tmp_path / "a", trials=150).summary["hypervolume"]
    chance = run(tmp_path / "b", trials=150, sampler="random", radius=1.0).summary["hypervolume"]
    assert ours > chance


def test_it_goes_on_where_it_was(tmp_path):
    first = run(tmp_path, trials=30).summary["history"]
    assert run(tmp_path, trials=50).summary["history"][:30] == first


def test_constraints_keep_structures_off_the_front(tmp_path):
    limit = PropertySettings(property="sum", constraint=True, high=5)
    result = run(tmp_path, (*TERMS, limit))
    feasible = [row["feasible"] for row in result.rows]
    assert feasible == sorted(feasible, reverse=True)
    assert 0 < sum(feasible) < len(feasible)
    assert all((row["pareto_layer"] is None) != row["feasible"] for row in result.rows)
    assert all(row["sum"] <= 5 for row in result.rows if row["pareto_layer"] == 1)


def test_patience_counts_gains_in_hypervolume(tmp_path):
    summary = run(tmp_path, trials=400, patience=30, sampler="random", radius=0.5).summary
    assert summary["trials"] < 400
    assert "no gain in hypervolume in" in summary["stopped"]


def test_a_mean_can_be_bought_off(tmp_path):
    structure = "-5,-5,-5,-5,".strip(",")
    scores = {}
    for how in ("mean", "desirability"):
        objective = Objective(ToyMatter(), TERMS, how=how)
        objective.fit(training_set())
        scores[how] = objective.score([structure, "9,9,9,-9"])
    assert scores["mean"][1].score == pytest.approx((38 / 50 + 18 / 20) / 2)
    assert scores["desirability"][1].score == pytest.approx((38 / 50 * 18 / 20) ** 0.5)
    assert scores["desirability"][0].score == 0


def test_cmaes_has_one_score():
    with pytest.raises(ValidationError, match="cmaes knows one score"):
        OptimizeSettings(combine="pareto", sampler="cmaes")


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_report_draws_front_and_hypervolume(objectives):
    rng = np.random.default_rng(0)
    found = pd.DataFrame(rng.random((20, objectives)), columns=list("abc")[:objectives])
    found["pareto_layer"] = layers(found.to_numpy())
    assert "front" in figures.front(found)
    history = pd.DataFrame({"trial": range(5), "hypervolume": np.linspace(0, 1, 5)})
    assert "hypervolume" in figures.hypervolume(history)
