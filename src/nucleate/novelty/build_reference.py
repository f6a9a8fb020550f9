"""A file of known structures -> a folder that is mapped into memory and searched by key.

Rows are streamed, standardised and turned into keys in worker processes, chunk by chunk; a chunk
that lies there already is not done again, so that a killed build goes on where it stopped. The
chunks are then joined array by array: what is in memory at once is the keys of one kind (10 million
take 160 MB, and as much again while they are sorted). The folder appears when it is whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from nucleate.core.errors import ResultsError
from nucleate.core.files import atomic_folder, atomic_path, read_json, write_json
from nucleate.core.progress import phase
from nucleate.datasets.count_rows import expected_rows
from nucleate.datasets.resumable import map_to_files
from nucleate.datasets.rows import group_rows, standardise_row, text_length
from nucleate.datasets.sources import Source
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.identity import Identity
from nucleate.matter.reader import RawRow
from nucleate.novelty import index as reference
from nucleate.novelty.index import HEADER, SKETCHES, Reference
from nucleate.novelty.keys import SortedKeys, Texts
from nucleate.novelty.lookup import ChunkKeys, identify_chunk, identity_of

CHUNK_ROWS = 5000
CHUNK_CHARACTERS = 500_000
"""A chunk ends early at this much text, so that large rows (CIFs) make chunks of equal work."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Task:
    """Rows for a worker, and the file that tells that their keys are written."""

    rows: list[RawRow]
    target: Path

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Part:
    """One chunk file.

    Attributes:
        path: where it lies.
        rows: read.
        entries: accepted.
    """

    path: Path
    rows: int
    entries: int


def build(
    source: Source,
    matter: Matter,
    options: Mapping[str, Any],
    folder: Path,
    facts: Mapping[str, Any],
    *,
    processes: int = 1,
) -> Reference:
    """Make the folder of a source's known structures; open_if_sound if it is there and sound.

    Rows that cannot be standardised are counted and left out.

    Args:
        options: of `matter.reader.standardise`, validated already.
        facts: what else the header shall tell, such as the digest that names the folder.

    Raises:
        InputError: the source as a whole cannot be read.
        ResultsError: the folder cannot be written, or a worker died.
    """
    # Chunks of another size are other chunks.
    parts_folder = folder.with_name(f"{folder.name}.{CHUNK_ROWS}.{CHUNK_CHARACTERS}.parts")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(f"{folder}: cannot be written ({error.strerror or error})") from error
    # Two screens may want the same source at once.
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        found = open_if_sound(folder, source.name)
        if found is not None:
            return found
        parts = _parts(source, matter, dict(options), parts_folder, processes)
        with atomic_folder(folder) as target:
            with phase(f"sort the keys of {source.name}"):
                joined = join_parts(parts, identity_of(matter.name), target)
            rows = sum(part.rows for part in parts)
            header = {"source": source.name, "matter": matter.name, "rows": rows, **joined, **facts}
            write_json(target / HEADER, header)
        for file in parts_folder.iterdir():
            file.unlink()
        parts_folder.rmdir()
    _LOG.info("reference %s: %d of %d rows", source.name, joined["entries"], rows)
    return Reference.open(folder, source.name)


def open_if_sound(folder: Path, name: str | None = None) -> Reference | None:
    """The folder's known structures; None if it is missing or damaged."""
    try:
        return Reference.open(folder, name)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _parts(
    source: Source, matter: Matter, options: dict[str, Any], folder: Path, processes: int
) -> list[Part]:
    """Chunk files of all rows, in order."""
    rows = group_rows(
        matter.reader.read_rows(source.path, source.settings),
        text_length,
        CHUNK_ROWS,
        CHUNK_CHARACTERS,
    )
    targets = map_to_files(
        write_part,
        (_Task(chunk, folder / f"part-{number:06d}.json") for number, chunk in enumerate(rows)),
        folder,
        description=f"reference {source.name}",
        total=expected_rows([source]),
        processes=processes,
        initializer=start_worker,
        arguments=(matter.name, options),
    )
    parts = []
    for target in targets:
        counted = read_json(target)
        path = target.with_suffix(".npz")
        parts.append(Part(path, int(counted["rows"]), int(counted["entries"])))
    return parts


def start_worker(matter_name: str, options: dict[str, Any]) -> tuple[Matter, Any]:
    """What `write_part` works with."""
    matter = registry.get(matter_name)
    return matter, matter.reader.resolve(options, "standardise")


def write_part(using: tuple[Matter, Any], task: _Task) -> int:
    """Standardise rows and write their keys, sketches and texts; returns how many were read."""
    matter, options = using
    structures: list[str] = []
    accepted: list[RawRow] = []
    for row in task.rows:
        read = standardise_row(matter, options, row)
        if read.structure:
            structures.append(read.structure)
            accepted.append(row)
    found = identify_chunk((matter.name, structures))
    numbers = [row.number for row in accepted]
    target, ids = task.target.with_suffix(".npz"), [row.id for row in accepted]
    save_part(target, found, structures, numbers, ids, len(task.rows))
    return len(task.rows)


def save_part(
    target: Path,
    found: ChunkKeys,
    structures: Sequence[str],
    rows: Sequence[int],
    ids: Sequence[str],
    read: int,
) -> Part:
    """Write a chunk atomically.

    Args:
        target: `*.npz`; a small JSON file beside it, written last, tells that it is whole.
        rows: of the structures.
        read: rows, those that were not accepted too.
    """
    texts = {"structures": Texts.of(structures), "ids": Texts.of(ids)}
    own_ids = any(own != str(row) for own, row in zip(ids, rows, strict=True))
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            digests=found.digests,
            sketches=found.sketches,
            sketched=found.sketched,
            rows=np.array(rows, np.uint32),
            own_ids=np.array(own_ids),
            **{f"{n}_{part}": getattr(t, part) for n, t in texts.items() for part in _TEXT_PARTS},
        )
    write_json(target.with_suffix(".json"), {"rows": read, "entries": len(structures)})
    return Part(target, read, len(structures))


_TEXT_PARTS = ("joined", "ends")


def _each(parts: Sequence[Part], name: str) -> Iterator[tuple[slice, NDArray[Any]]]:
    """One array of every chunk that has entries, and which entries of the whole they are."""
    start = 0
    for part in parts:
        if part.entries:
            with np.load(part.path, allow_pickle=False) as file:
                yield slice(start, start + part.entries), file[name]
        start += part.entries


def join_parts(parts: Sequence[Part], identity: Identity, target: Path) -> dict[str, Any]:
    """Write the arrays of all chunks as those of one source; returns facts for the header."""
    entries = sum(part.entries for part in parts)
    place_of = np.full(entries, -1, np.int64)  # column of the sketches
    for number, kind in enumerate(identity.kinds):
        found = np.zeros((entries, 2), np.uint64)
        for where, block in _each(parts, "digests"):
            found[where] = block[number]
        keys = SortedKeys.of(found)
        del found
        keys.save(target, kind)
        if number == 0:
            has_sketch = np.zeros(entries, np.bool_)
            for where, block in _each(parts, "sketched"):
                has_sketch[where.start + block] = True
            # In the order of the digests, which is as good as random.
            chosen = keys.entries[has_sketch[keys.entries]][: reference.MOST_SKETCHES]
            place_of[chosen] = np.arange(len(chosen))
        del keys
    _join_sketches(parts, identity, target, place_of, len(chosen))
    np.save(target / "sketched.npy", chosen, allow_pickle=False)
    rows = open_memmap(target / "rows.npy", "w+", np.uint32, (entries,))
    for where, block in _each(parts, "rows"):
        rows[where] = block
    rows.flush()
    _join_texts(parts, target, "structures", entries)
    own_ids = any(bool(block) for _, block in _each(parts, "own_ids"))
    if own_ids:
        _join_texts(parts, target, "ids", entries)
    return {
        "entries": entries,
        "kinds": list(identity.kinds),
        "sketched": len(chosen),
        "ids": own_ids,
    }


def _join_sketches(
    parts: Sequence[Part],
    identity: Identity,
    target: Path,
    place_of: NDArray[np.int64],
    count: int,
) -> None:
    sketches = np.zeros((identity.sketch_size, count), identity.sketch_type)
    entries = _each(parts, "sketched")
    for (where, block), (_, own) in zip(_each(parts, "sketches"), entries, strict=True):
        places = place_of[where.start + own]
        sketches[:, places[places >= 0]] = block[places >= 0].T
    np.save(target / f"{SKETCHES}.npy", sketches, allow_pickle=False)


def _join_texts(parts: Sequence[Part], target: Path, name: str, entries: int) -> None:
    """`NAME.joined.npy` and `NAME.ends.npy` of all chunks' texts."""
    ends = np.zeros(entries, np.uint64)
    total = 0
    for where, block in _each(parts, f"{name}_ends"):
        ends[where] = block + np.uint64(total)
        total += int(block[-1])
    np.save(target / f"{name}.ends.npy", ends, allow_pickle=False)
    if not total:  # nothing can be mapped of an empty array
        np.save(target / f"{name}.joined.npy", np.zeros(0, np.uint8), allow_pickle=False)
        return
    joined = open_memmap(target / f"{name}.joined.npy", "w+", np.uint8, (total,))
    place = 0
    for _, block in _each(parts, f"{name}_joined"):
        joined[place : place + len(block)] = block
        place += len(block)
    joined.flush()
