"""One run of PMO: a searcher asked, scored and told until its calls of the oracle are spent.

Every call is a line of a file, so that a killed run goes on: a new searcher is told all of it.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import filelock
import numpy as np
from numpy.typing import NDArray

from nucleate.benchmarks.resources import processor
from nucleate.errors import ResultsError, SettingsError
from nucleate.molecules.chem import canonical, parse
from nucleate.parallel import _end_with_parent, default_processes
from nucleate.runs import code_version, read_json, write_json

if TYPE_CHECKING:
    from nucleate.latent import LatentModel
    from nucleate.search.searcher import Proposal, Searcher

IDLE = 100
"""Batches in a row without anything new, after which a searcher counts as exhausted."""
KEEP_EVERY = 10.0
"""Seconds between two notes of the time a run has taken: a killed run forgets no more."""
DATA_HEADER = "# "
"""Starts the first line of the file of training molecules, which describes it."""


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
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    calls = []
    for number, line in enumerate(whole.splitlines(), 1):
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


def finished(task: RunTask) -> dict[str, Any] | None:
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
    def opened(cls, task: RunTask) -> Account:
        """A new part of a run, continuing what was noted of earlier ones.

        Raises:
            ResultsError: they were made with other data or another model.
        """
        account = cls(started=_now())
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
            "date": _now(),
            "machine": {"processor": processor(), "cores": default_processes()},
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


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


def run(task: RunTask, told: Callable[[int], object] = lambda calls: None) -> dict[str, Any]:
    """Do a run, or the rest of it.

    Args:
        told: given the number of calls after every batch.

    Returns:
        The summary that lies in its file.

    Raises:
        ResultsError: its files are damaged, in use, of other data, or cannot be written.
    """
    since = time.perf_counter()
    with _locked(task):
        done = finished(task)
        if done is not None:
            return done
        account = Account.opened(task)
        path = task.file(".jsonl")
        calls = read_calls(path)
        _cut_torn_line(path)
        write_json(task.file(".state.json"), account.record(task, since, spent(calls), ""))
        ended = "budget"
        if spent(calls) < task.budget:
            with path.open("a", encoding="utf-8") as stream:
                loop = _Loop(task, calls, stream, account, since, told)
                ended = loop.run(_searcher(task))
        summary = account.record(task, since, spent(calls), ended)
        write_json(task.file(".summary.json"), summary)
        task.file(".state.json").unlink(missing_ok=True)
    return summary


@contextmanager
def _locked(task: RunTask) -> Iterator[None]:
    path = task.file(".lock")
    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ResultsError(f"{path}: the run is in use by another process") from None
    try:
        yield
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        lock.release()
        path.unlink(missing_ok=True)


def _cut_torn_line(path: Path) -> None:
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("rb+") as file:
                file.truncate(whole)


class _Loop:
    """Ask, score, note, tell."""

    def __init__(
        self,
        task: RunTask,
        calls: list[Call],
        stream: TextIO,
        account: Account,
        since: float,
        told: Callable[[int], object],
    ):
        self.task, self.calls, self.stream, self.account = task, calls, stream, account
        self.since, self.told = since, told
        self.known = {call.structure for call in calls}
        self.spent = spent(calls)
        self.kept = time.perf_counter()
        self.oracle = resolve(task.oracles)(task.oracle, task.definitions)

    def run(self, searcher: Searcher) -> str:
        """Until the end; says which: `budget` or `exhausted`."""
        _tell(searcher, self.calls)
        idle = 0
        while self.spent < self.task.budget:
            proposals = searcher.ask(min(self.task.batch, self.task.budget - self.spent))
            fresh = self._fresh(proposals)
            idle = 0 if fresh else idle + 1
            if not proposals or idle >= IDLE:
                return "exhausted"
            if fresh:
                self._score(searcher, fresh)
        return "budget"

    def _fresh(self, proposals: Sequence[Proposal]) -> list[Call]:
        """Calls to be made, scores missing; numbered unless RDKit cannot read the structure."""
        fresh, number = [], self.spent
        for proposal in proposals:
            molecule = parse(proposal.structure) if proposal.structure else None
            text = proposal.structure if molecule is None else canonical(molecule)
            if text in self.known or number == self.task.budget:
                continue
            self.known.add(text)
            number += molecule is not None
            parent = proposal.parents[0] if proposal.parents else None
            call = None if molecule is None else number
            fresh.append(Call(call, text, math.nan, proposal.origin, parent))
        return fresh

    def _score(self, searcher: Searcher, fresh: Sequence[Call]) -> None:
        readable = [call.structure for call in fresh if call.call is not None]
        begun = time.perf_counter()
        values = self.oracle.compute(readable) if readable else []
        self.account.oracle_seconds += time.perf_counter() - begun
        scores = dict(zip(readable, (float(value) for value in values), strict=True))
        made = [
            Call(c.call, c.structure, scores.get(c.structure, math.nan), c.origin, c.parent)
            for c in fresh
        ]
        # Before the searcher learns of them: what was paid for is kept even if that fails.
        self.stream.write("".join(call.line() for call in made))
        self.stream.flush()
        self.calls += made
        self.spent += len(readable)
        if time.perf_counter() - self.kept > KEEP_EVERY:
            state = self.account.record(self.task, self.since, self.spent, "")
            write_json(self.task.file(".state.json"), state)
            self.kept = time.perf_counter()
        _tell(searcher, made)
        self.told(self.spent)


def _tell(searcher: Searcher, calls: Sequence[Call]) -> None:
    if calls:
        scores: NDArray[np.float64] = np.array([call.score for call in calls], np.float64)
        searcher.tell(
            [call.structure for call in calls], np.where(np.isfinite(scores), scores, np.nan)
        )


def resolve(place: str) -> Any:
    """What `module:function` names.

    Raises:
        SettingsError: there is no such thing.
    """
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"{place}: cannot be imported ({error})") from None


def _searcher(task: RunTask) -> Searcher:
    build = resolve(task.searchers)
    made: Searcher = build(
        task.sampler, model=_model(task), data=read_data(Path(task.data)), seed=task.seed
    )
    return made


def _model(task: RunTask) -> LatentModel | None:
    if task.model is None:
        return None
    import torch

    from nucleate.latent import LatentModel

    torch.set_num_threads(1)
    return LatentModel.load(task.model, task.device)


def read_data(path: Path) -> list[str]:
    """The molecules of a file written by the command: its lines after the header."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(DATA_HEADER)]


def run_in_process(task: RunTask, connection: Connection) -> None:
    """Body of a process of its own: `run`, its course sent to the process that started it.

    Sends `("calls", n)` as it goes, then `("done", summary)` or `("failed", message)`; the
    traceback is left in the run's `.error.txt`.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    error_file = task.file(".error.txt")
    try:
        error_file.unlink(missing_ok=True)
        connection.send(("done", run(task, lambda calls: connection.send(("calls", calls)))))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        connection.send(("failed", f"{type(error).__name__}: {error}"))
        error_file.parent.mkdir(parents=True, exist_ok=True)
        error_file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    finally:
        connection.close()
