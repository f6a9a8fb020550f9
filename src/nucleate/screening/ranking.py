"""Scores and order of candidates.

The score is the objective's, in [0, 1]. Where there is no objective it is the share of candidates
that the decoder found less likely; `score_basis` says which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nucleate.matter import Candidate
from nucleate.search.objective import Objective

OBJECTIVE = "objective"
LIKELIHOOD = "log_likelihood"


def order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best first: by score, then (also where no score is known yet) by log-likelihood."""

    def place(candidate: Candidate) -> tuple[float, float, str]:
        score = _number(candidate.columns.get("score"))
        likelihood = _number(candidate.columns.get("log_likelihood"))
        return -score, -likelihood, candidate.structure

    return sorted(candidates, key=place)


def score(candidates: Sequence[Candidate], objective: Objective | None) -> None:
    """Give every candidate the score of its present structure.

    What the objective remembers is not computed again; a candidate whose structure a check has
    replaced gets the values of the new one.
    """
    if objective is None or not objective.terms:
        _score_by_likelihood(candidates)
        return
    scores = objective.score([candidate.structure for candidate in candidates])
    for candidate, scored in zip(candidates, scores, strict=True):
        candidate.columns.update(scored.columns())
        candidate.columns["score_basis"] = OBJECTIVE


def _score_by_likelihood(candidates: Sequence[Candidate]) -> None:
    values = [_number(candidate.columns.get("log_likelihood")) for candidate in candidates]
    if all(value == -math.inf for value in values):
        return  # from a file: neither an objective nor a model says anything
    for candidate, value in zip(candidates, values, strict=True):
        below = sum(other < value for other in values)
        candidate.columns["score"] = below / max(1, len(values) - 1)
        candidate.columns["score_basis"] = LIKELIHOOD


def _number(value: Any) -> float:
    """The value, or minus infinity where it is missing or not a number."""
    if value is None or not math.isfinite(value):
        return -math.inf
    return float(value)
