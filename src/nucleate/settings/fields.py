"""Fields of settings as plain facts, for the command line and the settings reference."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from nucleate.core.settings import OneOf, field_descriptions


@dataclass(frozen=True)
class FieldFacts:
    """What a settings class says of one of its fields.

    Attributes:
        key: its name in a settings file.
        kind: bool, int, float, str, tuple (of as many members as `members` has), list (of the one
            member), dict, or a settings class.
        members: plain types of a tuple's or list's items, or of a table's values.
        tables: settings classes that a value may be made of.
        choices: the only values, where they are listed.
        low, high: bounds, ends included.
        default: as a person reads it; empty where there is none to tell.
        required: whether there is no default.
        meaning: the string under the field.
    """

    key: str
    kind: Any
    members: tuple[Any, ...]
    tables: tuple[type[BaseModel], ...]
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    default: str
    required: bool
    meaning: str


def field_facts(model: type[BaseModel]) -> dict[str, FieldFacts]:
    """Facts of every field of a settings class, by the field's name."""
    said = field_descriptions(model)
    return {name: _facts(name, f, said.get(name, "")) for name, f in model.model_fields.items()}


def settings_at(model: type[BaseModel], path: str) -> type[BaseModel]:
    """The settings class at a dotted path of keys."""
    for key in filter(None, path.split(".")):
        (model,) = field_facts(model)[key].tables
    return model


def _facts(name: str, field: FieldInfo, meaning: str) -> FieldFacts:
    parts = list(_parts(field.annotation, tuple(field.metadata)))
    choices = tuple(c for part, _ in parts if get_origin(part) is Literal for c in get_args(part))
    choices += tuple(
        c for _, held in parts for m in held if isinstance(m, OneOf) for c in m.names()
    )
    kind, metadata = parts[0]
    if choices or str in (part for part, _ in parts):
        kind = str  # of several ways to write it, the plain one
    members: tuple[Any, ...] = ()
    if get_origin(kind) is tuple:
        arguments = [next(_parts(a, ()))[0] for a in get_args(kind) if a is not Ellipsis]
        members = tuple(str if get_origin(a) is Literal else get_origin(a) or a for a in arguments)
        if any(isinstance(m, BeforeValidator) for m in metadata):
            kind, members = str, ()  # it reads its own text
        else:
            choices = tuple(c for a in arguments if get_origin(a) is Literal for c in get_args(a))
            kind = list if Ellipsis in get_args(kind) else tuple
    elif get_origin(kind) is dict:
        kind, members = dict, (next(_parts(get_args(kind)[1], ()))[0],)
    bounds = parts[0][1] if len(parts) == 1 else ()
    low: list[Any] = [m.ge for m in bounds if isinstance(m, Ge)]
    low += [m.gt + 1 for m in bounds if isinstance(m, Gt) and kind is int]  # type: ignore[operator]
    high: list[Any] = [m.le for m in bounds if isinstance(m, Le)]
    return FieldFacts(
        field.alias or name,
        kind,
        members,
        tables=tuple(
            part
            for part in (*(part for part, _ in parts), *members)
            if isinstance(part, type) and issubclass(part, BaseModel)
        ),
        choices=choices,
        low=min(low, default=None),
        high=max(high, default=None),
        default=default_text(field.get_default(call_default_factory=True)),
        required=field.is_required(),
        meaning=meaning,
    )


def _parts(annotation: Any, metadata: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The members of a union without None, each with its constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *rest = get_args(annotation)
        found = [m for r in rest for m in (r.metadata if isinstance(r, FieldInfo) else [r])]
        yield from _parts(inner, (*metadata, *found))
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            if part is not type(None):
                yield from _parts(part, metadata)
    else:
        yield annotation, metadata


def default_text(value: Any) -> str:
    """A default as a person reads it: nothing for what is empty or a table of its own."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int() | float():
            return f"{value:,}" if value >= 10_000 else f"{value:g}"
        case tuple():
            return ", ".join(map(default_text, value))
    return ""
