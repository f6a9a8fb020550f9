"""Millions of texts to be found again: sorted digests, and the texts themselves by number.

A text is looked up by a digest of 128 bits (BLAKE2b, RFC 7693): of 10 million distinct texts two
share one with a probability below 1e-24. Digests lie sorted in two columns of 64 bits, so that a
search touches the first column only; each carries the number of its *entry*. All arrays are plain
`.npy` files that are map_array into memory: nothing is unpickled, and processes share the pages. An
entry takes 20 bytes for each kind of key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Digests = NDArray[np.uint64]
DIGEST_BYTES = 16
MOST_ENTRIES = 2**32 - 1


def digests(texts: Iterable[str]) -> Digests:
    """The digest of each of n texts, [n, 2]: high and low 64 bits."""
    joined = b"".join(
        hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest() for text in texts
    )
    return np.frombuffer(joined, ">u8").reshape(-1, 2).astype(np.uint64)


def map_array(path: Path) -> NDArray[Any]:
    """An array of a `.npy` file, read as its parts are touched.

    Raises:
        OSError, ValueError: missing, cut short or no such file.
    """
    found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    # As a plain array: `np.memmap` costs microseconds at every slice.
    return found.view(np.ndarray)


class SortedKeys:
    """Digests of n entries in rising order.

    Args:
        high, low: halves of the digests, uint64 [n], rising in (high, low).
        entries: number of each one's entry, uint32 [n]; of equal digests the lowest comes first.
    """

    def __init__(self, high: Digests, low: Digests, entries: NDArray[np.uint32]):
        self.high, self.low, self.entries = high, low, entries

    def __len__(self) -> int:
        return len(self.high)

    @classmethod
    def of(cls, found: Digests) -> SortedKeys:
        """Sort digests [n, 2]; the entry is the row.

        Raises:
            ValueError: more rows than `MOST_ENTRIES`.
        """
        if len(found) > MOST_ENTRIES:
            raise ValueError(f"{len(found)} keys in one file, at most {MOST_ENTRIES}")
        # Stable, so that equal digests keep the order of their entries.
        order = np.lexsort((found[:, 1], found[:, 0])).astype(np.uint32)
        return cls(found[order, 0], found[order, 1], order)

    def first(self, wanted: Digests) -> NDArray[np.int64]:
        """Lowest entry of each of n digests [n, 2], [n]; -1 where there is none."""
        found = np.full(len(wanted), -1, np.int64)
        if not len(self):
            return found
        high, low = wanted[:, 0], wanted[:, 1]
        place = np.searchsorted(self.high, high)
        open_rows = np.arange(len(wanted))
        # Nearly always one step: digests that share the high half only are next to never.
        while len(open_rows):
            inside = place[open_rows] < len(self)
            open_rows = open_rows[inside]
            at = place[open_rows]
            same = self.high[at] == high[open_rows]
            hit = same & (self.low[at] == low[open_rows])
            found[open_rows[hit]] = self.entries[at[hit]]
            open_rows = open_rows[same & ~hit]
            place[open_rows] += 1
        return found

    def every(self, wanted: Digests) -> NDArray[np.int64]:
        """All entries of one digest [2], rising."""
        start, stop = (int(np.searchsorted(self.high, wanted[0], side)) for side in _SIDES)
        inside = self.low[start:stop] == wanted[1]
        return self.entries[start:stop][inside].astype(np.int64)

    def save(self, folder: Path, name: str) -> None:
        """Write three arrays into a folder."""
        for part in _PARTS:
            np.save(folder / f"{name}.{part}.npy", getattr(self, part), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str) -> SortedKeys:
        """Map what `save` wrote.

        Raises:
            OSError, ValueError: missing, cut short or no such file.
        """
        high, low, entries = (map_array(folder / f"{name}.{part}.npy") for part in _PARTS)
        if not len(high) == len(low) == len(entries):
            raise ValueError(f"{name}: columns of unequal length")
        return cls(high, low, entries)


_PARTS = ("high", "low", "entries")
_SIDES: tuple[Any, Any] = ("left", "right")


class Texts:
    """Texts by number, end to end in one array of bytes.

    Args:
        joined: UTF-8, uint8 [total].
        ends: where each one ends, uint64 [n].
    """

    def __init__(self, joined: NDArray[np.uint8], ends: NDArray[np.uint64]):
        self.joined, self.ends = joined, ends

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> str:
        start = int(self.ends[number - 1]) if number else 0
        return bytes(self.joined[start : int(self.ends[number])]).decode()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Keep texts."""
        parts = [text.encode() for text in texts]
        ends = np.cumsum([len(part) for part in parts], dtype=np.uint64)
        return cls(np.frombuffer(b"".join(parts), np.uint8), ends)

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME.joined.npy` and `NAME.ends.npy`."""
        np.save(folder / f"{name}.joined.npy", self.joined, allow_pickle=False)
        np.save(folder / f"{name}.ends.npy", self.ends, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, name: str) -> Texts:
        """Map `NAME.joined.npy` and `NAME.ends.npy`.

        Raises:
            OSError, ValueError: missing, cut short or no such file.
        """
        joined, ends = (
            map_array(folder / f"{name}.joined.npy"),
            map_array(folder / f"{name}.ends.npy"),
        )
        if len(ends) and int(ends[-1]) != len(joined):
            raise ValueError(f"{name}: {len(joined)} bytes, {int(ends[-1])} expected")
        return cls(joined, ends)
