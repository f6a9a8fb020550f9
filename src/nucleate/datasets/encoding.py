"""Canonical structures -> arrays, in chunks that survive a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.core.files import atomic_path
from nucleate.datasets.resumable import map_to_files
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.vae.schema import Record, Schema, Stacked, stack

T = TypeVar("T")
_AT_ONCE = 25  # structures whose auxiliary fields are computed together


@dataclass(frozen=True)
class Encoded:
    """What became of a list of structures.

    Attributes:
        arrays: of those that the schema holds, in order.
        kept: int64, their positions in the list.
        refused: position -> (reason, detail) of the others.
    """

    arrays: Stacked
    kept: NDArray[np.int64]
    refused: dict[int, tuple[str, str]]


@dataclass(frozen=True)
class _Task:
    structures: Sequence[str]
    target: Path
    spellings: int = 0
    seed: int = 0

    def __len__(self) -> int:
        return len(self.structures)


def encode_structures(
    structures: Sequence[str],
    matter: Matter,
    codec: Mapping[str, Any],
    schema: Schema,
    folder: Path,
    *,
    chunk: int = 2000,
    processes: int = 1,
    spellings: int = 0,
    seed: int = 0,
) -> Encoded:
    """Encode structures in worker processes.

    Args:
        spellings: if not 0, encode this many random spellings of each structure in its stead
            (`Codecs.spellings`); `kept` then repeats positions, and those that the schema cannot
            hold are left out without a reason.
        seed: of the spellings.
        codec: `Codec.to_json`, from which each worker rebuilds the codec.
        folder: for chunk files; those that are there are reused, so it must belong to one codec.

    Raises:
        ResultsError: the folder cannot be written, or a worker died.
    """
    kind = "spellings" if spellings else "arrays"
    tasks = (
        _Task(
            structures[start : start + chunk],
            folder / f"{kind}-{number:06d}.npz",
            spellings,
            seed + start,
        )
        for number, start in enumerate(range(0, len(structures), chunk))
    )
    targets = map_to_files(
        encode_chunk,
        tasks,
        folder,
        description="spellings" if spellings else "encode",
        total=len(structures),
        unit="structure",
        processes=processes,
        initializer=start_worker,
        arguments=(matter.name, dict(codec)),
    )
    return _join(targets, schema, chunk)


def start_worker(matter_name: str, codec: Mapping[str, Any]) -> tuple[Matter, Codec]:
    """What `encode_chunk` works with."""
    matter = registry.get(matter_name)
    return matter, matter.codecs.load(codec)


def encode_chunk(using: tuple[Matter, Codec], task: _Task) -> int:
    """Encode and write one chunk; returns its number of structures."""
    matter, codec = using
    encode = codec.encode_spelling if task.spellings else codec.encode
    refused: list[tuple[int, str, str]] = []
    texts: Iterator[tuple[int, str]] = enumerate(task.structures)
    if task.spellings:
        texts = (
            (position, text)
            for position, structure in texts
            for text in matter.codecs.spellings(structure, task.spellings, task.seed + position)
        )

    def encoded(text: str) -> Record:
        record = encode(text)
        record.check(codec.schema)
        return record

    done = list(_attempt_each(encoded, texts, refused))
    if codec.schema.auxiliary and not task.spellings:
        # In a pass of its own: alternating between two jobs would empty the processor's caches.
        done = _with_auxiliary(done, codec, task.structures, refused)
        refused.sort()
    records = [record for _, record in done]
    arrays = stack(codec.schema, records)
    columns: dict[str, NDArray[Any]] = {
        "kept": np.array([position for position, _ in done], np.int64),
        "lengths": arrays.lengths,
        "refused": np.array([position for position, _, _ in refused], np.int64),
        "reasons": np.array([reason for _, reason, _ in refused], np.str_),
        "details": np.array([detail for _, _, detail in refused], np.str_),
        **{f"once/{name}": values for name, values in arrays.once.items()},
        **{f"steps/{name}": values for name, values in arrays.steps.items()},
        **{f"auxiliary/{name}": values for name, values in arrays.auxiliary.items()},
    }
    with atomic_path(task.target) as temporary:
        np.savez(temporary, **columns)  # type: ignore[arg-type]
    return len(task.structures)


def _with_auxiliary(
    records: Sequence[tuple[int, Record]],
    codec: Codec,
    structures: Sequence[str],
    refused: list[tuple[int, str, str]],
) -> list[tuple[int, Record]]:
    """The records with the auxiliary fields that the codec derives from their structures.

    Args:
        records: with their positions among the structures.
        refused: as in `_attempt_each`; those that fail are left out.
    """
    kept = []
    for start in range(0, len(records), _AT_ONCE):
        part = records[start : start + _AT_ONCE]
        texts = [(position, structures[position]) for position, _ in part]
        try:
            values = codec.auxiliaries([text for _, text in texts])
            found = {position: v for (position, _), v in zip(texts, values, strict=True)}
        except Exception:  # of one among them: find out which
            found = dict(_attempt_each(codec.auxiliary, texts, refused))
        for position, record in part:
            if position in found:
                record.auxiliary = found[position]
                kept.append((position, record))
    return kept


def _attempt_each(
    function: Callable[[str], T],
    texts: Iterable[tuple[int, str]],
    refused: list[tuple[int, str, str]],
) -> Iterator[tuple[int, T]]:
    """What a function makes of each text, with the text's position.

    Args:
        refused: position, reason and detail of each text that it fails on are added.
    """
    for position, text in texts:
        try:
            yield position, function(text)
        except StructureError as error:
            refused.append((position, error.reason, error.detail[:1000]))
        except Exception as error:
            # A library's own failure on one odd structure must not end a run of many.
            refused.append((position, "unexpected_error", f"{type(error).__name__}: {error}"))


def _join(targets: Sequence[Path], schema: Schema, chunk: int) -> Encoded:
    parts: dict[str, list[NDArray[Any]]] = {}
    refused: dict[int, tuple[str, str]] = {}
    for number, target in enumerate(targets):
        start = number * chunk
        with np.load(target, allow_pickle=False) as file:
            for name in file.files:
                parts.setdefault(name, []).append(file[name])
        parts["kept"][-1] = parts["kept"][-1] + start
        for position, reason, detail in zip(
            parts["refused"][-1], parts["reasons"][-1], parts["details"][-1], strict=True
        ):
            refused[start + int(position)] = (str(reason), str(detail))
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    arrays = Stacked(
        {f.name: joined[f"once/{f.name}"] for f in schema.once},
        {f.name: joined[f"steps/{f.name}"] for f in schema.step},
        joined["lengths"],
        {f.name: joined[key] for f in schema.auxiliary if (key := f"auxiliary/{f.name}") in joined},
    )
    return Encoded(arrays, joined["kept"], refused)
