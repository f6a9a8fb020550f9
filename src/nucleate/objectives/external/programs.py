"""Child processes that never outlive what they were started for."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from nucleate.core.processes import kill_group

MAXIMUM_OUTPUT = 64 * 2**20
"""Bytes of a program's output that are read."""
TAIL = 400
"""Characters of a program's complaints that are kept."""


@dataclass(frozen=True)
class Finished:
    """What is left of a program that was run.

    Attributes:
        code: its return code, negative for the signal that ended it; None if it was killed for
            taking too long.
        output: its standard output, as far as it came.
        complaints: the end of its standard error.
    """

    code: int | None
    output: str
    complaints: str


class Stopped(Exception):
    """Raised where a program would be started after `Children.stop`."""


class Children:
    """Programs that are running, each in a process group of its own, to be killed together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def stop(self) -> None:
        """Kill all that run; none is started any more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def run(
        self, command: tuple[str, ...], text: str, timeout: float, folder: Path | None
    ) -> Finished:
        """Run a program on a text until it ends or its time is over.

        Files instead of pipes: a program that does not read, or that leaves behind a process which
        holds its output open, cannot block us, and what it wrote before its end is there.

        Raises:
            OSError: it cannot be started.
            Stopped: `stop` was called.
        """
        with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as complaints:
            given.write(text.encode())
            given.seek(0)
            with self._lock:
                if self._stopped:
                    raise Stopped
                process = subprocess.Popen(
                    command,
                    stdin=given,
                    stdout=output,
                    stderr=complaints,
                    cwd=folder,
                    start_new_session=True,
                )
                self._running.add(process)
            code: int | None = None
            try:
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(timeout)
            finally:
                _kill(process)  # also what a program that ended has left behind
                process.wait()
                with self._lock:
                    self._running.discard(process)
            return Finished(code, _text(output, 0, MAXIMUM_OUTPUT), _tail(complaints))


def _kill(process: subprocess.Popen[bytes]) -> None:
    kill_group(process.pid)
    process.kill()


def _text(file: IO[bytes], start: int, size: int) -> str:
    file.seek(start)
    return file.read(size).decode("utf-8", "replace")


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    return _text(file, max(0, size - 4 * TAIL), 4 * TAIL).strip()[-TAIL:]
