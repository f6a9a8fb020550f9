"""Workers that share a study while one after the other is killed: is anything lost or doubled?

    python -m nucleate_benchmarks.engineering.workers --storage postgresql://user@host/database
        [--workers 8] [--kill-every 10] [--seconds 120] [--distant]

Every worker is a process that searches among a few thousand numbers, near the best one known, so
that several often want the same, and scores by a function that anybody can repeat. Writes
results/benchmarks/workers.md and .json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from nucleate.core.environment import processor, utc_now
from nucleate.core.files import code_version, write_json, write_text
from nucleate.core.parallel import default_processes
from nucleate.objectives.objective import Objective
from nucleate.objectives.scored import Scored
from nucleate.search.searcher import Proposal, Searcher
from nucleate.search.study import liveness
from nucleate.search.study.runner import Runner
from nucleate.search.study.storage import open_study
from nucleate.search.study.structure_sampler import AskedPoint, Searching
from nucleate.search.trial_attributes import ABANDONED, OUTCOME, STRUCTURE, YIELDED
from nucleate.settings.study import OptimizeSettings

FOLDER = Path("results/benchmarks")
STALE_SECONDS = 5.0


def value_of(structure: str) -> float:
    """What the objective gives: a number from the structure's digest, between 0 and 1."""
    return int.from_bytes(hashlib.sha256(structure.encode()).digest()[:4], "big") / 2**32


class NumberSearcher(Searcher):
    """Numbers below `size`, half of them near the best one known."""

    name = "numbers"

    def __init__(self, size: int, seed: int):
        self.size, self.random = size, random.Random(seed)
        self.seen: set[str] = set()
        self.best = (0.0, 0)

    def ask(self, count: int) -> list[Proposal]:
        out: list[Proposal] = []
        for _ in range(50 * count):
            near = self.best[1] + self.random.randint(-20, 20)
            number = near if self.random.random() < 0.5 else self.random.randrange(self.size)
            structure = str(number % self.size)
            if structure not in self.seen and len(out) < count:
                self.seen.add(structure)
                out.append(Proposal(structure, "near", (str(self.best[1]),)))
        return out

    def tell(self, structures: Sequence[str], scores: NDArray[np.float64]) -> None:
        self.seen.update(structures)
        for structure, score in zip(structures, scores.tolist(), strict=True):
            self.best = max(self.best, (score, int(structure)))


class _Log:
    """What a worker has done, one line each, in a file of its own."""

    def __init__(self, folder: Path):
        self.file = (folder / f"{os.getpid()}-{uuid.uuid4().hex}.jsonl").open("a", buffering=1)

    def write(self, what: str, structure: str, value: float) -> None:
        self.file.write(json.dumps([what, structure, value]) + "\n")


class _SlowObjective:
    """As much of an `Objective` as the study's loop asks for."""

    def __init__(self, seconds: float, log: _Log):
        self.seconds, self.log = seconds, log

    def score(self, structures: Sequence[str]) -> list[Scored]:
        out = []
        for structure in structures:
            time.sleep(self.seconds)
            value = value_of(structure)
            self.log.write("scored", structure, value)
            out.append(Scored({"value": value}, {"value": value}, value))
        return out

    def reasons(self, structure: str) -> dict[str, str]:
        return {}

    def remember(
        self, structure: str, raw: Mapping[str, Any], reasons: Mapping[str, str] = {}
    ) -> None:
        return


class _LoggedSearching(Searching):
    log: _Log

    def tell(self, asked: AskedPoint, values: Sequence[float]) -> bool:
        told = super().tell(asked, values)
        if told:
            self.log.write("told", str(asked.structure), values[0])
        return told


def work(given: argparse.Namespace) -> None:
    """One worker, until the study ends."""
    if given.distant:  # as if every worker were on a host of its own
        host = uuid.uuid4().hex
        liveness._host = lambda: host
    log = _Log(given.logs)
    settings = OptimizeSettings(
        trials=given.trials,
        batch=given.batch,
        storage=given.storage,
        stale_seconds=STALE_SECONDS,
        collapse=None,
    )
    with (
        open_study(Path(), given.name, given.storage) as study,
        liveness.WorkerPool(study, settings.stale_seconds) as pool,
    ):
        seed = pool.seed(0)
        searcher = NumberSearcher(4 * given.trials, seed)
        source = _LoggedSearching(study, searcher, None, frozenset(), batch=given.batch, seed=seed)
        source.log = log
        objective = cast(Objective, _SlowObjective(given.sleep, log))
        Runner(study, source, objective, settings, pool).run()


def _start(given: argparse.Namespace, name: str, logs: Path, sleep: float) -> subprocess.Popen[Any]:
    command = [
        sys.executable,
        "-m",
        __spec__.name if __spec__ else "nucleate_benchmarks.engineering.workers",
    ]
    command += ["--worker", "--storage", given.storage, "--name", name, "--logs", str(logs)]
    command += ["--trials", str(given.trials), "--batch", str(given.batch), "--sleep", str(sleep)]
    return subprocess.Popen([*command, *(["--distant"] if given.distant else [])])


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Start the workers, kill one every so often, replace it, and look at what they left.

    Returns:
        Counts; see `page` for what must be 0.
    """
    name = f"workers-{uuid.uuid4().hex[:8]}"
    # Each structure takes so long that all of them take at least the time that is asked for.
    sleep = given.workers * given.seconds / given.trials
    chance = random.Random(0)
    started = time.monotonic()
    kills = 0
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        running = [_start(given, name, logs, sleep) for _ in range(given.workers)]
        failed = 0
        try:
            due = started + given.kill_every
            while running:
                time.sleep(0.1)
                ended = [process for process in running if process.poll() is not None]
                failed += sum(process.returncode != 0 for process in ended)
                running = [process for process in running if process not in ended]
                if running and time.monotonic() >= due and kills < given.kills:
                    victim = chance.choice(running)
                    victim.send_signal(signal.SIGKILL)
                    victim.wait()
                    running.remove(victim)
                    running.append(_start(given, name, logs, sleep))
                    kills += 1
                    due += given.kill_every
        finally:
            for process in running:
                process.kill()
        seconds = time.monotonic() - started
        with open_study(logs / "unused", name, given.storage) as study:
            counts = judge(study.get_trials(deepcopy=False), read_logs(logs), given.trials)
    return {
        "workers": given.workers,
        "kills": kills,
        "kill_every": given.kill_every,
        "seconds": round(seconds, 1),
        "batch": given.batch,
        "hosts": "each worker taken for another host" if given.distant else "one host",
        "workers_failed": failed,
        **counts,
    }


def read_logs(folder: Path) -> list[tuple[str, str, float]]:
    """All workers' lines; the last one of a killed worker may be cut."""
    found = []
    for path in folder.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            try:
                what, structure, value = json.loads(line)
            except ValueError:
                continue
            found.append((what, structure, float(value)))
    return found


def judge(
    trials: Sequence[FrozenTrial], log: Sequence[tuple[str, str, float]], budget: int
) -> dict[str, int]:
    """Count what is right and what is wrong in a finished study."""
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    times = Counter(t.user_attrs[STRUCTURE] for t in complete)
    values = {t.user_attrs[STRUCTURE]: t.values[0] for t in complete}
    outcomes = Counter(t.user_attrs.get(OUTCOME) for t in trials if t.state == TrialState.FAIL)
    told = [(structure, value) for what, structure, value in log if what == "told"]
    scored = Counter(structure for what, structure, _ in log if what == "scored")
    abandoned = {t.user_attrs[STRUCTURE] for t in trials if t.user_attrs.get(OUTCOME) == ABANDONED}
    return {
        "budget": budget,
        "complete": len(complete),
        "doubled": sum(n > 1 for n in times.values()),
        "wrong": sum(value != value_of(structure) for structure, value in values.items()),
        "lost": sum(values.get(structure) != value for structure, value in told),
        "left_running": sum(t.state == TrialState.RUNNING for t in trials),
        "abandoned": outcomes[ABANDONED],
        "abandoned_never_scored": len(abandoned - set(values)),
        "yielded": outcomes[YIELDED],
        "scored_again": sum(n > 1 for n in scored.values()),
    }


def faults(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with a run, in words."""
    zero = ("doubled", "wrong", "lost", "left_running", "workers_failed")
    found = [f"{name}: {row[name]}" for name in zero if row[name]]
    if not row["budget"] <= row["complete"] <= row["budget"] + row["workers"]:
        found.append(f"{row['complete']} scored of a budget of {row['budget']}")
    return found


def main(arguments: list[str] | None = None) -> None:
    """Be a worker, or run the benchmark and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--storage", required=True, help="URL of a database")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kill-every", type=float, default=10.0, help="seconds")
    parser.add_argument("--kills", type=int, default=1000, help="at most")
    parser.add_argument("--seconds", type=float, default=120.0, help="that the run takes at least")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument(
        "--distant", action="store_true", help="workers see only each other's signs of life"
    )
    parser.add_argument("--out", type=Path, default=FOLDER)
    for option, kind in (("--name", str), ("--logs", Path), ("--sleep", float)):
        parser.add_argument(option, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.worker:
        work(given)
        return
    row = run(given)
    command = " ".join(sys.argv[1:] if arguments is None else arguments)
    row |= {
        "storage": given.storage.partition(":")[0],
        "command": f"python -m nucleate_benchmarks.engineering.workers {command}",
        "date": utc_now(),
        "code": code_version(),
        "processor": processor(),
        "cores": default_processes(),
    }
    _keep(given.out, row)
    print(json.dumps(row, indent=2))
    if faults(row):
        sys.exit("; ".join(faults(row)))


def _keep(folder: Path, row: dict[str, Any]) -> None:
    """Add a run to those of other settings."""
    path = folder / "workers.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    same = ("storage", "workers", "hosts", "kill_every", "budget")
    rows = [r for r in rows if any(r[k] != row[k] for k in same)] + [row]
    write_json(path, rows)
    write_text(folder / "workers.md", page(rows))


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The runs as Markdown."""
    names = {
        "storage": "storage",
        "hosts": "workers are on",
        "workers": "workers",
        "kills": "killed (SIGKILL)",
        "seconds": "seconds",
        "budget": "budget",
        "complete": "scored",
        "doubled": "structures scored twice in the study (asked: 0)",
        "wrong": "wrong values (asked: 0)",
        "lost": "told but not in the study (asked: 0)",
        "left_running": "left running (asked: 0)",
        "workers_failed": "workers that failed of themselves (asked: 0)",
        "abandoned": "trials of killed workers, failed by others",
        "abandoned_never_scored": "their structures that the budget left unscored",
        "scored_again": "structures whose objective was called again, their worker having died",
        "yielded": "trials given up to another worker or for the budget",
    }
    lines = ["# Workers that share a study and are killed", ""]
    lines += ["| |" + " |" * len(rows), "|---|" + "---|" * len(rows)]
    lines += [
        f"| {words} | " + " | ".join(str(r[name]) for r in rows) + " |"
        for name, words in names.items()
    ]
    lines += [""]
    lines += [
        f"- `{r['command']}`, {r['date']}, {r['processor']}, {r['cores']} cores, code {r['code']}"
        for r in rows
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
