"""Programs of other people: where they lie, and child processes that outlive nothing."""

from __future__ import annotations

import codecs
import os
import shlex
import shutil
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from nucleate.core.errors import SettingsError
from nucleate.core.processes import kill_group
from nucleate.settings.objectives import relative_to

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


def on_path(name: str) -> str | None:
    """Full path of a program that is called by its name alone, if PATH has it."""
    return None if {"/", os.sep} & set(name) else shutil.which(name)


def find_program(name: str, folder: Path | None) -> Path:
    """Full path of a program: on PATH, or beside the settings if it is not or is written as a path.

    Args:
        folder: of the settings; the working folder if None.

    Raises:
        SettingsError: there is none, or it cannot be run; says why.
    """
    known = on_path(name)
    if known is not None:
        return Path(known).absolute()
    try:
        path = relative_to(name, folder).absolute()
        if path.is_file():
            fault = _fault(path)
            if fault:
                raise SettingsError(f"objective: the program {path} cannot be run: {fault}")
            return path
    except (OSError, ValueError):  # no file's name at all
        pass
    where = f"in {(folder or Path()).absolute()}" + ("" if "/" in name else " or on PATH")
    raise SettingsError(f"objective: no program {name!r} {where}")


def _fault(path: Path) -> str:
    """Why a file cannot be run, and what to do; empty if it can."""
    if os.name == "nt":
        return ""
    if not os.access(path, os.X_OK):
        return f"it is not marked as a program; `chmod +x {shlex.quote(str(path))}`"
    if not os.access(path, os.R_OK):  # a binary may be run and not read
        return ""
    with path.open("rb") as file:
        first = file.readline(1000)
    if first.removeprefix(codecs.BOM_UTF8).startswith(b"#!"):
        if first.startswith(codecs.BOM_UTF8):
            return "an invisible mark (BOM) stands before its `#!`; save it as UTF-8 without one"
        if first.endswith(b"\r\n"):
            mend = f"sed -i 's/\\r$//' {shlex.quote(str(path))}"
            return f"its lines end as on Windows (CR LF); `{mend}` mends them"
        interpreter = first[2:].decode("utf-8", "replace").split()[:1]
        if not interpreter or not Path(interpreter[0]).exists():
            return f"there is no {interpreter[0] if interpreter else 'interpreter'} to run it with"
    elif first.isascii() and b"\0" not in first and first.strip():
        return "its first line does not say with what (`#!/bin/sh`, say)"
    return ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    kill_group(process.pid)
    process.kill()


def _text(file: IO[bytes], start: int, size: int) -> str:
    file.seek(start)
    return file.read(size).decode("utf-8", "replace")


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    return _text(file, max(0, size - 4 * TAIL), 4 * TAIL).strip()[-TAIL:]
