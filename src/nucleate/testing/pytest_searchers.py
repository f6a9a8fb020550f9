"""What every searcher promises, as a suite of tests (after `optuna.testing.pytest_samplers`).

    class TestAnnealing(SearcherTestCase):
        @pytest.fixture
        def make(self):
            return lambda seed: build_searcher(SearchTask("annealing", model, data, seed))

        @pytest.fixture
        def score(self):
            return lambda structures: np.array([...])

Searchers that end early, such as lists of known structures, lower `MINIMUM`; those that learn
nothing set `LEARNS` to False; those whose draws need no seed set `SEEDED` to False.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from nucleate.search.searcher import Proposal, Searcher

Make = Callable[[int], Searcher]
"""A seed -> a searcher that knows nothing yet."""
Score = Callable[[Sequence[str]], NDArray[np.float64]]
"""n structures -> their scores [n], finite; larger is better."""
Record = tuple[str, float, str]
"""A structure, its score and its origin."""


def run_searcher(searcher: Searcher, score: Score, calls: int, batch: int = 10) -> list[Record]:
    """Ask, score and tell until so many structures are scored, or the searcher has no more."""
    out: list[Record] = []
    while len(out) < calls:
        asked = searcher.ask(min(batch, calls - len(out)))
        if not asked:
            break
        structures = [proposal.structure for proposal in asked]
        values = score(structures)
        searcher.tell(structures, values)
        out += zip(structures, values.tolist(), [p.origin for p in asked], strict=True)
    return out


class SearcherTestCase:
    """Tests that every searcher passes.

    Attributes:
        CALLS: structures that are scored in a test.
        MINIMUM: of these, how many a searcher has to come up with.
        SEEDED: whether another seed gives other structures.
        LEARNS: whether what is told changes what is asked.
    """

    CALLS: ClassVar[int] = 120
    MINIMUM: ClassVar[int] = 80
    SEEDED: ClassVar[bool] = True
    LEARNS: ClassVar[bool] = True

    @pytest.fixture
    def make(self) -> Make:
        """Makes the searcher of a seed."""
        raise NotImplementedError

    @pytest.fixture
    def score(self) -> Score:
        """Scores structures; not all of them alike."""
        raise NotImplementedError

    def test_it_has_a_name(self, make: Make) -> None:
        assert make(0).name

    def test_at_most_as_many_as_wanted_are_asked_for(self, make: Make) -> None:
        searcher = make(0)
        for count in (1, 7, 3):
            asked = searcher.ask(count)
            assert 0 < len(asked) <= count
            assert all(isinstance(one, Proposal) and one.origin for one in asked)

    def test_nothing_is_asked_for_twice(self, make: Make, score: Score) -> None:
        found = [s for s, _, _ in run_searcher(make(0), score, self.CALLS)]
        assert self.MINIMUM <= len(found) <= self.CALLS
        assert len(set(found)) == len(found)

    def test_nothing_is_asked_for_that_was_told(self, make: Make, score: Score) -> None:
        told = [s for s, _, _ in run_searcher(make(0), score, 20)]
        searcher = make(0)
        searcher.tell(told, score(told))
        found = [s for s, _, _ in run_searcher(searcher, score, self.CALLS - 20)]
        assert found
        assert not set(found) & set(told)

    def test_nothing_is_asked_for_that_was_resumed(self, make: Make) -> None:
        before = make(0).ask(10)
        searcher = make(0)
        searcher.resume(before)
        found = {one.structure for one in searcher.ask(10)}
        assert found
        assert not found & {one.structure for one in before}

    def test_the_same_seed_asks_for_the_same(self, make: Make, score: Score) -> None:
        first = run_searcher(make(0), score, self.CALLS // 2)
        assert run_searcher(make(0), score, self.CALLS // 2) == first
        if self.SEEDED:
            assert run_searcher(make(1), score, self.CALLS // 2) != first

    def test_it_learns_from_what_it_is_told(self, make: Make, score: Score) -> None:
        if not self.LEARNS:
            pytest.skip("learns nothing")
        upward = run_searcher(make(0), score, self.CALLS)
        downward = run_searcher(make(0), lambda structures: -score(structures), self.CALLS)
        assert {s for s, _, _ in upward} != {s for s, _, _ in downward}
        half = len(upward) // 2
        assert np.mean([v for _, v, _ in upward[half:]]) > -np.mean(
            [v for _, v, _ in downward[half:]]
        )

    def test_failures_are_no_trouble(self, make: Make) -> None:
        searcher = make(0)
        for _ in range(5):
            asked = [one.structure for one in searcher.ask(12)]
            searcher.tell(asked, np.full(len(asked), np.nan))
        assert searcher.ask(5)

    def test_some_failures_hide_nothing(self, make: Make, score: Score) -> None:
        def mostly(structures: Sequence[str]) -> NDArray[np.float64]:
            values = score(structures)
            values[::3] = np.nan
            return values

        found = [s for s, _, _ in run_searcher(make(0), mostly, self.CALLS)]
        assert len(set(found)) == len(found) >= self.MINIMUM

    def test_structures_of_others_may_be_told(self, make: Make, score: Score) -> None:
        others = [one.structure for one in make(1).ask(15)]
        searcher = make(0)
        searcher.tell(others, score(others))
        searcher.tell(others[:5], score(others[:5]))  # measured again
        searcher.tell([], np.zeros(0))
        assert searcher.ask(5)

    def test_other_scores_of_what_was_told_may_be_given(self, make: Make, score: Score) -> None:
        searcher = make(0)
        told = [s for s, _, _ in run_searcher(searcher, score, 40)]
        searcher.rescore(told, -score(told))
        asked = {one.structure for one in searcher.ask(5)}
        assert asked
        assert not asked & set(told)

    def test_what_is_expected_has_a_place_for_each(self, make: Make, score: Score) -> None:
        searcher = make(0)
        told = [s for s, _, _ in run_searcher(searcher, score, self.CALLS // 2)]
        searcher.ask(1)
        expected = searcher.predict(told[:3])
        if expected is not None:
            assert expected.mean.shape == expected.deviation.shape == (3,)
            assert np.isfinite(expected.mean).all()
            assert (expected.deviation >= 0).all()
