"""Options that commands share, and how their results are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleate.core.settings import Device

if TYPE_CHECKING:
    from rich.console import Console

    from nucleate.core.manifest import Manifest

Folder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")]
Model = Annotated[Path, typer.Option(metavar="DIR|NAME", help="A model's folder or shipped name.")]
Features = Annotated[Path, typer.Option(metavar="DIR", help="Output of `nucleate featurize`.")]
MatterName = Annotated[
    str, typer.Option("--matter", metavar="KIND", help="Kind of matter: molecules, crystals.")
]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
DeviceName = Annotated[Device, typer.Option(help="Where networks run; auto takes a GPU if any.")]
LoopDevice = Annotated[Device | None, typer.Option(help="Where networks run; by the settings.")]
Processes = Annotated[int | None, typer.Option(help="Worker processes; as many as cores.")]
StructureColumn = Annotated[
    str | None, typer.Option(help="Column of structures, or of files that hold one each.")
]
Mirror = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", envvar="NUCLEATE_DATA_MIRROR", help="Folder that already holds datasets."
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(metavar="TOML", help="This stage's settings, or those of a whole discover.toml."),
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the results as JSON; - is stdout."),
]


def console(json_file: str | None = None) -> Console:
    """Where text for people goes: stdout, or stderr when stdout carries the JSON."""
    from rich.console import Console

    return Console(stderr=json_file == "-", highlight=False, soft_wrap=True)


def write_results(json_file: str | None, value: Any) -> None:
    """Write a command's machine-readable results, atomically; `-` is stdout; None is nowhere."""
    if json_file is None:
        return
    from nucleate.core.files import json_text, write_json

    if json_file == "-":
        print(json_text(value), end="")
    else:
        write_json(Path(json_file), value)


def show_lines(lines: list[str], results: Any, json_file: str | None) -> None:
    """Print lines for people, and write the JSON file."""
    out = console(json_file)
    for line in lines:
        out.print(line, markup=False)
    write_results(json_file, results)


def show_figures(figures: Mapping[str, Any], last: str, json_file: str | None) -> None:
    """Say what a command measured, and a last line if there is one, and write the JSON file."""
    from nucleate.cli.show.run import metric_lines

    show_lines([*metric_lines(figures), *([last] if last else [])], figures, json_file)


def show_stage(manifest: Manifest, json_file: str | None) -> None:
    """Say what a stage did, to a person and to the JSON file."""
    from nucleate.cli.show.run import metric_lines

    head = f"{manifest.stage} {manifest.matter}: {manifest.seconds:.1f} s"
    lines = [f"  {line}" for line in metric_lines(manifest.metrics)]
    lines = [head, *lines, f"  written to {manifest.folder}"]
    show_lines(lines, manifest_results(manifest), json_file)


def manifest_results(manifest: Manifest) -> dict[str, Any]:
    """What a stage did, as plain values."""
    names = ("stage", "matter", "folder", "seconds", "created", "code_version", "metrics")
    results = {name: getattr(manifest, name) for name in names}
    return results | {"outputs": [vars(output) for output in manifest.outputs]}


def model_manifest(model: Path) -> Manifest:
    """See `pretrained.find_manifest`, which is imported only when it is needed."""
    from nucleate.latent.pretrained import find_manifest

    return find_manifest(model)
