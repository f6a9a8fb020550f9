"""Families of structures that a search has exhausted, and leaves alone for a while.

A search that breeds from its best ends in one family whose optimum it knows to the last digit.
Sequential niching (Beasley, Bull and Martin 1993): once nothing better was found for long, the best
one's family is retired, the search goes on among the others, and when these are exhausted as well
all are released, so that what was found apart is combined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.regression.gaussian_process import Features, Table, bit_group, bit_similarity

if TYPE_CHECKING:
    from nucleate.search.evolution.memory import Memory

MOST = 8
"""Families that are retired at once; then all are released."""


class Families:
    """Which structures of a memory belong to no retired family.

    Args:
        niche_similarity: Tanimoto similarity to its founder from which a structure is of a family.

    Attributes:
        active: of the memory's rows, those of no retired family.
    """

    def __init__(self, niche_similarity: float):
        self.niche_similarity = niche_similarity
        self.founders: list[NDArray[np.uint8]] = []
        self.active = np.zeros(0, bool)

    def group(self, table: Table) -> str | None:
        """The group of bits by which families are told: the first; None if there is none."""
        return bit_group(table.groups)

    def extend(self, memory: Memory) -> None:
        """Take in rows that are new."""
        name = self.group(memory.table)
        first = len(self.active)
        new = np.arange(first, len(memory))
        fresh = np.ones(len(new), bool)
        if name is not None and len(new):
            fresh = self.outside(memory.table.groups[name][new])
        self.active = np.concatenate([self.active, fresh])

    def outside(self, bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which structures are of no retired family, by their bits [n, B]."""
        if not self.founders or not len(bits):
            return np.ones(len(bits), bool)
        alike = bit_similarity(bits, np.stack(self.founders))
        found: NDArray[np.bool_] = alike.max(1) < self.niche_similarity
        return found

    def outside_by_features(self, features: Features, table: Table) -> NDArray[np.bool_] | None:
        """`outside` of structures with these features; None if nothing is retired."""
        name = self.group(table)
        return None if name is None or not self.founders else self.outside(features[name])

    def retire(self, memory: Memory) -> bool:
        """Retire the family of the best active structure; all are released if that leaves too few
        or too many are retired. Returns whether one was retired."""
        name = self.group(memory.table)
        if name is None:
            return False
        values = np.where(self.active, memory.values(), -np.inf)
        bits = memory.table.groups[name][: len(memory)]
        self.founders.append(bits[int(values.argmax())].copy())
        self.active = self.outside(bits)
        if len(self.founders) > MOST or self.active.sum() < min(50, len(memory) // 4):
            self.founders, self.active = [], np.ones(len(memory), bool)
            return False
        return True
