"""Several objectives for a searcher that knows one score: another mix of them in each round.

ParEGO (J. Knowles, IEEE Trans. Evol. Comput. 10 (2006) 50-66): the augmented Tchebycheff distance
from the ideal point under random weights. Its best structure is on the Pareto front whatever the
weights, and weights that change make the search walk along the front, hollow parts included, which
a weighted mean cannot reach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from nucleate.search.attributes import STRUCTURE
from nucleate.search.constraints import penalised, violation
from nucleate.search.searcher import Searcher

AUGMENTATION = 0.05
"""Weight of the sum beside the maximum (Knowles 2006)."""


def tchebycheff(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores [n] in [0, 1] of desirabilities [n, k] in [0, 1] under weights [k] that sum to 1."""
    distances = weights * (1.0 - values)  # n x k
    total = distances.max(1) + AUGMENTATION * distances.sum(1)
    return np.clip(1.0 - total / (1.0 + AUGMENTATION), 0.0, 1.0)


class Scalarisation:
    """Remembers what was scored, and tells a searcher all of it anew in each round.

    Args:
        weights: of the objectives, [k]; random weights are multiplied with them.
        seed: of the random weights, which also depend on how much is known.
    """

    def __init__(self, weights: Sequence[float], seed: int):
        self.weights, self.seed = np.asarray(weights, np.float64), seed
        self._values: dict[str, tuple[float, ...]] = {}
        self._broken: dict[str, float] = {}
        self._told = 0  # structures that the searcher knows, the first ones

    def add(self, structure: str, values: Sequence[float], broken: float = 0.0) -> None:
        """Take in a structure's desirabilities [k] and by how much it breaks constraints."""
        self._values[structure] = tuple(values)
        self._broken[structure] = broken

    def tell(self, searcher: Searcher, trials: Sequence[FrozenTrial]) -> None:
        """A round: take in finished trials, draw weights, and tell the scores under them."""
        for trial in trials:
            broken = violation(trial.constraints.values())
            self.add(trial.user_attrs[STRUCTURE], trial.values, broken)
        structures = list(self._values)
        if not structures:
            return
        scores = self.scores()
        old, self._told = self._told, len(structures)
        # The old ones first, so that the new ones are compared under the same weights.
        if old:
            searcher.rescore(structures[:old], scores[:old])
        if old < len(structures):
            searcher.tell(structures[old:], scores[old:])

    def scores(self) -> NDArray[np.float64]:
        """Scores of all structures, in the order in which they were added, under new weights."""
        rng = np.random.default_rng([self.seed, len(self._values)])
        weights = self.weights * rng.dirichlet(np.ones(len(self.weights)))
        found = tchebycheff(np.array(list(self._values.values())), weights / weights.sum())
        broken = self._broken.values()
        return np.array([penalised(s, b) for s, b in zip(found.tolist(), broken, strict=True)])
