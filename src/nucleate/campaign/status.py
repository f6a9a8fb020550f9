"""Where a study in the closed loop stands, and how well its expectations were met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.campaign.batches import Batch
from nucleate.campaign.campaign import Campaign
from nucleate.campaign.measurements import Measurements
from nucleate.objectives.objective import Objective

BEST = 10
"""Structures listed."""
LITTLE = 20
"""Comparisons below which figures of them say little."""


def status(campaign: Campaign) -> dict[str, Any]:
    """Plain values.

    Returns:
        `counts` (of structures: proposed, waiting, partly measured, complete, failed, withdrawn,
        own), `waiting` (id, structure, since, missing columns), `batches`, `best` (structures with
        their values and scores, on the scales of now), `expectations` (see `expectations`),
        `measurements` (values told), `censored`, `notes`.
    """
    measurements, scoring = campaign.measurements, campaign.scoring
    complete = scoring.complete(measurements)
    states = {
        p.structure: _state(p.structure, complete, measurements)
        for batch in campaign.batches
        for p in batch.proposals
    }
    own = [structure for structure in measurements.observed if structure not in states]
    every = {**states, **{s: _state(s, complete, measurements) for s in own}}
    names = ("waiting", "partial", "complete", "failed", "withdrawn")
    values = [entry for entry in measurements.entries if entry.kind == "value"]
    return {
        "counts": {
            "proposed": len(states),
            **{name: sum(state == name for state in every.values()) for name in names},
            "own": sum(not measurements.of(structure).proposal for structure in own),
        },
        "waiting": [
            {
                "id": p.id,
                "structure": p.structure,
                "since": batch.created,
                "missing": measurements.of(p.structure).missing(scoring.columns),
            }
            for batch in campaign.batches
            for p in batch.proposals
            if states[p.structure] in ("waiting", "partial")
        ],
        "batches": [_batch(batch, states) for batch in campaign.batches],
        "best": _best(campaign, [s for s, why in complete.items() if not why]),
        "expectations": expectations(campaign),
        "measurements": len(values),
        "censored": sum(bool(entry.bound) for entry in values),
        "notes": list(campaign.notes),
    }


def _state(structure: str, complete: dict[str, str], measurements: Measurements) -> str:
    if structure in complete:
        return "failed" if complete[structure] else "complete"
    told = measurements.of(structure)
    if told.values or told.failures:
        return "partial"
    return "withdrawn" if told.withdrawn is not None else "waiting"


def _batch(batch: Batch, states: dict[str, str]) -> dict[str, Any]:
    own = [states[p.structure] for p in batch.proposals]
    return {
        "number": batch.number,
        "created": batch.created,
        "proposals": len(own),
        "waiting": sum(state in ("waiting", "partial") for state in own),
        "told": batch.told,
        "sampler": batch.sampler,
        "code_version": batch.code_version,
        "model": batch.model,
    }


def _best(campaign: Campaign, structures: Sequence[str]) -> list[dict[str, Any]]:
    scored = campaign.scoring.score(structures, campaign.measurements)
    order = sorted(range(len(scored)), key=lambda place: -scored[place].penalised_score)
    return [
        {
            "id": campaign.measurements.of(structures[place]).proposal,
            "structure": structures[place],
            "score": scored[place].penalised_score,
            **scored[place].raw,
        }
        for place in order[:BEST]
    ]


def expectations(campaign: Campaign) -> dict[str, Any]:
    """How the scores that were expected compare with those that came.

    Each batch's scores are on the scales of its own time, so that like is compared with like.
    Structures that failed have no score and are left out.

    Returns:
        `compared` (structures), `spearman`, `rmse`, `rmse_of_mean` (of always expecting the mean
        of what came: what an expectation has to beat), `coverage` (share within one expected
        deviation, .68 if it were normal and right; the deviation leaves out the noise of
        measurement), `pairs` (id, expected, deviation, measured), and `little`: whether there are
        too few of them to say much. Figures are None where they mean nothing.
    """
    scoring, measurements = campaign.scoring, campaign.measurements
    complete = scoring.complete(measurements)
    columns = ("id", "expected", "deviation", "measured")
    pairs: list[dict[str, Any]] = []
    for batch in campaign.batches:
        told = [
            p
            for p in batch.proposals
            if p.expected is not None and complete.get(p.structure, "-") == ""
        ]
        if not told:
            continue
        then = Objective.from_json(campaign.matter, batch.scales, how=campaign.settings.combine)
        scores = scoring.score([p.structure for p in told], measurements, then)
        pairs += [
            dict(zip(columns, (p.id, p.expected, p.deviation, s.penalised_score), strict=True))
            for p, s in zip(told, scores, strict=True)
        ]
    expected, deviation, measured = (
        np.array([pair[c] for pair in pairs], np.float64) for c in columns[1:]
    )
    apart = measured - expected
    n = len(pairs)
    return {
        "compared": n,
        "spearman": spearman(expected, measured),
        "rmse": math.sqrt(float((apart**2).mean())) if n else None,
        "rmse_of_mean": float(measured.std()) if n else None,
        "coverage": float((np.abs(apart) <= deviation).mean()) if n else None,
        "little": n < LITTLE,
        "pairs": pairs,
    }


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Rank correlation, equal values sharing their mean rank; None below three values or where all
    are equal."""
    if len(first) < 3:
        return None
    a, b = _ranks(first), _ranks(second)
    if not a.std() or not b.std():
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
