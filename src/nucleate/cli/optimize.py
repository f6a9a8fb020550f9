"""The command that searches for structures with wanted properties."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleate.cli import conditions as asked
from nucleate.cli.common import (
    DeviceOrFile,
    JsonFile,
    Mirror,
    SeedOrFile,
    SettingsFile,
    console,
    manifest_results,
    model_manifest,
    write_results,
)
from nucleate.cli.signals import terminated_like_interrupted
from nucleate.core.errors import SettingsError
from nucleate.core.manifest import load_manifest
from nucleate.core.settings import merge
from nucleate.settings.objective_texts import parse_constraint, parse_objective

if TYPE_CHECKING:
    from nucleate.settings.study import StudySettings
    from nucleate.stages.starting_structures import Start


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
    constraints: Annotated[
        list[str] | None,
        typer.Option(
            "--constraint",
            metavar="WHAT<=NUMBER",
            help="'logp<=5', 'qed>=0.6', logp:range=1..3: what every result should meet, no part "
            "of the score; may be repeated.",
        ),
    ] = None,
    combine: Annotated[
        str | None,
        typer.Option(
            help="desirability (default): weighted geometric mean of the objectives; mean; pareto: "
            "the front of structures that none betters in all of them."
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
    quota: Annotated[
        int | None,
        typer.Option(
            "--quota",
            metavar="COUNT",
            help="Structures of one scaffold (crystals: chemical system) that breed, and that are "
            "ranked before the rest.",
        ),
    ] = None,
    like: asked.Like = None,
    similarity: asked.Similarity = None,
    distance: asked.Distance = None,
    scaffold: asked.Scaffold = None,
    properties: asked.Properties = None,
    minimum_size: asked.MinimumSize = None,
    maximum_size: asked.MaximumSize = None,
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
    settings: SettingsFile = None,
    mirror: Mirror = None,
    seed: SeedOrFile = None,
    device: DeviceOrFile = None,
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
    from nucleate.settings.study import OptimizeSettings
    from nucleate.stages.optimize import optimize as run
    from nucleate.stages.study_settings import check_study

    given = {
        "model": model,
        "objectives": [parse_objective(text) for text in objectives or ()] or None,
        "constraints": [parse_constraint(text) for text in constraints or ()],
        "combine": combine,
        "quota": quota,
        "local": asked.conditions(
            properties,
            like=like,
            similarity=similarity,
            distance=distance,
            scaffold=scaffold,
            minimum_size=minimum_size,
            maximum_size=maximum_size,
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
    chosen = check_study(chosen, trained.matter)
    start = _start(chosen, study)
    fields = {"objectives": [term.model_dump() for term in chosen.objectives]}
    stage = OptimizeSettings.model_validate(
        chosen.model_dump(include=set(OptimizeSettings.model_fields)) | fields
    )
    shown = console(json_file)
    with terminated_like_interrupted():
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
            announce=lambda: show_study_start(shown, chosen, trained.matter),
            say=say,
            interruptible=True,
        )
    show_study_end(shown, chosen, studied)
    write_results(json_file, manifest_results(studied))
    if read_json(studied.path("summary.json"))["stopped"] == INTERRUPTED:
        raise KeyboardInterrupt  # which says so and ends with the status for it


def _settings(study: Path | None, stage: Path | None, given: dict[str, Any]) -> StudySettings:
    """The study's settings from its file, or from a stage's, with the options laid over them.

    Raises:
        SettingsError: unknown key, impossible value, or no model or folder given.
    """
    from nucleate.core.settings import read_toml, validate
    from nucleate.settings.study import StudySettings

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
    if study is not None and isinstance(values.get("local"), dict):
        values = values | {"local": _beside(values["local"], study.parent)}
    constraints = given.pop("constraints", ())
    merged = merge(values, given)
    if constraints:  # beside the objectives, of the options or of the file
        merged["objectives"] = [*merged.get("objectives", ()), *constraints]
    for name in ("model", "out"):
        if name not in merged:
            raise SettingsError(f"optimize needs --{name}, or {name} = ... in STUDY.toml")
    return validate(StudySettings, merged, where)


def _beside(local: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The settings of a local search, a lead's file taken from beside the settings file."""
    like = local.get("like")
    if not isinstance(like, str):
        return local
    try:
        found = (folder / like).is_file()
    except (OSError, ValueError):  # a structure, too long for a file's name
        found = False
    return {**local, "like": str(folder / like)} if found else local


def _start(settings: StudySettings, study: Path | None) -> Start:
    """What the study starts from."""
    from nucleate.stages.starting_structures import start_dataset

    if settings.features is not None:
        return load_manifest(Path(settings.features), "featurize")
    if settings.data is None:
        return None
    return start_dataset(settings.data, None if study is None else study.parent)
