"""Who breeds: ranks are drawn evenly over the logarithm of the ranking."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.search.evolution.parents import log_uniform_ranks


@pytest.mark.parametrize("length", [1, 2, 50, 10_000])
def test_ranks_lie_within_the_ranking(length: int) -> None:
    ranks = log_uniform_ranks(length, 2000, np.random.default_rng(0))
    assert ranks.min() == 0
    assert ranks.max() < length


def test_each_decade_is_drawn_from_as_often() -> None:
    ranks = log_uniform_ranks(9_999, 40_000, np.random.default_rng(0))
    decades = np.histogram(np.log10(1 + ranks), bins=[0, 1, 2, 3, 4.01])[0] / len(ranks)
    # The first ranks are whole numbers: their share is not exactly a quarter.
    assert np.abs(decades - 0.25).max() < 0.03
