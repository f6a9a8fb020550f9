"""What is known already: the featurized set and further reference sets."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from nucleate.config import DatasetSettings
from nucleate.datasets.rows import standardise_rows
from nucleate.datasets.sources import Source, resolve
from nucleate.errors import ResultsError
from nucleate.matter import Matter
from nucleate.parallel import default_processes
from nucleate.runs import Manifest

SMALL = 2000
"""Rows below which worker processes are not worth their start."""
SMALL_BYTES = 100_000
"""The same for a file whose number of rows is not known."""


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
    path = features.path("records.parquet")
    try:
        table = pq.read_table(path, columns=["structure", "split"])
    except (OSError, ValueError, KeyError) as error:
        raise ResultsError(f"{path}: cannot be read ({error})") from None
    structures = table["structure"].to_pylist()
    splits = table["split"].to_pylist()
    training = [s for s, split in zip(structures, splits, strict=True) if split == "train"]
    return Records(structures, training)


def read_references(
    references: Sequence[DatasetSettings], matter: Matter, mirror: str | None
) -> list[str]:
    """Structures of further reference sets; rows that cannot be standardised are left out.

    Raises:
        DatasetError: unknown, or cannot be fetched.
        InputError: a file as a whole is unreadable.
    """
    sources = [source for item in references for source in resolve(item, matter.name, mirror)]
    if not sources:
        return []
    with tempfile.TemporaryDirectory(prefix="nucleate-") as folder:
        table = standardise_rows(
            sources, matter, {}, Path(folder), processes=processes_for(sources)
        )
    return [structure for structure in table["structure"].to_pylist() if structure is not None]


def processes_for(sources: Sequence[Source]) -> int:
    """Worker processes take seconds to start: none for a small set."""
    rows = [source.rows for source in sources]
    few = None not in rows and sum(row or 0 for row in rows) < SMALL
    size = sum(s.path.stat().st_size for s in sources if s.path.is_file())
    folders = any(s.path.is_dir() for s in sources)
    return 1 if few or (size < SMALL_BYTES and not folders) else default_processes()
