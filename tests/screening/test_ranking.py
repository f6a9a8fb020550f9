import pytest
from toy_matter import ToyMatter, calls

from nucleate.config import PropertySettings
from nucleate.matter import Candidate
from nucleate.screening import ranking
from nucleate.search.objective import Objective


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
