"""Processes of this package: started without the person's script, and ended with their parent.

A process that `multiprocessing` starts afresh imports the parent's main module first: a plain
script without a main guard would run again in every worker, and one that was read from standard
input cannot be imported at all. Workers here do without it, unless what they run lives there.
"""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import pickle
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process, spawn
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import FunctionType
from typing import Any, TypeVar

from nucleate.core.errors import ResultsError

R = TypeVar("R")
_starting = threading.Lock()
_open: weakref.WeakSet[Worker] = weakref.WeakSet()


def single_thread() -> None:
    """Keep the libraries of this worker to one thread each."""
    # One worker per core: a pool of threads inside each would only contend.
    for library in ("OMP", "MKL", "OPENBLAS", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def kill_group(pid: int) -> None:
    """Kill a process group by its leader's id; nothing if there is none."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def end_with_parent() -> None:
    """Let this worker end, with its group if it leads one, when its parent is gone."""

    # A worker holds both ends of its queue, so that it would wait for ever for a killed parent.
    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            kill_group(os.getpid())
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Processes that this thread starts inside are not told where the main module is."""
    caller = threading.get_ident()
    with _starting:
        original = spawn.get_preparation_data

        def without_main(name: str) -> dict[str, Any]:
            data = original(name)
            if threading.get_ident() != caller:
                return data
            return {key: value for key, value in data.items() if not key.startswith("init_main")}

        spawn.get_preparation_data = without_main
        try:
            yield
        finally:
            spawn.get_preparation_data = original


class SpawnWithoutMain(SpawnProcess):
    """A spawned process that does not import the main module."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        with _main_hidden():
            return SpawnProcess._Popen(process_obj)


class _Spawn(SpawnContext):
    Process = SpawnWithoutMain


if sys.platform != "win32":
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    class ForkServerWithoutMain(ForkServerProcess):
        """A process of the fork server that does not import the main module."""

        @staticmethod
        def _Popen(process_obj: BaseProcess) -> Any:
            with _main_hidden():
                return ForkServerProcess._Popen(process_obj)

    class _ForkServer(ForkServerContext):
        Process = ForkServerWithoutMain


def process_context(*functions: Callable[..., Any] | None, server: bool = False) -> BaseContext:
    """Return the context that starts processes for these functions.

    Args:
        functions: what the processes call. If one lives in the main module (of a command of our
            own, which has its guard), they must import that.
        server: fork them from a small server, where there is such a thing, which can load libraries
            beforehand (`set_forkserver_preload`): a killed worker is then replaced in milliseconds.
    """
    server = server and "forkserver" in multiprocessing.get_all_start_methods()
    if b"__main__" in pickle.dumps(functions):
        return get_context("forkserver" if server else "spawn")
    if server and sys.platform != "win32":
        return _ForkServer()
    return _Spawn()


class Worker:
    """A process that runs `target(connection, *arguments)`, killed with all that it started.

    Args:
        target: lives at module level.

    Attributes:
        connection: our end of a pipe to it.
    """

    def __init__(self, target: Callable[..., None], *arguments: Any):
        run = [value for value in arguments if isinstance(value, FunctionType)]
        context: Any = process_context(target, *run)
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_lead, args=(target, theirs, arguments))
        _open.add(self)
        try:
            self.process.start()
        finally:
            theirs.close()

    def exit_code(self) -> int | None:
        """Return how it ended, once it has closed the pipe."""
        self.process.join(1.0)
        code: int | None = self.process.exitcode
        return code

    def close(self) -> None:
        """Kill it; may be called again."""
        self.connection.close()
        with suppress(ValueError):  # it is closed already
            if self.process.pid is not None:
                kill_group(self.process.pid)
                self.process.kill()  # it may not have had a group of its own yet
                self.process.join()
            self.process.close()

    def __del__(self) -> None:
        self.close()


@atexit.register
def _close_all() -> None:
    # Exit hooks run last one first: this one before multiprocessing waits for its children, which
    # would be for ever if one hangs.
    for worker in list(_open):
        worker.close()


def _lead(target: Callable[..., None], connection: Connection, arguments: tuple[Any, ...]) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    end_with_parent()
    target(connection, *arguments)


def run_isolated(function: Callable[..., R], *arguments: Any) -> R:
    """Return what a function of module level gives in a fresh process of its own.

    Raises:
        ResultsError: the process died.
        Exception: whatever the function raised.
    """
    worker = Worker(_answer, function, arguments)
    try:
        result, error = worker.connection.recv()
    except EOFError:
        raise ResultsError(f"its process died (exit code {worker.exit_code()})") from None
    finally:
        worker.close()
    if error is not None:
        raise error
    found: R = result
    return found


def _answer(connection: Connection, function: Callable[..., R], arguments: tuple[Any, ...]) -> None:
    try:
        connection.send((function(*arguments), None))
    except Exception as error:
        connection.send((None, error))
