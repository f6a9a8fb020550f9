"""A property that says why it failed on a structure, and more than one number about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.matter.properties import Property

REASON_LENGTH = 400
"""Characters of a reason that are kept."""


@dataclass(frozen=True)
class Answer:
    """What an objective answers for one structure.

    Attributes:
        value: NaN where there is none.
        reason: why there is none, one short sentence; empty if there is one.
    """

    value: float
    reason: str = ""

    @classmethod
    def failed(cls, reason: str) -> Answer:
        """No value, for this reason (cut to `REASON_LENGTH`)."""
        return cls(math.nan, reason[:REASON_LENGTH] or "no reason given")


def no_columns(structures: Sequence[str]) -> Mapping[str, NDArray[Any]]:
    """`ObjectiveProperty.columns` of a property that is one number."""
    return {}


def _nothing() -> None:
    """`ObjectiveProperty.close` where there is nothing to close."""


@dataclass(frozen=True)
class ObjectiveProperty(Property):
    """A property of a person's own.

    Attributes:
        columns: list of n structure strings -> further columns by name, each [n]; their names start
            with the property's own. Cheap for structures that were computed before.
        column_names: names of those columns, known before any structure is.
        failures: reason by structure for every one whose value is NaN, filled by `compute`.
        close: ends its worker processes, if it has any; they start again when needed.
    """

    columns: Callable[[Sequence[str]], Mapping[str, NDArray[Any]]] = no_columns
    column_names: tuple[str, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)
    close: Callable[[], None] = _nothing


def answering(
    name: str,
    unit: str,
    description: str,
    answer: Callable[[Sequence[str]], Sequence[Answer]],
    close: Callable[[], None] = _nothing,
    columns: Callable[[Sequence[str]], Mapping[str, NDArray[Any]]] = no_columns,
    column_names: tuple[str, ...] = (),
) -> ObjectiveProperty:
    """A property made of what gives one answer per structure, in order."""
    failures: dict[str, str] = {}

    def compute(structures: Sequence[str]) -> NDArray[np.float64]:
        if not structures:
            return np.zeros(0)
        values = np.full(len(structures), np.nan)
        pairs = zip(structures, answer(structures), strict=True)
        for position, (structure, one) in enumerate(pairs):
            if math.isfinite(one.value) and not one.reason:
                values[position] = one.value
                failures.pop(structure, None)
            else:
                failures[structure] = one.reason or f"the value is {one.value}"
        return values

    return ObjectiveProperty(
        name, unit, description, compute, columns, column_names, failures, close
    )


def unavailable(name: str, unit: str, description: str, error: NucleateError) -> ObjectiveProperty:
    """A property that has a name and a unit but raises as soon as a value is asked for."""

    def compute(structures: Sequence[str]) -> NDArray[np.float64]:
        raise error

    return ObjectiveProperty(name, unit, description, compute)
