"""Structures of the data that a surrogate screens beside the children of a search."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.regression.gaussian_process import Surrogate, Table

if TYPE_CHECKING:
    from nucleate.matter.variation import Comparison
    from nucleate.search.evolution.memory import LatentComparison

_CHUNK = 2000
_EVERY = 10
"""Rounds after which all structures are looked at again: what is expected changes slowly."""
_PROMISING = 1000
"""Structures that are looked at in the rounds between."""


class DataPool:
    """Features of known structures, computed once.

    Args:
        structures: any number; their features stay in memory (some 6 kB each for molecules).
    """

    def __init__(self, structures: Sequence[str], comparison: Comparison | LatentComparison):
        self.structures = list(structures)
        self.table = Table()
        for start in range(0, len(self.structures), _CHUNK):
            self.table.append(comparison.features(self.structures[start : start + _CHUNK]))
        self.promising: NDArray[np.int64] | None = None
        self.calls = 0

    def best(self, surrogate: Surrogate, asked: Container[str], count: int) -> NDArray[np.int64]:
        """Rows of the structures not asked for yet of which most is expected."""
        everything = self.calls % _EVERY == 0 or self.promising is None
        rows = np.arange(len(self.structures)) if everything else self.promising
        self.calls += 1
        assert rows is not None
        rows = np.array([r for r in rows.tolist() if self.structures[r] not in asked], np.int64)
        if not len(rows):
            return rows
        parts = [
            surrogate.predict(self.table.take(part))
            for part in np.array_split(rows, -(-len(rows) // _CHUNK))
        ]
        mean = np.concatenate([part.mean for part in parts])
        deviation = np.concatenate([part.deviation for part in parts])
        order = np.argsort(-(mean + deviation), kind="stable")
        if everything:
            self.promising = rows[order[:_PROMISING]]
        return rows[order[:count]]
