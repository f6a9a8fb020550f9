"""Featurize: dataset files -> records (parquet), rejected rows with reasons, and arrays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.core.errors import SettingsError
from nucleate.core.files import digest
from nucleate.core.manifest import Manifest, run_stage, stage_key
from nucleate.datasets import tables
from nucleate.datasets.sources import content_digest, resolve
from nucleate.datasets.tables import RECORD_COLUMNS
from nucleate.latent.pretrained import model_digest
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.settings.data import FeaturizeSettings
from nucleate.stages.featurize_job import FeaturizeJob
from nucleate.stages.start import START_INPUT

if TYPE_CHECKING:
    import pandas as pd

STAGE = "featurize"
_WORK_PREFIX = ".work-"


def featurize(
    settings: FeaturizeSettings,
    matter_name: str,
    folder: Path,
    *,
    seed: int = 0,
    mirror: str | None = None,
    start: Path | None = None,
    extend: bool = False,
) -> Manifest:
    """Standardise, deduplicate, split and encode a dataset.

    Writes records.parquet, rejected.parquet, features.npz and codec.json into the folder. Finished
    chunks are kept in a work folder inside it until the end, so that a killed run resumes.

    Args:
        start: folder of a trained model whose codec is taken instead of fitting one.
        extend: whether symbols that are new to that codec are added to it; else structures with
            such symbols are rejected rows.

    Raises:
        SettingsError: an option or split kind that the kind of matter does not know.
        DatasetError: the dataset is unknown or cannot be fetched.
        InputError: a file cannot be read, no row was accepted, or too few to train on.
        ResultsError: the folder cannot be written.
    """
    matter = registry.get(matter_name)
    where = f"[matter.{matter_name}.featurize"
    matter.reader.resolve(settings.standardise, f"{where}.standardise]")
    codec_options = matter.codecs.resolve(settings.codec, f"{where}.codec]")
    _check(settings, matter, where)
    sources = resolve(settings.dataset, matter_name, mirror)
    inputs = {source.name: content_digest(source.path) for source in sources}
    # Neither changes the result, so neither may make a finished stage stale.
    plain = settings.model_dump(mode="json", exclude={"processes", "chunk"})
    more: dict[str, Any] = {
        "seed": seed,
        "kind": matter_name,
        "sources": [[s.name, s.role, s.settings.model_dump(mode="json")] for s in sources],
    }
    if start is not None:
        inputs[START_INPUT] = model_digest(start)
        more["extend"] = extend
    key = stage_key(STAGE, plain, inputs, **more)
    work = folder / f"{_WORK_PREFIX}{digest([key, settings.chunk])[:16]}"

    def do(target: Path) -> tuple[list[str], dict[str, Any]]:
        for stale in target.glob(f"{_WORK_PREFIX}*"):
            if stale != work:
                shutil.rmtree(stale, ignore_errors=True)
        work.mkdir(exist_ok=True)
        return FeaturizeJob(
            settings, matter, codec_options, sources, seed, target, work, start, extend
        ).run()

    manifest = run_stage(STAGE, matter_name, folder, plain, inputs, do, **more)
    shutil.rmtree(work, ignore_errors=True)
    return manifest


def _check(settings: FeaturizeSettings, matter: Matter, where: str) -> None:
    kinds = tuple(dict.fromkeys(("random", *matter.identity.split_kinds)))
    if settings.split.kind not in kinds:
        raise SettingsError(
            f"{where}.split]: no split of kind {settings.split.kind!r} for {matter.name}; "
            f"known: {', '.join(kinds)}"
        )
    matter.identity.resolve_hold_out(settings.split.hold_out, f"{where}.split.hold_out]")
    taken = [name for name in settings.dataset.properties if name in RECORD_COLUMNS]
    if taken:
        raise SettingsError(
            f"{where}.dataset]: a property cannot be called {', '.join(taken)}; rename the column"
        )


def load_records(manifest: Manifest) -> pd.DataFrame:
    """records.parquet of a featurize manifest.

    Columns not in `RECORD_COLUMNS` are properties (float64, NaN where missing).

    Raises:
        ResultsError: missing or damaged.
    """
    return tables.read(manifest.path("records.parquet")).to_pandas()
