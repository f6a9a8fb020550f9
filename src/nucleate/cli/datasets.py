"""Commands about datasets: list, show, fetch; `build` comes with the package that makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import JsonFile, Mirror, console, write_results

app = typer.Typer(name="datasets", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name in the catalogue; NAME/PART is one file of it.")]
Downloads = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="For downloads.")]


@app.callback()
def _datasets() -> None:
    """List, show, fetch and build the catalogued datasets."""


@app.command("list")
def list_datasets(json_file: JsonFile = None) -> None:
    """List every dataset of the catalogue.

    Example: nucleate datasets list
    """
    from nucleate.cli.show.terminal_tables import table
    from nucleate.datasets import catalogue

    found = catalogue.table()
    columns = ("name", "matter", "rows", "network", "title")
    cells = [
        ["" if row[c] is None else f"{row[c]:,}" if c == "rows" else row[c] for c in columns]
        for row in found
    ]
    shown = table(columns, cells, right=("rows",), whole=("name",))
    console(json_file).print(shown, soft_wrap=False)
    write_results(json_file, found)


@app.command()
def show(name: Name, json_file: JsonFile = None) -> None:
    """Show a dataset's columns, files, licence, citation and traps.

    Example: nucleate datasets show prototypes
    """
    from nucleate.datasets import catalogue

    out = console(json_file)
    described = catalogue.describe(name.partition("/")[0])
    for key, value in described.items():
        if not isinstance(value, list):
            out.print(f"[bold]{key}[/]: {value}")
            continue
        out.print(f"[bold]{key}[/]:")
        for item in value:
            text = (
                "  ".join(f"{k}={v}" for k, v in item.items()) if isinstance(item, dict) else item
            )
            out.print(f"  {text}", markup=False)
    write_results(json_file, described)


@app.command()
def fetch(
    name: Name, out: Downloads = None, mirror: Mirror = None, json_file: JsonFile = None
) -> None:
    """Download a dataset's files, resuming, and verify them.

    Example: nucleate datasets fetch zinc250k
    """
    from nucleate.datasets.fetch import fetch as run

    paths = run(name, mirror, out)
    for path in paths:
        console(json_file).print(str(path), markup=False)
    write_results(json_file, {"name": name, "files": [str(path) for path in paths]})
