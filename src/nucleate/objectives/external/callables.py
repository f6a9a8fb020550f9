"""Objectives that are functions of the running program, called in this process."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from nucleate.core.errors import SettingsError
from nucleate.objectives.exchange import Exchange
from nucleate.objectives.external.entry_points import takes_one
from nucleate.objectives.external.fingerprint import fingerprint
from nucleate.objectives.property import Answer, ObjectiveProperty, answering
from nucleate.settings.objectives import PythonSource

PREFIX = "callable:"
_functions: dict[str, Callable[..., Any]] = {}


def register(function: Callable[..., Any]) -> tuple[str, str]:
    """Remember a function, so that settings can name it.

    Returns:
        What the settings' key `python` takes (with a fingerprint, so that another function
        of that name is another objective), and the function's plain name.
    """
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    key = f"{PREFIX}{name}@{fingerprint(function)}"
    _functions[key] = function
    return key, name


def callable_property(source: PythonSource, exchange: Exchange) -> ObjectiveProperty:
    """The property that a registered function computes. Where it raises, that structure alone has
    no value.

    Raises:
        SettingsError: no such function was registered in this process, or it returns something
            else than one number for each structure.
    """
    function = _functions.get(source.python)
    if function is None:
        raise SettingsError(f"objective {source.python!r}: is a function of another program")
    each = takes_one(function) if source.each is None else source.each

    def call(texts: Sequence[str]) -> list[Answer]:
        if each or len(texts) == 1:
            return [_answer(partial(_one, function, text, each, source)) for text in texts]
        try:
            values = list(function(list(texts), **source.arguments))
        except Exception:  # one structure is to blame; the others shall not pay for it
            return [answer for text in texts for answer in call([text])]
        if len(values) != len(texts):
            raise SettingsError(
                f"objective {source.column_name()!r}: the function returned {len(values)} values "
                f"for {len(texts)} structures"
            )
        return [_answer(partial(_same, value)) for value in values]

    description = f"Python function {source.column_name()}"
    return answering(
        source.column_name(),
        source.unit,
        description,
        lambda structures: exchange.answers(structures, call),
    )


def _one(function: Callable[..., Any], text: str, each: bool, source: PythonSource) -> Any:
    if each:
        return function(text, **source.arguments)
    values = function([text], **source.arguments)
    if not isinstance(values, Iterable):
        raise TypeError(
            f"returned {values!r} for a list of structures; a function of one structure "
            "annotates it as `str`"
        )
    (value,) = values
    return value


def _same(value: Any) -> Any:
    return value


def _answer(compute: Callable[[], Any]) -> Answer:
    try:
        value = compute()
        number = math.nan if value is None else float(value)
    except Exception as error:
        return Answer.failed(f"{type(error).__name__}: {error}")
    return Answer(number) if math.isfinite(number) else Answer.failed(f"returned {value}")
