"""Searchers that learn nothing."""

from __future__ import annotations

import numpy as np

from nucleate.search.baselines import Screening, from_data
from nucleate.search.searcher import Proposal

DATA = ["a", "b", "a", "c", "d"]


def test_data_come_in_an_order_that_the_seed_decides_each_once() -> None:
    searcher = Screening("best-of-data", from_data(DATA, 1))
    first = [proposal.structure for proposal in searcher.ask(3)]
    assert first + [p.structure for p in searcher.ask(9)] == list(
        dict.fromkeys(p.structure for p in from_data(DATA, 1))
    )
    assert searcher.ask(1) == []
    orders = {tuple(p.structure for p in from_data(DATA, seed)) for seed in range(9)}
    assert len(orders) > 1


def test_what_is_not_accepted_or_known_already_is_passed_over() -> None:
    searcher = Screening(
        "screening",
        from_data(DATA, 0),
        lambda structures: np.array([structure != "b" for structure in structures]),
    )
    searcher.tell(["a"], np.array([0.5]))
    searcher.resume([Proposal("c", "data")])
    assert [proposal.structure for proposal in searcher.ask(9)] == ["d"]
