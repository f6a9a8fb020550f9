"""Memory of a search: scored structures, the data, their features, their own latent vectors."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.regression.gaussian_process import Features, Surrogate, Table

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.matter.variation import Comparison


_CHUNK = 2000
_EVERY = 10
"""Rounds after which all structures are looked at again: what is expected changes slowly."""
_PROMISING = 1000
"""Structures that are looked at in the rounds between."""


class Latents:
    """Encodes structures once each.

    A structure's own latent vector, not the one that it was decoded from, is what a search goes on
    from: decoding is not the inverse of encoding, and what was scored is the structure (alignment;
    Chu et al., "InvBO", NeurIPS 2024).
    """

    def __init__(self, model: LatentModel):
        self.model = model
        self._known: dict[str, NDArray[np.float32]] = {}

    def of(self, structures: Sequence[str]) -> NDArray[np.float32]:
        """Latent vectors [n, D]; NaN rows where the codec refuses."""
        new = [s for s in dict.fromkeys(structures) if s not in self._known]
        if new:
            found, _ = self.model.encode(new)
            self._known |= dict(zip(new, found, strict=True))
        if not structures:
            return np.zeros((0, self.model.size), np.float32)
        return np.stack([self._known[s] for s in structures])

    def take(self, latents: Mapping[str, NDArray[np.float32]]) -> None:
        """Take vectors [D] of structures that have none yet for their own."""
        self._known = {**latents, **self._known}

    def forget(self) -> None:
        """Drop all vectors: the model has changed."""
        self._known.clear()


class LatentComparison:
    """Compares structures by their latent vectors, for matter without features of its own."""

    def __init__(self, latents: Latents):
        self.latents = latents

    def features(self, structures: Sequence[str], groups: Sequence[str] | None = None) -> Features:
        """Latent vectors; zeros where the codec refuses."""
        return {"latent": np.nan_to_num(self.latents.of(structures))}


class Memory:
    """Scored structures, in the order in which they were told.

    Attributes:
        structures: distinct.
        scores: of each, float64; a failure counts as the lowest score so far.
        table: features of each.
    """

    def __init__(self, comparison: Comparison | LatentComparison):
        self.comparison = comparison
        self.structures: list[str] = []
        self.row: dict[str, int] = {}
        self.scores = np.zeros(0)
        self.table = Table()
        self.failed: set[str] = set()

    def __len__(self) -> int:
        return len(self.structures)

    def __contains__(self, structure: str) -> bool:
        return structure in self.row

    def add(self, structures: Sequence[str], scores: NDArray[np.float64]) -> list[int]:
        """Take in scores [n]; a structure that is known already keeps its place and gets the new
        score (a measurement may be repeated). Returns the rows of those that are new."""
        fresh: dict[str, float] = {}
        for structure, score in zip(structures, scores.tolist(), strict=True):
            (self.failed.discard if np.isfinite(score) else self.failed.add)(structure)
            if structure in self.row:
                self.scores[self.row[structure]] = score
            else:
                fresh[structure] = score
        first = len(self)
        if fresh:
            self.table.append(self.comparison.features(list(fresh)))
            for structure in fresh:
                self.row[structure] = len(self.structures)
                self.structures.append(structure)
            self.scores = np.concatenate([self.scores, np.array(list(fresh.values()))])
        return list(range(first, len(self)))

    def values(self) -> NDArray[np.float64]:
        """Scores with failures at the lowest one, [n]."""
        known = np.isfinite(self.scores)
        lowest = float(self.scores[known].min()) if known.any() else 0.0
        return np.where(known, self.scores, lowest)

    def best(self, count: int) -> NDArray[np.int64]:
        """Rows of the highest scores, best first; of equal ones the earlier first."""
        return np.argsort(-self.values(), kind="stable")[:count]


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
        self.promising: NDArray[np.int64] = np.zeros(0, np.int64)
        self.calls = 0

    def best(self, surrogate: Surrogate, asked: Container[str], count: int) -> NDArray[np.int64]:
        """Rows of the structures not asked for yet of which most is expected."""
        everything = self.calls % _EVERY == 0
        rows = np.arange(len(self.structures)) if everything else self.promising
        self.calls += 1
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
