"""The numbers of a run of PMO, first of all AUC top-K.

That is the area under the curve of the mean of the best K over the calls of the oracle:
Gao et al., "Sample efficiency matters" (NeurIPS 2022, arXiv:2206.12411); `top_auc` of its code.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate_benchmarks.search.pmo_record import RunTask, finished_summary, read_calls

EVERY = 100
"""Calls between two points of the curve."""
TOP = (1, 10, 100)
"""Of how many of the best structures a mean is taken."""
MERIT = 10
"""The one of them that methods are compared by."""
SHOWN = 10
"""Best structures of a run that reports name."""
FINGERPRINT = "morgan_2048"


def count_failures_as_zero(scores: Sequence[float]) -> NDArray[np.float64]:
    """Scores as PMO counts them, float64 [n]: a failure (NaN) is 0."""
    values = np.asarray(scores, np.float64)
    return np.where(np.isfinite(values), values, 0.0)


def top_mean(scores: NDArray[np.float64], best: int) -> float:
    """Mean of the `best` largest scores, of all if there are fewer; 0 of none."""
    if not len(scores):
        return 0.0
    return float(np.sort(scores)[::-1][:best].mean())


def running_calls(calls: int, every: int = EVERY) -> list[int]:
    """Where the curve of so many calls has its points: every `every`, and the last one."""
    return [*range(every, calls, every), calls] if calls else []


def running_top(
    scores: NDArray[np.float64], best: int, every: int = EVERY
) -> tuple[list[int], list[float]]:
    """The curve: calls (see `running_calls`) and the mean of the best until then.

    Args:
        scores: in the order of the calls, [n].
    """
    calls = running_calls(len(scores), every)
    return calls, [top_mean(scores[:n], best) for n in calls]


def auc_top(scores: NDArray[np.float64], best: int, budget: int, every: int = EVERY) -> float:
    """AUC top-K: trapezoids from (0, 0) along `running_top`, the last value held up to the budget.

    Args:
        scores: in the order of the calls; what is beyond the budget is left out.
        budget: calls that the area is divided by.
    """
    calls, means = running_top(scores[:budget], best, every)
    if not calls:
        return 0.0
    area = np.trapezoid([0.0, *means, means[-1]], [0, *calls, budget])
    return float(area / budget)


@dataclass(frozen=True)
class MoleculeFigures:
    """What a run's best structures are like; NaN where there are none.

    Attributes:
        sa: mean synthetic accessibility (Ertl and Schuffenhauer 2009), 1 is easy.
        diversity: 1 - mean Tanimoto similarity over distinct pairs (ECFP4, 2,048 bits).
        passing: share that passes the alerts at hand (`filters.filters_name`).
    """

    sa: float
    diversity: float
    passing: float


def molecule_figures(smiles: Sequence[str]) -> MoleculeFigures:
    """Describe structures; what cannot be computed of one is left out of its mean."""
    from nucleate_benchmarks.molecules import features

    if not smiles:
        return MoleculeFigures(math.nan, math.nan, math.nan)
    columns = features.compute(smiles, ["sa_score", "passes", FINGERPRINT], 1)
    difficulty = features.numbers(columns["sa_score"])
    known = difficulty[np.isfinite(difficulty)]
    return MoleculeFigures(
        sa=float(known.mean()) if len(known) else math.nan,
        diversity=_diversity(features.packed(columns[FINGERPRINT])),
        passing=sum(bool(value) for value in columns["passes"]) / len(smiles),
    )


def _diversity(packed: NDArray[np.uint8]) -> float:
    if len(packed) < 2:
        return math.nan
    bits = np.unpackbits(packed, axis=1).astype(np.float32)
    both = bits @ bits.T
    sizes = bits.sum(1)
    either = sizes[:, None] + sizes[None, :] - both
    similarity = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    pairs = np.triu_indices(len(bits), 1)
    return float(1 - similarity[pairs].mean())


@dataclass(frozen=True)
class RunFigures:
    """One run's numbers, within the budget.

    Attributes:
        calls: of the oracle.
        ended: whether the budget or the searcher is spent; else the run goes on one day.
        auc, final: by K.
        curve: mean of the best 10 at every 100 calls and at the last one.
        molecules, origins: of the best 100.
        best: the best structures with their scores.
        minutes, oracle_minutes, peak_memory_gb: None if the run has not ended, or went beyond the
            budget.
        date: when the run ended.
        code: versions of the package that took part in it.
    """

    oracle: str
    sampler: str
    seed: int
    calls: int
    ended: bool
    auc: dict[int, float]
    final: dict[int, float]
    curve: list[float]
    molecules: MoleculeFigures
    origins: dict[str, int]
    best: list[tuple[str, float]]
    minutes: float | None = None
    oracle_minutes: float | None = None
    peak_memory_gb: float | None = None
    date: str = ""
    code: tuple[str, ...] = ()


def measure(task: RunTask) -> RunFigures | None:
    """The numbers of a run's files; None if it has made no call.

    Raises:
        ResultsError: they are damaged, or of another model or other data.
    """
    made = [call for call in read_calls(task.file(".jsonl")) if call.call is not None]
    if not made:
        return None
    summary = finished_summary(task)
    calls = made[: task.budget]
    scores = count_failures_as_zero([call.score for call in calls])
    ranked = sorted(range(len(calls)), key=lambda i: -scores[i])[: max(TOP)]
    best = [(calls[i].structure, float(scores[i])) for i in ranked[:SHOWN]]
    # What a run that went beyond this budget cost says nothing of its first calls.
    cost = {} if summary is None or len(made) > task.budget else summary
    return RunFigures(
        oracle=task.oracle,
        sampler=task.sampler,
        seed=task.seed,
        calls=len(calls),
        ended=summary is not None,
        auc={k: auc_top(scores, k, task.budget) for k in TOP},
        final={k: top_mean(scores, k) for k in TOP},
        curve=[round(value, 5) for value in running_top(scores, MERIT)[1]],
        molecules=molecule_figures([calls[i].structure for i in ranked]),
        origins=dict(Counter(calls[i].origin for i in ranked).most_common()),
        best=best,
        minutes=_minutes(cost.get("seconds")),
        oracle_minutes=_minutes(cost.get("oracle_seconds")),
        peak_memory_gb=cost.get("peak_memory_gb"),
        date=summary["date"] if summary else "",
        code=tuple(summary["code"]) if summary else (),
    )


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60


class Measured:
    """`measure` of many runs, again only for those whose files have changed."""

    def __init__(self) -> None:
        self.known: dict[RunTask, tuple[Any, RunFigures | None]] = {}

    def all(self, tasks: Sequence[RunTask]) -> list[RunFigures]:
        """Numbers of the runs that have made any call."""
        for task in tasks:
            paths = [task.file(ending) for ending in (".jsonl", ".summary.json")]
            stamp = [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]
            if task not in self.known or self.known[task][0] != stamp:
                self.known[task] = (stamp, measure(task))
        return [found for task in tasks if (found := self.known[task][1]) is not None]
