"""By what structures are looked up: a kind of matter's `Identity`, and keys of many at a time."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nucleate.parallel import map_ordered
from nucleate.runs import code_version
from nucleate.screening.keys import Digests, digests

CHUNK = 5000
"""Structures that a worker is given at once."""
WORTH_WORKERS = 20_000
"""Structures from which worker processes repay the seconds that they take to start."""


class Identified(NamedTuple):
    """What a structure is looked up by.

    Attributes:
        keys: one text for each of `Identity.kinds`.
        sketch: [`Identity.sketch_size`], of `Identity.sketch_type`; None if it has none.
    """

    keys: tuple[str, ...]
    sketch: NDArray[Any] | None = None


class Identity(ABC):
    """By what structures of a kind of matter are told to be known.

    Attributes:
        kinds: of key, the strictest first: structures of equal first key are equal.
        sketch_size, sketch_type: of the array by which near structures are found; size 0 if there
            is none.
    """

    kinds: ClassVar[tuple[str, ...]] = ("structure",)
    sketch_size: ClassVar[int] = 0
    sketch_type: ClassVar[DTypeLike] = np.uint64

    @abstractmethod
    def of(self, structure: str) -> Identified | None:
        """Keys and sketch of a canonical structure; None where it cannot be read."""

    def version(self) -> str:
        """Changes with whatever gives equal structures other texts: the code, if not overridden."""
        return code_version()


def version_of(library: str, *modules: str) -> str:
    """A library's version and a digest of modules of ours, for `Identity.version`.

    Keys of millions of structures take long to make: they outlive changes of other code.
    """
    total = hashlib.sha256()
    for module in modules:
        spec = find_spec(module)
        if spec is None or spec.origin is None:
            raise ValueError(f"no module {module}")
        total.update(Path(spec.origin).read_bytes())
    return f"{library} {version(library)}, {total.hexdigest()[:16]}"


class PlainIdentity(Identity):
    """Of a kind of matter that states none: the structure string."""

    def of(self, structure: str) -> Identified | None:
        return Identified((structure,))


_IDENTITIES = {
    "molecules": ("nucleate.molecules.lookup", "MoleculeIdentity"),
    "crystals": ("nucleate.crystals.lookup", "CrystalIdentity"),
}


def identity_of(matter: str) -> Identity:
    """The identity of a registered kind of matter, by name."""
    if matter not in _IDENTITIES:
        return PlainIdentity()
    module, name = _IDENTITIES[matter]
    found: Identity = getattr(import_module(module), name)()
    return found


class ChunkKeys(NamedTuple):
    """Digests [kinds, n, 2] of a chunk's structures, sketches [m, size] and the rows [m] of those
    that have one."""

    digests: Digests
    sketches: NDArray[Any]
    sketched: NDArray[np.uint32]


def identified_chunk(task: tuple[str, Sequence[str]]) -> ChunkKeys:
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


def identified(matter: str, structures: Sequence[str], processes: int = 1) -> Iterator[ChunkKeys]:
    """Keys and sketches of structures, chunk by chunk in order, in worker processes if many."""
    starts = range(0, len(structures), CHUNK)
    chunks = ((matter, structures[start : start + CHUNK]) for start in starts)
    processes = processes if len(structures) >= WORTH_WORKERS else 1
    return map_ordered(identified_chunk, chunks, processes=processes)
