"""Featurized structures in memory and on disk: ragged arrays by schema, and padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.errors import CheckpointError
from nucleate.core.files import atomic_path
from nucleate.vae.schema import Record, Schema, Stacked, stack

MISSING = 255
"""Marks a missing value of a bernoulli field, kept as bytes: a fingerprint has a thousand."""


@dataclass
class Batch:
    """A padded minibatch, what encoder, decoder and likelihoods exchange.

    Attributes:
        once: by field; categorical int64 [B], continuous float32 [B, size] (NaN where absent).
        steps: by field; categorical int64 [B, T + 1], continuous float32 [B, T + 1] (NaN where
            absent). T is the longest sequence of the batch; the first step field holds `stop` at
            index `length` and after it, the others 0 or NaN.
        length: int64 [B], steps without the stop step.
        auxiliary: by field; float32 [B, size], NaN where missing.
        invented: rows that augmentation made and nature did not, bool [B]; None if there are none.
            The decoder is told: what is usual is not to be learnt from them.
    """

    once: dict[str, Tensor]
    steps: dict[str, Tensor]
    length: Tensor
    auxiliary: dict[str, Tensor]
    invented: Tensor | None = None

    def __len__(self) -> int:
        return len(self.length)

    @property
    def device(self) -> torch.device:
        return self.length.device

    def step_mask(self) -> Tensor:
        """True at real steps and at the stop step, bool [B, T + 1]."""
        width = next(iter(self.steps.values())).shape[1]
        return torch.arange(width, device=self.device)[None, :] <= self.length[:, None]

    def subset(self, rows: Tensor) -> Batch:
        """The chosen rows, int64 [n], padded to the longest of them."""
        length = self.length[rows]
        width = int(length.max()) + 1
        return Batch(
            {k: v[rows] for k, v in self.once.items()},
            {k: v[rows, :width].contiguous() for k, v in self.steps.items()},
            length,
            {k: v[rows] for k, v in self.auxiliary.items()},
            None if self.invented is None else self.invented[rows],
        )

    def to(self, device: torch.device | str) -> Batch:
        return Batch(
            {k: v.to(device) for k, v in self.once.items()},
            {k: v.to(device) for k, v in self.steps.items()},
            self.length.to(device),
            {k: v.to(device) for k, v in self.auxiliary.items()},
            None if self.invented is None else self.invented.to(device),
        )


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of n consecutive runs starts and the last one ends, int64 [n + 1]."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


class RaggedArrays:
    """All structures of a set: once fields stacked, step fields concatenated.

    Attributes:
        schema: the schema they follow.
        once: by field; categorical int64 [n], continuous float32 [n, size].
        steps: by field, concatenated over structures, [total].
        offsets: int64 [n + 1]; structure i owns steps offsets[i]:offsets[i + 1].
        auxiliary: by field; float32 [n, size], NaN where missing, or uint8 (bernoulli fields),
            `MISSING` where missing.
    """

    def __init__(
        self,
        schema: Schema,
        once: dict[str, NDArray[Any]],
        steps: dict[str, NDArray[Any]],
        offsets: NDArray[np.int64],
        auxiliary: dict[str, NDArray[Any]] | None = None,
    ):
        self.schema = schema
        self.once = once
        self.steps = steps
        self.offsets = offsets
        self.auxiliary = auxiliary or {}

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    @classmethod
    def from_records(
        cls,
        schema: Schema,
        records: Sequence[Record],
        auxiliary: dict[str, NDArray[Any]] | None = None,
    ) -> RaggedArrays:
        """Stack records that passed `Record.check`."""
        return cls.from_stacked(schema, stack(schema, records), auxiliary)

    @classmethod
    def from_stacked(
        cls,
        schema: Schema,
        stacked: Stacked,
        auxiliary: dict[str, NDArray[Any]] | None = None,
    ) -> RaggedArrays:
        """The same arrays, with offsets in the place of lengths."""
        offsets = offsets_of(stacked.lengths)
        return cls(schema, stacked.once, stacked.steps, offsets, auxiliary or stacked.auxiliary)

    @classmethod
    def from_batch(cls, schema: Schema, batch: Batch) -> RaggedArrays:
        """The structures of a padded batch, without auxiliary fields."""
        width = next(iter(batch.steps.values())).shape[1]
        real = torch.arange(width, device=batch.device)[None] < batch.length[:, None]
        return cls(
            schema,
            {k: v.cpu().numpy() for k, v in batch.once.items()},
            {k: v[real].cpu().numpy() for k, v in batch.steps.items()},
            offsets_of(batch.length.cpu().numpy()),
        )

    def record(self, index: int) -> Record:
        """The structure at `index`, as the codec's decoder takes it."""
        span = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return Record(
            {k: v[index] for k, v in self.once.items()},
            {k: v[span] for k, v in self.steps.items()},
        )

    def subset(self, indices: NDArray[np.int64]) -> RaggedArrays:
        """The chosen structures, in the given order."""
        lengths = self.lengths[indices]
        offsets = offsets_of(lengths)
        flat = np.repeat(self.offsets[:-1][indices] - offsets[:-1], lengths) + np.arange(
            offsets[-1]
        )
        return RaggedArrays(
            self.schema,
            {k: v[indices] for k, v in self.once.items()},
            {k: v[flat] for k, v in self.steps.items()},
            offsets,
            {k: v[indices] for k, v in self.auxiliary.items()},
        )

    @classmethod
    def concatenated(cls, parts: Sequence[RaggedArrays]) -> RaggedArrays:
        """One set after the other, at least one; without auxiliary fields."""
        first = parts[0]
        return cls(
            first.schema,
            {k: np.concatenate([p.once[k] for p in parts]) for k in first.once},
            {k: np.concatenate([p.steps[k] for p in parts]) for k in first.steps},
            offsets_of(np.concatenate([p.lengths for p in parts])),
        )

    def joined(self, other: RaggedArrays) -> RaggedArrays:
        """These structures and then the other's; auxiliary fields it lacks are missing (NaN)."""
        blank = {
            name: np.full(
                (len(other), *values.shape[1:]),
                MISSING if values.dtype == np.uint8 else np.nan,
                values.dtype,
            )
            for name, values in self.auxiliary.items()
        }
        return RaggedArrays(
            self.schema,
            {k: np.concatenate([v, other.once[k]]) for k, v in self.once.items()},
            {k: np.concatenate([v, other.steps[k]]) for k, v in self.steps.items()},
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            {
                k: np.concatenate([v, other.auxiliary.get(k, blank[k])])
                for k, v in self.auxiliary.items()
            },
        )

    def batch(self, indices: NDArray[np.int64] | Sequence[int]) -> Batch:
        """Pad the chosen structures to their longest, plus the stop step."""
        chosen = self.subset(np.asarray(indices, dtype=np.int64))
        lengths = chosen.lengths
        n, width = len(lengths), int(lengths.max(initial=0)) + 1
        rows = np.repeat(np.arange(n), lengths)
        columns = np.arange(chosen.offsets[-1]) - np.repeat(chosen.offsets[:-1], lengths)
        steps: dict[str, Tensor] = {}
        for position, f in enumerate(self.schema.step):
            if f.is_categorical:
                fill = self.schema.stop if position == 0 else 0
                padded: NDArray[Any] = np.full((n, width), fill, np.int64)
            else:
                padded = np.full((n, width), np.nan, np.float32)
            padded[rows, columns] = chosen.steps[f.name]
            steps[f.name] = torch.from_numpy(padded)
        return Batch(
            {k: torch.from_numpy(v) for k, v in chosen.once.items()},
            steps,
            torch.from_numpy(lengths),
            {k: torch.from_numpy(_with_nan(v)) for k, v in chosen.auxiliary.items()},
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Flat name -> array, in the smallest integer type that holds the categories."""
        out: dict[str, NDArray[Any]] = {"offsets": self.offsets}
        for group, values in (
            ("once", self.once),
            ("steps", self.steps),
            ("auxiliary", self.auxiliary),
        ):
            for name, array in values.items():
                small = array.astype(np.int32) if array.dtype.kind == "i" else array
                out[f"{group}/{name}"] = small
        return out

    def save(self, path: Path) -> None:
        """Write `arrays()` to a compressed npz file, atomically."""
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, **self.arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path, schema: Schema) -> RaggedArrays:
        """Read what `save` wrote.

        Raises:
            CheckpointError: the file is missing, damaged or lacks a field of the schema.
        """
        groups: dict[str, dict[str, NDArray[Any]]] = {"once": {}, "steps": {}, "auxiliary": {}}
        try:
            with np.load(path, allow_pickle=False) as file:
                offsets = file["offsets"].astype(np.int64)
                for name in file.files:
                    group, _, key = name.partition("/")
                    if group in groups:
                        array = file[name]
                        groups[group][key] = (
                            array.astype(np.int64) if array.dtype.kind == "i" else array
                        )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, ZlibError) as error:
            raise CheckpointError(f"{path}: not a readable features file ({error})") from error
        needed = {f"{f.name}" for f in schema.once} | {f.name for f in schema.step}
        absent = needed - set(groups["once"]) - set(groups["steps"])
        if absent:
            raise CheckpointError(f"{path}: of another schema, lacks {sorted(absent)}")
        return cls(schema, groups["once"], groups["steps"], offsets, groups["auxiliary"])


def _with_nan(values: NDArray[Any]) -> NDArray[np.float32]:
    if values.dtype != np.uint8:
        return values.astype(np.float32, copy=False)
    return np.where(values == MISSING, np.float32(np.nan), values.astype(np.float32))
