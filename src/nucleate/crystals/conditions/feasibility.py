"""Exact tables of which crystals can still be completed, for the masks of constrained decoding.

A crystal is written position after position, letters and, on one position, elements never falling,
positions without freedom at most once. Whether what is written so far can be completed is a small
integer problem over the positions that are left. It depends on the group only through the list of
(atoms in the primitive cell, whether the position may be occupied again), its *tail*; the tables
are made once for each tail (there are a few hundred in all 230 groups). numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.wyckoff.symmetry import group_starts, space_group

Place = tuple[int, bool]
"""Of a Wyckoff position: atoms in the primitive cell, and whether it may be occupied again."""
Tail = tuple[Place, ...]
"""The positions that may still be occupied, in the order of their letters."""

MOST_SITES = 62
"""Numbers of sites are kept as bits of an integer."""
Bits = NDArray[np.signedinteger[Any]]


@cache
def places(number: int) -> Tail:
    """All positions of a space group."""
    group = space_group(number)
    return tuple((p.primitive_multiplicity, bool(p.free)) for p in group.positions)


def usable(tail: Tail, most: int) -> Tail:
    """Without positions of more than so many atoms."""
    return tuple(place for place in tail if place[0] <= most)


def positions_of(groups: Iterable[int], most: int) -> Iterator[tuple[int, Place, Tail]]:
    """The usable positions of groups: index (counted with stop as 0), and what comes after."""
    starts = group_starts()
    for group in groups:
        listed = places(group)
        for index, place in enumerate(listed):
            if place[0] <= most:
                yield int(1 + starts[group - 1]) + index, place, usable(listed[index + 1 :], most)


@dataclass(frozen=True)
class Range:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    def __contains__(self, number: int) -> bool:
        return self.low <= number <= self.high

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low} to {self.high}"


class Tails:
    """The different things that may follow a position, numbered; 0 is nothing.

    Args:
        groups: numbers of the space groups that count.
        most: positions of more atoms are never occupied.

    Attributes:
        number: for each Wyckoff position (counted with stop as 0), int64 [1732].
        kinds: the position and what comes after it, by number less one.
    """

    def __init__(self, groups: Iterable[int], most: int):
        self.number = np.zeros(1 + int(group_starts()[-1]), np.int64)
        found: dict[tuple[Place, Tail], int] = {}
        for position, place, tail in positions_of(groups, most):
            self.number[position] = found.setdefault((place, tail), len(found) + 1)
        self.kinds = list(found)


class Reach:
    """Feasibility where numbers of sites and atoms lie in ranges and some elements must occur.

    Args:
        sites, atoms: of the whole crystal, atoms in the primitive cell.
        required: number of elements that must occur.
    """

    def __init__(self, sites: Range, atoms: Range, required: int):
        self.sites, self.atoms, self.required = sites, atoms, required
        self._ahead: dict[Tail, NDArray[np.bool_]] = {}

    def ahead(self, tail: Tail) -> NDArray[np.bool_]:
        """Which numbers of further sites and atoms a tail can take, [sites + 1, atoms + 1]."""
        if tail not in self._ahead:
            if not tail:
                out = np.zeros((self.sites.high + 1, self.atoms.high + 1), bool)
                out[0, 0] = True
            else:
                out = self._with(tail[0], self.ahead(tail[1:]))
            self._ahead[tail] = out
        return self._ahead[tail]

    def _with(self, place: Place, later: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What a place and the tail behind it can take together."""
        size, again = place
        out = later.copy()
        if size > self.atoms.high:
            return out
        before = out if again else later  # a view of `out` counts this place again and again
        for count in range(1, len(out)):
            out[count, size:] |= before[count - 1, : out.shape[1] - size]
        return out

    def starts(self, group: int) -> bool:
        """Whether a group has any crystal that meets the ranges and holds the required elements."""
        table = self.ahead(usable(places(group), self.atoms.high))
        low = max(1, self.sites.low, self.required)
        return bool(table[low:, self.atoms.low :].any())

    def after(self, place: Place, tail: Tail) -> NDArray[np.bool_]:
        """Whether a crystal can be completed after a site was put on a place.

        Missing elements below that site's own must come on later positions, those above it may
        still come on the same.

        Returns:
            bool [sites + 2, atoms + 2, required + 1, required + 1]: by sites and atoms so far
            (that site counted), missing elements below, and above. The last entry of either of the
            first two axes stands for too many.
        """
        most_sites, most_atoms, most = self.sites.high, self.atoms.high, self.required
        out = np.zeros((most_sites + 2, most_atoms + 2, most + 1, most + 1), bool)
        sites = np.arange(most_sites + 1)[:, None, None]
        atoms = np.arange(most_atoms + 1)[None, :, None]
        few, many = np.maximum(self.atoms.low - atoms, 0), most_atoms - atoms + 1
        for below in range(most + 1):
            table = self.ahead(tail).copy()
            table[:below] = False
            if place[1]:
                table = self._with(place, table)
            # Number of further (sites, atoms) that are possible, summed from the origin.
            total = np.zeros((most_sites + 2, most_atoms + 2), np.int64)
            total[1:, 1:] = table.cumsum(0).cumsum(1)
            needed = below + np.arange(most + 1 - below)
            low = np.minimum(np.maximum(self.sites.low - sites, needed), most_sites + 1)
            high = np.maximum(most_sites - sites + 1, low)
            found = total[high, many] - total[low, many] - total[high, few] + total[low, few]
            out[:-1, :-1, below, : most + 1 - below] = found > 0
        return out

    def table(self, tails: Tails) -> NDArray[np.bool_]:
        """`after` of every kind of position, [kinds + 1, ...]; nothing is possible at 0."""
        shape = (self.sites.high + 2, self.atoms.high + 2, self.required + 1, self.required + 1)
        out = np.zeros((len(tails.kinds) + 1, *shape), bool)
        for row, (place, tail) in enumerate(tails.kinds, start=1):
            out[row] = self.after(place, tail)
        return out


class Filling:
    """Feasibility where the number of atoms of every element is given.

    Args:
        counts: atoms of each element in the primitive cell, elements by rising atomic number.
            Smaller counts are answered by the same tables.
        most_sites: sites at most.
    """

    def __init__(self, counts: Sequence[int], most_sites: int):
        if most_sites > MOST_SITES:
            raise ValueError(f"{most_sites} sites, at most {MOST_SITES}")
        self.counts, self.most_sites = tuple(counts), most_sites
        self.shape = tuple(count + 1 for count in counts)
        self.kind = np.int32 if most_sites < 31 else np.int64
        self._limit = self.kind((1 << (most_sites + 1)) - 1)
        self._tables: dict[Tail, Bits] = {}

    def table(self, tail: Tail) -> Bits:
        """Numbers of sites that fill what is left of each element, as bits.

        Returns:
            integers [elements + 1, *counts + 1]: the next site may be on the tail's first position
            with an element from the given one on, or later; and by what is left of each element.
            Bit n is set if n sites can do it.
        """
        if tail in self._tables:
            return self._tables[tail]
        kinds = len(self.counts)
        out = np.zeros((kinds + 1, *self.shape), self.kind)
        if not tail:
            out.reshape(kinds + 1, -1)[:, 0] = 1  # nothing is left: no site
        else:
            (size, again), later = tail[0], self.table(tail[1:])[0]
            out[kinds] = later
            for element in reversed(range(kinds)):
                out[element] = out[element + 1]
                # Views with this element's axis first.
                here = np.moveaxis(out[element], element, 0)
                before = here if again else np.moveaxis(later, element, 0)
                for left in range(size, len(here)):
                    here[left] |= (before[left - size] << 1) & self._limit
        self._tables[tail] = out
        return out

    def sites(self, group: int, counts: Sequence[int]) -> list[int]:
        """Numbers of sites with which a group can hold so many atoms of each element."""
        bits = int(self.table(usable(places(group), max(self.counts)))[(0, *counts)])
        return [n for n in range(self.most_sites + 1) if bits >> n & 1]

    def stack(self, groups: Iterable[int]) -> FillingTables:
        """The tables of all tails of some groups, for many questions at once."""
        row = np.zeros(1 + int(group_starts()[-1]), np.int64)
        again = np.zeros(len(row), bool)
        numbers: dict[Tail, int] = {}
        for position, place, later in positions_of(groups, max(self.counts)):
            again[position] = place[1]
            tail = (place, *later) if place[1] else later
            row[position] = numbers.setdefault(tail, len(numbers) + 1)
        bits = np.zeros((len(numbers) + 1, len(self.counts) + 1, math.prod(self.shape)), self.kind)
        for tail, number in numbers.items():
            bits[number] = self.table(tail).reshape(bits.shape[1:])
        return FillingTables(row, again, bits)


@dataclass(frozen=True)
class FillingTables:
    """`Filling.table` of many tails, looked up by the position that a site was put on.

    Attributes:
        row: of `bits`, for each Wyckoff position (counted with stop as 0), int64 [1732]; 0 where
            the position cannot be occupied.
        again: whether the position may be occupied again, with elements that do not fall; where it
            may not, the entry of the first element holds. Bool [1732].
        bits: numbers of further sites, integers [rows, elements + 1, states]: by the lowest
            element, and by what is left of each element, flattened.
    """

    row: NDArray[np.int64]
    again: NDArray[np.bool_]
    bits: Bits
