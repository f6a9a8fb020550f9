"""The command that makes an embedded dataset anew."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from nucleate.cli.common import JsonFile, Processes, Seed, console, write_results
from nucleate.core.errors import DatasetError

Name = Annotated[str, typer.Argument(help="Name in the catalogue.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Default: the catalogue's place.")
]
Count = Annotated[int, typer.Option(min=1, help="Structures wanted.")]


def build(
    name: Name,
    out: Out = None,
    count: Count = 3000,
    processes: Processes = None,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Make an embedded dataset anew; resumes where it stopped.

    Example: nucleate datasets build prototypes
    """
    from nucleate.core.parallel import default_processes
    from nucleate.core.paths import data_folder
    from nucleate.datasets import catalogue

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


def builder(name: str) -> Callable[..., Any]:
    """The function that makes a dataset.

    Raises:
        DatasetError: no such dataset, or it is not made here.
    """
    from nucleate.datasets import catalogue

    dataset = catalogue.get(name)
    if dataset.builder is None:
        made = ", ".join(d.name for d in catalogue.load().values() if d.builder)
        raise DatasetError(f"dataset {name} is not made by this project; those that are: {made}")
    module, _, function = dataset.builder.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
