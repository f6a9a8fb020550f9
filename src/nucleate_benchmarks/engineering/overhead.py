"""What study and storage cost for each scored structure, searcher and objective costing nothing.

    python -m nucleate_benchmarks.engineering.overhead [--structures 5000] [--storage postgresql://...]

Writes results/benchmarks/overhead.md and .json.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import optuna
from numpy.typing import NDArray

from nucleate.core.environment import processor, utc_now
from nucleate.core.files import code_version, write_json, write_text
from nucleate.core.parallel import default_processes
from nucleate.objectives.objective import Objective
from nucleate.objectives.scored import Scored
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.study.liveness import WorkerPool
from nucleate.search.study.runner import Runner
from nucleate.search.study.storage import open_study
from nucleate.search.study.structure_sampler import Searching, StructureSampler, proposed_structure
from nucleate.settings.study import OptimizeSettings

LATENT = 128
"""Dimensions of the latent vector that each proposal brings."""
FOLDER = Path("results/benchmarks")


class FreeSearcher(Searcher):
    """Numbers, from 0 on."""

    name = "free"

    def __init__(self) -> None:
        self.asked = 0
        self.known: set[str] = set()

    def ask(self, count: int) -> list[Proposal]:
        out: list[Proposal] = []
        while len(out) < count:
            structure = str(self.asked)
            if structure not in self.known:
                latent = np.full(LATENT, self.asked, np.float32)
                out.append(Proposal(structure, "free", ("parent", "other"), latent, -1.0))
            self.asked += 1
        return out

    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        self.known.update(structures)


def free_value(structure: str) -> float:
    """What `FreeObjective` gives, between 0 and 1."""
    return int(structure) % 997 / 997


class FreeObjective:
    """As much of an `Objective` as the study's loop asks for."""

    def score(self, structures: Sequence[str]) -> list[Scored]:
        values = [free_value(s) for s in structures]
        return [Scored({"a": v, "b": v}, {"a": v, "b": v}, v) for v in values]

    def reasons(self, structure: str) -> dict[str, str]:
        return {}

    def remember(
        self, structure: str, raw: Mapping[str, Any], reasons: Mapping[str, str] = {}
    ) -> None:
        return


@contextmanager
def storage(kind: str, url: str | None = None) -> Iterator[tuple[optuna.Study, bool]]:
    """An empty study, and whether workers could share it.

    Args:
        kind: `memory`, `journal`, `sqlite`, or `database` with a URL.
    """
    with tempfile.TemporaryDirectory() as folder:
        if kind == "memory":
            yield optuna.create_study(direction="maximize"), False
        elif kind == "journal":
            with open_study(Path(folder) / "study.journal", "overhead") as study:
                yield study, False
        else:
            name = f"overhead-{time.time_ns()}"
            with open_study(Path(), name, url or f"sqlite:///{folder}/study.db") as study:
                yield study, True


@dataclass(frozen=True)
class Cost:
    """Milliseconds for each structure: of wall time, and of this process's processor time."""

    wall: float
    processor: float


@contextmanager
def _timed(structures: int) -> Iterator[list[Cost]]:
    found: list[Cost] = []
    wall, processor_time = time.perf_counter(), time.process_time()
    yield found
    spent = time.perf_counter() - wall, time.process_time() - processor_time
    found.append(Cost(*(round(1000 * seconds / structures, 3) for seconds in spent)))


def study_cost(kind: str, structures: int, batch: int, url: str | None = None) -> Cost:
    """Of Nucleate's study."""
    settings = OptimizeSettings(trials=structures, batch=batch)
    with storage(kind, url) as (study, shared):
        source = Searching(study, FreeSearcher(), None, frozenset(), batch=batch, seed=0)
        objective = cast(Objective, FreeObjective())
        with _timed(structures) as cost:
            if shared:
                with WorkerPool(study, settings.stale_seconds) as pool:
                    Runner(study, source, objective, settings, pool).run()
            else:
                Runner(study, source, objective, settings).run()
        return cost[0]


def optuna_cost(kind: str, structures: int, batch: int, url: str | None = None) -> Cost:
    """Of `optuna.Study.optimize` with our sampler."""
    with storage(kind, url) as (study, _):
        study.sampler = StructureSampler(FreeSearcher(), batch=batch)
        with _timed(structures) as cost:
            study.optimize(lambda t: free_value(proposed_structure(t)), n_trials=structures)
        return cost[0]


def measure(structures: int, batch: int, url: str | None) -> list[dict[str, Any]]:
    """A row per storage: milliseconds per structure."""
    rows = []
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for kind in ("memory", "journal", "sqlite", *(["database"] if url else [])):
        # A database takes milliseconds whatever the number, a file less.
        count = structures if kind in ("memory", "journal") else max(200, structures // 20)
        given = url if kind == "database" else None
        row = {
            "storage": kind if given is None else given.partition(":")[0],
            "structures": count,
            "study": vars(study_cost(kind, count, batch, given)),
            "optimize": vars(optuna_cost(kind, count, batch, given)),
        }
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--structures", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--storage", help="URL of a database to measure as well")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    command = " ".join(sys.argv[1:]) if arguments is None else " ".join(arguments)
    result = {
        "command": f"python -m nucleate_benchmarks.engineering.overhead {command}".strip(),
        "date": utc_now(),
        "code": code_version(),
        "processor": processor(),
        "cores": default_processes(),
        "load_before": round(os.getloadavg()[0], 1),
        "batch": given.batch,
        "latent": LATENT,
        "rows": measure(given.structures, given.batch, given.storage),
    }
    write_json(given.out / "overhead.json", result)
    write_text(given.out / "overhead.md", page(result))


def page(result: Mapping[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Overhead of study and storage",
        "",
        "Milliseconds per scored structure, wall (and processor) time, with a searcher and an",
        "objective that cost nothing; asked: at most 3 with the journal, aim 1. A database's share",
        "is that of its statements and its disk: some 15 of them for each structure.",
        "",
        "| storage | structures | the study | `study.optimize` with our sampler |",
        "|---|---|---|---|",
        *(
            f"| {r['storage']} | {r['structures']:,} | {_cell(r['study'])} "
            f"| {_cell(r['optimize'])} |"
            for r in result["rows"]
        ),
        "",
        f"Batches of {result['batch']}, latent vectors of {result['latent']} numbers.",
        f"`{result['command']}`, {result['date']}, {result['processor']}, "
        f"{result['cores']} cores, load of other processes {result['load_before']}, "
        f"code {result['code']}.",
        "",
    ]
    return "\n".join(lines)


def _cell(cost: Mapping[str, float]) -> str:
    return f"{cost['wall']:.2f} ({cost['processor']:.2f})"


if __name__ == "__main__":
    main()
