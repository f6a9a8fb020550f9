"""Duplicates: the first of equal rows is kept, comparisons stay within equal keys."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.datasets.duplicates import find_duplicates, find_duplicates_within
from nucleate.matter import registry


class Rounded(SimpleNamespace):
    """Numbers as text; the same if they round to the same tenth. Comparisons are counted."""

    name = "rounded"
    compared = 0

    @property
    def identity(self) -> Rounded:
        return self

    def are_duplicates(self, first: str, second: str) -> bool:
        Rounded.compared += 1
        return int(first) // 10 == int(second) // 10


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get", lambda name: Rounded())


@given(st.lists(st.integers(0, 60), max_size=40))
def test_agrees_with_comparing_everything(numbers: list[int]) -> None:
    structures = [str(n) for n in numbers]
    keys = [str(n // 20) for n in numbers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "get", lambda name: Rounded())
        first = find_duplicates(keys, structures, Rounded())
    tens = [n // 10 for n in numbers]
    expected = [-1 if tens.index(t) == i else tens.index(t) for i, t in enumerate(tens)]
    assert first.tolist() == expected


def test_within_roles_only() -> None:
    keys, numbers = ["a"] * 6, ["1", "2", "31", "3", "32", "4"]
    roles = ["test", None, "test", None, None, "test"]
    first = find_duplicates_within(roles, keys, numbers, Rounded())
    assert first.tolist() == [-1, -1, -1, 1, -1, 0]
    assert find_duplicates(keys, numbers, Rounded()).tolist() == [-1, 0, -1, 0, 2, 0]


def test_different_keys_and_equal_strings_are_not_compared() -> None:
    Rounded.compared = 0
    first = find_duplicates(["a", "b", "a"], ["1", "2", "1"], Rounded())
    assert first.tolist() == [-1, -1, 0]
    assert Rounded.compared == 0
