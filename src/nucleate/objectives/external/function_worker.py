"""The process in which a person's function runs: it is killed and replaced when it hangs.

Messages are tuples of plain values. The worker first sends `("ready", {...})` or
`("refused", message)`; then, for each list of structures that it gets (as the function is given
them: written by `Exchange` before), one reply, or one reply per structure for a function that takes
one:

- `("values", [float or None, ...])`
- `("failed", reason)`: the function raised
- `("wrong", message)`: what it returned is not one number per structure
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.core.errors import SettingsError
from nucleate.objectives.external.entry_points import load_function, takes_one

Reply = tuple[str, Any]


def serve(
    connection: Connection,
    reference: str,
    folder: str | None,
    arguments: Mapping[str, Any],
    each: bool | None,
) -> None:
    """Answer lists of structures until the connection is closed.

    Args:
        reference: of the function, see `load_function`.
        arguments: further keyword arguments of the function.
        each: whether it takes one structure; found out if None.
    """
    os.dup2(2, 1)  # no output of its own among that of the command line
    sys.stdout = sys.stderr
    try:
        function = load_function(reference, None if folder is None else Path(folder))
    except SettingsError as error:
        connection.send(("refused", str(error)))
        return
    one = takes_one(function) if each is None else each
    lines = (getattr(function, "__doc__", None) or "").strip().splitlines()
    connection.send(("ready", {"each": one, "description": lines[0] if lines else ""}))
    while True:
        try:
            structures: list[str] = connection.recv()
        except EOFError:
            return
        for given in structures if one else [structures]:
            connection.send(_ask(function, given, arguments))


def _ask(
    function: Callable[..., Any], given: str | list[str], arguments: Mapping[str, Any]
) -> Reply:
    """The reply to one structure, or to a list of them."""
    try:
        result = function(given, **arguments)
    except (Exception, SystemExit) as error:
        return "failed", f"{type(error).__name__}: {error}"
    return as_numbers([result], 1) if isinstance(given, str) else as_numbers(result, len(given))


def as_numbers(result: Any, count: int) -> Reply:
    """`("values", ...)` if a function's result is one number per structure, else `("wrong", ...)`.

    Lists, tuples and whatever NumPy makes an array of will do.
    """
    if not isinstance(result, (list, tuple)):
        try:
            array = np.asarray(result)
        except Exception as error:
            return "wrong", f"returned a {type(result).__name__} ({type(error).__name__}: {error})"
        if array.ndim != 1:
            shape = f" of shape {array.shape}" if array.ndim else ""
            return "wrong", f"returned a {type(result).__name__}{shape}, not {count} numbers"
        result = array.tolist()
    if len(result) != count:
        return "wrong", f"returned {len(result)} values for {count} structures"
    return _floats(result)


def _floats(values: Sequence[Any]) -> Reply:
    numbers: list[float | None] = []
    for value in values:
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError
            numbers.append(None if value is None else float(value))
        except OverflowError:
            numbers.append(math.inf)
        except Exception:
            shown = repr(value)[:80]
            return "wrong", f"returned {shown}, a {type(value).__name__}, where a number is due"
    return "values", numbers
