"""One run of PMO: a searcher asked, scored and told until its calls of the oracle are spent.

Every call is a line of a file, so that a killed run goes on: a new searcher is told all of it.
"""

from __future__ import annotations

import importlib
import math
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import filelock
import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.core.files import write_json
from nucleate.datasets.resumable import cut_torn_line
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.search.searcher import SearchTask
from nucleate_benchmarks.search.pmo_record import (
    Account,
    Call,
    RunTask,
    finished_summary,
    read_calls,
    spent,
)

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.search.searcher import Proposal, Searcher

IDLE = 100
"""Batches in a row without anything new, after which a searcher counts as exhausted."""
KEEP_EVERY = 10.0
"""Seconds between two notes of the time a run has taken: a killed run forgets no more."""
DATA_HEADER = "# "
"""Starts the first line of the file of training molecules, which describes it."""


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
        done = finished_summary(task)
        if done is not None:
            return done
        account = Account.open(task)
        path = task.file(".jsonl")
        calls = read_calls(path)
        cut_torn_line(path)
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


def beside(place: str, name: str) -> list[str] | None:
    """Names that stand in a module beside a function; None where there is no such list.

    Args:
        place: `module:function`.

    Raises:
        SettingsError: there is no such function.
    """
    resolve(place)
    found = getattr(sys.modules[place.partition(":")[0]], name, None)
    return None if found is None else list(found)


def check_known(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Refuse names that are not known, where any are.

    Raises:
        SettingsError: one is unknown.
    """
    unknown = [name for name in given if known and name not in known]
    if unknown:
        raise SettingsError(f"no {what} named {', '.join(unknown)}; known: {', '.join(known)}")


def check_model(place: str, samplers: Sequence[str], model: str | None) -> None:
    """Refuse searchers that need a model where there is none, as far as the module in which they
    are built says so in `WITHOUT_MODEL`.

    Args:
        place: `module:function` that builds them.

    Raises:
        SettingsError: one of them needs a model.
    """
    free = beside(place, "WITHOUT_MODEL")
    needy = [name for name in samplers if free is not None and name not in free]
    if model is None and needy:
        raise SettingsError(
            f"{', '.join(needy)}: needs a model; give --model, or only {', '.join(free or ())}"
        )


def _searcher(task: RunTask) -> Searcher:
    build = resolve(task.searchers)
    data = read_data(Path(task.data))
    made: Searcher = build(SearchTask(task.sampler, _model(task), data, task.seed))
    return made


def _model(task: RunTask) -> LatentModel | None:
    if task.model is None:
        return None
    import torch

    from nucleate.latent.latent_model import LatentModel

    torch.set_num_threads(1)
    return LatentModel.load(task.model, task.device)


def read_data(path: Path) -> list[str]:
    """The molecules of a file written by the command: its lines after the header."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(DATA_HEADER)]


def run_in_process(task: RunTask) -> tuple[str, Any]:
    """`run` for a process of its own: `("done", summary)` or `("failed", message)`.

    The traceback is left in the run's `.error.txt`.
    """
    error_file = task.file(".error.txt")
    try:
        error_file.unlink(missing_ok=True)
        return "done", run(task)
    except Exception as error:
        error_file.parent.mkdir(parents=True, exist_ok=True)
        error_file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        return "failed", f"{type(error).__name__}: {error}"
