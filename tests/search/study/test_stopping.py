"""Rules by which a study ends before its budget is spent."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from nucleate.search.study.stopping import BARREN, WINDOW, Progress
from nucleate.search.trial_attributes import OUTCOME, STRUCTURE


def trial(structure: str, score: float, outcome: str = "new") -> Any:
    attributes = {STRUCTURE: structure, OUTCOME: outcome}
    return optuna.trial.create_trial(value=score, user_attrs=attributes)


def test_patience_counts_scored_trials_since_the_best() -> None:
    progress = Progress(patience=3, collapse=None, batch=1)
    progress.add([trial("a", 0.5), trial("b", 0.4), trial("c", 0.3)])
    assert progress.reason() is None
    progress.add([trial("d", 0.1)])
    assert progress.reason() == "no better score in 3 trials"
    progress.add([trial("e", 0.6)])
    assert progress.reason() is None
    assert (progress.best, progress.new) == (0.6, 5)


def test_a_known_structure_is_no_discovery_however_good() -> None:
    progress = Progress(patience=None, collapse=None, batch=1)
    progress.add([trial("a", 0.9, "known"), trial("b", 0.2)])
    assert (progress.best, progress.new) == (0.2, 1)


@pytest.mark.parametrize(("collapse", "window"), [(0.1, WINDOW), (None, BARREN * WINDOW)])
def test_a_study_that_only_repeats_itself_ends(collapse: float | None, window: int) -> None:
    progress = Progress(patience=None, collapse=collapse, batch=1)
    progress.add([trial("a", 0.5), *(trial("a", 0.5) for _ in range(window - 1))])
    assert progress.reason() is None or collapse is not None
    progress.add([trial("a", 0.5)])
    assert str(progress.reason()).startswith("collapse: 0.0 %")
