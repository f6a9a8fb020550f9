"""The properties that a search can ask for, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nucleate.cli.show.terminal_tables import table
from nucleate.core.errors import SettingsError
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.stages.jobs import unknown_property

if TYPE_CHECKING:
    from rich.console import Console


def describe_objectives(
    matter: str, names: Sequence[str] = (), *, every: bool = False
) -> list[dict[str, Any]]:
    """Properties of a kind of matter as plain values: name, unit, description.

    Args:
        names: of those wanted; the usual ones if empty.
        every: all of them, those of libraries last.

    Raises:
        SettingsError: no such kind, or no such property.
    """
    kind = registry.get(matter)
    known, usual = kind.properties.descriptions(), kind.properties.usual()
    for name in names:
        if name not in known:
            raise unknown_property(kind, name)
    wanted = names or ([*usual, *(n for n in known if n not in usual)] if every else usual)
    return [
        {"name": name, "unit": _unit(kind, name), "description": known[name]} for name in wanted
    ]


def _unit(kind: Matter, name: str) -> str:
    try:
        return kind.properties.build(name, {}).unit
    except SettingsError:  # it takes arguments, of which its description tells
        return ""


def show_objectives(
    out: Console, matter: str, found: Sequence[dict[str, Any]], *, complete: bool
) -> None:
    """The properties as a table, and how to ask for them.

    Args:
        complete: whether nothing was left out.
    """
    rows = [(row["name"], row["unit"], row["description"]) for row in found]
    shown = table(("objective", "unit", "what it is"), rows, whole=("objective",))
    out.print(shown, soft_wrap=False)
    kind = registry.get(matter)
    more = len(kind.properties.descriptions()) - len(kind.properties.usual())
    out.print()
    if more and not complete:
        out.print(f"{more} more by a library's own names: add --all", markup=False)
    out.print(
        f"Use: nucleate optimize --model {matter} --objective NAME[:minimise], NAME:target=2.5, "
        "NAME:range=1..3; an argument as in NAME:argument=value",
        markup=False,
    )
    out.print(
        "Functions, programs, columns of your data and a model's heads: see flows/study.toml",
        markup=False,
    )
