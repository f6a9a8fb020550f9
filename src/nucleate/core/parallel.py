"""Work spread over spawned processes, in order, with bounded memory."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from nucleate.core.errors import ResultsError

T = TypeVar("T")
R = TypeVar("R")


def default_processes() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def single_thread() -> None:
    """Keep the libraries of this worker to one thread each."""
    # One worker per core: a pool of threads inside each would only contend.
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["RAYON_NUM_THREADS"] = "1"


def end_with_parent() -> None:
    """Wait for this process's parent and end with it; body of a daemon thread of a worker."""
    # A worker holds both ends of its queue, so that it would wait for ever for a killed parent.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start(initializer: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    single_thread()
    if initializer is not None:
        initializer(*arguments)


def map_ordered(
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    processes: int,
    initializer: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[R]:
    """Results in the order of the items, at most 2 * processes items in flight.

    With one process everything runs here. `function` and `initializer` live at module level of the
    package, since workers are spawned. An exception in `function` is raised here.

    Raises:
        ResultsError: a worker died (killed, or out of memory).
    """
    if processes <= 1:
        if initializer is not None:
            initializer(*arguments)
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=_start,
        initargs=(initializer, arguments),
    )
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= 2 * processes:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise ResultsError("a worker process died (killed or out of memory)") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
