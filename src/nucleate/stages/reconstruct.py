"""Reconstruction: encode to the mean, decode greedily, compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nucleate.core.errors import InputError
from nucleate.core.files import write_json
from nucleate.datasets.rows import standardise_row
from nucleate.datasets.sources import resolve
from nucleate.latent.latent_model import LatentModel
from nucleate.settings.data import DatasetSettings
from nucleate.vae.training.evaluation import evaluate


def reconstruction_figures(
    model: LatentModel, structures: Sequence[str], *, refine: bool = False, inference_steps: int = 0
) -> tuple[dict[str, Any], list[str | None]]:
    """Reconstruction figures, and what each structure was rebuilt as (None where nothing was).

    Structures that the schema refuses count against `exact_match`.

    Args:
        refine: whether what was decoded is refined as the model's samples are.
        inference_steps: see `LatentModel.encode`.

    Returns:
        `n`, `encoded`, `refused` by reason, `exact_match` (share of n whose rebuilt structure is
        the same by the matter's own definition), `decoded` (share of those encoded that decode to
        a structure), `token_accuracy` (teacher-forced), `loss` (nats per structure: `distortion`,
        `rate` and by field); the last two at the encoder's means, without those steps.
    """
    arrays, kept, refused = model.arrays(structures)
    rebuilt: list[str | None] = [None] * len(structures)
    figures: dict[str, Any] = {
        "n": len(structures),
        "encoded": len(kept),
        "refused": dict(Counter(error.reason for error in refused.values())),
    }
    if not kept:
        return {**figures, "exact_match": 0.0}, rebuilt
    latents = model.encode_arrays(arrays, inference_steps)
    how = model.sampling() if refine else None
    for position, decoded in zip(kept, model.decode(latents, refine=how), strict=True):
        rebuilt[position] = decoded.structure
    right = sum(
        other is not None and model.matter.identity.are_same(structure, other)
        for structure, other in zip(structures, rebuilt, strict=True)
    )
    scores = evaluate(model.model, arrays, model.device)
    return {
        **figures,
        "exact_match": right / len(structures),
        "decoded": sum(rebuilt[p] is not None for p in kept) / len(kept),
        "token_accuracy": scores.pop("token_accuracy"),
        "loss": scores,
    }, rebuilt


def reconstruct(
    model_folder: Path,
    dataset: DatasetSettings,
    out: Path | None = None,
    *,
    refine: bool = False,
    inference_steps: int = 0,
    device: str = "auto",
    mirror: str | None = None,
) -> dict[str, Any]:
    """Measure a model on a file of structures, and write what it rebuilt.

    Rows are standardised as in featurizing, with default options; those that are refused are
    counted by reason and are not part of `n`.

    Args:
        out: folder for `reconstructed.csv` or `reconstructed.extxyz` and `summary.json`.
        refine, inference_steps: see `reconstruction_figures`.

    Raises:
        InputError: no row of the file is a structure.
    """
    model = LatentModel.load(model_folder, device)
    options = model.matter.reader.resolve({}, "standardise")
    ids: list[str] = []
    structures: list[str] = []
    rejected: Counter[str] = Counter()
    first: dict[str, str] = {}
    for source in resolve(dataset, model.matter.name, mirror):
        for row in model.matter.reader.read_rows(source.path, source.settings):
            read = standardise_row(model.matter, options, row)
            if read.structure is None:
                rejected[read.reason] += 1
                first.setdefault(read.reason, f"row {row.number}: {read.detail}")
            else:
                structures.append(read.structure)
                ids.append(row.id)
    if not structures:
        reasons = "; ".join(f"{n} x {r} ({first[r]})" for r, n in rejected.most_common())
        raise InputError(f"no usable structure: {reasons or 'no rows'}", file=dataset.label)
    figures, rebuilt = reconstruction_figures(
        model, structures, refine=refine, inference_steps=inference_steps
    )
    figures["rejected_rows"] = dict(rejected)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        rows = [
            {"id": i, "structure": s, "reconstructed": r}
            for i, s, r in zip(ids, structures, rebuilt, strict=True)
        ]
        figures["file"] = str(model.matter.export.write_reconstructions(out, rows))
        write_json(out / "summary.json", figures)
    return figures
