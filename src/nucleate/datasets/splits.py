"""Training, validation and test: whole groups, by a seeded hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.config import SplitSettings

SPLITS = ("train", "validation", "test")


def assign(groups: Sequence[str], settings: SplitSettings, seed: int) -> NDArray[np.int8]:
    """Index into `SPLITS` for each row; rows of equal group never part.

    Groups come in the order of a hash of seed and group, so that the result does not depend on the
    order of the rows. Each goes to the first of test and validation that still has room for it,
    else to training: groups larger than a held-out split are trained on.

    Args:
        groups: one per row.
    """
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda group: _hash(seed, group))
    total = len(groups)
    room = {
        name: max(1, round(share * total)) if share > 0 else 0
        for name, share in (("test", settings.test), ("validation", settings.validation))
    }
    wanted = [name for name, places in room.items() if places]
    chosen = dict.fromkeys(order[:1], "train")  # which is never empty
    for group in order[1:]:
        split = next((name for name, places in room.items() if places >= sizes[group]), "train")
        if split != "train":
            room[split] -= sizes[group]
        chosen[group] = split
    for name in wanted:
        _never_empty(name, chosen, order, sizes)
    codes = {name: code for code, name in enumerate(SPLITS)}
    return np.fromiter((codes[chosen[group]] for group in groups), np.int8, total)


def _never_empty(name: str, chosen: dict[str, str], order: list[str], sizes: Counter[str]) -> None:
    """Give a wanted split that no group fitted into the smallest group of the training set."""
    if name in chosen.values():
        return
    trained = [group for group in order if chosen[group] == "train"]
    if len(trained) > 1:
        chosen[min(trained, key=lambda group: sizes[group])] = name


def _hash(seed: int, group: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{group}".encode(), digest_size=12).digest()
