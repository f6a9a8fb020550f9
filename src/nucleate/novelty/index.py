"""Known structures as the checks of novelty look them up: by key, and by nearness.

A kind of matter says by its `Identity` what a structure is known by. A `Reference` holds the keys,
the texts and a bounded sample of sketches of one source: of a file, map_array into memory (see
`novelty.build`), or of structure strings at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.files import write_json
from nucleate.matter.base import Matter
from nucleate.matter.checks import CheckContext
from nucleate.matter.identity import Identity
from nucleate.novelty.keys import Digests, SortedKeys, Texts, digests, map_array
from nucleate.novelty.lookup import ChunkKeys, identify, identity_of

HEADER = "header.json"
SKETCHES = "sketches"
MOST_SKETCHES = 1_000_000
"""Structures of one source among which the nearest is searched; of more, a random sample."""


@dataclass(frozen=True)
class Hit:
    """A known structure.

    Attributes:
        structure: structure string.
        source: where it is known from: file and row, or the set's name.
        id: its own id there; empty if it has none but its row.
    """

    structure: str
    source: str
    id: str = ""

    def columns(self) -> dict[str, Any]:
        """Columns of a table: `nearest_known`, `nearest_known_source`, `nearest_known_id`."""
        return {
            "nearest_known": self.structure,
            "nearest_known_source": self.source,
            "nearest_known_id": self.id,
        }


class Reference:
    """The known structures of one source, n entries.

    Args:
        name: of the source, for people.
        keys: by kind of key.
        structures: structure strings [n].
        rows: one-based row of each entry in the source, [n]; None if it has no rows.
        ids: the source's own ids [n]; None if it has none but the rows' numbers.
        sketches: [sketch size, m]; one column for each of m entries.
        sketched: their entries, [m], in random order: the first k are a random sample of k.
        folder: from which it was opened.
    """

    def __init__(
        self,
        name: str,
        keys: Mapping[str, SortedKeys],
        structures: Texts | Sequence[str],
        *,
        rows: NDArray[np.uint32] | None = None,
        ids: Texts | Sequence[str] | None = None,
        sketches: NDArray[Any] | None = None,
        sketched: NDArray[np.uint32] | None = None,
        folder: Path | None = None,
    ):
        self.name, self.keys, self.structures = name, dict(keys), structures
        self.rows, self.ids, self.folder = rows, ids, folder
        self.sketches: NDArray[Any] = np.zeros((0, 0)) if sketches is None else sketches
        self.sketched = np.zeros(0, np.uint32) if sketched is None else sketched

    def __len__(self) -> int:
        return len(self.structures)

    def __reduce__(self) -> Any:
        if self.folder is not None:  # a worker maps the same pages
            return Reference.open, (self.folder, self.name)
        return object.__reduce_ex__(self, 2)

    def hit(self, entry: int) -> Hit:
        """An entry for people."""
        source, number = self.name, "" if self.rows is None else str(int(self.rows[entry]))
        if number:
            source = f"{source}, row {number}"
        own = "" if self.ids is None else self.ids[entry]
        return Hit(self.structures[entry], source, own)

    def first(self, kind: str, wanted: Digests) -> NDArray[np.int64]:
        """Lowest entry of each of n digests of keys, [n]; -1 where there is none."""
        return self.keys[kind].first(wanted)

    def every(self, kind: str, key: str) -> NDArray[np.int64]:
        """All entries of a key."""
        return self.keys[kind].every(digests([key])[0])

    @classmethod
    def open(cls, folder: Path, name: str | None = None) -> Reference:
        """Map what `novelty.build` or `save` wrote.

        Args:
            name: of the source; what it was called when it was written if not given.

        Raises:
            OSError, ValueError, KeyError: missing or damaged.
        """
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        keys = {kind: SortedKeys.load(folder, kind) for kind in header["kinds"]}
        structures = Texts.load(folder, "structures")
        entries = header["entries"]
        lengths = [len(structures), *(len(one) for one in keys.values())]
        if any(length != entries for length in lengths):
            raise ValueError(f"{folder}: not {entries} entries")
        return cls(
            name or header["source"],
            keys,
            structures,
            rows=map_array(folder / "rows.npy"),
            ids=Texts.load(folder, "ids") if header["ids"] else None,
            sketches=map_array(folder / f"{SKETCHES}.npy"),
            sketched=map_array(folder / "sketched.npy"),
            folder=folder,
        )

    def save(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write what `open` reads; rows are counted from 1 where the source has none.

        Args:
            folder: exists and is empty.
            facts: what else the header shall tell.
        """
        rows = np.arange(1, len(self) + 1, dtype=np.uint32) if self.rows is None else self.rows
        for kind, keys in self.keys.items():
            keys.save(folder, kind)
        for name, texts in (("structures", self.structures), ("ids", self.ids)):
            if texts is not None:
                Texts.of(texts[number] for number in range(len(texts))).save(folder, name)
        arrays = {"rows": rows, SKETCHES: self.sketches, "sketched": self.sketched}
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        counts = {"entries": len(self), "rows": len(self), "sketched": len(self.sketched)}
        names = {"source": self.name, "kinds": list(self.keys), "ids": self.ids is not None}
        write_json(folder / HEADER, {**names, **counts, **facts})

    @classmethod
    def of(
        cls,
        name: str,
        structures: Iterable[str],
        matter: str,
        *,
        ids: Sequence[str] | None = None,
        processes: int = 1,
    ) -> Reference:
        """Structure strings at hand; those that cannot be read are found by their string alone.

        Args:
            ids: of the structures, which are distinct then.
            processes: that may be used where there are many.
        """
        distinct = list(dict.fromkeys(structures))
        identity = identity_of(matter)
        parts = list(identify(matter, distinct, processes))
        return cls(
            name,
            {
                kind: SortedKeys.of(_concatenate([part.digests[place] for part in parts], (0, 2)))
                for place, kind in enumerate(identity.kinds)
            },
            distinct,
            ids=ids,
            **_sample(identity, parts),
        )


def _concatenate(parts: Sequence[Digests], empty: tuple[int, ...]) -> Digests:
    return np.concatenate(parts) if parts else np.zeros(empty, np.uint64)


def _sample(identity: Identity, parts: Sequence[ChunkKeys]) -> dict[str, Any]:
    """Sketches and entries of at most `MOST_SKETCHES` structures, in the order of their digests,
    which is random and the same whatever the order of the file."""
    if not parts:
        return {}
    starts = np.cumsum([0, *(part.digests.shape[1] for part in parts)])
    entries = np.concatenate(
        [part.sketched + start for part, start in zip(parts, starts, strict=False)]
    ).astype(np.uint32)
    high = np.concatenate([part.digests[0, part.sketched, 0] for part in parts])
    order = np.argsort(high, kind="stable")[:MOST_SKETCHES]
    sketches = np.concatenate([part.sketches for part in parts])[order]
    return {"sketches": np.ascontiguousarray(sketches.T), "sketched": entries[order]}


@dataclass(frozen=True)
class ReferenceContext(CheckContext):
    """A context with reference files, which `known` then need not hold.

    Attributes:
        references: opened, each of one source.
        known_among_them: whether a reference holds all of `known`, which then is not turned into
            keys once more (see `novelty.catalogue.stage_reference`).
    """

    references: Sequence[Reference] = ()
    known_among_them: bool = False


def references_of(context: CheckContext, matter: Matter | str) -> list[Reference]:
    """Everything that is known: the strings at hand, then the reference files."""
    name = matter if isinstance(matter, str) else matter.name
    files = list(context.references) if isinstance(context, ReferenceContext) else []
    among = isinstance(context, ReferenceContext) and context.known_among_them
    if not context.known or among:
        return files
    return [_at_hand(name, tuple(context.known), context.processes), *files]


@lru_cache(maxsize=2)
def _at_hand(matter: str, known: tuple[str, ...], processes: int) -> Reference:
    # Several checks of a funnel ask for the same.
    return Reference.of("the known set", known, matter, processes=processes)
