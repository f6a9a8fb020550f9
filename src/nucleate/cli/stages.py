"""Commands that run one stage: featurize, train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import (
    Device,
    IdColumn,
    JsonFile,
    Limit,
    MatterName,
    Mirror,
    Out,
    PropertyColumns,
    Seed,
    SettingsFile,
    StructureColumn,
    show_stage,
    stage_settings,
)
from nucleate.core.manifest import load_manifest

Features = Annotated[
    Path, typer.Option("--features", metavar="DIR", help="Output of `nucleate featurize`.")
]
Start = Annotated[
    str | None,
    typer.Option(
        "--start", metavar="DIR|NAME", help="Model to start from, with its codec; auto, none."
    ),
]


def featurize(
    matter: MatterName,
    out: Out,
    source: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE|NAME", help="A file, a folder or a dataset's name."),
    ] = None,
    settings: SettingsFile = None,
    structure_column: StructureColumn = None,
    id_column: IdColumn = None,
    properties: PropertyColumns = None,
    limit: Limit = None,
    split: Annotated[
        str | None, typer.Option(help="How to split: random, scaffold, formula.")
    ] = None,
    start: Start = None,
    extend: Annotated[
        bool, typer.Option("--extend", help="Add symbols that the start model does not know.")
    ] = False,
    processes: Annotated[int | None, typer.Option(help="Worker processes; default: cores.")] = None,
    mirror: Mirror = None,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Standardise, deduplicate and split structures, and turn them into arrays.

    Example: nucleate featurize --matter molecules --input mine.csv --out work/features
    """
    from nucleate.latent.pretrained import start_folder
    from nucleate.settings.data import FeaturizeSettings
    from nucleate.stages.featurize import featurize as run

    options = {
        "dataset": {
            "source": source,
            "structure_column": structure_column,
            "id_column": id_column,
            "properties": properties or None,
            "limit": limit,
        },
        "split": {"kind": split},
        "processes": processes,
    }
    chosen = stage_settings(FeaturizeSettings, settings, matter, "featurize", options)
    folder = start_folder(start or "none", matter)
    manifest = run(chosen, matter, out, seed=seed, mirror=mirror, start=folder, extend=extend)
    show_stage(manifest, json_file)


def train(
    features: Features,
    out: Out,
    settings: SettingsFile = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training set.")] = None,
    batch: Annotated[int | None, typer.Option(help="Structures per optimiser step.")] = None,
    maximum_minutes: Annotated[
        float | None, typer.Option(help="Stop after this time, whatever the epoch.")
    ] = None,
    start: Start = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_file: JsonFile = None,
) -> None:
    """Train the variational autoencoder and the prior over its latent space.

    Example: nucleate train --features work/features --out work/model --epochs 20
    """
    from nucleate.settings.model import TrainSettings
    from nucleate.stages.train import train as run

    manifest = load_manifest(features, "featurize")
    options = {
        "epochs": epochs,
        "batch": batch,
        "maximum_minutes": maximum_minutes,
        "start": start,
        "start_epochs": epochs,
    }
    chosen = stage_settings(TrainSettings, settings, manifest.matter, "train", options)
    trained = run(chosen, manifest, out, matter_name=manifest.matter, seed=seed, device=device)
    show_stage(trained, json_file)
