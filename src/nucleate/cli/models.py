"""Commands about models as such: list and show those shipped, export, refit, average."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleate.cli.common import (
    DeviceName,
    Features,
    Folder,
    JsonFile,
    Model,
    Seed,
    console,
    show_figures,
    write_results,
)
from nucleate.cli.options import Given, SettingsCommand, from_settings
from nucleate.core.manifest import load_manifest

app = typer.Typer(name="models", no_args_is_help=False, invoke_without_command=True)
One = Annotated[str | None, typer.Option("--model", metavar="NAME", help="This one; a folder too.")]
Card = Annotated[bool, typer.Option("--card", help="Print the model's card.")]
CardFile = Annotated[Path, typer.Option("--card", metavar="FILE", help="The model card.")]
Latents = Annotated[int, typer.Option(min=1, help="Encoded training structures to keep at most.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A shipped model's name, or DIR.")]
First = Annotated[Path, typer.Argument(metavar="A", help="A model's folder or shipped name.")]
Second = Annotated[Path, typer.Argument(metavar="B", help="A model that was started from A.")]
Share = Annotated[float, typer.Option(min=0, max=1, help="Of the way from A (0) to B (1).")]


@app.callback()
def _models(
    ctx: typer.Context, model: One = None, card: Card = False, json_file: JsonFile = None
) -> None:
    """List the models that ship with Nucleate, or show one.

    Example: nucleate models --model molecules --card
    """
    if ctx.invoked_subcommand is not None:
        return
    if model is not None and card:
        show(model, json_file)
        return
    from nucleate.latent import pretrained

    folders = (
        [pretrained.model_folder(model)]
        if model is not None
        else [pretrained.FOLDER / name for name in pretrained.names()]
    )
    found = [pretrained.describe(folder) for folder in folders]
    out = console(json_file)
    if not found:
        out.print("no model ships with this version")
    for row in found:
        out.print(f"[bold]{row['name']}[/]: {row['title'] or row['matter']}")
        out.print("  " + "; ".join(_facts(row)), markup=False)
    write_results(json_file, found)


def _facts(row: dict[str, object]) -> list[str]:
    """What a line says of a model, as far as it is known."""
    parameters, latent = row["parameters"], row["latent_size"]
    facts = [str(row["matter"])]
    facts += [f"{name}: {row[name]}" for name in ("data", "licence") if row[name]]
    facts.append(f"{float(str(row['bytes'])) / 1e6:.1f} MB")
    facts += [] if parameters is None else [f"{float(str(parameters)) / 1e6:.2f} M parameters"]
    facts += [] if latent is None else [f"latent vectors of {latent}"]
    return facts + ([str(row["figures"])] if row["figures"] else [])


@app.command()
def show(name: Name, json_file: JsonFile = None) -> None:
    """Print a model's card: data and licence, figures, limits, intended use.

    Example: nucleate models show molecules
    """
    from nucleate.latent import pretrained
    from nucleate.latent.cards import CARD_NAME, read_card

    folder = pretrained.model_folder(name)
    card = read_card(folder / CARD_NAME)
    out = console(json_file)
    for key, value in card.head.items():
        out.print(f"{key}: {value}", markup=False)
    out.print(card.text, markup=False)
    write_results(json_file, {**pretrained.describe(folder), "card": card.text})


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate.settings.model:DrawSettings",
    "temperature noise blended=--blended/--not-blended prior_temperature continuous_temperature",
    defaults=False,
)
def export(
    model: Model,
    out: Folder,
    card: CardFile,
    given: Given,
    latents: Latents = 5000,
    seed: Seed = 0,
    json_file: JsonFile = None,
) -> None:
    """Make a folder small enough to ship from a trained model's.

    Example: nucleate models export --model work/model --out shipped/mine --card card.md
    """
    from nucleate.latent.export_model import export as write
    from nucleate.latent.pretrained import model_folder

    figures = write(
        model_folder(model), out, card=card, latents=latents, sampling=given.values, seed=seed
    )
    show_figures(figures, f"written to {out}", json_file)


@app.command(cls=SettingsCommand)
@from_settings(
    "nucleate.settings.model:PriorSettings", "kind steps width layers integration_steps components"
)
def prior(
    model: Model, out: Folder, given: Given, seed: Seed = 0, json_file: JsonFile = None
) -> None:
    """Fit another prior to a trained model's encodings; writes a copy of the model.

    Example: nucleate models prior --model work/model --steps 20000 --out work/refitted
    """
    from nucleate.latent.pretrained import model_folder
    from nucleate.stages.edit_model import refit_prior

    figures = refit_prior(model_folder(model), out, given.settings(), seed)
    show_figures(figures, f"written to {out}", json_file)


@app.command()
def average(
    first: First,
    second: Second,
    features: Features,
    out: Folder,
    share: Share = 0.5,
    device: DeviceName = "auto",
    json_file: JsonFile = None,
) -> None:
    """Average a model's weights with those of one started from it; writes a further model.

    Its prior is the standard normal: fit another with `nucleate models prior`.

    Example: nucleate models average work/a work/b --features work/features --out work/average
    """
    from nucleate.latent.pretrained import model_folder
    from nucleate.stages.edit_model import average_models

    figures = average_models(
        model_folder(first),
        model_folder(second),
        load_manifest(features, "featurize"),
        out,
        share=share,
        device=device,
    )
    show_figures(figures, f"written to {out}", json_file)
