"""What the tables say can be completed, against cases by hand and against enumeration."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest

from nucleate.crystals.conditions.feasibility import Filling, Range, Reach, Tails, places


@pytest.mark.parametrize(
    ("group", "counts", "sites"),
    [
        (225, (1, 1), [2]),  # rock salt: a, b
        (221, (1, 3, 1), [3]),  # cubic perovskite: a, b and c or d
        (216, (1, 1), [2]),  # zinc blende
        (227, (2,), [1]),  # diamond: a
        (227, (4, 2), [2]),  # cristobalite: a, c
        (229, (1,), [1]),  # tungsten: a
        (225, (1, 3, 1), []),  # no three oxygens in a face-centred cell
        (225, (2, 6, 1, 1), [4]),  # elpasolite: c, e (or d), a, b
        (225, (1, 1, 1), []),  # two positions of one atom, three elements
        (230, (2, 3, 3, 12), []),  # garnet, a formula unit: the smallest cell has eight atoms
        (230, (8, 12, 12, 48), [4, 5, 6]),  # four of them: a, c, d; h, f f, e e e or b e f
        (1, (1, 1), [2]),
        (2, (1, 1), [2]),  # two of the eight centres
        (2, (9,), [5, 6, 7, 8]),  # one to seven centres, pairs for the rest
    ],
)
def test_fillings_by_hand(group: int, counts: tuple[int, ...], sites: list[int]) -> None:
    assert Filling(counts, 20).sites(group, counts) == sites


ATOMS = 6


@cache
def genes(group: int, elements: int = 2, atoms: int = ATOMS) -> set[tuple[int, ...]]:
    """All (sites, atoms of each element), by trying every gene of at most so many atoms."""
    found: set[tuple[int, ...]] = set()

    def go(index: int, lowest: int, sites: int, counts: tuple[int, ...]) -> None:
        found.add((sites, *counts))
        for position, (size, again) in enumerate(places(group)[index:], start=index):
            for element in range(lowest if position == index else 0, elements):
                more = tuple(c + size * (e == element) for e, c in enumerate(counts))
                if sum(more) <= atoms:
                    after = (position, element) if again else (position + 1, 0)
                    go(*after, sites + 1, more)

    go(0, 0, 0, (0,) * elements)
    return found


@pytest.mark.parametrize("group", [1, 2, 12, 62, 136, 166, 194, 216, 221, 225, 229])
def test_fillings_are_all_genes_there_are(group: int) -> None:
    filling = Filling((2, 4), 20)
    for counts in product(range(3), range(5)):
        wanted = sorted({n for n, *rest in genes(group) if tuple(rest) == counts})
        assert filling.sites(group, counts) == wanted, counts


@pytest.mark.parametrize("group", [1, 12, 136, 166, 221, 225])
@pytest.mark.parametrize(("sites", "atoms"), [((1, 4), (1, 6)), ((2, 3), (5, 6)), ((3, 3), (2, 4))])
def test_reach_is_all_genes_there_are(
    group: int, sites: tuple[int, int], atoms: tuple[int, int]
) -> None:
    for required in (0, 1, 2):
        wanted = any(
            sites[0] <= n <= sites[1]
            and atoms[0] <= sum(counts) <= atoms[1]
            and all(counts[:required])
            for n, *counts in genes(group)
            if n
        )
        assert Reach(Range(*sites), Range(*atoms), required).starts(group) == wanted, required


def test_after_a_site_missing_elements_need_room_in_order() -> None:
    """Group 225 behind position e (0, 0, x; six atoms, again and again): i, j, ... have more."""
    reach = Reach(Range(1, 4), Range(1, 14), 2)
    tails = Tails([225], 14)
    table = reach.table(tails)
    e = table[tails.number[1 + list(_positions(225)).index("e")]]
    assert e[1, 6, 0, 0], "it may end here"
    assert e[1, 6, 0, 1], "one of a heavier element on e"
    assert e[1, 6, 1, 0], "one of a lighter element on f"
    assert not e[1, 6, 1, 1], "both: 6 + 6 + 8 atoms are too many"
    assert not e[4, 6, 0, 1], "no site is left"
    assert not table[0].any()


def _positions(number: int) -> list[str]:
    from nucleate.crystals.wyckoff.symmetry import group_starts, space_group

    start = int(group_starts()[number - 1])
    return [""] * start + [p.letter for p in space_group(number).positions]


def test_many_tails_share_few_tables() -> None:
    tables = Filling((2, 2), 20).stack(range(1, 231))
    assert tables.bits.shape[1:] == (3, 9)
    assert len(tables.bits) < 300 < (tables.row > 0).sum()
    assert tables.again[tables.row > 0].any()
    assert not np.asarray(tables.row)[0]


def test_more_sites_than_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 62"):
        Filling((1,), 63)
