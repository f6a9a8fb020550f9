"""Splitting: groups stay whole, sizes are as asked, order does not matter."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.core.errors import SettingsError
from nucleate.datasets.splits import SPLITS, assign, divide
from nucleate.settings.data import SplitSettings

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


@given(
    st.lists(st.tuples(st.integers(0, 60).map(str), st.booleans()), min_size=1, max_size=200),
    st.integers(0, 3),
)
def test_groups_with_a_row_that_may_not_be_held_out_are_trained_on(
    rows: list[tuple[str, bool]], seed: int
) -> None:
    groups, eligible = [row[0] for row in rows], np.array([row[1] for row in rows])
    split = assign(groups, SplitSettings(validation=0.2, test=0.3), seed, eligible)
    barred = {group for group, allowed in rows if not allowed}
    assert all(code == 0 for group, code in zip(groups, split, strict=True) if group in barred)
    assert 0 in split


def test_counts_are_met_exactly_from_those_that_may() -> None:
    groups = [str(i) for i in range(300)]
    eligible = np.arange(300) % 3 > 0
    split = assign(groups, SplitSettings(validation=30, test=120), 0, eligible)
    assert Counter(SPLITS[c] for c in split) == {"train": 150, "validation": 30, "test": 120}
    assert eligible[split > 0].all()
    everything = assign(groups, SplitSettings(validation=40, test=160), 0, eligible)
    assert Counter(everything.tolist()) == {0: 100, 1: 40, 2: 160}


@pytest.mark.parametrize(("test", "allowed"), [(11, 20), (6, 5), (10, 10)])
def test_counts_that_cannot_be_met_are_refused(test: int, allowed: int) -> None:
    eligible = np.arange(10) < allowed
    with pytest.raises(SettingsError, match=f"{test} for test .* only {min(allowed, 10)} of 10"):
        assign([str(i) for i in range(10)], SplitSettings(validation=0, test=test), 0, eligible)


def test_roles_win_and_fill_their_split_alone() -> None:
    groups = [str(i) for i in range(100)]
    roles = ["test"] * 40 + [None] * 60
    split = divide(groups, roles, SplitSettings(validation=10, test=50), 0)
    assert (split[:40] == 2).all()
    assert Counter(split[40:].tolist()) == {0: 50, 1: 10}


def test_a_share_and_a_count_are_told_apart() -> None:
    settings = SplitSettings(validation=1, test=0.5)
    assert isinstance(settings.validation, int)
    again = SplitSettings.model_validate_json(settings.model_dump_json())
    assert again == settings
    assert isinstance(again.validation, int)
    assert isinstance(again.test, float)
