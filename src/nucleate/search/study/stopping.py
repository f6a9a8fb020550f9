"""When a study ends before its budget is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from optuna.trial import FrozenTrial

from nucleate.objectives.constraints import violation
from nucleate.objectives.pareto import Front
from nucleate.search.trial_attributes import OUTCOME, STRUCTURE, UNSCORED

WINDOW = 200
"""Trials over which a collapse is judged; more where batches are large."""
BARREN = 5
"""Such windows without anything new that end a study for which no collapse is defined."""


@dataclass
class Progress:
    """What the rules look at; every trial that was scored is added once, in order.

    Attributes:
        patience: scored structures without a better score, or without gain in hypervolume, that
            end the study; None for no such rule.
        collapse: least share of structures not seen before among the latest trials; None to go on
            as long as there are any. Repetitions cost no budget, so that something must end a
            study which only repeats itself.
        batch: trials that are asked for together.
        front: of a study with several objectives, else None.
        best: score of a new structure, or hypervolume of the new ones.
    """

    patience: int | None
    collapse: float | None
    batch: int
    front: Front | None = None
    best: float = 0.0
    new: int = 0
    _highest: float = -np.inf  # below 0 as long as constraints are broken
    _since: int = 0  # scored since the best score became better
    _fresh: list[bool] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in trials that have ended."""
        for trial in trials:
            structure = trial.user_attrs.get(STRUCTURE)
            self._fresh.append(structure is not None and structure not in self._seen)
            if structure is not None:
                self._seen.add(structure)
            self._since += trial.user_attrs.get(OUTCOME) not in UNSCORED
            # Known structures are no discovery, however good.
            if trial.user_attrs.get(OUTCOME) == "new":
                self.new += 1
                penalised_score = self._value_with(trial)
                if penalised_score > self._highest:
                    self._highest, self._since = penalised_score, 0
                    self.best = max(0.0, penalised_score)

    def _value_with(self, trial: FrozenTrial) -> float:
        if self.front is None:
            return float(trial.values[0])
        broken = violation(trial.constraints.values())
        if broken > 0:
            return -broken
        self.front.add(np.array(trial.values))
        return self.front.hypervolume

    def reason(self) -> str | None:
        """Why to stop; None to go on."""
        if self.patience is not None and self._since >= self.patience:
            what = "no better score" if self.front is None else "no gain in hypervolume"
            return f"{what} in {self._since} trials"
        window = max(WINDOW, 10 * self.batch) * (BARREN if self.collapse is None else 1)
        if len(self._fresh) >= window:
            share = sum(self._fresh[-window:]) / window
            if share == 0 or share < (self.collapse or 0):
                return (
                    f"collapse: {100 * share:.1f} % of the last {window} trials were structures "
                    "not seen before"
                )
        return None
