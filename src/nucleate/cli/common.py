"""Options that commands share, and how their results are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from nucleate.core.manifest import load_manifest
from nucleate.core.settings import merge

if TYPE_CHECKING:
    from rich.console import Console

    from nucleate.core.manifest import Manifest
    from nucleate.core.settings import Settings

DeviceName = Literal["auto", "cpu", "cuda", "mps"]

Seed = Annotated[int, typer.Option("--seed", help="Seed of all randomness.")]
Device = Annotated[
    DeviceName, typer.Option("--device", help="Where networks run; auto takes a GPU if there is.")
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the results as JSON; - is stdout."),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="TOML",
        help="This stage's settings: a file of its keys, or a whole discover.toml.",
    ),
]
MatterName = Annotated[
    str, typer.Option("--matter", metavar="KIND", help="Kind of matter: molecules, crystals.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")]
Mirror = Annotated[
    str | None,
    typer.Option(
        "--mirror",
        metavar="DIR",
        envvar="NUCLEATE_DATA_MIRROR",
        help="Folder that already holds dataset files.",
    ),
]

Model = Annotated[
    Path,
    typer.Option(
        "--model",
        metavar="DIR|NAME",
        help="Output of `nucleate train`, or the name of a shipped model.",
    ),
]

StructureColumn = Annotated[str | None, typer.Option(help="Column that holds the SMILES or CIF.")]
IdColumn = Annotated[str | None, typer.Option(help="Column that holds the rows' ids.")]
Limit = Annotated[int | None, typer.Option(help="Use only the first rows.")]
PropertyColumns = Annotated[
    list[str] | None,
    typer.Option("--property", metavar="COLUMN", help="Column to keep; may be repeated."),
]

# Of commands whose settings may stand in a file: not given means what the file says.
SeedOrFile = Annotated[int | None, typer.Option("--seed", help="Seed of all randomness.")]
DeviceOrFile = Annotated[
    DeviceName | None,
    typer.Option("--device", help="Where networks run; auto takes a GPU if there is."),
]

S = TypeVar("S", bound="Settings")


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


def show_figures(figures: Mapping[str, Any], last: str, json_file: str | None) -> None:
    """Say what a command measured, and a last line if there is one, and write the JSON file."""
    from nucleate.cli.show.run import metric_lines

    out = console(json_file)
    for line in [*metric_lines(figures), *([last] if last else [])]:
        out.print(line, markup=False)
    write_results(json_file, figures)


def manifest_results(manifest: Manifest) -> dict[str, Any]:
    """What a stage did, as plain values."""
    return {
        "stage": manifest.stage,
        "matter": manifest.matter,
        "folder": manifest.folder,
        "seconds": manifest.seconds,
        "created": manifest.created,
        "code_version": manifest.code_version,
        "metrics": manifest.metrics,
        "outputs": [vars(output) for output in manifest.outputs],
    }


def show_stage(manifest: Manifest, json_file: str | None) -> None:
    """Say what a stage did, to a person and to the JSON file."""
    from nucleate.cli.show.run import metric_lines

    out = console(json_file)
    out.print(f"[bold]{manifest.stage}[/] {manifest.matter}: {manifest.seconds:.1f} s")
    for line in metric_lines(manifest.metrics):
        out.print(f"  {line}", markup=False)
    out.print(f"  written to {manifest.folder}", markup=False)
    write_results(json_file, manifest_results(manifest))


def model_manifest(model: Path) -> Manifest:
    """The manifest of a model given by its folder or by a shipped model's name.

    Raises:
        CheckpointError: no such model.
        ResultsError: its manifest is damaged.
    """
    from nucleate.core.manifest import MANIFEST_NAME
    from nucleate.latent import pretrained

    folder = pretrained.model_folder(model)
    if (folder / MANIFEST_NAME).is_file():
        return load_manifest(folder, "train", "finetune")
    return pretrained.model_manifest(folder)


def stage_settings(
    model: type[S], file: Path | None, matter: str, section: str, options: Mapping[str, Any]
) -> S:
    """A stage's settings from its optional file and the command line, which wins.

    Args:
        file: TOML with the keys of `model`, or a whole run's settings, of which
            `[matter.<matter>.<section>]` is taken.
        options: nested values from the command line; None means not given.

    Raises:
        SettingsError: unknown key or impossible value.
    """
    from nucleate.core.settings import read_toml, validate

    values: dict[str, Any] = {}
    where = "command line"
    if file is not None:
        where = str(file)
        values = read_toml(file)
        if isinstance(values.get("matter"), dict):
            values = values["matter"].get(matter, {}).get(section, {})
            where += f" [matter.{matter}.{section}]"
    return validate(model, merge(values, options), where)
