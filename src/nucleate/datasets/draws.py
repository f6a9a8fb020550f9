"""Draws of a model as rows: the table that sampling and studies write and screening reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nucleate.datasets import tables

SCHEMA = pa.schema(
    [
        ("structure", pa.string()),
        ("latent", pa.list_(pa.float32())),
        ("origin", pa.string()),
        ("trial", pa.int64()),
        ("parent", pa.string()),
        ("log_likelihood", pa.float64()),
    ]
)
"""Columns of every draw."""


@dataclass(frozen=True)
class Draw:
    """A structure that a model wrote.

    Attributes:
        structure: structure string.
        latent: the vector that it was decoded from, float32 [D]; None if it has none.
        origin: what it was drawn from: the prior, a neighbourhood, a searcher's operator.
        log_likelihood: of its decoding, nats; None if unknown.
        parent: the structure that it was made from.
        trial: number of the study's trial that scored it.
    """

    structure: str
    latent: NDArray[np.float32] | None
    origin: str
    log_likelihood: float | None = None
    parent: str | None = None
    trial: int | None = None

    def row(self) -> dict[str, Any]:
        """Plain values by column, in the order of `SCHEMA`."""
        values = {name: getattr(self, name) for name in SCHEMA.names}
        latent = None if self.latent is None else np.asarray(self.latent, np.float32).tolist()
        return values | {"latent": latent}


def write_draws(path: Path, rows: list[dict[str, Any]], further: Iterable[pa.Field] = ()) -> None:
    """Write rows of draws atomically; their columns are there even without rows.

    Args:
        further: columns after those of every draw.
    """
    tables.write(path, pa.Table.from_pylist(rows, pa.schema([*SCHEMA, *further])))
