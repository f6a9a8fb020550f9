"""Measured figures beside published ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from nucleate_benchmarks.common import figures
from nucleate_benchmarks.search.pmo_auc import MERIT, RunFigures


@cache
def published_table() -> dict[str, Any]:
    """The published table: `oracles` (AUC top-10 by oracle and method), `methods`, `sums`."""
    text = (
        files("nucleate_benchmarks.search")
        .joinpath("pmo_published.json")
        .read_text(encoding="utf-8")
    )
    table: dict[str, Any] = json.loads(text)
    return table


def not_comparable(head: Mapping[str, Any]) -> str:
    """Why published figures must not stand beside ours; empty if they may."""
    known = published_table()
    if head["definitions"] != known["definitions"]:
        return (
            f"these are `{head['definitions']}` definitions of the oracles, and published figures "
            "rest on the older ones that `--definitions pmo` gives"
        )
    if head["budget"] != known["budget"]:
        return f"they are of {known['budget']:,} calls, ours of {head['budget']:,}"
    return ""


@dataclass(frozen=True)
class Cell:
    """A sampler on an oracle, over seeds.

    Attributes:
        mean, deviation: of the AUC top-10; the deviation (n - 1) None for one seed.
        ended: whether every seed that was asked for has ended.
    """

    mean: float
    deviation: float | None
    seeds: int
    ended: bool


class Comparison:
    """The runs of one report, by sampler and oracle.

    Args:
        runs: those that have made any call.
        head: `samplers`, `seeds`, `definitions` and `budget` at least.
    """

    def __init__(self, runs: Sequence[RunFigures], head: Mapping[str, Any]):
        self.runs = runs
        self.samplers: list[str] = list(head["samplers"])
        self.seeds: list[int] = list(head["seeds"])
        self.oracles = list(dict.fromkeys(run.oracle for run in runs))
        self.found = {(run.sampler, run.oracle, run.seed): run for run in runs}
        self.reason = not_comparable(head)
        self.methods: list[str] = [] if self.reason else list(published_table()["methods"])

    def of(self, sampler: str, oracle: str) -> list[RunFigures]:
        """Runs by seed."""
        keys = [(sampler, oracle, seed) for seed in self.seeds]
        return [self.found[key] for key in keys if key in self.found]

    def cell(self, sampler: str, oracle: str) -> Cell | None:
        """AUC top-10; None without any run."""
        runs = self.of(sampler, oracle)
        if not runs:
            return None
        (figure,) = figures.combined([{"auc": run.auc[MERIT]} for run in runs], 0, {})
        ended = len(runs) == len(self.seeds) and all(run.ended for run in runs)
        return Cell(figure.value, figure.deviation, len(runs), ended)

    def value(self, column: str, oracle: str) -> float | None:
        """AUC top-10 of a sampler whose runs have all ended, or of a published method."""
        if column in self.samplers:
            cell = self.cell(column, oracle)
            return cell.mean if cell is not None and cell.ended else None
        found: float | None = published_table()["oracles"].get(oracle, {}).get(column)
        return found

    def done(self, sampler: str) -> list[str]:
        """Oracles on which all its runs have ended."""
        return [oracle for oracle in self.oracles if self.value(sampler, oracle) is not None]

    def common(self) -> list[str]:
        """Oracles that every sampler has done."""
        return [o for o in self.oracles if all(o in self.done(s) for s in self.samplers)]

    def total(self, column: str, oracles: Sequence[str]) -> float | None:
        """Sum of the AUC top-10; None if one is missing, or of no oracle at all."""
        values = [self.value(column, oracle) for oracle in oracles]
        known = [value for value in values if value is not None]
        return sum(known) if known and len(known) == len(values) else None

    def missing(self, sampler: str) -> list[str]:
        """Oracles of the published table that it has not done."""
        done = self.done(sampler)
        return [oracle for oracle in published_table()["oracles"] if oracle not in done]

    def wins(self, one: str, other: str) -> tuple[int, int]:
        """Runs in which a sampler was better than another on the same oracle and seed, of how
        many; only runs that have ended."""
        better = total = 0
        for (sampler, oracle, seed), run in self.found.items():
            rival = self.found.get((other, oracle, seed))
            if sampler == one and rival is not None and run.ended and rival.ended:
                better += run.auc[MERIT] > rival.auc[MERIT]
                total += 1
        return better, total

    def oracle_wins(self, one: str, other: str) -> tuple[int, int]:
        """Oracles on which a column's mean is better than another's, of how many both have."""
        better = total = 0
        for oracle in self.oracles:
            first, second = self.value(one, oracle), self.value(other, oracle)
            if first is not None and second is not None:
                better += first > second
                total += 1
        return better, total


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
