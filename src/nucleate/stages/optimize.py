"""The stage that searches for structures with wanted properties."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from nucleate.core.errors import SettingsError
from nucleate.core.files import code_version, digest, write_json
from nucleate.core.manifest import Manifest, run_stage, stage_current, stage_key, writing
from nucleate.core.progress import Say, log
from nucleate.datasets.draws import write_draws
from nucleate.latent.latent_model import LatentModel
from nucleate.matter import registry
from nucleate.objectives.build_objectives import computation, inputs_of, refuse_measured
from nucleate.objectives.objective import Objective
from nucleate.search.study.results import StudyResult
from nucleate.search.study.run_study import run_study
from nucleate.search.trial_attributes import INTERRUPTED
from nucleate.settings.study import OptimizeSettings
from nucleate.stages.starting_structures import Start, read_start, start_inputs

JOURNAL = "study.journal"
RESULTS = ("optimized.parquet", "summary.json")
SAMPLES, BEST = 1000, 100
"""Best structures that are also written in the field's own format, together and one by one."""


def optimize(
    settings: OptimizeSettings,
    train: Manifest,
    start: Start,
    folder: Path,
    *,
    matter_name: str,
    seed: int,
    device: str = "auto",
    mirror: str | None = None,
    settings_folder: Path | None = None,
    lasting: bool = False,
    announce: Callable[[], None] = lambda: None,
    say: Say = log,
    interruptible: bool = False,
) -> Manifest:
    """Search for structures with wanted properties; see `nucleate.search.study.run_study`.

    Writes `optimized.parquet` (one row per new structure, best first), `summary.json` (counts,
    best, history, objectives with their scales), the best as `samples.csv`, or as `samples.extxyz`
    and `cif/`, and, without a database, `study.journal`. A study that was killed goes on where it
    was; more trials of the same settings continue it; other settings make another study in the same
    journal.

    What the folder held stays as it is, and finished, until the study has ended and its results are
    written. Those of an interrupted study are complete, but the same call goes on with it.

    Args:
        train: manifest of the trained model.
        start: featurized set that it was trained on, a person's own file, or None.
        settings_folder: for relative paths of objectives; the working folder if None.
        lasting: whether the study goes on in later versions of the code. If not, results are those
            of one version, as in the other stages.
        announce: called when all that is named has been found and read, before anything is scored.
        say, interruptible: see `run_study`; the summary of an interrupted study says that it
            `stopped` for that.

    Raises:
        SettingsError: unknown property, or no objective given and none by default.
        CheckpointError: the model is damaged.
        InputError: the file to start from cannot be used.
        ResultsError: the folder cannot be written or is in use, or the database cannot be reached.
    """
    refuse_measured(settings.objectives)
    inputs = {"train": train.key, **start_inputs(start, matter_name, mirror)}
    inputs |= inputs_of(settings.objectives, settings_folder)
    if settings.local.like is not None:  # it may be a file
        inputs["lead"] = registry.get(matter_name).guide.read(settings.local.like, "like")
    about = (settings.course(), inputs)
    key = (
        digest(["study", *about, seed, matter_name])
        if lasting
        else stage_key("study", *about, seed=seed, matter=matter_name)
    )

    def study() -> tuple[StudyResult, Objective]:
        matter = registry.get(matter_name)
        model = LatentModel.load(Path(train.folder), device)
        objective = Objective(matter, settings.objectives, model, settings_folder, settings.combine)
        version = "" if lasting else code_version()
        computations = [
            computation(matter_name, term, train.key, settings_folder, version)
            for term in objective.terms
        ]
        if not objective.goals:
            raise SettingsError(
                f"optimize: {matter_name} has no default objective; name one of its properties: "
                + ", ".join(matter.properties.descriptions())
            )
        folder.mkdir(parents=True, exist_ok=True)
        starting = read_start(start, model, folder, seed, mirror)
        announce()
        try:
            result = run_study(
                model,
                objective,
                starting.training,
                starting.known,
                settings,
                seed=seed,
                path=folder / JOURNAL,
                name=f"{matter_name}-{key[:16]}",
                computations=computations,
                say=say,
                interruptible=interruptible,
            )
        finally:
            objective.close()
        result.summary["start"] = starting.summary
        return result, objective

    def write(out: Path, found: tuple[StudyResult, Objective]) -> tuple[list[str], dict[str, Any]]:
        result, objective = found
        write_scored(out / RESULTS[0], result.rows, objective, result.more)
        summary = {"matter": matter_name, "seed": seed, **result.summary}
        write_json(out / RESULTS[1], summary)
        figures = {k: v for k, v in summary.items() if isinstance(v, (int, float))}
        matter = registry.get(matter_name)
        names = [*RESULTS, matter.export.write_samples(out, result.rows[:SAMPLES]).name]
        for path in matter.export.write_best(out, result.rows[:BEST]):
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            names += [file.relative_to(out).as_posix() for file in files]
        names += [JOURNAL] if settings.storage is None else []
        return names, {**figures, "rows/optimized.parquet": len(result.rows)}

    more: dict[str, Any] = {"seed": seed}
    current = stage_current("optimize", folder, stage_key("optimize", settings, inputs, **more))
    if current is not None:
        return current
    started = time.perf_counter()
    with writing(folder):
        found = study()
    if found[0].summary["stopped"] == INTERRUPTED:
        more["interrupted"] = found[0].summary["trials"]  # so that the same call finds work to do
    # Several workers may share a database and the folder: they write in turn.
    with nullcontext() if settings.storage is None else FileLock(folder / ".results.lock"):
        return run_stage(
            "optimize",
            matter_name,
            folder,
            settings,
            inputs,
            lambda out: write(out, found),
            started=started,
            **more,
        )


def write_scored(
    path: Path, rows: list[dict[str, Any]], objective: Objective, more: Sequence[str] = ()
) -> None:
    """Write draws with their scores, atomically; columns are there even without rows.

    Args:
        more: further columns, see `StudyResult.more`.
    """
    columns = [*objective.names, *(f"{name}_desirability" for name in objective.goals), "score"]
    fields = [pa.field("parents", pa.list_(pa.string()))]
    fields += [pa.field(name, pa.float64()) for name in columns]
    # Further columns are numbers, truths, or names of groups.
    for name in (*more, *objective.extra_names):
        values = [row.get(name) for row in rows]
        fields.append(pa.field(name, pa.array(values).type if rows else pa.float64()))
    write_draws(path, rows, fields)
