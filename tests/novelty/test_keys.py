"""Sorted keys find every text that went in and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.novelty.keys import SortedKeys, Texts, digests

TEXTS = st.lists(st.text(max_size=12), max_size=40)


@given(TEXTS, TEXTS)
def test_every_text_is_found_and_no_other(inside: list[str], asked: list[str]) -> None:
    keys = SortedKeys.of(digests(inside))
    found = keys.first(digests([*inside, *asked])).tolist()
    expected = [inside.index(text) if text in inside else -1 for text in [*inside, *asked]]
    assert found == expected
    for text in asked:
        every = [place for place, one in enumerate(inside) if one == text]
        assert keys.every(digests([text])[0]).tolist() == every


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_digests_that_share_a_half_are_told_apart(pairs: list[tuple[int, int]]) -> None:
    keys = SortedKeys.of(np.array(pairs, np.uint64).reshape(-1, 2))
    asked = [(high, low) for high in range(5) for low in range(5)]
    found = keys.first(np.array(asked, np.uint64)).tolist()
    assert found == [pairs.index(pair) if pair in pairs else -1 for pair in asked]


@given(TEXTS)
def test_texts_come_back(texts: list[str]) -> None:
    kept = Texts.of(texts)
    assert [kept[number] for number in range(len(kept))] == texts


def test_files_come_back_and_damage_shows(tmp_path: Path) -> None:
    texts = ["a", "", "bcd", "a"]
    SortedKeys.of(digests(texts)).save(tmp_path, "name")
    found = SortedKeys.load(tmp_path, "name")
    assert found.first(digests(["bcd", "x"])).tolist() == [2, -1]
    file = tmp_path / "name.low.npy"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(ValueError, match="mmap length"):
        SortedKeys.load(tmp_path, "name")
    file.unlink()
    with pytest.raises(OSError, match=r"name\.low\.npy"):
        SortedKeys.load(tmp_path, "name")
