"""The stage that lets through only candidates that survive the field's own checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate import matter as registry
from nucleate.config import DatasetSettings, PropertySettings, ScreenSettings, validate
from nucleate.datasets.sources import content_digest, resolve
from nucleate.matter import CheckContext, Matter
from nucleate.parallel import default_processes
from nucleate.runs import Manifest, digest, read_json, run_stage, stage_key, write_json
from nucleate.screening import ranking, tables
from nucleate.screening.funnel import Funnel, build_checks, run_funnel
from nucleate.screening.intake import from_draws, from_file
from nucleate.screening.known import read_records
from nucleate.search.objective import Objective, completed
from nucleate.search.objectives.build import inputs_of
from nucleate.search.regions import sample_reference
from nucleate.stages.reference import reference_structures

if TYPE_CHECKING:
    from nucleate.latent import LatentModel

PREDICTING = ("column", "head")
"""Kinds of terms that may need the model."""


def screen(
    settings: ScreenSettings,
    draws: Sequence[Manifest],
    features: Manifest,
    folder: Path,
    *,
    matter_name: str,
    seed: int,
    objectives: tuple[PropertySettings, ...] = (),
    device: str = "auto",
    mirror: str | Path | None = None,
    model: Manifest | None = None,
    settings_folder: Path | None = None,
) -> Manifest:
    """Screen the draws of `sample` and `optimize`.

    Writes `candidates.parquet`, `candidates.csv`, the matter's own formats, `rejected.parquet` and
    `funnel.json`. No survivor is a valid result. Scores are those of the study among the draws,
    with its scales; draws that it did not score are scored before the first expensive check.

    Args:
        features: the featurized set; training, validation and test structures are known.
        objectives: of the study; what it used if empty.
        model: the trained one, for objectives that it predicts. Without it only the study's own
            draws have a value of these.
        settings_folder: for relative paths of objectives; the working folder if None.

    Raises:
        SettingsError: unknown check, property or option; or an objective's function, program or
            head, or one that needs the model.
        ResultsError: the folder cannot be written, or an input is damaged.
        InputError, DatasetError: a reference set cannot be had.
    """
    matter = registry.get(matter_name)

    def load(_: Path) -> tuple[Funnel, Objective, list[str], list[str]]:
        funnel, records = from_draws(draws), read_records(features)
        objective = _objective(matter, objectives, draws, model, device, settings_folder)
        return funnel, objective, records.all, records.training

    inputs = {f"draws/{number}": manifest.key for number, manifest in enumerate(draws)}
    inputs["features"] = features.key
    inputs |= _objective_inputs(objectives, model, settings_folder)
    return _run(
        settings,
        matter,
        folder,
        inputs,
        load,
        seed=seed,
        objectives=objectives,
        device=device,
        mirror=mirror,
    )


def screen_file(
    settings: ScreenSettings,
    source: DatasetSettings,
    folder: Path,
    *,
    matter_name: str,
    seed: int,
    objectives: tuple[PropertySettings, ...] = (),
    features: Manifest | None = None,
    device: str = "auto",
    mirror: str | Path | None = None,
    model: Manifest | None = None,
    settings_folder: Path | None = None,
) -> Manifest:
    """Screen a file or folder of structures; see `screen`.

    Args:
        features: a featurized set, for novelty and for the scales of desirabilities; without it
            nothing but the references is known and scales are fitted on the file itself.
        model, settings_folder: see `screen`.

    Raises:
        InputError: the file as a whole is unreadable, empty or lacks a named column.
    """
    matter = registry.get(matter_name)
    files = resolve(source, matter_name, _text(mirror))

    def load(out: Path) -> tuple[Funnel, Objective, list[str], list[str]]:
        funnel = from_file(source, matter, out, _text(mirror))
        known, reference = list[str](), [candidate.structure for candidate in funnel.candidates]
        if features is not None:
            records = read_records(features)
            known, reference = records.all, records.training
        objective = _objective(matter, objectives, [], model, device, settings_folder)
        return funnel, objective, known, reference

    inputs = {f"file/{number}": content_digest(file.path) for number, file in enumerate(files)}
    inputs["reading"] = digest(source.model_dump(mode="json"))
    if features is not None:
        inputs["features"] = features.key
    inputs |= _objective_inputs(objectives, model, settings_folder)
    return _run(
        settings,
        matter,
        folder,
        inputs,
        load,
        seed=seed,
        objectives=objectives,
        device=device,
        mirror=mirror,
    )


def _text(mirror: str | Path | None) -> str | None:
    return None if mirror is None else str(mirror)


def _objective(
    matter: Matter,
    terms: tuple[PropertySettings, ...],
    draws: Sequence[Manifest],
    model: Manifest | None,
    device: str,
    folder: Path | None,
) -> Objective:
    """The study's own objective, scales and memory, if its terms are the wanted ones."""
    wanted = completed(matter, terms)
    for manifest in draws:
        if manifest.stage != "optimize":
            continue
        summary = read_json(manifest.path("summary.json"))
        stored, how = summary["objectives"], summary.get("combine", "desirability")
        # Compared before anything is built: a term may start a process or fit a predictor.
        used = tuple(validate(PropertySettings, item["settings"], "objective") for item in stored)
        if used == wanted or not terms:
            return Objective.from_json(matter, stored, _model(used, model, device), folder, how)
    return Objective(matter, wanted, _model(wanted, model, device), folder)


def _model(
    terms: Sequence[PropertySettings], model: Manifest | None, device: str
) -> LatentModel | None:
    """The trained model if there is one and a term predicts; loading it takes seconds."""
    if model is None or not any(term.source_kind() in PREDICTING for term in terms):
        return None
    from nucleate.latent import LatentModel

    return LatentModel.load(Path(model.folder), device)


def _objective_inputs(
    terms: Sequence[PropertySettings], model: Manifest | None, folder: Path | None
) -> dict[str, str]:
    """What the scores depend on besides the draws and the known structures."""
    return inputs_of(terms, folder) | ({} if model is None else {"model": model.key})


def _run(
    settings: ScreenSettings,
    matter: Matter,
    folder: Path,
    inputs: dict[str, str],
    load: Callable[[Path], tuple[Funnel, Objective, list[str], list[str]]],
    *,
    seed: int,
    objectives: tuple[PropertySettings, ...],
    device: str,
    mirror: str | Path | None,
) -> Manifest:
    """What both ways of screening share: settings and a loader -> the stage's manifest."""
    for place, reference_set in enumerate(settings.reference):
        for file in resolve(reference_set, matter.name, _text(mirror)):
            inputs[f"reference/{place}/{file.name}"] = content_digest(file.path)
    wanted = [term.model_dump(mode="json") for term in objectives]
    run = stage_key("screen", settings, inputs, seed=seed, objectives=wanted)

    def work(out: Path) -> tuple[list[str], dict[str, Any]]:
        funnel, objective, known, reference = load(out)
        try:
            _prepare_objective(objective, funnel, reference, seed)
            context = CheckContext(
                known=known + reference_structures(settings.reference, matter.name, _text(mirror)),
                seed=seed,
                processes=default_processes(),
                device=_device(device),
            )
            checks = build_checks(matter, settings.checks, context)
            funnel.candidates = ranking.order(funnel.candidates)

            def rank(stage: Funnel) -> None:
                ranking.score(stage.candidates, objective)
                stage.candidates = ranking.order(stage.candidates)

            run_funnel(funnel, checks, rank)
            rank(funnel)  # a check may have replaced structures
        finally:
            objective.close()
        funnel.keep_best(settings.keep)
        names = [check.name for check in checks]
        return _write(out, funnel, matter, objective, names, run)

    return run_stage(
        "screen", matter.name, folder, settings, inputs, work, seed=seed, objectives=wanted
    )


def _device(name: str) -> str:
    from nucleate.vae.evaluation import choose_device

    return str(choose_device(name))


def _prepare_objective(
    objective: Objective, funnel: Funnel, reference: Sequence[str], seed: int
) -> None:
    """Take over the draws' raw values, and fit scales unless the study brought them."""
    if not objective.fitted:
        for candidate in funnel.candidates:
            candidate.columns.pop("score", None)  # of other terms: not comparable
        if objective.terms:
            objective.fit(sample_reference(reference, 1, seed) if reference else [])
        return
    for candidate in funnel.candidates:
        if candidate.columns.get("score") is not None:
            objective.remember(candidate.structure, candidate.columns)


def _write(
    out: Path,
    funnel: Funnel,
    matter: Matter,
    objective: Objective,
    checks: Sequence[str],
    run: str,
) -> tuple[list[str], dict[str, Any]]:
    """All files of the stage; returns their names and the stage's metrics."""
    rows = tables.candidate_rows(funnel.candidates, matter, run)
    scores = [n for name in objective.names for n in (name, f"{name}_desirability")]
    scores += objective.extra_names
    values = [f"{name}_value" for name in checks]
    provenance = ["origin", "trial", "parent", "log_likelihood"]
    columns = [
        *("candidate_id", "rank", "score", "score_basis", matter.structure_column),
        *(name for row in rows[:1] for name in matter.describe(row[matter.structure_column])),
        *(*scores, *values, *provenance, "run", "latent"),
    ]
    tables.write_parquet(out / "candidates.parquet", rows, columns)
    tables.write_csv(out / "candidates.csv", rows, columns)
    rejected = [
        {
            matter.structure_column: item.candidate.structure or None,
            **item.candidate.columns,
            "rejected_by": item.rejected_by,
            "reason": item.reason,
        }
        for item in funnel.rejected
    ]
    head = [matter.structure_column, "rejected_by", "reason", "score", *scores, *provenance]
    tables.write_parquet(out / "rejected.parquet", rejected, [*head, "latent"])
    written = matter.write_candidates(out, rows)
    write_json(out / "funnel.json", [step.to_json() for step in funnel.steps])
    files = [file for path in written for file in (_files(path) if path.is_dir() else [path])]
    names = ["candidates.parquet", "candidates.csv", "rejected.parquet", "funnel.json"]
    names += sorted(file.relative_to(out).as_posix() for file in files)
    metrics: dict[str, Any] = {
        "entered": funnel.steps[0].entered,
        "distinct": funnel.steps[0].passed,
        "candidates": len(rows),
        "rejected": len(rejected),
        "best_score": rows[0]["score"] if rows else None,
        "rows/candidates.parquet": len(rows),
        "rows/candidates.csv": len(rows),
        "rows/rejected.parquet": len(rejected),
    }
    return list(dict.fromkeys(names)), metrics


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
