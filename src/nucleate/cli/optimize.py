"""Commands of the search: optimize, and objectives, which lists what it can ask for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleate.cli.common import (
    JsonFile,
    MatterName,
    Mirror,
    SettingsFile,
    console,
    manifest_results,
    model_manifest,
    write_results,
)
from nucleate.cli.failures import terminated_like_interrupted
from nucleate.cli.options import Given, from_settings, read_stage
from nucleate.core.errors import SettingsError
from nucleate.core.settings import merge, validate

if TYPE_CHECKING:
    from nucleate.settings.study import StudySettings

StudyFile = Annotated[
    Path | None,
    typer.Argument(metavar="[STUDY.toml]", help="Settings of a study; options win over it."),
]
Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraint",
        metavar="WHAT<=NUMBER",
        help="'logp<=5', 'qed>=0.6', logp:range=1..3: what every result should meet, no part of "
        "the score. May be repeated.",
    ),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="These alone.")]
Every = Annotated[bool, typer.Option("--all", help="Those of libraries too (RDKit's descriptors).")]


@from_settings(
    "nucleate.settings.study:StudySettings",
    "model objectives combine trials sampler data features out storage patience quota local.* "
    "-local.between -local.budget seed device",
)
def optimize(
    given: Given,
    study: StudyFile = None,
    constraints: Constraints = None,
    settings: SettingsFile = None,
    mirror: Mirror = None,
    json_file: JsonFile = None,
) -> None:
    """Search for structures with the properties you want: an Optuna study.

    Stop it at any time: it writes what it found, and the same command goes on where it was. Other
    settings make another study in the same journal. With --storage, run the same command in several
    terminals or on several machines.

    Watch it: pip install optuna-dashboard, then optuna-dashboard OUT/study.journal (or the URL).

    Example: nucleate optimize --model molecules --objective qed --objective logp:range=1..3
    --out results/study

    Example: nucleate optimize --model crystals --objective density --chemical-system Li-Fe-O
    --space-group cubic --out results/oxides
    """
    from nucleate.cli.show.study import show_study_end, show_study_start
    from nucleate.core.files import read_json
    from nucleate.core.progress import say
    from nucleate.search.trial_attributes import INTERRUPTED
    from nucleate.settings.objective_texts import parse_constraint
    from nucleate.stages.jobs import run_search

    terms = [parse_constraint(text) for text in constraints or ()]
    chosen = _settings(study, settings, given.values, terms)
    shown = console(json_file)
    with terminated_like_interrupted():
        chosen, studied = run_search(
            chosen,
            settings_folder=None if study is None else study.parent,
            mirror=mirror,
            announce=partial(show_study_start, shown),
            say=say,
            interruptible=True,
        )
    show_study_end(shown, chosen, studied)
    write_results(json_file, manifest_results(studied))
    if read_json(studied.path("summary.json"))["stopped"] == INTERRUPTED:
        raise KeyboardInterrupt  # which says so and ends with the status for it


def objectives(
    matter: MatterName, names: Names = None, every: Every = False, json_file: JsonFile = None
) -> None:
    """List the properties that a search can ask for, with units.

    Example: nucleate objectives --matter molecules
    """
    from nucleate.cli.show.objectives import describe_objectives, show_objectives

    found = describe_objectives(matter, names or (), every=every)
    show_objectives(console(json_file), matter, found, complete=every or bool(names))
    write_results(json_file, found)


def _settings(
    study: Path | None, stage: Path | None, given: dict[str, Any], constraints: list[Any]
) -> StudySettings:
    """The study's settings from its file, or from a stage's, with the options laid over them.

    Raises:
        SettingsError: unknown key, impossible value, or no model or folder given.
    """
    from nucleate.settings.study import StudySettings

    if study is not None and stage is not None:
        raise SettingsError("give either STUDY.toml or --settings, not both")
    values, where, run = read_stage(study or stage)
    if study is not None:
        if "matter" in values:
            raise SettingsError(f"{study}: is the settings of a run; `nucleate discover` takes it")
        values.setdefault("out", str(Path("results") / study.stem))
    elif run is not None:
        kind = model_manifest(Path(given.get("model", ""))).matter
        values = run.get(kind, {}).get("optimize", {})
        where += f" [matter.{kind}.optimize]"
    if {"data", "features"} & given.keys():
        values = {key: value for key, value in values.items() if key not in ("data", "features")}
    if study is not None and isinstance(values.get("local"), dict):
        values = values | {"local": _lead_beside(values["local"], study.parent)}
    merged = merge(values, given)
    if constraints:  # beside the objectives, of the options or of the file
        merged["objectives"] = [*merged.get("objectives", ()), *constraints]
    for name in ("model", "out"):
        if name not in merged:
            raise SettingsError(f"optimize needs --{name}, or {name} = ... in STUDY.toml")
    return validate(StudySettings, merged, where)


def _lead_beside(local: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The settings of a local search, a lead's file taken from beside the settings file."""
    like = local.get("like")
    if not isinstance(like, str):
        return local
    try:
        found = (folder / like).is_file()
    except (OSError, ValueError):  # a structure, too long for a file's name
        found = False
    return {**local, "like": str(folder / like)} if found else local
