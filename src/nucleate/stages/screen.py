"""The stage that lets through only candidates that survive the field's own checks."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.core.files import digest, read_json
from nucleate.core.manifest import Manifest, run_stage, stage_key
from nucleate.core.parallel import default_processes
from nucleate.core.progress import phase
from nucleate.core.settings import validate
from nucleate.datasets.sources import resolve, source_digest
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.novelty.index import ReferenceContext
from nucleate.novelty.records import read_records
from nucleate.novelty.reference_sets import references, stage_reference
from nucleate.objectives.build_objectives import inputs_of
from nucleate.objectives.objective import Objective, complete_terms
from nucleate.screening import ranking, writing
from nucleate.screening.check_engine import Engine, Limits
from nucleate.screening.funnel import Funnel, build_checks, check_tables
from nucleate.screening.intake import Rows, from_draws
from nucleate.search.latent_boxes.regions import sample_reference
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.screen import ScreenSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

UNFINISHED = ".screening"
"""Folder of the journal of a screening that has not ended."""
RECALLED = 1000
"""Structures that a model is asked to recall where none are known: what it has words for."""
PREDICTING = ("column", "head")
"""Kinds of terms that may need the model."""


def screen(
    settings: ScreenSettings,
    draws: Sequence[Manifest] | DatasetSettings,
    features: Manifest | None,
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
    """Screen the draws of `sample` and `optimize`, or a file or folder of structures.

    Writes `candidates.parquet`, `candidates.csv`, the matter's own formats, `rejected.parquet`,
    `rejected.csv`, a table of its own for each check whose rejections are reported apart, and the
    funnel's table (`funnel.json`, `funnel.csv`). No survivor is a valid result.
    Scores are those of the study among the draws, with its scales; draws that it did not score are
    scored before the first expensive check. A killed screening goes on where it was.

    Args:
        features: the featurized set; training, validation and test structures are known, and
            scales are fitted on it. None: nothing but the references is known, and scales are
            fitted on what is screened.
        objectives: of the study; what it used if empty.
        model: the trained one, for objectives that it predicts. Without it only the study's own
            draws have a value of these.
        settings_folder: for relative paths of objectives; the working folder if None.

    Raises:
        SettingsError: unknown check, property or option; or an objective's function, program or
            head, or one that needs the model.
        ResultsError: the folder cannot be written, or an input is damaged.
        InputError, DatasetError: a file or a reference set cannot be had.
    """
    matter = registry.get(matter_name)
    mirror = None if mirror is None else str(mirror)

    if isinstance(draws, DatasetSettings):
        files = resolve(draws, matter_name, mirror)
        inputs = {
            f"file/{number}": source_digest(file, matter) for number, file in enumerate(files)
        }
        inputs["reading"] = digest(draws.model_dump(mode="json"))
    else:
        inputs = {f"draws/{number}": manifest.key for number, manifest in enumerate(draws)}
    if features is not None:
        inputs["features"] = features.key
    # What the scores depend on besides the draws and the known structures.
    inputs |= inputs_of(objectives, settings_folder)
    inputs |= {} if model is None else {"model": model.key}
    inputs |= registry.plugin_inputs(matter)
    for place, reference_set in enumerate(settings.reference):
        for file in resolve(reference_set, matter.name, mirror):
            inputs[f"reference/{place}/{file.name}"] = source_digest(file, matter)
    standardise = {**matter.reader.screening_options, **settings.standardise}
    matter.reader.resolve(standardise, "screen.standardise")
    wanted = [term.model_dump(mode="json") for term in objectives]
    course = settings.course()
    run = stage_key("screen", course, inputs, seed=seed, objectives=wanted)
    processes = default_processes() if settings.processes is None else settings.processes

    def work(out: Path) -> tuple[list[str], dict[str, Any]]:
        rows = Rows(draws, matter, mirror) if isinstance(draws, DatasetSettings) else None
        made = () if isinstance(draws, DatasetSettings) else draws
        objective = _objective(matter, objectives, made, model, device, settings_folder)
        funnel = from_draws(made) if rows is None else Funnel([])
        records = None if features is None else read_records(features)
        known = [] if records is None else records.known
        rank = _Ranking(objective, None if records is None else records.training, seed)
        unfinished = out / UNFINISHED
        try:
            found = references(settings.reference, matter.name, mirror)
            if features is not None:
                own = stage_reference("the featurized set", known, matter.name, features.key)
                found = [own, *found]
            context = ReferenceContext(
                known=known,
                seed=seed,
                processes=max(1, processes),
                device=_device(device),
                references=found,
                known_among_them=features is not None,
            )
            described = check_tables(matter, settings.checks, settings.budget, settings.unjudged)
            checks = build_checks(matter, described, context)
            limits = Limits(processes, settings.seconds, unfinished, run, standardise)
            funnel.candidates = ranking.order(funnel.candidates)
            engine = Engine(matter, checks, described, context, limits, objective)
            engine.run(funnel, rank, rows)
            rank(funnel)  # a check may have replaced structures
            funnel.candidates = ranking.settle(funnel.candidates, objective, settings.rank)
            if model is not None:
                _add_applicability(funnel, model, known, device, seed)
        finally:
            objective.close()
        if settings.keep:
            funnel.keep_best(settings.keep)
        names = writing.Names([check.name for check in checks], objective, matter)
        with phase("write"):
            written = writing.write(out, funnel, matter, names, run, settings.embed)
        shutil.rmtree(unfinished, ignore_errors=True)
        return written

    return run_stage(
        "screen", matter.name, folder, course, inputs, work, seed=seed, objectives=wanted
    )


def screen_file(
    settings: ScreenSettings,
    source: DatasetSettings,
    folder: Path,
    *,
    features: Manifest | None = None,
    **how: Any,
) -> Manifest:
    """`screen` of a file or folder of structures.

    Raises:
        InputError: the file as a whole is unreadable, empty or lacks a named column.
    """
    return screen(settings, source, features, folder, **how)


def _objective(
    matter: Matter,
    terms: tuple[PropertySettings, ...],
    draws: Sequence[Manifest],
    model: Manifest | None,
    device: str,
    folder: Path | None,
) -> Objective:
    """The study's own objective, scales and memory, if its terms are the wanted ones."""
    wanted = complete_terms(matter, terms)
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
    """The trained model if there is one and a term predicts."""
    if model is None or not any(term.source_kind() in PREDICTING for term in terms):
        return None
    return _latent(model.folder, model.key, device)


def _add_applicability(
    funnel: Funnel, model: Manifest, known: Sequence[str], device: str, seed: int
) -> None:
    """Say beside each candidate whether the model has words for it."""
    if funnel.candidates:
        from nucleate.stages.finetune.training_like import sample_training_like

        latent = _latent(model.folder, model.key, device)
        like = known or sample_training_like(latent, RECALLED, seed)[0]
        ranking.add_applicability(funnel.candidates, latent, like, seed)


@lru_cache(maxsize=1)
def _latent(folder: str, key: str, device: str) -> LatentModel:
    """A trained model; loading it takes seconds, and a screening may need it twice.

    Args:
        key: of its manifest: a folder may have been trained anew.
    """
    from nucleate.latent.latent_model import LatentModel

    return LatentModel.load(Path(folder), device)


def _device(name: str) -> str:
    from nucleate.vae.training.evaluation import choose_device

    return str(choose_device(name))


class _Ranking:
    """Scores candidates and puts them in order; fits the objective's scales the first time.

    Args:
        reference: structures on which scales are fitted; those screened themselves if None.
    """

    def __init__(self, objective: Objective, reference: list[str] | None, seed: int):
        self.objective, self.reference, self.seed = objective, reference, seed
        self._begun = False

    def __call__(self, funnel: Funnel) -> None:
        if not self._begun:
            self._begin(funnel)
        ranking.score(funnel.candidates, self.objective)
        funnel.candidates = ranking.order(funnel.candidates)

    def _begin(self, funnel: Funnel) -> None:
        """Take over the draws' raw values, and fit scales unless the study brought them."""
        self._begun = True
        objective = self.objective
        if objective.fitted:
            for candidate in funnel.candidates:
                if candidate.columns.get("score") is not None:
                    objective.remember(candidate.structure, candidate.columns)
            return
        for candidate in funnel.candidates:
            candidate.columns.pop("score", None)  # of other terms: not comparable
        if objective.terms:
            known = self.reference
            if known is None:
                known = [candidate.structure for candidate in funnel.candidates]
            objective.fit(sample_reference(known, objective.reference_size, self.seed))
