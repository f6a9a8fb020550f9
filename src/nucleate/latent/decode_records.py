"""Records -> structure strings, in worker processes if there are many. Imports nothing heavy.

A worker holds a codec and no network: it starts within a second and stays small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nucleate.core.errors import StructureError
from nucleate.core.parallel import map_ordered
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.matter.codec import Codec
from nucleate.vae.schema import Record

Written = tuple[str | None, str]
"""Structure string and empty reason, or None and the reason."""


def write_record(codec: Codec, record: Record) -> Written:
    """The structure that a record means."""
    try:
        return codec.decode(record), ""
    except StructureError as error:
        return None, error.reason


def write_records(
    matter: Matter, codec: Codec, chunks: Iterable[Sequence[Record]], processes: int
) -> Iterator[list[Written]]:
    """The structures of each chunk, in order.

    Chunks are taken as they are needed, a few ahead, so that whoever makes them works while the
    processes write.
    """
    if processes <= 1:
        for chunk in chunks:
            yield [write_record(codec, record) for record in chunk]
        return
    yield from map_ordered(
        _write_chunk,
        chunks,
        processes=processes,
        initializer=_load_codec,
        arguments=(matter.name, codec.to_json()),
    )


def _load_codec(matter_name: str, codec: dict[str, Any]) -> Codec:
    return registry.get(matter_name).codecs.load(codec)


def _write_chunk(codec: Codec, records: Sequence[Record]) -> list[Written]:
    return [write_record(codec, record) for record in records]
