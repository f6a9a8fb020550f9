"""The parts that a kind of matter is composed of: each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol


class Kind(Protocol):
    """What every part may ask of the kind of matter that it belongs to."""

    @property
    def name(self) -> str: ...

    @property
    def structure_column(self) -> str: ...


class MatterPart:
    """A part of a kind of matter, made once for it. Cheap to make, whatever it imports.

    Args:
        matter: the kind of matter that it belongs to.
    """

    def __init__(self, matter: Kind):
        self.matter = matter


def part(target: str | Callable[[Any], Any]) -> Any:
    """A class attribute that becomes the part when an object is first asked for it.

    Args:
        target: the part's class, or where it is, `"package.module:Class"`: what that module
            imports is loaded no sooner than the part is needed.
    """
    return _Part(target)


class _Part:
    # Without __set__: an object's own attribute of that name, once there, takes precedence.
    def __init__(self, target: str | Callable[[Any], Any]):
        self.target = target

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, matter: Any, owner: type) -> Any:
        if matter is None:
            return self
        factory = self.target
        if isinstance(factory, str):
            module, _, name = factory.partition(":")
            factory = getattr(import_module(module), name)
        matter.__dict__[self.name] = made = factory(matter)
        return made
