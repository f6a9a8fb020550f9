"""Digest of what a function computes: its code, and the values that the code reads.

The text of a function does not tell it from others: two lambdas of one line share it, and one
closure over `2` shares it with one over `3`.
"""

from __future__ import annotations

import dis
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

_PROCESS = uuid.uuid4().hex
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
_HEAP = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: of classes written in Python, whose instances show what they hold."""


def fingerprint(function: Any) -> str:
    """Return 8 hex digits that differ where functions may differ.

    Code of the function's own module is followed, other modules' is taken by its name. Variables
    that the function itself assigns, such as counters, do not count. An object that cannot be read
    by value is taken for itself, in this process: a study with it is not continued by another.
    """
    module = getattr(function, "__module__", None)
    parts = "\n".join(_parts(function, module, {}))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _parts(value: Any, module: str | None, seen: dict[int, Any]) -> Iterator[str]:
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__} {value!r}"
        return
    if id(value) in seen:
        yield f"seen {list(seen).index(id(value))}"
        return
    seen[id(value)] = value  # alive, so that no other takes its id
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    yield kind
    for inner in _inside(value, module):
        yield from _parts(inner, module, seen)
    yield f"end {kind}"


def _inside(value: Any, module: str | None) -> list[Any]:
    """What an object consists of."""
    named = (ModuleType, BuiltinFunctionType, FunctionType, type)
    own = isinstance(value, (FunctionType, type)) and value.__module__ == module
    if isinstance(value, CodeType):
        return [value.co_code, list(value.co_consts), list(value.co_names), list(value.co_varnames)]
    if isinstance(value, FunctionType) and own:
        return [value.__code__, value.__defaults__, value.__kwdefaults__, _read_variables(value)]
    if isinstance(value, type) and own:
        return [value.__qualname__, [one for one in vars(value).values() if callable(one)]]
    if isinstance(value, named):
        return [getattr(value, "__module__", ""), getattr(value, "__qualname__", value.__name__)]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, Mapping):
        return [item for pair in value.items() for item in pair]
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return [str(value.dtype), value.shape, value.tobytes()]
    if hasattr(value, "__dict__") and type(value).__flags__ & _HEAP:
        return [type(value), vars(value)]
    return [_PROCESS, id(value)]


def _read_variables(function: FunctionType) -> dict[str, Any]:
    """Values of the variables of modules and enclosing functions that code reads but does not
    assign."""
    reads: set[str] = set()
    assigns: set[str] = set()
    for code in _codes(function.__code__):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
                reads.add(step.argval)
            elif step.opname in ("STORE_GLOBAL", "STORE_DEREF"):
                assigns.add(step.argval)
    values = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not assigned yet
            values[name] = cell.cell_contents
    return {name: values[name] for name in sorted(reads - assigns) if name in values}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
