"""Draws from the prior or under conditions, decoded."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from nucleate.core.files import write_json
from nucleate.core.manifest import Manifest, run_stage
from nucleate.datasets.draws import SCHEMA, Draw, write_draws
from nucleate.latent.latent_model import LatentModel
from nucleate.novelty.representatives import distinct
from nucleate.settings.sample import SampleSettings


def draw_samples(
    model: LatentModel, settings: SampleSettings, seed: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Decode `settings.count` draws from the model's prior, or find that many structures that meet
    `settings.conditions` (see `nucleate.generation.conditional_sampling.generate`).

    Returns:
        One row per draw that decoded to a structure (`structure`, `latent`, `origin`, `trial`,
        `parent`, `log_likelihood`; numbers of the conditions), and a summary with counts, failures
        by reason and seconds.

    Raises:
        SettingsError: conditions that nothing can meet, or that the model cannot work with.
    """
    if settings.conditions.any():
        from nucleate.generation.conditional_sampling import generate

        return generate(model, settings, seed)
    started = time.perf_counter()
    how = model.sampling(settings)
    latents = model.draw(settings.count, seed, how)
    decoded = model.decode(latents, how.temperature, seed, how.noise, refine=how)
    rows = [
        Draw(item.structure, latent, "prior", item.log_likelihood).row()
        for latent, item in zip(latents, decoded, strict=True)
        if item.structure is not None
    ]
    failures = Counter(item.reason for item in decoded if item.structure is None)
    summary = {
        "requested": settings.count,
        "decoded": len(rows),
        "valid_share": len(rows) / settings.count,
        "unique": len(distinct(model.matter.identity, [row["structure"] for row in rows])),
        "failures": dict(failures),
        "seed": seed,
        **how.model_dump(),
        "seconds": round(time.perf_counter() - started, 3),
    }
    return rows, summary


def sample(
    settings: SampleSettings,
    train: Manifest,
    folder: Path,
    *,
    matter_name: str,
    seed: int = 0,
    device: str = "auto",
) -> Manifest:
    """The stage: `samples.parquet` and `summary.json` from a trained model."""

    def work(out: Path) -> tuple[list[str], dict[str, Any]]:
        model = LatentModel.load(Path(train.folder), device)
        rows, summary = draw_samples(model, settings, seed)
        # The numbers of the conditions, in the order in which they appear.
        names = dict.fromkeys(name for row in rows for name in row if name not in SCHEMA.names)
        further = [pa.field(name, pa.float64()) for name in names]
        write_draws(out / "samples.parquet", rows, further)
        write_json(out / "summary.json", summary)
        return ["samples.parquet", "summary.json"], {
            **summary,
            "rows/samples.parquet": len(rows),
        }

    return run_stage("sample", matter_name, folder, settings, {"train": train.key}, work, seed=seed)


def sample_to(
    model_folder: Path,
    count: int,
    seed: int,
    out: Path,
    settings: SampleSettings | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """The command: `samples.csv` or `samples.extxyz` and `summary.json` in a folder of one's own.

    Raises:
        CheckpointError: the model's folder is missing or damaged.
        ResultsError: the folder cannot be written.
    """
    model = LatentModel.load(model_folder, device)
    chosen = (settings or SampleSettings()).model_copy(update={"count": count})
    rows, summary = draw_samples(model, chosen, seed)
    for number, row in enumerate(rows):
        row["id"] = f"sample-{number:06d}"
        row[model.matter.structure_column] = row["structure"]
    path = model.matter.export.write_samples(out, rows)
    summary |= {"matter": model.matter.name, "model": str(model_folder), "file": path.name}
    write_json(out / "summary.json", summary)
    return summary
