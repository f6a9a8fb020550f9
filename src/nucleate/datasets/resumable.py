"""Work in chunks that survives a kill: what an earlier run has finished is not done again.

Large results are a file for each chunk (`map_to_files`), small ones a line each of one file
(`LineLog`, `map_to_lines`).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from nucleate.core.errors import ResultsError
from nucleate.core.parallel import map_ordered
from nucleate.core.progress import bar

POOL_FROM = 16
"""Structures from which worker processes repay the seconds that they take to start."""
_LOG = logging.getLogger(__name__)


class Chunk(Protocol):
    """A unit of work: the file that exists when it is done, and its number of items."""

    @property
    def target(self) -> Path:
        """Written last, and atomically."""
        ...

    def __len__(self) -> int: ...


C = TypeVar("C", bound=Chunk)


def map_to_files(
    write: Callable[[Any, C], int],
    chunks: Iterable[C],
    folder: Path,
    *,
    description: str,
    total: int | None,
    unit: str = "row",
    processes: int = 1,
    initializer: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> list[Path]:
    """Write the file of every chunk that is not there yet, in worker processes.

    Args:
        write: at module level; of what the initializer returned and a chunk: writes the chunk's
            target and returns the number of its items.
        folder: of the files; made if missing.
        description, total, unit: of the progress bar.
        initializer, arguments: see `map_ordered`.

    Returns:
        The targets of all chunks, in order.

    Raises:
        ResultsError: a worker died.
    """
    targets: list[Path] = []
    reused = 0

    def left() -> Iterator[C]:
        nonlocal reused
        for chunk in chunks:
            targets.append(chunk.target)
            if chunk.target.exists():
                reused += 1
                progress.update(len(chunk))
            else:
                yield chunk

    folder.mkdir(parents=True, exist_ok=True)
    with bar(description=description, total=total, unit=unit) as progress:
        for done in map_ordered(
            write, left(), processes=processes, initializer=initializer, arguments=arguments
        ):
            progress.update(done)
    _LOG.info("%s: %d chunks, %d of them by an earlier run", description, len(targets), reused)
    return targets


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a file without a last one that a kill has cut; none if there is no file."""
    if not path.exists():
        return []
    return path.read_bytes().rpartition(b"\n")[0].splitlines()


def cut_torn_line(path: Path) -> None:
    """Remove a last line that a kill has cut; nothing if there is no file."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() == b"\n":
            return
    os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


class LineLog:
    """A file of JSON values, one a line, that is read as far as it goes and then written on.

    Args:
        path: of the file; a last line that a kill has cut is removed.
        head: what its first line must hold; a file with another one is begun anew.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, head: Any = None):
        path.parent.mkdir(parents=True, exist_ok=True)
        cut_torn_line(path)
        self._file = path.open("a+b")
        self._file.seek(0)
        self._at = 0
        if head is not None and self.next() != head:
            self.cut()
            self.write(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def next(self) -> Any:
        """The next line's value; None at the end or where it is damaged."""
        self._at = self._file.tell()
        try:
            return json.loads(self._file.readline())
        except ValueError:
            return None

    def cut(self) -> None:
        """Forget the line that was read last, and all after it."""
        self._file.truncate(self._at)

    def rest(self) -> Iterator[Any]:
        """The values of all further lines; damaged ones are left out."""
        for line in self._file:
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def write(self, *values: Any) -> None:
        """Add a line for each value, at the end."""
        texts = (json.dumps(value, separators=(",", ":")) + "\n" for value in values)
        self._file.write("".join(texts).encode())
        self._file.flush()


def map_to_lines(
    function: Callable[[list[str]], list[Any]],
    structures: Sequence[str],
    file: Path | None,
    *,
    processes: int = 1,
    chunk: int = 16,
    done: Callable[[int], object] = lambda count: None,
) -> list[Any]:
    """A function of chunks of structures over all of them, each computed once.

    Args:
        function: at module level of the package; gives one JSON value per structure.
        structures: strings; equal ones share their result.
        file: JSON lines to read results from and to append new ones to; None keeps nothing.
        done: told how many results there are each time that some have come.

    Returns:
        One value per structure, in order.

    Raises:
        ResultsError: the file cannot be written.
    """
    known: dict[str, Any] = {}
    log = None
    try:
        if file is not None:
            log = LineLog(file)
            known = dict(pair for pair in log.rest() if isinstance(pair, list) and len(pair) == 2)
        left = [s for s in dict.fromkeys(structures) if s not in known]
        chunks = [left[i : i + chunk] for i in range(0, len(left), chunk)]
        workers = 1 if len(left) < POOL_FROM else processes
        results = map_ordered(function, chunks, processes=workers)
        for part, values in zip(chunks, results, strict=True):
            found = dict(zip(part, values, strict=True))
            known |= found
            if log is not None:
                log.write(*([structure, value] for structure, value in found.items()))
            done(len(part))
    except OSError as error:
        raise ResultsError(f"{file}: cannot be written ({error.strerror or error})") from error
    finally:
        if log is not None:
            log.__exit__()
    return [known[s] for s in structures]
