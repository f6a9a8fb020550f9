"""Schema: all that the autoencoder knows of matter, fields once per structure and once per step.

A structure is a `Record`: values of the `once` fields (a crystal's space group and lattice) and a
sequence of steps, each carrying the `step` fields (a molecule's token; a site's Wyckoff position,
element and free coordinates). The first step field is categorical and one of its values, `stop`,
ends the sequence. Which values are legal given what came before is said by the schema's
`Legality` (see `nucleate.vae.legality`), which may also declare a field absent at a step.

This module needs numpy only, so that worker processes that encode structures stay small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import CheckpointError, StructureError

SCHEMA_VERSION = 1

LikelihoodName = Literal[
    "categorical",
    "von_mises_mixture",
    "gaussian_mixture",
    "gaussian",
    "bernoulli",
    "continuous_bernoulli",
    "negative_binomial",
    "zero_inflated_negative_binomial",
]


@dataclass(frozen=True)
class Field:
    """One typed quantity and the likelihood that states its nature.

    Attributes:
        name: the field's own term, unique within the schema.
        likelihood: which distribution reconstructs it.
        size: number of categories if categorical, else number of components of the vector.
        features: optional float32 [size, F], fixed descriptors of each category (an element's
            electronegativity, a Wyckoff position's operation). Only for categorical fields; they
            inform the embedding and, through tied weights, the logits. Not part of the digest's
            JSON; they travel as buffers of the model.
        unit: unit of a continuous field, for reports.
    """

    name: str
    likelihood: LikelihoodName
    size: int = 1
    features: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    unit: str = ""

    @property
    def is_categorical(self) -> bool:
        return self.likelihood == "categorical"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "likelihood": self.likelihood,
            "size": self.size,
            "feature_size": 0 if self.features is None else int(self.features.shape[1]),
            "unit": self.unit,
        }


@dataclass(frozen=True)
class Schema:
    """The fields of one kind of matter.

    Attributes:
        matter: registry name of the kind of matter that wrote it.
        once: fields per structure, decoded first, in this order, each given those before it.
        step: fields per step, decoded in this order within a step; the first one is categorical
            and holds `stop`.
        maximum_steps: longest sequence, the stop step not counted.
        stop: index of the first step field that ends the sequence.
        auxiliary: fields predicted from the latent vector only (properties, fingerprints): they
            shape the latent space and are never part of the structure. Missing values are NaN.
        options: plain JSON values that the matter's legality needs (e.g. maximum atoms).
    """

    matter: str
    once: tuple[Field, ...]
    step: tuple[Field, ...]
    maximum_steps: int
    stop: int = 0
    auxiliary: tuple[Field, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [f.name for f in (*self.once, *self.step, *self.auxiliary)]
        if len(set(names)) != len(names):
            raise CheckpointError(f"schema of {self.matter}: field names repeat: {names}")
        if not self.step or not self.step[0].is_categorical:
            raise CheckpointError(f"schema of {self.matter}: the first step field is categorical")

    def to_json(self) -> dict[str, Any]:
        """Plain values that identify the schema; equal JSON means interchangeable arrays."""
        return {
            "version": SCHEMA_VERSION,
            "matter": self.matter,
            "once": [f.to_json() for f in self.once],
            "step": [f.to_json() for f in self.step],
            "maximum_steps": self.maximum_steps,
            "stop": self.stop,
            "auxiliary": [f.to_json() for f in self.auxiliary],
            "options": dict(self.options),
        }


@dataclass
class Record:
    """One structure in arrays.

    Attributes:
        once: by field name; categorical: int, otherwise float32 [size]. NaN marks an absent
            component (a lattice angle fixed by the crystal system).
        steps: by field name, each of length L >= 1 without the stop step; categorical: int64 [L];
            continuous of size 1: float32 [L]. NaN marks an absent value (a coordinate that the
            Wyckoff position fixes).
        auxiliary: by field name, float32 [size] with NaN where missing, or uint8 [size] for a
            bernoulli field; empty where they were not asked for.
    """

    once: dict[str, Any]
    steps: dict[str, NDArray[Any]]
    auxiliary: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.steps.values())))

    def check(self, schema: Schema) -> None:
        """Refuse a record that the schema cannot hold.

        Raises:
            StructureError: `too_long`, `empty` or `not_in_schema`.
        """
        n = len(self)
        if n == 0:
            raise StructureError("empty", "no steps")
        if n > schema.maximum_steps:
            raise StructureError("too_long", f"{n} steps, at most {schema.maximum_steps}")
        for f in schema.once:
            if f.name not in self.once:
                raise StructureError("not_in_schema", f"{f.name} is missing")
        for f in schema.step:
            values = self.steps.get(f.name)
            if values is None or len(values) != n:
                raise StructureError("not_in_schema", f"{f.name} does not have {n} values")
            if f.is_categorical and (values.min() < 0 or values.max() >= f.size):
                raise StructureError("not_in_schema", f"{f.name} is outside 0..{f.size - 1}")


@dataclass
class Stacked:
    """Many records in few arrays, the layout of `RaggedArrays`, without torch.

    Attributes:
        once: by field; categorical int64 [n], continuous float32 [n, size].
        steps: by field, concatenated over records, [total].
        lengths: int64 [n], steps of each record.
        auxiliary: by field, float32 or uint8 [n, size]; only fields that every record has.
    """

    once: dict[str, NDArray[Any]]
    steps: dict[str, NDArray[Any]]
    lengths: NDArray[np.int64]
    auxiliary: dict[str, NDArray[Any]] = field(default_factory=dict)


def stack(schema: Schema, records: Sequence[Record]) -> Stacked:
    """Stack records that passed `Record.check`."""
    once: dict[str, NDArray[Any]] = {}
    for f in schema.once:
        shape = (len(records),) if f.is_categorical else (len(records), f.size)
        values = np.array([r.once[f.name] for r in records], dtype=_dtype(f))
        once[f.name] = values.reshape(shape)
    steps = {
        f.name: np.concatenate([r.steps[f.name] for r in records]).astype(_dtype(f))
        if records
        else np.zeros(0, _dtype(f))
        for f in schema.step
    }
    auxiliary = {
        f.name: np.stack([r.auxiliary[f.name] for r in records])
        for f in schema.auxiliary
        if records and all(f.name in r.auxiliary for r in records)
    }
    return Stacked(once, steps, np.array([len(r) for r in records], dtype=np.int64), auxiliary)


def _dtype(f: Field) -> type[np.int64] | type[np.float32]:
    return np.int64 if f.is_categorical else np.float32
