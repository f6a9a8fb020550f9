"""Splitting: groups stay whole, sizes are as asked, order does not matter."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nucleate.config import SplitSettings
from nucleate.datasets.splits import SPLITS, assign

groups = st.lists(st.integers(0, 40).map(str), min_size=1, max_size=200)
shares = st.floats(0, 0.4)


@given(groups, shares, shares, st.integers(0, 5))
def test_groups_never_part(rows: list[str], validation: float, test: float, seed: int) -> None:
    split = assign(rows, SplitSettings(validation=validation, test=test), seed)
    of_group: dict[str, set[int]] = {}
    for group, code in zip(rows, split, strict=True):
        of_group.setdefault(group, set()).add(int(code))
    assert all(len(codes) == 1 for codes in of_group.values())
    assert 0 in split


@given(st.permutations([str(i % 30) for i in range(90)]))
def test_order_of_rows_does_not_matter(rows: list[str]) -> None:
    settings = SplitSettings(validation=0.2, test=0.2)
    expected = dict(zip(sorted(rows), assign(sorted(rows), settings, 3), strict=True))
    assert dict(zip(rows, assign(rows, settings, 3), strict=True)) == expected


def test_sizes_and_seed() -> None:
    rows = [str(i) for i in range(1000)]
    settings = SplitSettings(validation=0.05, test=0.1)
    first = assign(rows, settings, 0)
    assert Counter(SPLITS[c] for c in first) == {"train": 850, "validation": 50, "test": 100}
    assert not np.array_equal(first, assign(rows, settings, 1))


def test_no_held_out_rows_if_none_are_wanted() -> None:
    assert not assign(["a"] * 5 + ["b"], SplitSettings(validation=0, test=0), 0).any()


def test_groups_too_large_for_a_split_leave_it_the_smallest() -> None:
    rows = ["a"] * 50 + ["b"] * 40 + ["c"] * 30
    split = assign(rows, SplitSettings(validation=0.05, test=0.05), 0)
    assert {rows[i] for i in np.flatnonzero(split == 2)} == {"c"}
    assert {rows[i] for i in np.flatnonzero(split == 1)} == {"b"}
