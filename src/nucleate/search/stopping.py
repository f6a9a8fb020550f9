"""When a study ends before its budget is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial

from nucleate.search.attributes import OUTCOME, STRUCTURE

WINDOW = 200
"""Trials over which a collapse is judged; more where batches are large."""


@dataclass
class Progress:
    """What the rules look at; every trial that was scored is added once, in order.

    Attributes:
        patience: trials without a better score that end the study; None for no such rule.
        collapse: least share of structures not seen before among the latest trials.
        batch: trials that are asked for together.
    """

    patience: int | None
    collapse: float | None
    batch: int
    best: float = 0.0
    new: int = 0
    _since: int = 0  # trials since the best score became better
    _fresh: list[bool] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in scored trials."""
        for trial in trials:
            structure = trial.user_attrs.get(STRUCTURE)
            self._fresh.append(structure is not None and structure not in self._seen)
            if structure is not None:
                self._seen.add(structure)
            self._since += 1
            # Known structures are no discovery, however good.
            if trial.user_attrs.get(OUTCOME) == "new":
                self.new += 1
                if trial.values[0] > self.best:
                    self.best, self._since = trial.values[0], 0

    def reason(self) -> str | None:
        """Why to stop; None to go on."""
        if self.patience is not None and self._since >= self.patience:
            return f"no better score in {self._since} trials"
        window = max(WINDOW, 10 * self.batch)
        if self.collapse is not None and len(self._fresh) >= window:
            share = sum(self._fresh[-window:]) / window
            if share < self.collapse:
                return (
                    f"collapse: {100 * share:.1f} % of the last {window} trials were structures "
                    "not seen before"
                )
        return None
