"""Commands of the funnel: screen structures, and say which checks there are."""

from __future__ import annotations

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
    write_results,
)
from nucleate.cli.options import Given, from_settings, read_stage
from nucleate.core.errors import SettingsError
from nucleate.core.settings import merge, validate

if TYPE_CHECKING:
    from nucleate.settings.screen import ScreeningSettings

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE... | SCREEN.toml",
        help="Files of structures (SMILES, SDF, CSV, parquet; CIF, POSCAR, extxyz; folders and "
        "zips of them), a catalogued dataset, draws (a run's folder, the output of sample or "
        "optimize), or a settings file that names them; options win over it.",
    ),
]
Checks = Annotated[
    list[str] | None, typer.Argument(metavar="[CHECK]...", help="These alone, with options.")
]


@from_settings(
    "nucleate.settings.screen:ScreeningSettings",
    "out matter features reference objectives model checks budget unjudged embed rank keep "
    "structures.structure_column structures.id_column structures.properties structures.limit "
    "seconds processes seed device",
)
def screen(
    given: Given,
    sources: Sources = None,
    settings: SettingsFile = None,
    mirror: Mirror = None,
    json_file: JsonFile = None,
) -> None:
    """Put structures through the funnel of checks; every rejection has a reason.

    Stop it at any time; the same command goes on where it was.

    Example: nucleate screen ideas.smi --matter molecules --out work/screened
    """
    from nucleate.cli.show.screening import show_screening, write_page
    from nucleate.core.environment import environment_info
    from nucleate.stages.jobs import run_screening

    chosen, folder = _settings(list(sources or ()), settings, given.values)
    manifest = run_screening(chosen, settings_folder=folder, mirror=mirror)
    page = write_page(Path(chosen.out), manifest, chosen, environment_info())
    show_screening(console(json_file), manifest, chosen, page)
    write_results(json_file, manifest_results(manifest))


def checks(matter: MatterName, names: Checks = None, json_file: JsonFile = None) -> None:
    """List the checks of the funnel: what each asks, what it needs, and its options.

    Example: nucleate checks --matter molecules
    """
    from nucleate.cli.show.screening import describe_checks, show_checks

    found = describe_checks(matter, names or ())
    show_checks(console(json_file), found, detailed=bool(names))
    write_results(json_file, found)


def _settings(
    sources: list[str], stage: Path | None, given: dict[str, Any]
) -> tuple[ScreeningSettings, Path | None]:
    """The settings from their file, with the options laid over them, and the file's folder.

    Raises:
        SettingsError: unknown key, impossible value, or nothing to screen.
    """
    from nucleate.settings.screen import ScreeningSettings

    own = bool(sources) and sources[0].endswith(".toml")
    if own and stage is not None:
        raise SettingsError("give either SCREEN.toml or --settings, not both")
    file = Path(sources.pop(0)) if own else stage
    values, where, run = read_stage(file)
    if own and file is not None:
        values.setdefault("out", str(Path("results") / file.stem))
    elif run is not None:
        values = _of_a_run(run, given.get("matter"), where)
    if sources:
        values["structures"] = sources[0] if len(sources) == 1 else list(sources)
    if "structures" in given and not isinstance(values.get("structures"), dict):
        values["structures"] = {"source": values.get("structures")}
    merged = merge(values, given)
    for name, hint in (("structures", "a file or folder"), ("out", "--out DIR")):
        if merged.get(name) is None:
            raise SettingsError(f"screen needs {hint}, e.g. nucleate screen ideas.smi --out DIR")
    return validate(ScreeningSettings, merged, where), None if file is None else file.parent


def _of_a_run(pipelines: dict[str, Any], matter: str | None, file: str) -> dict[str, Any]:
    """The part of a whole run's settings that concerns the funnel."""
    if matter is None:
        if len(pipelines) > 1:
            raise SettingsError(f"{file}: is of several kinds of matter; say --matter KIND")
        (matter,) = pipelines
    pipeline = pipelines.get(matter, {})
    found = dict(pipeline.get("screen", {}))
    found["matter"] = matter
    terms = pipeline.get("optimize", {}).get("objectives")
    return found | ({"objectives": terms} if terms else {})
