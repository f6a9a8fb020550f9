"""Rows that repeat an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.core.parallel import map_ordered
from nucleate.core.progress import bar
from nucleate.matter import registry
from nucleate.matter.base import Matter

POOL_FROM = 400
"""Comparisons (at most) from which starting worker processes pays."""
PAIRS_PER_TASK = 300
"""Comparisons (at most) in a unit of work of more than one group."""


def find_duplicates(
    keys: Sequence[str], structures: Sequence[str], matter: Matter, processes: int = 1
) -> NDArray[np.int64]:
    """For each row the first row that is the same structure, or -1 if it is the first itself.

    Rows of equal structure string are the same; rows of equal key are compared by
    `Identity.are_duplicates` with the distinct ones before them.

    Raises:
        ResultsError: a worker died.
    """
    first = np.full(len(keys), -1, dtype=np.int64)
    by_structure: dict[str, int] = {}
    by_key: dict[str, list[int]] = {}
    for index, (key, structure) in enumerate(zip(keys, structures, strict=True)):
        earlier = by_structure.setdefault(structure, index)
        if earlier != index:
            first[index] = earlier
        else:
            by_key.setdefault(key, []).append(index)
    del by_structure
    groups = [members for members in by_key.values() if len(members) > 1]
    del by_key
    _compare(groups, structures, matter, processes, first)
    # A repeated string may repeat a row that turned out to repeat an earlier one.
    chained = (first >= 0) & (first[first] >= 0)
    first[chained] = first[first[chained]]
    return first


def find_duplicates_within(
    roles: Sequence[str | None],
    keys: Sequence[str],
    structures: Sequence[str],
    matter: Matter,
    processes: int = 1,
) -> NDArray[np.int64]:
    """`find_duplicates` among rows of equal role only, as positions among all rows.

    Args:
        roles: one per row, None where the row has none.

    Raises:
        ResultsError: a worker died.
    """
    first = np.full(len(keys), -1, dtype=np.int64)
    for role in dict.fromkeys(roles):
        rows = np.array([index for index, other in enumerate(roles) if other == role], np.int64)
        chosen = rows.tolist()
        found = find_duplicates(
            [keys[i] for i in chosen], [structures[i] for i in chosen], matter, processes
        )
        first[rows] = np.where(found < 0, -1, rows[found])
    return first


def _compare(
    groups: list[list[int]],
    structures: Sequence[str],
    matter: Matter,
    processes: int,
    first: NDArray[np.int64],
) -> None:
    """Fill in `first` for groups of equal key and different strings."""
    most = sum(len(members) * (len(members) - 1) // 2 for members in groups)
    # The largest first, so that no worker is left alone with one at the end.
    tasks = _tasks(sorted(groups, key=len, reverse=True))
    results = map_ordered(
        compare_groups,
        ([[structures[i] for i in members] for members in task] for task in tasks),
        processes=processes if most >= POOL_FROM else 1,
        initializer=registry.get,
        arguments=(matter.name,),
    )
    with bar(description="compare", total=len(groups), unit="group") as progress:
        for task, batch in zip(tasks, results, strict=True):
            for members, repeats in zip(task, batch, strict=True):
                for index, earlier in zip(members, repeats, strict=True):
                    first[index] = -1 if earlier < 0 else members[earlier]
            progress.update(len(batch))


def _tasks(groups: list[list[int]]) -> list[list[list[int]]]:
    """Groups gathered into units of work of about equal numbers of comparisons."""
    tasks: list[list[list[int]]] = []
    room = 0
    for members in groups:
        pairs = len(members) * (len(members) - 1) // 2
        if pairs > room:
            tasks.append([])
            room = PAIRS_PER_TASK
        tasks[-1].append(members)
        room -= pairs
    return tasks


def compare_groups(matter: Matter, groups: Sequence[Sequence[str]]) -> list[list[int]]:
    """For each member of each group the position of the first same one, or -1."""
    results = []
    for structures in groups:
        distinct: list[int] = []
        repeats: list[int] = []
        for position, structure in enumerate(structures):
            for earlier in distinct:
                if matter.identity.are_duplicates(structures[earlier], structure):
                    repeats.append(earlier)
                    break
            else:
                distinct.append(position)
                repeats.append(-1)
        results.append(repeats)
    return results
