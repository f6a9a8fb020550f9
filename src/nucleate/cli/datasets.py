"""Commands about datasets: list, show, fetch, build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import JsonFile, Mirror, Seed, console, write_results

app = typer.Typer(name="datasets", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name in the catalogue; NAME/PART is one file of it.")]


@app.callback()
def _datasets() -> None:
    """List, show, fetch and build the catalogued datasets."""


@app.command("list")
def list_datasets(json_file: JsonFile = None) -> None:
    """List every dataset of the catalogue.

    Example: nucleate datasets list
    """
    from rich.table import Table

    from nucleate.datasets import catalogue

    rows = catalogue.table()
    table = Table("name", "matter", "rows", "network", "title", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    table.columns[2].justify = "right"
    for row in rows:
        count = "" if row["rows"] is None else f"{row['rows']:,}"
        table.add_row(row["name"], row["matter"], count, row["network"], row["title"])
    console(json_file).print(table, soft_wrap=False)
    write_results(json_file, rows)


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
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for downloads.")
    ] = None,
    mirror: Mirror = None,
    json_file: JsonFile = None,
) -> None:
    """Download a dataset's files, resuming, and verify them.

    Example: nucleate datasets fetch zinc250k
    """
    from nucleate.datasets.fetch import fetch as run

    paths = run(name, mirror, out)
    for path in paths:
        console(json_file).print(str(path), markup=False)
    write_results(json_file, {"name": name, "files": [str(path) for path in paths]})


@app.command()
def build(
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: the catalogue's place.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Structures wanted.")] = 3000,
    processes: Annotated[int | None, typer.Option(help="Worker processes; default: cores.")] = None,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Make an embedded dataset anew; resumes where it stopped.

    Example: nucleate datasets build prototypes
    """
    from nucleate.core.parallel import default_processes
    from nucleate.core.paths import data_folder
    from nucleate.datasets import catalogue
    from nucleate.stages.fetch import builder

    make = builder(name)
    target = out or data_folder() / str(catalogue.get(name).files[0].path)
    summary = make(
        out=target,
        work=data_folder() / "work",
        count=count,
        processes=processes or default_processes(),
        seed=seed,
    )
    console(json_file).print(f"{target} written", markup=False)
    write_results(json_file, {"name": name, "file": str(target), "summary": summary})
