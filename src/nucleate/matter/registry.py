"""The registry that finds a kind of matter by its name."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from nucleate.core.errors import SettingsError
from nucleate.matter.base import Matter


@cache
def _load(name: str) -> type[Matter] | None:
    # Only the kind asked for: another one's package may be heavy, or broken.
    for entry in entry_points(group="nucleate.matter", name=name):
        found: type[Matter] = entry.load()
        return found
    return None


def names() -> list[str]:
    """Registered kinds of matter."""
    return sorted(entry.name for entry in entry_points(group="nucleate.matter"))


def get(name: str) -> Matter:
    """The kind of matter of that name.

    Raises:
        SettingsError: no such kind; lists those that are registered.
    """
    cls = _load(name)
    if cls is None:
        raise SettingsError(f"no kind of matter named {name!r}; known: {', '.join(names())}")
    return cls()
