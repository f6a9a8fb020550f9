"""The data of fine-tuning: a person's own set, and structures like the old model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import CheckpointError, InputError, StructureError
from nucleate.core.manifest import Manifest
from nucleate.core.progress import tell
from nucleate.datasets import tables
from nucleate.latent.latent_model import LatentModel
from nucleate.regression.property_heads import MINIMUM_LABELS
from nucleate.settings.model import FinetuneSettings
from nucleate.stages.finetune.finetune_figures import OwnSet
from nucleate.stages.finetune.training_like import sample_training_like
from nucleate.vae.arrays import RaggedArrays


def own_set(
    features: Manifest, splits: Mapping[str, NDArray[np.int64]], settings: FinetuneSettings
) -> OwnSet:
    """The person's structures and labels; what is held out is the test split, if there is one,
    else the validation split.

    Raises:
        InputError: nothing is held out, or a head can be fitted to none of the properties.
    """
    names = list(settings.dataset.properties)
    columns = ["feature_index", "structure", *names]
    table = tables.read(features.path("records.parquet"), columns)
    order = np.argsort(table["feature_index"].to_numpy())
    structures = np.asarray(table["structure"].to_pylist(), object)[order]
    held_out = splits["test"] if len(splits["test"]) else splits["validation"]
    if not len(held_out):
        raise InputError(
            "nothing is held out to measure on; give the split a share for validation or test",
            file=settings.dataset.label,
        )
    rows = np.concatenate([splits["train"], held_out])
    labels = {n: table[n].to_numpy(zero_copy_only=False)[order][rows] for n in names}
    _check_labels(labels, len(splits["train"]), settings.dataset.label)
    return OwnSet(
        structures[splits["train"]].tolist(),
        structures[held_out].tolist(),
        {name: values.astype(np.float64) for name, values in labels.items()},
    )


def _check_labels(labels: Mapping[str, NDArray[Any]], training: int, file: Any) -> None:
    """Say which properties no head can be fitted to, before anything that takes long is begun.

    Raises:
        InputError: there are properties, and not one that a head can be fitted to.
    """
    said = []
    for name, values in labels.items():
        known = values[:training][np.isfinite(values[:training])]
        if len(known) < MINIMUM_LABELS:
            why = f"have a number, at least {MINIMUM_LABELS} are needed"
        elif np.ptp(known) == 0:
            why = "have a number, and all are equal"
        else:
            continue
        said.append(f"property {name!r}: {len(known)} of {training} structures to train on {why}")
    if said and len(said) == len(labels):
        raise InputError("; ".join(said), file=file)
    for line in said:
        tell(f"{line}: no property head")


def choose_rehearsal(
    model: LatentModel, own: OwnSet, settings: FinetuneSettings, seed: int
) -> tuple[list[str], list[str], str]:
    """Base set, structures to rehearse, and where both are from."""
    wanted = settings.base_set
    count = wanted + round(settings.rehearsal * len(own.training))
    found, source = sample_training_like(model, count, seed, frozenset(own.all))
    # Where there are few, half of them are needed to measure on.
    cut = min(wanted, max(1, len(found) // 2)) if settings.rehearsal else wanted
    if not found:
        raise CheckpointError(
            f"{model.folder}: decodes to no structure that it can encode; it is not trained"
        )
    return found[:cut], found[cut:], source


def encoded_with_auxiliary(model: LatentModel, structures: list[str]) -> RaggedArrays:
    """Arrays of structures with the auxiliary fields that the codec can compute."""
    records = []
    for structure in structures:
        try:
            record = model.codec.encode(structure)
            record.check(model.codec.schema)
            record.auxiliary = model.codec.auxiliary(structure)
        except StructureError:
            continue
        records.append(record)
    return RaggedArrays.from_records(model.codec.schema, records)
