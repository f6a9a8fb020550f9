"""The command that lists what a search can ask for."""

from __future__ import annotations

from typing import Annotated

import typer

from nucleate.cli.common import JsonFile, MatterName, console, write_results


def objectives(
    matter: MatterName,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="These alone.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Those of libraries too (molecules: RDKit's descriptors).")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """List the properties that a search can ask for, with units.

    Example: nucleate objectives --matter molecules
    """
    from nucleate.cli.show.objectives import describe_objectives, show_objectives

    found = describe_objectives(matter, names or (), every=every)
    show_objectives(console(json_file), matter, found, complete=every or bool(names))
    write_results(json_file, found)
