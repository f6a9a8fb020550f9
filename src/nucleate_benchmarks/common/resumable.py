"""Costly results of structures, kept in a file as they come, so that a killed run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from nucleate.core.errors import ResultsError
from nucleate.core.parallel import map_ordered

POOL_FROM = 16
"""Structures from which worker processes repay the seconds that they take to start."""


def read_kept(file: Path | None) -> dict[str, Any]:
    """Results by structure; a line cut by a kill is left out."""
    rows: dict[str, Any] = {}
    if file is None or not file.exists():
        return rows
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            structure, value = json.loads(line)
        except (json.JSONDecodeError, TypeError, ValueError):
            continue
        rows[structure] = value
    return rows


def map_kept(
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
    try:
        known = read_kept(file)
        left = [s for s in dict.fromkeys(structures) if s not in known]
        if not left:
            return [known[s] for s in structures]
        chunks = [left[i : i + chunk] for i in range(0, len(left), chunk)]
        workers = 1 if len(left) < POOL_FROM else processes
        with _appending(file) as stream:
            results = map_ordered(function, chunks, processes=workers)
            for part, values in zip(chunks, results, strict=True):
                for structure, value in zip(part, values, strict=True):
                    known[structure] = value
                    if stream is not None:
                        stream.write(json.dumps([structure, value]) + "\n")
                if stream is not None:
                    stream.flush()
                done(len(part))
    except OSError as error:
        raise ResultsError(f"{file}: cannot be written ({error.strerror or error})") from error
    return [known[s] for s in structures]


class _appending:
    """The open file, or None; ends a line that a kill has cut."""

    def __init__(self, file: Path | None):
        self.file = file
        self.stream: TextIO | None = None

    def __enter__(self) -> TextIO | None:
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            cut = self.file.exists() and not self.file.read_bytes().endswith(b"\n")
            self.stream = self.file.open("a", encoding="utf-8")
            self.stream.write("\n" if cut else "")
        return self.stream

    def __exit__(self, *_: object) -> None:
        if self.stream is not None:
            self.stream.close()
