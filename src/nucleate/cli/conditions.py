"""Options of `nucleate sample` that say what every structure shall meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from nucleate.cli.common import merge
from nucleate.errors import SettingsError

_PANEL = "Conditions"

Like = Annotated[
    str | None,
    typer.Option("--like", metavar="SMILES", help="Near this lead.", rich_help_panel=_PANEL),
]
Similarity = Annotated[
    str | None,
    typer.Option(
        metavar="LOW..HIGH",
        help="Tanimoto similarity to the lead; default 0.4..0.8.",
        rich_help_panel=_PANEL,
    ),
]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="SMILES SMILES", help="Between these two.", rich_help_panel=_PANEL),
]
Scaffold = Annotated[
    str | None,
    typer.Option(
        metavar="SMILES",
        help="Holding this part; with marks, [*], growing there and only there.",
        rich_help_panel=_PANEL,
    ),
]
Properties = Annotated[
    list[str] | None,
    typer.Option(
        "--property",
        metavar="NAME=LOW..HIGH",
        help="With a property in a window, as logP=2..3 or 'QED>=0.6'; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
MinimumSize = Annotated[
    int | None, typer.Option(help="Heavy atoms at least.", rich_help_panel=_PANEL)
]
MaximumSize = Annotated[
    int | None, typer.Option(help="Heavy atoms at most.", rich_help_panel=_PANEL)
]
Budget = Annotated[
    int | None,
    typer.Option(
        help="Draws at most; default 50 for each structure, no fewer than 5,000.",
        rich_help_panel=_PANEL,
    ),
]


def conditions(
    *,
    like: str | None,
    similarity: str | None,
    between: tuple[str, str] | None,
    scaffold: str | None,
    properties: Sequence[str] | None,
    minimum_size: int | None,
    maximum_size: int | None,
    budget: int | None,
) -> dict[str, Any]:
    """The table of conditions as a settings file would hold it, only what was given.

    Raises:
        SettingsError: a property without a window, or one given twice.
    """
    windows: dict[str, str] = {}
    for text in properties or ():
        name, window = _property(text)
        if name in windows:
            raise SettingsError(f"--property {name} is given twice")
        windows[name] = window
    given = {
        "like": like,
        "similarity": similarity,
        "between": between,
        "scaffold": scaffold,
        "property": windows,
        "minimum_size": minimum_size,
        "maximum_size": maximum_size,
        "budget": budget,
    }
    return merge({}, given)


def _property(text: str) -> tuple[str, str]:
    """Name and window of `logP=2..3`, `logP>=2` or `logP<=3`."""
    for sign in (">=", "<=", "="):
        name, found, window = text.partition(sign)
        if found and name.strip() and window.strip():
            return name.strip(), window if sign == "=" else sign + window
    raise SettingsError(f"--property {text}: write NAME=LOW..HIGH, NAME>=LOW or NAME<=HIGH")
