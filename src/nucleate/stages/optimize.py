"""The stage that searches latent space for wanted properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from nucleate import matter as registry
from nucleate.config import OptimizeSettings
from nucleate.datasets import tables
from nucleate.errors import SettingsError
from nucleate.latent import LatentModel
from nucleate.runs import Manifest, run_stage, stage_key, write_json
from nucleate.screening.known import read_records
from nucleate.search.objective import Objective
from nucleate.search.study import run_study
from nucleate.stages.sample import DRAW_SCHEMA

JOURNAL = "study.journal"


def optimize(
    settings: OptimizeSettings,
    train: Manifest,
    features: Manifest,
    folder: Path,
    *,
    matter_name: str,
    seed: int,
    device: str = "auto",
) -> Manifest:
    """Search around good known structures; see `nucleate.search.study`.

    Writes `optimized.parquet` (one row per new structure, best first), `summary.json` (counts,
    best, history, objectives with their scales) and `study.journal`. A study that was killed goes
    on where it was; more trials of the same settings continue it.

    Args:
        train: manifest of the trained model.
        features: manifest of the featurized set that it was trained on.

    Raises:
        SettingsError: unknown property, or no objective given and none by default.
        CheckpointError: the model is damaged.
        ResultsError: the folder cannot be written or is in use.
    """
    inputs = {"train": train.key, "features": features.key}
    # The number of trials is left out, so that a larger one continues the study.
    course = settings.model_dump(mode="json", exclude={"trials"})
    name = stage_key("study", course, inputs, seed=seed, matter=matter_name)

    def work(out: Path) -> tuple[list[str], dict[str, Any]]:
        matter = registry.get(matter_name)
        objective = Objective(matter, settings.objectives)
        if not objective.terms:
            raise SettingsError(
                f"optimize: {matter_name} has no default objective; name one of its properties: "
                + ", ".join(matter.properties())
            )
        records = read_records(features)
        result = run_study(
            LatentModel.load(Path(train.folder), device),
            objective,
            records.training,
            records.all,
            settings,
            seed=seed,
            path=out / JOURNAL,
            name=name,
        )
        write_draws(out / "optimized.parquet", result.rows, objective.names)
        summary = {"matter": matter_name, "seed": seed, **result.summary}
        write_json(out / "summary.json", summary)
        figures = {k: v for k, v in summary.items() if isinstance(v, (int, float))}
        names = ["optimized.parquet", "summary.json", JOURNAL]
        return names, {**figures, "rows/optimized.parquet": len(result.rows)}

    return run_stage("optimize", matter_name, folder, settings, inputs, work, seed=seed)


def write_draws(path: Path, rows: list[dict[str, Any]], properties: list[str]) -> None:
    """Write draws with their scores, atomically; columns are there even without rows."""
    columns = [*properties, *(f"{name}_desirability" for name in properties), "score"]
    schema = pa.schema([*DRAW_SCHEMA, *(pa.field(name, pa.float64()) for name in columns)])
    tables.write(path, pa.Table.from_pylist(rows, schema))
