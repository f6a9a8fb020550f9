"""The command `finetune`, and what it says at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from nucleate.cli.common import (
    Device,
    IdColumn,
    JsonFile,
    Limit,
    Mirror,
    Model,
    Out,
    Seed,
    SettingsFile,
    StructureColumn,
    console,
    manifest_results,
    stage_settings,
    write_results,
)

SMALL_BASE_SET = 100
"""Below this many structures one point of forgetting is one structure or less."""


def finetune(
    model: Model,
    out: Out,
    source: Annotated[
        str | None, typer.Option("--input", metavar="FILE|NAME", help="Your own structures.")
    ] = None,
    settings: SettingsFile = None,
    structure_column: StructureColumn = None,
    id_column: IdColumn = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="COLUMN", help="Column to learn; may be repeated."),
    ] = None,
    limit: Limit = None,
    frozen: Annotated[
        bool | None,
        typer.Option("--frozen", help="Fit only the prior and property heads: the networks stay."),
    ] = None,
    extend: Annotated[
        bool | None,
        typer.Option("--extend/--no-extend", help="Add symbols that the model does not know."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over your set, at most.")] = None,
    maximum_minutes: Annotated[
        float | None, typer.Option(help="End training after this time.")
    ] = None,
    maximum_forgetting: Annotated[
        float | None,
        typer.Option(help="Most that exact reconstruction may fall on what the model knew."),
    ] = None,
    mirror: Mirror = None,
    seed: Seed = 0,
    device: Device = "auto",
    json_file: JsonFile = None,
) -> None:
    """Fine-tune a model on your own structures, and say what that gained and cost.

    Example: nucleate finetune --model molecules --input mine.csv --property pIC50 --out work/mine
    """
    from nucleate.latent.pretrained import matter_of, model_folder
    from nucleate.settings.model import FinetuneSettings
    from nucleate.stages.finetune.finetune import finetune as run

    folder = model_folder(model)
    options = {
        "dataset": {
            "source": source,
            "structure_column": structure_column,
            "id_column": id_column,
            "properties": properties or None,
            "limit": limit,
        },
        "frozen": frozen,
        "extend": extend,
        "epochs": epochs,
        "maximum_minutes": maximum_minutes,
        "maximum_forgetting": maximum_forgetting,
    }
    chosen = stage_settings(FinetuneSettings, settings, matter_of(folder), "finetune", options)
    manifest = run(chosen, folder, out, seed=seed, device=device, mirror=mirror)
    shown = console(json_file)
    for line in summary_lines(manifest.metrics):
        shown.print(line, markup=False)
    shown.print(f"written to {manifest.folder}", markup=False)
    write_results(json_file, manifest_results(manifest))


def summary_lines(figures: Mapping[str, Any]) -> list[str]:
    """The result of fine-tuning for a person: what was used, before and after, the bound."""
    before, after, forgetting = figures["before"], figures["after"], figures["forgetting"]
    lines = [_used(figures)]
    for what, key in (("added to the vocabulary", "added_symbols"), ("unknown", "unknown_symbols")):
        symbols = figures["symbols"][key]
        if symbols:
            shown = ", ".join(f"{symbol} ({count})" for symbol, count in list(symbols.items())[:12])
            more = f" and {len(symbols) - 12} more" if len(symbols) > 12 else ""
            lines.append(f"symbols {what}: {len(symbols)}: {shown}{more}")
    if figures["rejected"]:
        reasons = ", ".join(f"{reason} {count}" for reason, count in figures["rejected"].items())
        lines.append(f"rejected rows: {reasons}")
    lines += ["", f"{'':<44}{'before':>9}{'after':>9}"]
    rows = [
        ("held-out structures rebuilt exactly", "held_out_exact", _percent),
        ("reconstruction loss on them, nats", "held_out_nats", _number),
        (f"base set of {forgetting['base_set']} rebuilt exactly", "base_exact", _percent),
    ]
    lines += [_row(label, before[key], after[key], shape) for label, key, shape in rows]
    samples = [
        ("samples: valid", "valid", _percent),
        ("samples: unique", "unique", _percent),
        ("samples: novel to your set", "novel", _percent),
        ("samples: similarity to your nearest", "nearest_similarity", _number),
    ]
    for label, key, shape in samples:
        first, second = before["samples"].get(key), after["samples"].get(key)
        if (first, second) != (None, None):
            lines.append(_row(label, first, second, shape))
    for name, described in after["properties"].items():
        first, labels = before["properties"][name], described["held_out_labels"]
        for label, key in (
            (f"{name}: R2, {labels} held out", "held_out_r2"),
            (f"{name}: R2, each left out of {described['labels']}", "leave_one_out_r2"),
        ):
            lines.append(_row(label, first[key], described[key], _number))
        if "not_fitted" in described:
            lines.append(f"{name}: no property head: {described['not_fitted']}")
    return [*lines, "", _bound(forgetting)]


def _used(figures: Mapping[str, Any]) -> str:
    parts = ", ".join(f"{count:,} {name}" for name, count in figures["structures"].items())
    rehearsed = figures["forgetting"]["rehearsed"]
    return f"{figures['model']} fine-tuned on {parts}; {rehearsed:,} of its own rehearsed"


def _bound(forgetting: Mapping[str, Any]) -> str:
    held = "held" if forgetting["bound_held"] else "NOT HELD"
    return (
        f"forgetting: {100 * forgetting['measured']:+.1f} points of exact reconstruction, at most "
        f"{100 * forgetting['maximum']:.1f} allowed: {held}{_kept(forgetting)}{_doubt(forgetting)}"
    )


def _kept(forgetting: Mapping[str, Any]) -> str:
    """Which weights were kept."""
    share, epoch = forgetting["share_of_new_weights"], forgetting["epoch_kept"]
    if share == 0:
        return "; no new weights remember enough, the old ones are kept"
    if share == 1:
        return f"; epoch {epoch} is kept"
    return f"; kept: {share:.0%} of the way from the old weights to those of epoch {epoch}"


def _doubt(forgetting: Mapping[str, Any]) -> str:
    """What a small base set means for the figure."""
    count = forgetting["base_set"]
    if count >= SMALL_BASE_SET:
        return ""
    return f"; beware: measured on only {count} structures"


def _row(label: str, before: float | None, after: float | None, shape: Any) -> str:
    return f"{label:<44}{shape(before):>9}{shape(after):>9}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
