"""How many real crystals pass the checks of crystals, which check rejects the others, and the cost.

    python -m nucleate_benchmarks.engineering.screening_crystals FEATURES --out OUT

takes random crystals of the test split, which no bound was fitted to, through the default checks
before novelty, one by one; a smaller part of them through the relaxation and the probes as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from nucleate.matter.checks import Candidate, Check, CheckContext
from nucleate.matter.registry import get
from nucleate.screening.funnel import count_reasons
from nucleate_benchmarks.common.figures import Figure, Section, surroundings, write

CHEAP = ("legal", "density", "distances", "coordination", "vacuum", "smact", "bond_valence")
COSTLY = ("relaxation", "energy_above_hull", "elastic", "rattle")
BUDGET_MS = 36.0
"""Milliseconds a crystal: 10,000 on two cores in three minutes (issue 6)."""


@dataclass
class Tally:
    """What became of the crystals.

    Attributes:
        entered: crystals, by check.
        rejected: by check.
        seconds: CPU time, by check.
        reasons: by check.
    """

    entered: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    reasons: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def through(self, check: Check, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Put candidates through a check; those that pass."""
        started = time.process_time()
        verdicts = check.run(candidates)
        self.seconds[check.name] += time.process_time() - started
        passed = []
        for candidate, verdict in zip(candidates, verdicts, strict=True):
            self.entered[check.name] += 1
            if not verdict.passed:
                self.rejected[check.name] += 1
                self.reasons[check.name].append(verdict.reason)
                continue
            passed.append(Candidate(verdict.structure or candidate.structure))
        return passed

    def sections(self, names: Sequence[str], total: int, title: str, note: str) -> list[Section]:
        """Share that passes all, rejections by check, and cost by check."""
        lost = sum(self.rejected[name] for name in names)
        share = 1 - lost / total
        error = float(np.sqrt(share * (1 - share) / total))
        figures = [Figure("pass all", share, total, error=error)]
        for name in names:
            reasons = count_reasons(self.reasons[name])
            how = "; ".join(f"{count} x {reason}" for reason, count in list(reasons.items())[:3])
            figures.append(
                Figure(f"rejected by {name}", self.rejected[name] / total, total, note=how)
            )
        costs = [
            Figure(
                f"{name}: ms a crystal",
                1000 * self.seconds[name] / max(1, self.entered[name]),
                self.entered[name],
            )
            for name in names
        ]
        whole = 1000 * sum(self.seconds[name] for name in names) / total
        costs.append(Figure("all: ms a crystal that enters", whole, total))
        return [Section(title, figures, note), Section(f"{title}: CPU time", costs)]


def unseen(features: Path, split: str, count: int, seed: int) -> list[str]:
    """Random crystals of a split."""
    table = pq.read_table(features / "records.parquet", columns=["structure", "split"]).to_pylist()
    crystals = [row["structure"] for row in table if row["split"] == split]
    order = np.random.default_rng(seed).permutation(len(crystals))[:count].tolist()
    return [crystals[place] for place in order]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("features", type=Path, help="folder of a featurized set")
    parser.add_argument("--split", default="test")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--relaxed", type=int, default=100, help="of them, through relaxation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/screening/crystals"))
    given = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    matter = get("crystals")
    context = CheckContext(seed=given.seed)
    checks = {n: matter.checks.build(n, {}, context, "benchmark") for n in (*CHEAP, *COSTLY)}
    for name in CHEAP:
        checks[name].run([Candidate("225 a:Na b:Cl | 5.64")])  # imports and tables
    crystals = unseen(given.features, given.split, given.count, given.seed)
    cheap = Tally()
    candidates = [Candidate(crystal) for crystal in crystals]
    for name in CHEAP:
        candidates = cheap.through(checks[name], candidates)
    sections = cheap.sections(
        CHEAP, len(crystals), "Before novelty", f"Asked: 0.88, and {BUDGET_MS:g} ms a crystal."
    )
    if given.relaxed:
        costly = Tally()
        chosen = candidates[: given.relaxed]
        entered = len(chosen)
        for name in COSTLY:
            parts = [chosen[start : start + 12] for start in range(0, len(chosen), 12)]
            chosen = [c for part in parts for c in costly.through(checks[name], part)]
        sections += costly.sections(
            COSTLY, entered, "Relaxation and probes", "Of those that passed all before novelty."
        )
    command = " ".join(
        [
            "python -m nucleate_benchmarks.engineering.screening_crystals",
            *(arguments or sys.argv[1:]),
        ]
    )
    head = surroundings(command) | {
        "data": f"{len(crystals)} random crystals of the {given.split} split of "
        f"{given.features.name}",
        "seed": given.seed,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for path in write(given.out, "Real crystals through the checks", head, sections, {}):
        print(path)


if __name__ == "__main__":
    main()
