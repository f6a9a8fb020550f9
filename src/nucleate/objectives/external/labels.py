"""A person's labelled structures, read for a predictor."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import InputError
from nucleate.core.progress import tell
from nucleate.datasets.rows import standardise_row
from nucleate.datasets.sources import resolve
from nucleate.matter.base import Matter
from nucleate.matter.reading_notes import ReadingNotes, reading_lines
from nucleate.regression.predictor import fewest_labels
from nucleate.settings.data import DatasetSettings
from nucleate.settings.objectives import ColumnSource, relative_to


@dataclass(frozen=True)
class Labels:
    """Distinct structures with a label.

    Attributes:
        structures: n structure strings.
        values: [n]; the median where a structure has several labels.
        rejected: rows that were left out, by reason.
        reading: what was decided on reading, and cells that are no numbers.
    """

    structures: list[str]
    values: NDArray[np.float64]
    rejected: Counter[str]
    reading: ReadingNotes = field(default_factory=ReadingNotes)


def dataset_of(source: ColumnSource, folder: Path | None = None) -> DatasetSettings:
    """How to read the data, its path resolved and the column added."""
    given = source.data
    dataset = DatasetSettings(source=given) if isinstance(given, str) else given
    names = tuple(str(relative_to(name, folder)) for name in dataset.sources)
    properties = tuple(dict.fromkeys((*dataset.properties, source.column)))
    return dataset.model_copy(update={"source": names, "properties": properties})


def check_labels(matter: Matter, source: ColumnSource, folder: Path | None = None) -> None:
    """Read the labels alone, and refuse those that nothing can be learnt from, before anything
    that takes long is begun.

    Raises:
        InputError: the data cannot be read or lack the column; most of its filled cells are no
            numbers, too few of them are, or all are equal.
    """
    dataset = dataset_of(source, folder)
    reading = ReadingNotes()
    values: set[float] = set()
    for file in resolve(dataset, matter.name):
        for row in matter.reader.read_rows(file.path, file.settings):
            reading.add(row)
            if row.error:
                reading.reject(row.reason, f"row {row.number}: {row.error}")
            values.add(row.properties.get(source.column, math.nan))
    reading.refuse_lost(source.column, dataset.label)
    labels, fewest = reading.column(source.column).numbers, fewest_labels(source.coverage)
    if labels < fewest:
        few = (
            f"column {source.column!r} holds {labels} numbers; a prediction with a "
            f"{source.coverage:.0%} interval needs {fewest} at least"
        )
        raise InputError("; ".join([few, *reading_lines(reading.to_json())]), file=dataset.label)
    if sum(map(math.isfinite, values)) == 1:
        raise InputError(
            f"column {source.column!r}: all labels are equal; there is nothing to learn",
            file=dataset.label,
        )


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
    reading = ReadingNotes()
    dataset = dataset_of(source, folder)
    for file in resolve(dataset, matter.name):
        for row in matter.reader.read_rows(file.path, file.settings):
            value = row.properties.get(source.column, float("nan"))
            if not np.isfinite(value) and not row.error:
                reading.add(row)
                rejected["no_label"] += 1
                continue
            read = standardise_row(matter, options, row)
            reading.add(row, read.notes)
            if read.structure is None:
                rejected[read.reason] += 1
                reading.reject(read.reason, f"row {row.number}: {read.detail}")
            else:
                found.setdefault(read.structure, []).append(value)
    reading.refuse_lost(source.column, dataset.label)
    for line in reading_lines(reading.to_json()):
        tell(line)
    if not found:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in rejected.most_common())
        raise InputError(
            f"no structure with a label in column {source.column!r} ({reasons or 'no rows'})",
            file=dataset.label,
        )
    values = np.array([float(np.median(labels)) for labels in found.values()])
    return Labels(list(found), values, rejected, reading)
