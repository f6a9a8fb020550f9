"""Failures as a person sees them: a message, and the exit status for scripts.

| status | meaning |
|---|---|
| 1 | a file, a dataset, a model or the results folder is at fault, or an unexpected error |
| 2 | a command line or settings file is at fault |
| 130 | interrupted |
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from nucleate.core.errors import NucleateError, SettingsError, printable

DEBUG_VARIABLE = "NUCLEATE_DEBUG"
_REFUSED = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the disk can only be read",
    errno.ENOENT: "no such file or folder",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "is a file, not a folder",
    errno.EMFILE: "too many files are open",
    errno.ECONNREFUSED: "the server does not answer (connection refused)",
    errno.EHOSTUNREACH: "the server cannot be reached",
    errno.ETIMEDOUT: "the server does not answer in time",
}
"""What the operating system refuses, in plain words."""


@contextmanager
def explained_failures() -> Iterator[None]:
    """Turn exceptions of the block into one message on stderr and `SystemExit`.

    Exceptions that carry an exit status of their own (the command-line library's) pass through.
    With `NUCLEATE_DEBUG=1` (set by `--debug`) nothing is caught, so that the traceback shows.
    """
    try:
        yield
    except KeyboardInterrupt:
        _say("interrupted; the same command resumes where it stopped")
        # Worker threads and processes of libraries may outlive the main thread's interest.
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise  # nobody reads on (`nucleate ... | head`): the command-line library ends quietly
    except Exception as error:
        if hasattr(error, "exit_code") or os.environ.get(DEBUG_VARIABLE) == "1":
            raise
        if isinstance(error, NucleateError):
            _say(f"error: {error}")
            raise SystemExit(2 if isinstance(error, SettingsError) else 1) from None
        _say(_of_the_system(error) or _report_unexpected(error))
        raise SystemExit(1) from None


def _of_the_system(error: Exception) -> str:
    """What the machine refuses (a full disk, a folder that may not be written), in one line; empty
    for what is a defect of ours."""
    if isinstance(error, MemoryError):
        return "error: out of memory; give fewer structures at a time or a smaller batch"
    if not isinstance(error, OSError) or error.errno not in _REFUSED:
        return ""
    place = "" if error.filename is None else f"{printable(error.filename)}: "
    return f"error: {place}{_REFUSED[error.errno]}"


def _say(message: str) -> None:
    print(f"nucleate: {message}", file=sys.stderr)


def _report_unexpected(error: Exception) -> str:
    """A short message about a defect of ours, with the traceback kept in a file."""
    message = f"unexpected error: {type(error).__name__}: {error}"
    name = f"nucleate-error-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
    path = Path(tempfile.gettempdir()) / name
    try:
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return f"{message}\n  run again with {DEBUG_VARIABLE}=1 for the traceback"
    return f"{message}\n  the traceback is in {path}; please report it"


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """In this block SIGTERM, which batch systems send before they kill, acts as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
