"""Work spread over processes that may hang or die: each item has a limit and costs only itself.

Libraries written in C++ cannot be interrupted from within, so a stuck item's process is killed.
`pebble` keeps the pool; items go out in chunks, and a chunk that fails is done again item by item,
so that its culprit is known and the others get their results.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError as ExecutorTimeoutError
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from nucleate.core.errors import ResultsError
from nucleate.core.parallel import end_with_parent, single_thread

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
    step: int


class _Here:
    """This worker's slots, and the one of the chunk in hand."""

    steps: Any = None
    slot: int = 0


def note_step(step: int) -> None:
    """Note, inside a worker, what it is about to do: a `Failure` tells the last number."""
    if _Here.steps is not None:
        _Here.steps[_Here.slot] = step


def _start(steps: Any, initializer: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    single_thread()
    _Here.steps = steps
    if initializer is not None:
        initializer(*arguments)


def _call(function: Callable[[Sequence[T]], list[R]], chunk: Sequence[T], slot: int) -> list[R]:
    _Here.slot = slot
    note_step(-1)
    return function(chunk)


def _context(preload: Sequence[str]) -> BaseContext:
    """Processes forked from a small server that has loaded the libraries already, where there is
    such a thing: a killed worker is replaced in milliseconds."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nucleate.core.guarded", *preload])
    return context


def map_guarded(
    function: Callable[[Sequence[T]], list[R]],
    chunks: Iterable[Sequence[T]],
    *,
    processes: int,
    seconds: float,
    initializer: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
    preload: Sequence[str] = (),
) -> Iterator[list[R | Failure]]:
    """Results of the chunks in their order, few chunks in flight.

    Args:
        function: of a chunk -> one result for each item; lives at module level. What it raises is
            raised here.
        processes: 0 does everything here, unguarded.
        seconds: limit of a chunk, and of an item where its chunk took longer than that or died.
        preload: modules that workers need; their start is quick if they are loaded beforehand.

    Yields:
        For each chunk a list with a result or a `Failure` for each item.

    Raises:
        ResultsError: processes cannot be started.
    """
    if processes <= 0:
        if initializer is not None:
            initializer(*arguments)
        for chunk in chunks:
            yield list(function(chunk))
        return
    with _Pool(function, processes, seconds, initializer, arguments, preload) as pool:
        waiting: deque[tuple[Sequence[T], int, Any]] = deque()
        for number, chunk in enumerate(chunks):
            waiting.append((chunk, number % _SLOTS, pool.send(chunk, number % _SLOTS)))
            if len(waiting) > min(2 * processes, _SLOTS - 1):
                yield pool.receive(*waiting.popleft())
        while waiting:
            yield pool.receive(*waiting.popleft())


class _Pool:
    """The pool of processes behind `map_guarded`."""

    def __init__(
        self,
        function: Callable[[Sequence[Any]], list[Any]],
        processes: int,
        seconds: float,
        initializer: Callable[..., None] | None,
        arguments: tuple[Any, ...],
        preload: Sequence[str],
    ):
        self.function, self.seconds = function, seconds
        context = _context(preload)
        self.steps = context.Array("i", _SLOTS + 1, lock=False)  # type: ignore[attr-defined]
        self.pool = ProcessPool(
            max_workers=processes,
            initializer=_start,
            initargs=(self.steps, initializer, arguments),
            context=context,
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.stop()
        self.pool.join()

    def send(self, chunk: Sequence[Any], slot: int) -> Any:
        """Hand a chunk to the pool; its future."""
        arguments = (self.function, chunk, slot)
        try:
            return self.pool.schedule(_call, args=arguments, timeout=self.seconds)
        except RuntimeError as error:  # the pool has given up starting processes
            raise ResultsError(f"worker processes cannot be started ({error})") from error

    def receive(self, chunk: Sequence[Any], slot: int, future: Any) -> list[Any]:
        """The chunk's results; if it failed, those of its items one by one."""
        try:
            return list(future.result())
        except ExecutorTimeoutError as error:
            if len(chunk) == 1:
                return [self._failure(error, slot)]
        except ProcessExpired:
            pass  # perhaps for no fault of its items: even a single one is tried once more
        return [self._alone(item) for item in chunk]

    def _alone(self, item: Any) -> Any:
        try:
            return next(iter(self.send([item], _SLOTS).result()))
        except (ExecutorTimeoutError, ProcessExpired) as error:
            return self._failure(error, _SLOTS)

    def _failure(self, error: BaseException, slot: int) -> Failure:
        step = int(self.steps[slot])
        if isinstance(error, ProcessExpired):
            with contextlib.suppress(AttributeError):
                return Failure(f"its process died (exit code {error.exitcode})", step)
            return Failure("its process died", step)
        return Failure(f"stopped after {self.seconds:g} s", step)
