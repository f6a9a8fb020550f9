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

from nucleate.objectives.constraints import penalise, violation
from nucleate.search.searcher import Searcher
from nucleate.search.trial_attributes import STRUCTURE

AUGMENTATION = 0.05
"""Weight of the sum beside the maximum (Knowles 2006)."""
LOWEST = 0.1
"""Quantile of the known values from which a scale starts: a single terrible value must not make all
the others alike."""


def tchebycheff(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores [n] in [0, 1] of desirabilities [n, k] in [0, 1] under weights [k] that sum to 1."""
    distances = weights * (1.0 - values)  # n x k
    total = distances.max(1) + AUGMENTATION * distances.sum(1)
    return np.clip(1.0 - total / (1.0 + AUGMENTATION), 0.0, 1.0)


def normalise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values [n, k] on scales of [0, 1], column by column; those that are equal become 0."""
    out = np.zeros_like(values)
    for column, own in enumerate(values.T):
        finite = own[np.isfinite(own)]
        if len(finite):
            low, high = np.quantile(finite, LOWEST), finite.max()
            with np.errstate(over="ignore", invalid="ignore"):
                scaled = (own - low) / max(high - low, np.finfo(float).tiny)
            out[:, column] = np.clip(scaled, 0.0, 1.0)
    return np.nan_to_num(out)


class Scalarisation:
    """Remembers what was scored, and tells a searcher all of it anew in each round.

    Args:
        weights: of the objectives, [k]; random weights are multiplied with them.
        seed: of the random weights, which also depend on how much is known.
        normalised: whether values are in units of their own: in each round their scale is made
            anew, from `LOWEST` of those known, which counts 0, to the best of them.
    """

    def __init__(self, weights: Sequence[float], seed: int, normalised: bool = False):
        self.weights, self.seed = np.asarray(weights, np.float64), seed
        self.normalised = normalised
        self._values: dict[str, tuple[float, ...]] = {}
        self._broken: dict[str, float] = {}
        self._observed = 0  # structures that the searcher knows, the first ones

    def add(self, structure: str, values: Sequence[float], broken: float = 0.0) -> None:
        """Take in a structure's values [k], and by how much it breaks constraints.

        They are desirabilities in [0, 1] unless they are to be normalised.
        """
        self._values[structure] = tuple(values)
        self._broken[structure] = broken

    def observe(self, trials: Sequence[FrozenTrial], signs: Sequence[float]) -> None:
        """`add` finished trials; with the signs [k] larger values are better."""
        for trial in trials:
            values = [sign * value for sign, value in zip(signs, trial.values, strict=True)]
            broken = violation(trial.constraints.values())
            self.add(trial.user_attrs[STRUCTURE], values, broken)

    def mark_observed(self) -> None:
        """Say that the searcher was told all of them by somebody else."""
        self._observed = len(self._values)

    def tell(
        self, searcher: Searcher, trials: Sequence[FrozenTrial], signs: Sequence[float]
    ) -> None:
        """A round: take in finished trials, draw weights, and tell the scores under them."""
        self.observe(trials, signs)
        structures = list(self._values)
        if not structures:
            return
        scores = self.scores()
        old, self._observed = self._observed, len(structures)
        # The old ones first, so that the new ones are compared under the same weights.
        if old:
            searcher.rescore(structures[:old], scores[:old])
        if old < len(structures):
            searcher.tell(structures[old:], scores[old:])

    def scores(self) -> NDArray[np.float64]:
        """Scores of all structures, in the order in which they were added, under new weights."""
        rng = np.random.default_rng([self.seed, len(self._values)])
        weights = self.weights * rng.dirichlet(np.ones(len(self.weights)))
        values = np.array(list(self._values.values()), np.float64)
        if self.normalised:
            values = normalise(values)
        found = tchebycheff(values, weights / weights.sum())
        broken = self._broken.values()
        return np.array([penalise(s, b) for s, b in zip(found.tolist(), broken, strict=True)])
