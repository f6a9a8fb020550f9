"""By what structures are looked up: a kind of matter's `Identity`, and keys of many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nucleate.core.parallel import map_ordered
from nucleate.matter import registry
from nucleate.matter.identity import Identity
from nucleate.novelty.keys import Digests, digests

CHUNK = 5000
"""Structures that a worker is given at once."""
WORTH_WORKERS = 20_000
"""Structures from which worker processes repay the seconds that they take to start."""


def identity_of(matter: str) -> Identity:
    """The identity of a registered kind of matter, by name."""
    return registry.get(matter).identity


class ChunkKeys(NamedTuple):
    """Digests [kinds, n, 2] of a chunk's structures, sketches [m, size] and the rows [m] of those
    that have one."""

    digests: Digests
    sketches: NDArray[Any]
    sketched: NDArray[np.uint32]


def identify_chunk(task: tuple[str, Sequence[str]]) -> ChunkKeys:
    """Keys and sketches of structures of a kind of matter; runs in workers."""
    matter, structures = task
    identity = identity_of(matter)
    found = [identity.of(structure) for structure in structures]
    # No other structure has the empty text, so that what is unreadable is like nothing else.
    blank = ("",) * (len(identity.kinds) - 1)
    keys = [
        (s, *blank) if one is None else one.keys for s, one in zip(structures, found, strict=True)
    ]
    rows = [i for i, one in enumerate(found) if one is not None and one.sketch is not None]
    sketches = np.zeros((len(rows), identity.sketch_size), identity.sketch_type)
    for place, row in enumerate(rows):
        sketches[place] = found[row].sketch  # type: ignore[union-attr]
    columns = np.array([digests(key[k] for key in keys) for k in range(len(identity.kinds))])
    shaped = columns.reshape(len(identity.kinds), len(keys), 2)
    return ChunkKeys(shaped, sketches, np.array(rows, np.uint32))


def identify(matter: str, structures: Sequence[str], processes: int = 1) -> Iterator[ChunkKeys]:
    """Keys and sketches of structures, chunk by chunk in order, in worker processes if many."""
    starts = range(0, len(structures), CHUNK)
    chunks = ((matter, structures[start : start + CHUNK]) for start in starts)
    processes = processes if len(structures) >= WORTH_WORKERS else 1
    return map_ordered(identify_chunk, chunks, processes=processes)
