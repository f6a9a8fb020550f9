"""Commands that use a trained model: sample, reconstruct."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli import conditions as asked
from nucleate.cli.common import (
    Device,
    IdColumn,
    JsonFile,
    Limit,
    Mirror,
    Model,
    Seed,
    StructureColumn,
    show_figures,
)
from nucleate.core.settings import merge


def sample(
    model: Model,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")] = Path(
        "work/samples"
    ),
    count: Annotated[
        int,
        typer.Option("-n", "--count", min=1, help="Draws, or structures that meet conditions."),
    ] = 1000,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, help="Of the decoder; 0 takes the likeliest. Default: the model's."),
    ] = None,
    prior_temperature: Annotated[
        float | None, typer.Option(help="Scale of the prior's noise. Default: the model's.")
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="0 copies latent vectors, 1 ignores them. Default: the model's."
        ),
    ] = None,
    resample: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Draws of coordinates and lattice, gene kept, where atoms overlap; 0 for none. "
            "Default: the model's.",
        ),
    ] = None,
    relief: Annotated[
        bool | None,
        typer.Option(
            "--relief/--no-relief",
            help="Part atoms that still overlap, symmetry kept. Default: the model's.",
        ),
    ] = None,
    like: asked.Like = None,
    similarity: asked.Similarity = None,
    distance: asked.Distance = None,
    between: asked.Between = None,
    scaffold: asked.Scaffold = None,
    properties: asked.Properties = None,
    minimum_size: asked.MinimumSize = None,
    maximum_size: asked.MaximumSize = None,
    budget: asked.Budget = None,
    chemical_system: asked.ChemicalSystem = None,
    subsets: asked.Subsets = False,
    composition: asked.Composition = None,
    formula_units: asked.FormulaUnits = None,
    space_group: asked.SpaceGroup = None,
    include: asked.Include = None,
    exclude: asked.Exclude = None,
    minimum_sites: asked.MinimumSites = None,
    maximum_sites: asked.MaximumSites = None,
    minimum_atoms: asked.MinimumAtoms = None,
    maximum_atoms: asked.MaximumAtoms = None,
    higher_symmetry: asked.HigherSymmetry = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_file: JsonFile = None,
) -> None:
    """Draw new structures: writes samples.csv or samples.extxyz, and summary.json.

    With conditions, every row meets all of them; fewer rows than asked for are written if the
    budget of draws ends before.

    Example: nucleate sample --model molecules -n 10000 --seed 1 --out work/samples

    Example: nucleate sample --model molecules --scaffold '*c1ccc2ccccc2n1' --property logP=2..3

    Example: nucleate sample --model crystals --composition LiFePO4 --formula-units 1..2
    """
    from nucleate.core.settings import validate
    from nucleate.settings.sample import SampleSettings
    from nucleate.stages.sample import sample_to

    options = {
        "count": count,
        "temperature": temperature,
        "prior_temperature": prior_temperature,
        "noise": noise,
        "resample": resample,
        "relief": relief,
        "conditions": asked.conditions(
            properties,
            like=like,
            similarity=similarity,
            distance=distance,
            between=between,
            scaffold=scaffold,
            minimum_size=minimum_size,
            maximum_size=maximum_size,
            budget=budget,
            chemical_system=chemical_system,
            subsets=subsets or None,
            composition=composition,
            formula_units=formula_units,
            space_group=space_group,
            include=include,
            exclude=exclude,
            minimum_sites=minimum_sites,
            maximum_sites=maximum_sites,
            minimum_atoms=minimum_atoms,
            maximum_atoms=maximum_atoms,
            higher_symmetry=higher_symmetry,
        ),
    }
    settings = validate(SampleSettings, options, "command line")
    summary = sample_to(model, count, seed, out, settings, device)
    show_figures(summary, f"written to {out}", json_file)


def reconstruct(
    model: Model,
    source: Annotated[
        str, typer.Option("--input", metavar="FILE|NAME", help="Structures to encode and decode.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to write what was rebuilt."),
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Refine what is decoded, as samples are (crystals).")
    ] = False,
    inference_steps: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="STEPS",
            help="Gradient steps from the encoder's answer towards the latent vector that tells "
            "each structure best.",
        ),
    ] = 0,
    structure_column: StructureColumn = None,
    id_column: IdColumn = None,
    limit: Limit = None,
    mirror: Mirror = None,
    device: Device = "auto",
    json_file: JsonFile = None,
) -> None:
    """Encode and decode structures, and say how many come back exactly.

    Example: nucleate reconstruct --model work/model --input held_out.csv --json -
    """
    from nucleate.core.settings import validate
    from nucleate.settings.data import DatasetSettings
    from nucleate.stages.reconstruct import reconstruct as run

    options = merge(
        {"source": source},
        {"structure_column": structure_column, "id_column": id_column, "limit": limit},
    )
    dataset = validate(DatasetSettings, options, "command line")
    summary = run(
        model,
        dataset,
        out,
        refine=refine,
        inference_steps=inference_steps,
        device=device,
        mirror=mirror,
    )
    show_figures(summary, "" if out is None else f"written to {out}", json_file)
