"""Structures that a stage starts from and knows, as the search and the funnel read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nucleate.core.manifest import Manifest
from nucleate.datasets import tables


@dataclass(frozen=True)
class StartingStructures:
    """Structure strings, canonical.

    Attributes:
        training: to start from: those that the model was trained on, or can encode.
        known: no discoveries: all of a featurized set, or of a person's file.
        summary: where they come from, counts, rejected rows by reason.
    """

    training: list[str]
    known: list[str]
    summary: dict[str, Any] = field(default_factory=dict)


def read_records(features: Manifest) -> StartingStructures:
    """Read `records.parquet` of a featurized set.

    Raises:
        ResultsError: missing or damaged.
    """
    table = tables.read(features.path("records.parquet"), ["structure", "split"])
    structures = table["structure"].to_pylist()
    splits = table["split"].to_pylist()
    training = [s for s, split in zip(structures, splits, strict=True) if split == "train"]
    return StartingStructures(training, structures, {"source": features.folder})
