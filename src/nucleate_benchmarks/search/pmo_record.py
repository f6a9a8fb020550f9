"""What is kept of a run of PMO: its calls, what it has cost, and whether it has ended."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nucleate.core.environment import processor, utc_now
from nucleate.core.errors import ResultsError
from nucleate.core.files import code_version, read_json
from nucleate.core.parallel import default_processes
from nucleate.datasets.resumable import whole_lines


@dataclass(frozen=True)
class RunTask:
    """What one run is, picklable.

    Attributes:
        batch: structures asked for at once.
        model: folder or shipped name; None for searchers that need none.
        model_digest, data_digest: of the model's and of the data's content; a run goes on only
            with those that it was begun with.
        data: file of canonical SMILES with a header (see `read_data`).
        work: folder of all runs' files.
        searchers, oracles: `module:function` that makes them (see `build_searcher` and `oracle`).
    """

    oracle: str
    definitions: str
    sampler: str
    seed: int
    budget: int
    batch: int
    model: str | None
    model_digest: str
    device: str
    data: str
    data_digest: str
    work: str
    searchers: str
    oracles: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.sampler} on {self.oracle}, seed {self.seed}"

    def file(self, ending: str) -> Path:
        """One of the run's files: `.jsonl` (calls), `.summary.json` (when it has ended),
        `.state.json` (until then), `.error.txt`."""
        folder = Path(self.work) / self.definitions / self.sampler
        return folder / f"{self.oracle}-{self.seed}{ending}"


@dataclass(frozen=True)
class Call:
    """One structure that the oracle was asked about.

    Attributes:
        call: its number, from 1; None for a structure that cannot be read, which costs nothing.
        score: NaN is a failure.
        origin, parent: see `Proposal`; the first parent.
    """

    call: int | None
    structure: str
    score: float
    origin: str
    parent: str | None = None

    def line(self) -> str:
        """As JSON; a failure is null."""
        score = self.score if math.isfinite(self.score) else None
        return json.dumps({**asdict(self), "score": score}, separators=(",", ":")) + "\n"


def read_calls(path: Path) -> list[Call]:
    """The calls in a file; none if there is no file; a last line cut by a kill is left out.

    Raises:
        ResultsError: the file is damaged elsewhere.
    """
    calls = []
    for number, line in enumerate(whole_lines(path), 1):
        try:
            values = json.loads(line)
            score = math.nan if values["score"] is None else float(values["score"])
            calls.append(Call(**{**values, "score": score}))
        except (ValueError, KeyError, TypeError) as error:
            raise ResultsError(f"{path}: line {number} is damaged ({error})") from None
    return calls


def spent(calls: Sequence[Call]) -> int:
    """Calls of the oracle among them."""
    return sum(call.call is not None for call in calls)


def finished_summary(task: RunTask) -> dict[str, Any] | None:
    """The summary of a run that has spent its budget or its searcher, else None.

    Raises:
        ResultsError: one of its files is damaged, or it was made with other data or another model.
    """
    path = task.file(".summary.json")
    if not path.exists():
        return None
    summary: dict[str, Any] = read_json(path)
    _check_same(task, summary, path)
    calls = spent(read_calls(task.file(".jsonl")))
    exhausted = summary.get("ended") == "exhausted" and calls == summary.get("calls")
    return summary if calls >= task.budget or exhausted else None


def _check_same(task: RunTask, noted: dict[str, Any], path: Path) -> None:
    for what in ("model", "data"):
        if noted.get(f"{what}_digest") != getattr(task, f"{what}_digest"):
            raise ResultsError(
                f"{path}: this run was begun with other {what} ({noted.get(what)}); choose "
                "another --work, or remove the run's files"
            )


@dataclass
class Account:
    """What a run has cost so far, all its parts together.

    Attributes:
        parts: times that it was started.
        seconds: wall time, with the loading of model and data.
        oracle_seconds: of it, in the oracle.
        peak_memory_gb: resident, 1e9 bytes, of the largest part.
        code: versions of the package that took part.
    """

    parts: int = 0
    seconds: float = 0.0
    oracle_seconds: float = 0.0
    peak_memory_gb: float = 0.0
    code: list[str] = field(default_factory=list)
    started: str = ""

    @classmethod
    def open(cls, task: RunTask) -> Account:
        """A new part of a run, continuing what was noted of earlier ones.

        Raises:
            ResultsError: they were made with other data or another model.
        """
        account = cls(started=utc_now())
        for ending in (".state.json", ".summary.json"):
            path = task.file(ending)
            if path.exists():
                noted = read_json(path)
                _check_same(task, noted, path)
                account = cls(**{key: noted[key] for key in asdict(account)})
                break
        account.parts += 1
        if code_version() not in account.code:
            account.code.append(code_version())
        return account

    def record(self, task: RunTask, since: float, calls: int, ended: str) -> dict[str, Any]:
        """As noted in a file, `since` the part's begin on the clock."""
        peak = max(self.peak_memory_gb, _peak_memory())
        return {
            **asdict(task),
            "calls": calls,
            "ended": ended,
            **asdict(self),
            "seconds": round(self.seconds + time.perf_counter() - since, 3),
            "oracle_seconds": round(self.oracle_seconds, 3),
            "peak_memory_gb": round(peak, 3),
            "date": utc_now(),
            "machine": {"processor": processor(), "cores": default_processes()},
        }


def _peak_memory() -> float:
    """1e9 bytes, of this process alone."""
    # Not `getrusage`: on Linux a spawned process inherits the peak of the one that spawned it.
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e9
    except OSError:
        pass
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e9
