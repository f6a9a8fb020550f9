"""Functions by name: entry points, `module:function` and `path/to/file.py:function`.

Nothing heavy is imported here: this runs in worker processes.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from nucleate.core.errors import SettingsError

GROUP = "nucleate.objectives"
"""Entry points under which an installed package offers its objectives."""


def load_function(reference: str, folder: Path | None = None) -> Callable[..., Any]:
    """Import a function by its name.

    Args:
        reference: `module:function`, `path/to/file.py:function` or an entry point's name.
        folder: of the settings file; modules and files are looked for there, then in the working
            folder.

    Raises:
        SettingsError: there is no such function, or importing it fails; names the reference.
    """
    place, colon, name = reference.rpartition(":")
    try:
        if not colon:
            return _callable(_entry_point(reference), reference)
        module = _file(place, folder) if place.endswith(".py") else _module(place, folder)
    except SettingsError as error:
        raise SettingsError(f"objective {reference!r}: {error}") from None
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"objective {reference!r}: importing it failed: {type(error).__name__}: {error}"
        ) from error
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        offered = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise SettingsError(
            f"objective {reference!r}: {place} has no function {name!r}; it has: "
            + (", ".join(offered) or "none")
        )
    return _callable(found, reference)


def _callable(found: Any, reference: str) -> Callable[..., Any]:
    if not callable(found):
        raise SettingsError(f"objective {reference!r}: is a {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function


def _entry_point(name: str) -> Any:
    for entry in entry_points(group=GROUP, name=name):
        return entry.load()
    known = sorted(entry.name for entry in entry_points(group=GROUP))
    raise SettingsError(
        f"no entry point of that name in the group {GROUP}; known: {', '.join(known) or 'none'}. "
        "A function is written as module:function or path/to/file.py:function"
    )


def _look_in(folder: Path) -> None:
    # At the end, so that a person's file never hides an installed package.
    if str(folder.resolve()) not in sys.path:
        sys.path.append(str(folder.resolve()))


def _module(name: str, folder: Path | None) -> ModuleType:
    for place in (folder, Path.cwd()):
        if place is not None:
            _look_in(place)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Its own imports may be what is missing; then the error as it is tells more.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        where = " and ".join(dict.fromkeys(str(p.resolve()) for p in (folder, Path.cwd()) if p))
        raise SettingsError(f"no module named {error.name!r} is installed or in {where}") from None


def _file(written: str, folder: Path | None) -> ModuleType:
    path = Path(written).expanduser()
    if folder is not None and (folder / path).is_file():
        path = folder / path
    path = path.resolve()
    if not path.is_file():
        raise SettingsError(f"no file {path}")
    _look_in(path.parent)
    if path.stem.isidentifier():
        spec = importlib.util.find_spec(path.stem)
        if spec is not None and spec.origin and Path(spec.origin).resolve() == path:
            return importlib.import_module(path.stem)
    # Something else is called like the file: it gets a name of its own.
    name = f"nucleate_objective_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function takes one structure: by its attribute `each`, else its annotation."""
    stated = getattr(function, "each", None)
    if isinstance(stated, bool):
        return stated
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    return bool(parameters) and parameters[0].annotation in (str, "str")
