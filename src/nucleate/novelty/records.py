"""The featurized set as the search and the funnel read it."""

from __future__ import annotations

from dataclasses import dataclass

from nucleate.core.manifest import Manifest
from nucleate.datasets import tables


@dataclass(frozen=True)
class Records:
    """Structure strings of a featurized set.

    Attributes:
        all: training, validation and test.
        training: those that the model was trained on.
    """

    all: list[str]
    training: list[str]


def read_records(features: Manifest) -> Records:
    """Read `records.parquet` of a featurized set.

    Raises:
        ResultsError: missing or damaged.
    """
    table = tables.read(features.path("records.parquet"), ["structure", "split"])
    structures = table["structure"].to_pylist()
    splits = table["split"].to_pylist()
    training = [s for s, split in zip(structures, splits, strict=True) if split == "train"]
    return Records(structures, training)
