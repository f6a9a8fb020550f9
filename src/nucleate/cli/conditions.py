"""Options of `nucleate sample` and `nucleate optimize`: what every structure shall meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from nucleate.core.errors import SettingsError
from nucleate.core.settings import merge

_PANEL = "Conditions"
_CRYSTALS = "Conditions on crystals"

Like = Annotated[
    str | None,
    typer.Option(
        "--like",
        metavar="STRUCTURE",
        help="Near this one: a SMILES; a CIF or POSCAR file or a Wyckoff string.",
        rich_help_panel=_PANEL,
    ),
]
Similarity = Annotated[
    str | None,
    typer.Option(
        metavar="LOW..HIGH",
        help="Tanimoto similarity to the lead; default 0.4..0.8, of a search 0.4.. (at least).",
        rich_help_panel=_PANEL,
    ),
]
Distance = Annotated[
    str | None,
    typer.Option(
        metavar="LOW..HIGH",
        help="Distance to the crystal like which: 0 equal, about 1 unrelated; default 0.05..0.4, "
        "of a search ..0.4 (at most).",
        rich_help_panel=_PANEL,
    ),
]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="STRUCTURE STRUCTURE", help="Between these two.", rich_help_panel=_PANEL),
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
ChemicalSystem = Annotated[
    str | None,
    typer.Option(
        metavar="A-B-C", help="Of exactly these elements, as Li-Fe-O.", rich_help_panel=_CRYSTALS
    ),
]
Subsets = Annotated[
    bool,
    typer.Option(
        "--subsets", help="Some of the chemical system's elements do.", rich_help_panel=_CRYSTALS
    ),
]
Composition = Annotated[
    str | None,
    typer.Option(
        metavar="FORMULA", help="Of this reduced formula, as LiFePO4.", rich_help_panel=_CRYSTALS
    ),
]
FormulaUnits = Annotated[
    str | None,
    typer.Option(
        metavar="N|A..B",
        help="Formula units in the primitive cell; default: all that fit.",
        rich_help_panel=_CRYSTALS,
    ),
]
SpaceGroup = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="In these space groups: 225,221 or 195..230 or Fm-3m or cubic.",
        rich_help_panel=_CRYSTALS,
    ),
]
Include = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="With these elements, as Li,O.", rich_help_panel=_CRYSTALS),
]
Exclude = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Without these elements.", rich_help_panel=_CRYSTALS),
]
MinimumSites = Annotated[
    int | None, typer.Option(help="Occupied Wyckoff positions.", rich_help_panel=_CRYSTALS)
]
MaximumSites = Annotated[
    int | None, typer.Option(help="Occupied Wyckoff positions.", rich_help_panel=_CRYSTALS)
]
MinimumAtoms = Annotated[
    int | None, typer.Option(help="Atoms in the primitive cell.", rich_help_panel=_CRYSTALS)
]
MaximumAtoms = Annotated[
    int | None, typer.Option(help="Atoms in the primitive cell.", rich_help_panel=_CRYSTALS)
]
HigherSymmetry = Annotated[
    Literal["reject", "keep"] | None,
    typer.Option(
        help="Crystals that have more symmetry than was asked for; default reject.",
        rich_help_panel=_CRYSTALS,
    ),
]
Budget = Annotated[
    int | None,
    typer.Option(
        help="Draws at most; default 50 for each structure, no fewer than 5,000.",
        rich_help_panel=_PANEL,
    ),
]


def conditions(properties: Sequence[str] | None, **given: Any) -> dict[str, Any]:
    """The table of conditions as a settings file would hold it, only what was given.

    Args:
        properties: as `NAME=LOW..HIGH`.
        given: the other conditions by their key; None where not given.

    Raises:
        SettingsError: a property without a window, or one given twice.
    """
    windows: dict[str, str] = {}
    for text in properties or ():
        name, window = _property(text)
        if name in windows:
            raise SettingsError(f"--property {name} is given twice")
        windows[name] = window
    return merge({}, {**given, "property": windows})


def _property(text: str) -> tuple[str, str]:
    """Name and window of `logP=2..3`, `logP>=2` or `logP<=3`."""
    for sign in (">=", "<=", "="):
        name, found, window = text.partition(sign)
        name = name.strip().removesuffix("=")  # NAME=>=LOW means what it looks like
        if found and name and window.strip():
            return name, window if sign == "=" else sign + window
    raise SettingsError(f"--property {text}: write NAME=LOW..HIGH, NAME>=LOW or NAME<=HIGH")
