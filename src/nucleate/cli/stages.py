"""Commands that run one stage: featurize, train, finetune, sample, reconstruct."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import (
    DeviceName,
    Features,
    Folder,
    JsonFile,
    MatterName,
    Mirror,
    Model,
    Seed,
    SettingsFile,
    manifest_results,
    show_figures,
    show_lines,
    show_stage,
)
from nucleate.cli.options import Given, from_settings
from nucleate.core.deadline import Deadline
from nucleate.core.manifest import load_manifest

READING = (
    "dataset.source dataset.structure_column dataset.id_column dataset.properties dataset.limit"
)
Start = Annotated[str | None, typer.Option(metavar="DIR|NAME", help="See `start` of `train`.")]
Extend = Annotated[bool, typer.Option("--extend", help="Add symbols that it does not know.")]
Samples = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")]
Rebuilt = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="For what was rebuilt.")]
Refine = Annotated[bool, typer.Option("--refine", help="Refine structures as samples are.")]
Steps = Annotated[int, typer.Option(min=0, help="Gradient steps to a better latent vector.")]


@from_settings(
    "nucleate.settings.data:FeaturizeSettings", f"{READING} split.kind=--split processes"
)
def featurize(
    matter: MatterName,
    out: Folder,
    given: Given,
    settings: SettingsFile = None,
    start: Start = None,
    extend: Extend = False,
    mirror: Mirror = None,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Standardise, deduplicate and split structures, and turn them into arrays.

    Example: nucleate featurize --matter molecules --input mine.csv --out work/features
    """
    from nucleate.latent.pretrained import start_folder
    from nucleate.stages.featurize import featurize as run

    chosen = given.over(settings, matter, "featurize")
    folder = start_folder(start or "none", matter)
    manifest = run(chosen, matter, out, seed=seed, mirror=mirror, start=folder, extend=extend)
    show_stage(manifest, json_file)


@from_settings("nucleate.settings.model:TrainSettings", "epochs batch maximum_minutes start")
def train(
    features: Features,
    out: Folder,
    given: Given,
    settings: SettingsFile = None,
    seed: Seed = 0,
    device: DeviceName = "auto",
    json_file: JsonFile = None,
) -> None:
    """Train the variational autoencoder and the prior over its latent space.

    Example: nucleate train --features work/features --out work/model --epochs 20
    """
    manifest = load_manifest(features, "featurize")
    if "epochs" in given.values:
        given.values["start_epochs"] = given.values["epochs"]
    chosen = given.over(settings, manifest.matter, "train")
    deadline = Deadline(chosen.maximum_minutes)  # which the import below takes some of
    from nucleate.stages.train import train as run

    trained = run(
        chosen,
        manifest,
        out,
        matter_name=manifest.matter,
        seed=seed,
        device=device,
        deadline=deadline,
    )
    show_stage(trained, json_file)


@from_settings(
    "nucleate.settings.model:FinetuneSettings",
    f"{READING} frozen extend epochs maximum_minutes maximum_forgetting",
)
def finetune(
    model: Model,
    out: Folder,
    given: Given,
    settings: SettingsFile = None,
    mirror: Mirror = None,
    seed: Seed = 0,
    device: DeviceName = "auto",
    json_file: JsonFile = None,
) -> None:
    """Fine-tune a model on your own structures, and say what that gained and cost.

    Example: nucleate finetune --model molecules --input mine.csv --property pIC50 --out work/mine
    """
    from nucleate.cli.show.finetune import summary_lines
    from nucleate.latent.pretrained import matter_of, model_folder

    folder = model_folder(model)
    chosen = given.over(settings, matter_of(folder), "finetune")
    deadline = Deadline(chosen.maximum_minutes)  # which the import below takes some of
    from nucleate.stages.finetune.finetune import finetune as run

    manifest = run(chosen, folder, out, seed=seed, device=device, mirror=mirror, deadline=deadline)
    lines = [*summary_lines(manifest.metrics), f"written to {manifest.folder}"]
    show_lines(lines, manifest_results(manifest), json_file)


@from_settings(
    "nucleate.settings.sample:SampleSettings",
    "count=-n,--count temperature prior_temperature noise resample relief conditions.*",
)
def sample(
    model: Model,
    given: Given,
    out: Samples = Path("work/samples"),
    seed: Seed = 0,
    device: DeviceName = "auto",
    json_file: JsonFile = None,
) -> None:
    """Draw new structures: writes samples.csv or samples.extxyz, and summary.json.

    With conditions, every row meets all of them; fewer rows than asked for are written if the
    budget of draws ends before.

    Example: nucleate sample --model molecules -n 10000 --seed 1 --out work/samples

    Example: nucleate sample --model molecules --scaffold '*c1ccc2ccccc2n1' --property logP=2..3

    Example: nucleate sample --model crystals --composition LiFePO4 --formula-units 1..2
    """
    from nucleate.stages.sample import sample_to

    settings = given.settings()
    summary = sample_to(model, settings.count, seed, out, settings, device)
    show_figures(summary, f"written to {out}", json_file)


@from_settings(
    "nucleate.settings.data:DatasetSettings", "source! structure_column id_column properties limit"
)
def reconstruct(
    model: Model,
    given: Given,
    out: Rebuilt = None,
    refine: Refine = False,
    inference_steps: Steps = 0,
    mirror: Mirror = None,
    device: DeviceName = "auto",
    json_file: JsonFile = None,
) -> None:
    """Encode and decode structures, and say how many come back exactly.

    OUT/reconstructed.csv has every row of the file: what it was rebuilt as, whether that is an
    exact match, the reason if it is not a structure or was not rebuilt, and your own columns (of a
    parquet file those that --property names).

    Example: nucleate reconstruct --model work/model --input held_out.csv --json -
    """
    from nucleate.stages.reconstruct import reconstruct as run

    summary = run(
        model,
        given.settings(),
        out,
        refine=refine,
        inference_steps=inference_steps,
        device=device,
        mirror=mirror,
    )
    show_figures(summary, "" if out is None else f"written to {out}", json_file)
