"""Worker processes that hang and die."""

from __future__ import annotations

import time

import pytest

from nucleate.core.parallel import Failure, map_isolated
from nucleate.testing.isolated_jobs import (
    CRASHES,
    EXITS,
    HANGS,
    raising,
    remember,
    remembered,
    squares,
)


def chunks(count: int, size: int = 5) -> list[list[int]]:
    return [list(range(start, start + size)) for start in range(0, count, size)]


@pytest.mark.parametrize("processes", [0, 2])
def test_results_come_in_order(processes: int) -> None:
    found = list(map_isolated(squares, [[1, 2], [3], [4, 5, 6]], processes=processes, seconds=30))
    assert found == [[1, 4], [9], [16, 25, 36]]


def test_an_item_that_hangs_or_dies_costs_only_itself() -> None:
    begun = time.monotonic()
    found = [
        one
        for chunk in map_isolated(squares, chunks(40), processes=2, seconds=1.0)
        for one in chunk
    ]
    assert time.monotonic() - begun < 30
    assert len(found) == 40
    failures = {n: one for n, one in enumerate(found) if isinstance(one, Failure)}
    assert [one for one in found if not isinstance(one, Failure)] == [
        n * n for n in range(40) if n not in failures
    ]
    assert set(failures) == {HANGS, EXITS, CRASHES}
    assert failures[HANGS] == Failure("stopped after 1 s", HANGS)
    assert failures[EXITS] == Failure("its process died (exit code 5)", EXITS)
    assert failures[CRASHES].reason == "its process died (exit code -11)"


def test_a_lone_item_is_guarded_too() -> None:
    (found,) = map_isolated(squares, [[EXITS]], processes=1, seconds=5.0)
    assert isinstance(found[0], Failure)


@pytest.mark.parametrize("processes", [0, 1])
def test_workers_are_set_up(processes: int) -> None:
    found = map_isolated(
        remembered, [[1]], processes=processes, seconds=30, initializer=remember, arguments=(42,)
    )
    assert list(found) == [[42]]


@pytest.mark.parametrize("processes", [0, 1])
def test_a_bug_is_not_hidden(processes: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_isolated(raising, [[1]], processes=processes, seconds=30))
