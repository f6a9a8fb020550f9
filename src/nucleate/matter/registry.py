"""The registry that finds a kind of matter by its name."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from nucleate.core.errors import SettingsError
from nucleate.core.files import digest, sha256_file
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


def plugin_inputs(matter: Matter) -> dict[str, str]:
    """Digest of a plug-in's code by name, so that stages whose results rest on it are stale where
    it has changed; nothing for Nucleate's own kinds, whose code is part of every stage's key."""
    name = type(matter).__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if name.startswith("nucleate.") or file is None:
        return {}
    path = Path(file)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return {f"plug-in {matter.name}": digest([sha256_file(one) for one in files])}
