"""A person's labelled structures, read for a predictor."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import InputError
from nucleate.datasets.rows import standardise_row
from nucleate.datasets.sources import resolve
from nucleate.matter.base import Matter
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import ColumnSource, relative_to

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labels:
    """Distinct structures with a label.

    Attributes:
        structures: n structure strings.
        values: [n]; the median where a structure has several labels.
        rejected: rows that were left out, by reason.
    """

    structures: list[str]
    values: NDArray[np.float64]
    rejected: Counter[str]


def dataset_of(source: ColumnSource, folder: Path | None = None) -> DatasetSettings:
    """How to read the data, its path resolved and the column added."""
    given = source.data
    dataset = DatasetSettings(source=given) if isinstance(given, str) else given
    names = tuple(str(relative_to(name, folder)) for name in dataset.sources)
    properties = tuple(dict.fromkeys((*dataset.properties, source.column)))
    return dataset.model_copy(update={"source": names, "properties": properties})


def read_labels(matter: Matter, source: ColumnSource, folder: Path | None = None) -> Labels:
    """Read, standardise and merge the rows that have a label.

    Raises:
        InputError: the data cannot be read, lack the column, or hold no labelled structure.
        DatasetError: a catalogued dataset cannot be fetched.
        SettingsError: unknown options of `standardise`.
    """
    options = matter.reader.resolve(source.standardise, "objective: standardise")
    found: dict[str, list[float]] = {}
    rejected: Counter[str] = Counter()
    dataset = dataset_of(source, folder)
    for file in resolve(dataset, matter.name):
        for row in matter.reader.read_rows(file.path, file.settings):
            value = row.properties.get(source.column, float("nan"))
            if not np.isfinite(value):
                rejected["no_label"] += 1
                continue
            read = standardise_row(matter, options, row)
            if read.structure is None:
                rejected[read.reason] += 1
            else:
                found.setdefault(read.structure, []).append(value)
    if rejected:
        _LOG.info("column %s: rows left out: %s", source.column, dict(rejected))
    if not found:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in rejected.most_common())
        raise InputError(
            f"no structure with a label in column {source.column!r} ({reasons or 'no rows'})",
            file=dataset.label,
        )
    values = np.array([float(np.median(labels)) for labels in found.values()])
    return Labels(list(found), values, rejected)
