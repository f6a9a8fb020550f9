"""Work spread over worker processes, in order, with bounded memory.

`pebble` keeps the pool: libraries written in C++ cannot be interrupted from within, so a stuck
item's process is killed, and a worker that dies costs its own item only.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures import TimeoutError as ExecutorTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from nucleate.core.errors import ResultsError
from nucleate.core.processes import end_with_parent, process_context, single_thread

T = TypeVar("T")
R = TypeVar("R")
_SLOTS = 64
"""Chunks in flight at most; each notes in a slot of its own how far it has come."""


@dataclass(frozen=True)
class Failure:
    """What became of an item whose process was stopped or died.

    Attributes:
        reason: `stopped after 10 s` or `its process died (exit code -11)`.
        step: number last given to `note_step`; -1 if none was.
    """

    reason: str
    step: int = -1


def default_processes() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


class _Here:
    """This worker's slots, the one of the chunk in hand, and what its initializer returned."""

    prepared: Any = None
    steps: Any = None
    slot: int = 0


def note_step(step: int) -> None:
    """Note, inside a worker, what it is about to do: a `Failure` tells the last number."""
    if _Here.steps is not None:
        _Here.steps[_Here.slot] = step


def _start(initializer: Callable[..., Any] | None, arguments: tuple[Any, ...], steps: Any) -> None:
    end_with_parent()
    single_thread()
    _Here.steps = steps
    _Here.prepared = None if initializer is None else initializer(*arguments)


def _bind(function: Callable[..., R], prepared: Any) -> Callable[..., R]:
    return function if prepared is None else partial(function, prepared)


def _call(function: Callable[..., R], item: Any, slot: int = 0) -> R:
    _Here.slot = slot
    note_step(-1)
    return _bind(function, _Here.prepared)(item)


@contextlib.contextmanager
def _pool(
    processes: int,
    context: Any,
    initializer: Callable[..., Any] | None = None,
    arguments: tuple[Any, ...] = (),
    steps: Any = None,
    tasks: int = 0,
) -> Iterator[ProcessPool]:
    """A pool whose processes are stopped at the end, each replaced after so many tasks (0: never).

    Raises:
        ResultsError: processes cannot be started.
    """
    pool = ProcessPool(processes, tasks, _start, (initializer, arguments, steps), context=context)
    try:
        yield pool
    finally:
        pool.stop()
        pool.join()


def _send(pool: ProcessPool, seconds: float | None, call: Callable[..., R], *values: Any) -> Any:
    try:
        return pool.schedule(call, args=values, timeout=seconds)
    except RuntimeError as error:  # the pool has given up starting processes
        raise ResultsError(f"worker processes cannot be started ({error})") from error


def map_ordered(
    function: Callable[..., R],
    items: Iterable[T],
    *,
    processes: int,
    initializer: Callable[..., Any] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[R]:
    """Results in the order of the items, at most 2 * processes items in flight.

    With one process everything runs here. `function` and `initializer` live at module level, since
    workers are spawned. An exception in `function` is raised here.

    Args:
        function: of an item.
        initializer: called once in each worker; what it returns, unless that is None, is the
            function's first argument.

    Raises:
        ResultsError: a worker died (killed, or out of memory).
    """
    if processes <= 1:
        prepared = None if initializer is None else initializer(*arguments)
        yield from map(_bind(function, prepared), items)
        return
    context = process_context(function, initializer)
    pending: deque[Future[R]] = deque()
    with _pool(processes, context, initializer, arguments) as pool:
        try:
            for item in items:
                pending.append(_send(pool, None, _call, function, item))
                if len(pending) >= 2 * processes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except (ProcessExpired, BrokenProcessPool) as error:
            raise ResultsError("a worker process died (killed or out of memory)") from error


def map_fresh(
    function: Callable[[T], R], items: Iterable[T], *, processes: int
) -> Iterator[tuple[T, R | Failure]]:
    """Each item with its result as they end, every one in a fresh process, so many at once.

    The peak of a process's memory is its item's own, and one that dies takes no other with it.
    """
    with _pool(processes, process_context(function), tasks=1) as pool:
        sent = {_send(pool, None, function, item): item for item in items}
        for future in as_completed(sent):
            try:
                yield sent[future], future.result()
            except ProcessExpired as error:
                yield sent[future], Failure(_death(error))


def _death(error: ProcessExpired) -> str:
    code = getattr(error, "exitcode", None)
    return "its process died" + ("" if code is None else f" (exit code {code})")


def map_isolated(
    function: Callable[..., list[R]],
    chunks: Iterable[Sequence[T]],
    *,
    processes: int,
    seconds: float,
    initializer: Callable[..., Any] | None = None,
    arguments: tuple[Any, ...] = (),
    preload: Sequence[str] = (),
) -> Iterator[list[R | Failure]]:
    """Results of the chunks in their order, few in flight; items may hang or kill their process.

    A chunk that fails is done again item by item, so that its culprit is known and the others get
    their results.

    Args:
        function: of a chunk -> one result for each item; lives at module level. What it raises is
            raised here.
        processes: 0 does everything here, unguarded.
        initializer: see `map_ordered`.
        seconds: limit of a chunk, and of an item where its chunk took longer than that or died.
        preload: modules that workers need; their start is quick if they are loaded beforehand.

    Yields:
        For each chunk a list with a result or a `Failure` for each item.

    Raises:
        ResultsError: processes cannot be started.
    """
    if processes <= 0:
        prepared = None if initializer is None else initializer(*arguments)
        for chunk in chunks:
            yield list(_bind(function, prepared)(chunk))
        return
    context: Any = process_context(function, initializer, server=True)
    context.set_forkserver_preload(["nucleate.core.parallel", *preload])
    steps = context.Array("i", _SLOTS + 1, lock=False)
    waiting: deque[tuple[Sequence[T], int, Future[list[R]]]] = deque()
    with _pool(processes, context, initializer, arguments, steps) as pool:

        def send(chunk: Sequence[T], slot: int) -> Future[list[R]]:
            future: Future[list[R]] = _send(pool, seconds, _call, function, chunk, slot)
            return future

        def failure(error: BaseException, slot: int) -> Failure:
            stopped = f"stopped after {seconds:g} s"
            reason = _death(error) if isinstance(error, ProcessExpired) else stopped
            return Failure(reason, int(steps[slot]))

        def alone(item: T) -> R | Failure:
            try:
                return next(iter(send([item], _SLOTS).result()))
            except (ExecutorTimeoutError, ProcessExpired) as error:
                return failure(error, _SLOTS)

        def receive(chunk: Sequence[T], slot: int, future: Future[list[R]]) -> list[R | Failure]:
            try:
                return list(future.result())
            except ExecutorTimeoutError as error:
                if len(chunk) == 1:
                    return [failure(error, slot)]
            except ProcessExpired:
                pass  # perhaps for no fault of its items: even a single one is tried once more
            return [alone(item) for item in chunk]

        for number, chunk in enumerate(chunks):
            waiting.append((chunk, number % _SLOTS, send(chunk, number % _SLOTS)))
            if len(waiting) > min(2 * processes, _SLOTS - 1):
                yield receive(*waiting.popleft())
        while waiting:
            yield receive(*waiting.popleft())
