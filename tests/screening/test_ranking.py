from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.matter.checks import Candidate
from nucleate.objectives.objective import Objective
from nucleate.screening import ranking
from nucleate.settings.objectives import PropertySettings
from nucleate.testing.toy_matter import ToyMatter, calls


def test_scored_candidates_come_first_then_the_likelier_ones():
    rows = [
        Candidate("a", {"score": None, "log_likelihood": -1.0}),
        Candidate("b", {"score": 0.2, "log_likelihood": -9.0}),
        Candidate("c", {"log_likelihood": float("nan")}),
        Candidate("d", {"score": 0.9}),
        Candidate("e", {"log_likelihood": -0.5}),
    ]
    assert [c.structure for c in ranking.order(rows)] == ["d", "b", "e", "a", "c"]


def test_a_replaced_structure_is_scored_anew_and_a_known_one_is_not():
    objective = Objective(ToyMatter(), [PropertySettings(property="sum", low=0, high=10)])
    objective.fit([])
    objective.remember("1,1,1,1", {"sum": 4.0})
    calls.clear()
    rows = [
        Candidate("1,1,1,1", {"sum": 4.0, "score": 0.4}),
        Candidate("2,2,2,2", {"sum": 1.0, "score": 0.1, "decoded_structure": "1,0,0,0"}),
    ]
    ranking.score(rows, objective)
    assert calls == {"2,2,2,2": 1}
    assert [c.columns["score"] for c in rows] == [0.4, 0.8]
    assert {c.columns["score_basis"] for c in rows} == {"objective"}


def test_without_an_objective_the_likelihood_decides():
    rows = [Candidate(str(i), {"log_likelihood": float(-i)}) for i in range(5)]
    ranking.score(rows, None)
    assert [c.columns["score"] for c in rows] == pytest.approx([1, 0.75, 0.5, 0.25, 0])
    assert rows[0].columns["score_basis"] == "log_likelihood"


def test_without_either_nothing_is_claimed():
    rows = [Candidate("a"), Candidate("b")]
    ranking.score(rows, None)
    assert "score" not in rows[0].columns


def both(**weights):
    objective = Objective(
        ToyMatter(),
        [
            PropertySettings(property="sum", low=0, high=20, weight=weights.get("sum", 1.0)),
            PropertySettings(property="spread", low=0, high=9),
        ],
    )
    objective.fit([])
    return objective


NUMBERS = st.lists(
    st.lists(st.integers(0, 5), min_size=4, max_size=4).map(lambda v: ",".join(map(str, v))),
    unique=True,
    max_size=12,
)


@given(NUMBERS)
def test_layers_are_of_those_that_none_betters(structures):
    objective = both()
    rows = [Candidate(s) for s in structures]
    ranking.score(rows, objective)
    ordered = ranking.settle(rows, objective, "pareto")
    assert sorted(c.structure for c in ordered) == sorted(structures)
    points = {
        c.structure: (c.columns["sum_desirability"], c.columns["spread_desirability"])
        for c in ordered
    }

    def betters(one, other):
        pairs = list(zip(points[one], points[other], strict=True))
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)

    found = {c.structure: c.columns["pareto_layer"] for c in ordered}
    for structure, layer in found.items():
        above = [found[other] for other in structures if betters(other, structure)]
        assert layer == max(above, default=0) + 1
    assert [c.columns["pareto_layer"] for c in ordered] == sorted(found.values())


def test_by_score_the_layers_only_stand_beside():
    objective = both()
    rows = [Candidate("5,0,0,0"), Candidate("5,5,5,5"), Candidate("4,4,4,0"), Candidate("1,1,1,0")]
    ranking.score(rows, objective)
    ordered = ranking.settle(rows, objective)
    scores = [c.columns["score"] for c in ordered]
    assert scores == sorted(scores, reverse=True)
    assert {c.structure: c.columns["pareto_layer"] for c in ordered} == {
        "5,0,0,0": 1,
        "5,5,5,5": 1,
        "4,4,4,0": 1,
        "1,1,1,0": 2,
    }
    limits = {c.structure: c.columns["score_limited_by"] for c in ordered}
    assert limits["5,0,0,0"] == "sum"
    assert limits["5,5,5,5"] == "spread"


def test_ties_are_told_with_what_breaks_them():
    rows = [
        Candidate("b", {"score": 0.5, "log_likelihood": -2.0}),
        Candidate("a", {"score": 0.5 + 1e-13, "log_likelihood": -3.0}),
        Candidate("c", {"score": 0.9}),
        Candidate("e", {"score": 0.1}),
        Candidate("d", {"score": 0.1}),
    ]
    ordered = ranking.settle(rows, None)
    told = [(c.structure, c.columns["rank_tied"], c.columns["tied_with"]) for c in ordered]
    assert told[0] == ("c", 1, 0)
    assert told[1:3] == [("b", 2, 1), ("a", 2, 1)]
    assert told[3:] == [("d", 4, 1), ("e", 4, 1)]
    assert [c.columns["tie_break"] for c in ordered] == [
        None,
        *["log_likelihood"] * 2,
        *["structure"] * 2,
    ]


def test_what_was_not_judged_stands_behind_its_equals():
    rows = [
        Candidate("a", {"score": 0.5, "log_likelihood": -1.0, "not_judged": "elastic, smact"}),
        Candidate("b", {"score": 0.5, "log_likelihood": -2.0, "not_judged": "elastic"}),
        Candidate("c", {"score": 0.5, "log_likelihood": -3.0}),
        Candidate("d", {"score": 0.6, "not_judged": "elastic"}),
    ]
    ordered = ranking.settle(rows, None)
    assert [c.structure for c in ordered] == ["d", "c", "b", "a"]
    assert [c.columns["rank_tied"] for c in ordered] == [1, 2, 3, 4]


def test_what_breaks_a_constraint_stands_last():
    objective = both()
    rows = [
        Candidate("5,5,5,0", {"feasible": False, "violation": 0.4}),
        Candidate("4,4,4,0", {"feasible": False, "violation": 0.1}),
        Candidate("1,1,1,0", {"feasible": True, "violation": 0.0}),
    ]
    ranking.score(rows, objective)
    for by in ("score", "pareto"):
        ordered = ranking.settle(rows, objective, by)
        assert [c.structure for c in ordered] == ["1,1,1,0", "4,4,4,0", "5,5,5,0"]
        assert [c.columns["pareto_layer"] for c in ordered] == [1, 2, 3]


def test_an_interval_holds_what_the_uncertain_value_may_give(monkeypatch):
    objective = both(sum=2.0)
    monkeypatch.setattr(Objective, "extra_names", ["sum_uncertainty"])
    sure, unsure = Candidate("4,4,2,0", {"sum_uncertainty": 0.0}), Candidate("4,4,2,0")
    unsure.columns["sum_uncertainty"] = 3.0
    ranking.score([sure, unsure], objective)
    ranking.settle([sure, unsure], objective)
    assert "score_low" not in sure.columns
    spread = unsure.columns["spread_desirability"]
    ends = [((total / 20) ** 2 * spread) ** (1 / 3) for total in (7, 13)]
    assert [unsure.columns["score_low"], unsure.columns["score_high"]] == pytest.approx(ends)
    assert ends[0] < unsure.columns["score"] < ends[1]


def test_the_best_of_a_range_inside_an_interval_is_seen(monkeypatch):
    objective = Objective(
        ToyMatter(),
        [PropertySettings(property="sum", goal="range", low=9, high=11, tolerance=1)],
    )
    objective.fit([])
    monkeypatch.setattr(Objective, "extra_names", ["sum_uncertainty", "sum_mean"])
    row = Candidate("3,3,0,0", {"sum_uncertainty": 8.0, "sum_mean": 10.0})
    ranking.score([row], objective)
    ranking.settle([row], objective)
    assert row.columns["score_high"] == 1.0
    assert row.columns["score_low"] == pytest.approx(np.exp(-0.5 * 49))


def test_applicability_is_the_models(monkeypatch):
    class Plausible:
        bound = -2.0

        def __init__(self, model, known, seed):
            assert (model.name, list(known), seed) == ("model", ["1"], 5)

        def of(self, structures):
            return np.array([-1.0, -3.0, -np.inf])

    monkeypatch.setattr("nucleate.search.evolution.plausibility.Plausibility", Plausible)
    rows = [Candidate("a"), Candidate("b"), Candidate("c")]
    ranking.add_applicability(rows, SimpleNamespace(name="model"), ["1"], 5)
    told = [tuple(c.columns[name] for name in ranking.APPLICABILITY) for c in rows]
    assert told == [(-1.0, True), (-3.0, False), (None, False)]
