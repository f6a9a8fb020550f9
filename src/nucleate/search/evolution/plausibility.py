"""Plausibility: how likely the model finds a structure, given the structure's own latent vector.

What a search optimises is blind to everything else, and its best answers drift to where no known
structure is, into narrow optima of structures that nobody would make. Reconstruction tells: the
model rebuilds structures like known ones nearly surely and others not (as LES, Boyar and Treloar,
arXiv:2406.09657, score latent points by the decoder's likelihood; here it is the structure's own).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.vae.inference import likelihood_of

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

SAMPLE = 1000
"""Known structures that the bound rests on."""
TAIL = 0.01
"""Share of known structures beyond whose likelihood the tail begins."""
REACH = 4.0
"""The bound, in distances of the tail from the median: what is new is less likely than what is
known."""


class Plausibility:
    """Log-likelihood a step of structures, and a bound that known ones keep.

    Args:
        known: structures to take the bound from.
        seed: of the sample of them.
    """

    def __init__(self, model: LatentModel, known: Sequence[str], seed: int):
        self.model = model
        self._values: dict[str, float] = {}
        order = np.random.default_rng(seed).permutation(len(known))[:SAMPLE]
        values = self.of([known[i] for i in order])
        values = values[np.isfinite(values)]
        self.bound = -np.inf
        if len(values):
            middle, tail = np.quantile(values, [0.5, TAIL])
            self.bound = float(middle - REACH * (middle - tail))

    def of(self, structures: Sequence[str]) -> NDArray[np.float64]:
        """Nats a step of structures [n]; minus infinity where the codec refuses."""
        new = [s for s in dict.fromkeys(structures) if s not in self._values]
        if new:
            arrays, kept, _ = self.model.arrays(new)
            found = np.full(len(new), -np.inf)
            if kept:
                _, nats = likelihood_of(self.model.model, arrays, self.model.device)
                found[kept] = nats / np.maximum(1, np.diff(arrays.offsets))
            self._values |= dict(zip(new, found.tolist(), strict=True))
        return np.array([self._values[s] for s in structures], np.float64)

    def __call__(self, structures: Sequence[str]) -> NDArray[np.bool_]:
        """Which structures are plausible, [n]."""
        found: NDArray[np.bool_] = self.of(structures) >= self.bound
        return found
