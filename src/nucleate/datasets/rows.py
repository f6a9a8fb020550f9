"""Rows of files -> canonical structures, in chunks that survive a kill.

The parent process streams rows and hands chunks to worker processes; a worker standardises its
chunk and writes it atomically as a small parquet file. A chunk file that exists is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nucleate.core.errors import StructureError
from nucleate.core.files import atomic_path
from nucleate.datasets.count_rows import expected_rows
from nucleate.datasets.resumable import map_to_files
from nucleate.datasets.sources import Source
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.reader import RawRow
from nucleate.matter.reading_notes import ReadingNotes, row_notes

CHUNK_CHARACTERS = 250_000
"""A chunk ends early at this much text, so that large rows (CIFs) make chunks of equal work."""
PAYLOAD_SHOWN = 200
PROPERTY_PREFIX = "property:"
UNREAD_PREFIX = "unread:"
T = TypeVar("T")


@dataclass(frozen=True)
class Chunk:
    """A unit of work.

    Attributes:
        rows: as read.
        source: name of the file they are from.
        role: their split by the literature, if it is kept.
        properties: names of the property columns to write.
        target: the parquet file to write.
    """

    rows: list[RawRow]
    source: str
    role: str | None
    properties: tuple[str, ...]
    target: Path

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class _Worker:
    matter: Matter
    options: Any
    split_kind: str


def start_worker(matter_name: str, options: dict[str, Any], split_kind: str) -> _Worker:
    """What `standardise_chunk` works with."""
    matter = registry.get(matter_name)
    return _Worker(matter, matter.reader.resolve(options, "standardise"), split_kind)


def standardise_rows(
    sources: Sequence[Source],
    matter: Matter,
    options: dict[str, Any],
    folder: Path,
    *,
    split_kind: str = "random",
    chunk: int = 2000,
    processes: int = 1,
) -> pa.Table:
    """Every row of the sources, standardised or with the reason why not, in order.

    Args:
        options: of `matter.reader.standardise`, validated already.
        folder: for chunk files; those that are there are reused.
        split_kind: `random`, or one of `matter.identity.split_kinds`.

    Returns:
        Columns source, row, id, role, structure, key, group (`Identity.split_key`; the key for
        `random`), reason (null if accepted), detail, payload (of rejected rows, cut), notes (of
        the structure, a list), told (notes and unread cells in one text), `property:NAME`
        (float64, null where missing) and `unread:NAME` (text of a cell that is no number).

    Raises:
        InputError: a source as a whole cannot be read.
        ResultsError: the folder cannot be written, or a worker died.
    """
    chunks = map_to_files(
        standardise_chunk,
        _chunks(sources, matter, folder, chunk),
        folder,
        description="standardise",
        total=expected_rows(sources),
        processes=processes,
        initializer=start_worker,
        arguments=(matter.name, options, split_kind),
    )
    properties = _properties(sources)
    if not chunks:
        return _schema(properties).empty_table()
    return pa.concat_tables(pq.read_table(path) for path in chunks).combine_chunks()


def count_notes(rows: pa.Table) -> ReadingNotes:
    """What reading these rows (`standardise_rows`) decided and could not take."""
    counted = ReadingNotes()
    names = [n for n in rows.column_names if n.startswith(PROPERTY_PREFIX)]
    for name in names:
        cells = counted.column(name.removeprefix(PROPERTY_PREFIX))
        cells.numbers = len(rows) - rows[name].null_count
    several = len(pc.unique(rows["source"])) > 1
    for batch in rows.filter(pc.is_valid(rows["told"])).to_batches():
        for one in batch.to_pylist():
            unread = {
                name.removeprefix(UNREAD_PREFIX): text
                for name, text in one.items()
                if name.startswith(UNREAD_PREFIX) and text is not None
            }
            row = RawRow(one["row"], one["id"], None, unread=unread)
            counted.add(row, one["notes"] or (), one["source"] if several else "")
    return counted


def _properties(sources: Sequence[Source]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for s in sources for name in s.settings.properties))


def text_length(row: RawRow) -> int:
    """Characters (or bytes) of a row's payload."""
    return len(row.payload) if isinstance(row.payload, (str, bytes)) else 0


def group_rows(
    rows: Iterable[T],
    length: Callable[[T], int],
    size: int,
    characters: int = CHUNK_CHARACTERS,
) -> Iterator[list[T]]:
    """Rows, or what carries them, grouped by number and by amount of text (`text_length`)."""
    group: list[T] = []
    held = 0
    for item in rows:
        group.append(item)
        held += length(item)
        if len(group) >= size or held >= characters:
            yield group
            group, held = [], 0
    if group:
        yield group


def _chunks(sources: Sequence[Source], matter: Matter, folder: Path, size: int) -> Iterator[Chunk]:
    """Chunks of all rows; a chunk never spans two files."""
    properties = _properties(sources)
    groups = (
        (source, rows)
        for source in sources
        for rows in group_rows(
            matter.reader.read_rows(source.path, source.settings), text_length, size
        )
    )
    for number, (source, rows) in enumerate(groups):
        target = folder / f"rows-{number:06d}.parquet"
        yield Chunk(rows, source.name, source.role, properties, target)


def standardise_chunk(worker: _Worker, chunk: Chunk) -> int:
    """Standardise and write one chunk; returns its number of rows."""
    columns: dict[str, list[Any]] = {field.name: [] for field in _schema(chunk.properties)}
    for row in chunk.rows:
        done = _standardise(worker, row)
        for name, value in done.items():
            columns[name].append(value)
        columns["source"].append(chunk.source)
        columns["row"].append(row.number)
        columns["id"].append(row.id)
        columns["role"].append(chunk.role)
        for name in chunk.properties:
            columns[PROPERTY_PREFIX + name].append(row.properties.get(name))
            columns[UNREAD_PREFIX + name].append(row.unread.get(name))
    table = pa.table(
        {
            field.name: pa.array(columns[field.name], field.type, from_pandas=True)
            for field in _schema(chunk.properties)
        }
    )
    with atomic_path(chunk.target) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return len(chunk.rows)


@dataclass(frozen=True)
class StandardisedRow:
    """A row's structure, or why it has none.

    Attributes:
        structure: canonical; None if the row was refused.
        key: equal for rows that mean the same; None likewise.
        reason: why it was refused, in a word; empty if it was not.
        detail: the same at length.
        notes: see `Standardised.notes`.
    """

    structure: str | None
    key: str | None = None
    reason: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()


def standardise_row(matter: Matter, options: Any, row: RawRow) -> StandardisedRow:
    """Standardise a row; whatever goes wrong with it is a reason.

    Args:
        options: resolved ones, `Reader.resolve`.
    """
    try:
        if row.error:
            raise StructureError(row.reason, row.error)
        found = matter.reader.standardise(row.payload, options)
    except StructureError as error:
        return StandardisedRow(None, None, error.reason, error.detail[:1000])
    except Exception as error:
        # A library's own failure on one odd structure must not end a run of many.
        detail = f"{type(error).__name__}: {error}"
        return StandardisedRow(None, None, "unexpected_error", detail[:1000])
    return StandardisedRow(found.structure, found.key, notes=found.notes)


def payload_shown(row: RawRow) -> str:
    """A row's payload as a rejected row shows it."""
    payload = row.payload
    if isinstance(payload, Mapping):  # a text and its kind
        payload = next(iter(payload.values()), None)
    if payload is None:  # a row of a table with an error
        payload = ", ".join(str(cell) for cell in row.cells.values() if cell is not None)
    return str(payload)[:PAYLOAD_SHOWN]


def _standardise(worker: _Worker, row: RawRow) -> dict[str, Any]:
    found = standardise_row(worker.matter, worker.options, row)
    group = found.key
    if found.structure is not None and worker.split_kind != "random":
        try:
            group = worker.matter.identity.split_key(found.structure, worker.split_kind)
        except Exception as error:
            detail = getattr(error, "detail", f"{type(error).__name__}: {error}")
            reason = getattr(error, "reason", "unexpected_error")
            found = StandardisedRow(None, None, reason, detail[:1000])
    refused = found.structure is None
    return {
        "structure": found.structure,
        "key": found.key,
        "group": None if refused else group,
        "reason": found.reason if refused else None,
        "detail": found.detail if refused else None,
        "payload": payload_shown(row) if refused else None,
        "notes": found.notes or None,
        "told": row_notes(row, found.notes),
    }


def _schema(properties: Sequence[str]) -> pa.Schema:
    text = ("id", "structure", "key", "group", "detail", "payload", "told")
    few = ("source", "role", "reason")  # few distinct values
    return pa.schema(
        [
            pa.field("row", pa.int64()),
            *(pa.field(name, pa.string()) for name in (*few, *text)),
            pa.field("notes", pa.list_(pa.string())),
            *(pa.field(PROPERTY_PREFIX + name, pa.float64()) for name in properties),
            *(pa.field(UNREAD_PREFIX + name, pa.string()) for name in properties),
        ]
    )
