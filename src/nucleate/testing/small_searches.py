"""Searches that a toy model can serve: it has no likelihoods, and they learn from few scores."""

from __future__ import annotations

from dataclasses import replace

from nucleate.search.factories import build_searcher
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.settings.evolution import EvolutionSettings
from nucleate.testing.toy_matter import SMALL


def build_small_searcher(task: SearchTask, settings: EvolutionSettings = SMALL) -> Searcher:
    """Return the searcher of a task, made small, whatever the task says."""
    return build_searcher(replace(task, settings=settings))
