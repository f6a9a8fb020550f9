"""The command that searches for structures with wanted properties."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleate.cli.common import (
    DeviceName,
    JsonFile,
    Mirror,
    SettingsFile,
    console,
    load_manifest,
    manifest_results,
    merge,
    model_manifest,
    write_results,
)
from nucleate.cli.objectives import parse_objective
from nucleate.errors import SettingsError

if TYPE_CHECKING:
    from nucleate.config import StudySettings
    from nucleate.stages.starting import Start


def optimize(
    study: Annotated[
        Path | None,
        typer.Argument(metavar="[STUDY.toml]", help="Settings of a study; options win over it."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="DIR|NAME", help="Output of `nucleate train`, or a shipped model."
        ),
    ] = None,
    objectives: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="WHAT[:HOW]",
            help="qed, sa_score:minimise, logp:target=2.5, logp:range=1..3,weight=0.5, "
            "head=NAME:minimise; may be repeated.",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Structures to score; more go on with the study.")
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="nucleate (default), nucleate+adaptation, latent, edits+screen, "
            "token-edits+screen, token-edits, random-prior, best-of-data; tpe, cmaes, gp, nsga2, "
            "nsga3, qmc, random over boxes in latent space."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="FILE|NAME", help="Structures to start from, and known ones."
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            "--features", metavar="DIR", help="The same from the output of `nucleate featurize`."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Folder to write to; default: results/STUDY."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="Database, e.g. postgresql://user@host/name, which several such commands share; "
            "default: a journal file in the folder.",
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many trials without a better score.")
    ] = None,
    settings: SettingsFile = None,
    mirror: Mirror = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of all randomness.")] = None,
    device: Annotated[
        DeviceName | None,
        typer.Option("--device", help="Where networks run; auto takes a GPU if there is."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Search for structures with the properties you want: an Optuna study.

    Stop it at any time; the same command goes on where it was. With --storage, run the same
    command in several terminals or on several machines.

    Watch it: pip install optuna-dashboard, then optuna-dashboard OUT/study.journal (or the URL).

    Example: nucleate optimize --model molecules --objective qed --objective logp:range=1..3
    --out results/study
    """
    from nucleate.config import OptimizeSettings
    from nucleate.report.study import show_study_end, show_study_start
    from nucleate.stages.optimize import optimize as run

    given = {
        "model": model,
        "objectives": [parse_objective(text) for text in objectives or ()] or None,
        "trials": trials,
        "sampler": sampler,
        "data": data,
        "features": features,
        "out": out,
        "storage": storage,
        "patience": patience,
        "seed": seed,
        "device": device,
    }
    chosen = _settings(study, settings, given)
    trained = model_manifest(Path(chosen.model))
    _check(chosen, trained.matter)
    start = _start(chosen, study)
    fields = {"objectives": [term.model_dump() for term in chosen.objectives]}
    stage = OptimizeSettings.model_validate(
        chosen.model_dump(include=set(OptimizeSettings.model_fields)) | fields
    )
    shown = console(json_file)
    show_study_start(shown, chosen, trained.matter)
    studied = run(
        stage,
        trained,
        start,
        Path(chosen.out),
        matter_name=trained.matter,
        seed=chosen.seed,
        device=chosen.device,
        mirror=mirror,
        settings_folder=None if study is None else study.parent,
        lasting=True,
    )
    show_study_end(shown, chosen, studied)
    write_results(json_file, manifest_results(studied))


def _settings(study: Path | None, stage: Path | None, given: dict[str, Any]) -> StudySettings:
    """The study's settings from its file, or from a stage's, with the options laid over them.

    Raises:
        SettingsError: unknown key, impossible value, or no model or folder given.
    """
    from nucleate.config import StudySettings, read_toml, validate

    if study is not None and stage is not None:
        raise SettingsError("give either STUDY.toml or --settings, not both")
    values: dict[str, Any] = {}
    where = "command line"
    if study is not None:
        where, values = str(study), read_toml(study)
        if "matter" in values:
            raise SettingsError(f"{study}: is the settings of a run; `nucleate discover` takes it")
        values.setdefault("out", str(Path("results") / study.stem))
    elif stage is not None:
        where, values = str(stage), read_toml(stage)
        if isinstance(values.get("matter"), dict):
            kind = model_manifest(Path(given["model"] or "")).matter
            values = values["matter"].get(kind, {}).get("optimize", {})
            where += f" [matter.{kind}.optimize]"
    if given["data"] is not None or given["features"] is not None:
        values = {key: value for key, value in values.items() if key not in ("data", "features")}
    merged = merge(values, given)
    for name in ("model", "out"):
        if name not in merged:
            raise SettingsError(f"optimize needs --{name}, or {name} = ... in STUDY.toml")
    return validate(StudySettings, merged, where)


def _check(settings: StudySettings, matter: str) -> None:
    """Refuse a misspelt property before the model is loaded."""
    from nucleate import matter as registry

    known = registry.get(matter).properties()
    for term in settings.objectives:
        if term.property and term.property not in known:
            raise SettingsError(
                f"{matter} has no property named {term.property!r}; known: {', '.join(known)}"
            )


def _start(settings: StudySettings, study: Path | None) -> Start:
    """What the study starts from."""
    from nucleate.config import DatasetSettings
    from nucleate.search.objectives.settings import relative_to

    if settings.features is not None:
        return load_manifest(Path(settings.features), "featurize")
    if settings.data is None:
        return None
    given = settings.data
    dataset = DatasetSettings(source=given) if isinstance(given, str) else given
    folder = None if study is None else study.parent
    names = tuple(str(relative_to(name, folder)) for name in dataset.sources)
    return dataset.model_copy(update={"source": names})
