"""Index of what all workers of a study have asked for and scored, read from its storage.

The rule by which no structure is scored twice: a worker first writes that a trial holds a
structure, then reads all trials, and gives the structure up if another trial holds it. Where the
trial and its structure are written as one (`create_running_trial`), trials are ordered by number,
which is the order of writing, and only the later one gives up. Where one is written to a trial
that was there before (`StructureSampler.before_trial`), an earlier number does not mean an earlier
writing, so that such a trial gives up to any other.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from dataclasses import dataclass, field

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from nucleate.search.optuna_adapter import end_trial, trial_id, write_attributes
from nucleate.search.searcher import Proposal
from nucleate.search.trial_attributes import (
    ABANDONED,
    INTERRUPTED,
    OUTCOME,
    REASON,
    STRUCTURE,
    UNSCORED,
    WORKER,
    YIELDED,
    proposal_of,
)

GIVE_UP = 3
"""Workers that may die of a structure before it is not proposed again."""


def fail(study: optuna.Study, trial: int, outcome: str, reason: str) -> bool:
    """End a trial that gave nothing; False if it had already ended."""
    try:
        write_attributes(study, trial, {OUTCOME: outcome, REASON: reason})
    except UpdateFinishedTrialError:
        return False
    return end_trial(study, trial, TrialState.FAIL)


@dataclass
class TrialIndex:
    """The study as of the last `read`.

    Attributes:
        running: running trials by number.
        abandoned: by structure, proposals whose workers died, which nobody has taken up again.
        complete: numbers of trials whose structure was scored, in order.
        scored: those trials, and those that are told a value without that (`UNSCORED`), in the
            order in which they were taken in; it only grows.
    """

    study: optuna.Study
    running: dict[int, FrozenTrial] = field(default_factory=dict)
    abandoned: dict[str, Proposal] = field(default_factory=dict)
    complete: list[int] = field(default_factory=list)
    scored: list[FrozenTrial] = field(default_factory=list)
    _first: dict[str, int] = field(default_factory=dict)  # structure -> first trial
    _held: dict[str, list[int]] = field(default_factory=dict)  # structure -> running trials
    _deaths: Counter[str] = field(default_factory=Counter)
    _finished: int = 0  # all trials below this number have ended and are taken in
    _ahead: set[int] = field(default_factory=set)  # those above it that are

    def read(self) -> TrialIndex:
        """Take in what has changed; returns itself."""
        trials = self.study.get_trials(deepcopy=False)
        self.running, self._held = {}, {}
        for trial in trials[self._finished :]:
            if trial.state.is_finished():
                if trial.number not in self._ahead:
                    self._ahead.add(trial.number)
                    self._end(trial)
            elif trial.state == TrialState.RUNNING:
                self.running[trial.number] = trial
                structure = trial.user_attrs.get(STRUCTURE)
                if structure is not None:
                    self._held.setdefault(structure, []).append(trial.number)
        while self._finished in self._ahead:
            self._ahead.discard(self._finished)
            self._finished += 1
        return self

    def _end(self, trial: FrozenTrial) -> None:
        structure = trial.user_attrs.get(STRUCTURE)
        if trial.state == TrialState.COMPLETE:
            self.scored.append(trial)
            if trial.user_attrs.get(OUTCOME) not in UNSCORED:
                insort(self.complete, trial.number)
            if structure is not None:
                self._first.setdefault(structure, trial.number)
                self.abandoned.pop(structure, None)
        elif structure is not None and trial.user_attrs.get(OUTCOME) == ABANDONED:
            if trial.user_attrs.get(REASON) != INTERRUPTED:  # a person's doing, not its own
                self._deaths[structure] += 1
            proposal = proposal_of(trial.user_attrs)
            if proposal is not None and structure not in self._first:
                self.abandoned[structure] = proposal

    def holders(self, structure: str) -> list[int]:
        """Numbers of the trials that score or have scored a structure, in order."""
        first = self._first.get(structure)
        return sorted([*self._held.get(structure, ()), *(() if first is None else (first,))])

    def left_over(self) -> list[Proposal]:
        """Proposals to take up again."""
        return [
            proposal
            for structure, proposal in self.abandoned.items()
            if structure not in self._held and self._deaths[structure] < GIVE_UP
        ]

    def workers_running(self) -> list[FrozenTrial]:
        """Running trials that a worker has signed."""
        return [trial for trial in self.running.values() if WORKER in trial.user_attrs]

    def place(self, number: int) -> int:
        """How many trials with lower numbers are scored, or are being scored by a worker.

        It never rises, so that a trial which is only scored if its place is below the budget can
        never exceed it, whatever the other workers do.
        """
        signed = sum(trial.number < number for trial in self.workers_running())
        return bisect_left(self.complete, number) + signed

    def yield_trial(self, trial: FrozenTrial, reason: str) -> None:
        """Give up a running trial's structure: somebody else has it."""
        fail(self.study, trial_id(trial), YIELDED, reason)
        self.running.pop(trial.number, None)
