"""Training, validation and test: whole groups, by a seeded hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.settings.data import SplitSettings

SPLITS = ("train", "validation", "test")


def divide(
    groups: Sequence[str],
    roles: Sequence[str | None],
    settings: SplitSettings,
    seed: int,
    eligible: NDArray[np.bool_] | None = None,
) -> NDArray[np.int8]:
    """Index into `SPLITS` for each row: its role where it has one, else by `assign`.

    A split that rows have as their role gets no others. Groups are kept together among the rows
    without a role only.

    Args:
        groups: one per row, like `roles` and `eligible`.

    Raises:
        SettingsError: see `assign`.
    """
    codes = {name: code for code, name in enumerate(SPLITS)}
    split = np.array([codes[role] if role else -1 for role in roles], np.int8)
    rest = np.flatnonzero(split < 0)
    if len(rest):
        given = {name: 0.0 for name in SPLITS[1:] if name in roles}
        left = settings.model_copy(update=given)
        allowed = None if eligible is None else eligible[rest]
        split[rest] = assign([groups[i] for i in rest.tolist()], left, seed, allowed)
    return split


def assign(
    groups: Sequence[str],
    settings: SplitSettings,
    seed: int,
    eligible: NDArray[np.bool_] | None = None,
) -> NDArray[np.int8]:
    """Index into `SPLITS` for each row; rows of equal group never part.

    Groups come in the order of a hash of seed and group, so that the result does not depend on the
    order of the rows. Each goes to the first of test and validation that still has room for it,
    else to training: groups larger than a held-out split are trained on.

    Args:
        groups: one per row.
        eligible: which rows may be held out (all if None). A group may if all its rows may.

    Raises:
        SettingsError: more rows are asked for by number than there are to hold out.
    """
    sizes = Counter(groups)
    total = len(groups)
    barred: set[str] = set()
    if eligible is not None:
        barred = {group for group, allowed in zip(groups, eligible, strict=True) if not allowed}
    order = sorted(sizes.keys() - barred, key=lambda group: _hash(seed, group))
    available = sum(sizes[group] for group in order)
    room = {name: _places(share, available) for name, share in _shares(settings).items()}
    _check_counts(settings, available, total)
    wanted = [name for name, places in room.items() if places]
    chosen = dict.fromkeys(barred, "train")
    if not barred:
        chosen = dict.fromkeys(order[:1], "train")  # which is never empty
    for group in order if barred else order[1:]:
        split = next((name for name, places in room.items() if places >= sizes[group]), "train")
        if split != "train":
            room[split] -= sizes[group]
        chosen[group] = split
    for name in wanted:
        _never_empty(name, chosen, order, sizes)
    codes = {name: code for code, name in enumerate(SPLITS)}
    return np.fromiter((codes[chosen[group]] for group in groups), np.int8, total)


def _shares(settings: SplitSettings) -> dict[str, float | int]:
    return {"test": settings.test, "validation": settings.validation}


def _places(share: float | int, available: int) -> int:
    """Rows that a split asks for: a count as it is, a share of those that may be held out."""
    if isinstance(share, int):
        return share
    return max(1, round(share * available)) if share > 0 else 0


def _check_counts(settings: SplitSettings, available: int, total: int) -> None:
    counts = {name: n for name, n in _shares(settings).items() if isinstance(n, int)}
    asked = sum(counts.values())
    if not counts or (asked <= available and asked < total):
        return
    wanted = " and ".join(f"{count} for {name}" for name, count in counts.items())
    raise SettingsError(
        f"split: {wanted} are asked for, but only {available} of {total} distinct rows may be "
        "held out, and some must be left to train on; ask for fewer or widen `hold_out`"
    )


def _never_empty(name: str, chosen: dict[str, str], order: list[str], sizes: Counter[str]) -> None:
    """Give a wanted split that no group fitted into the smallest group of the training set."""
    if name in chosen.values():
        return
    trained = [group for group in order if chosen[group] == "train"]
    if trained and sum(split == "train" for split in chosen.values()) > 1:
        chosen[min(trained, key=lambda group: sizes[group])] = name


def _hash(seed: int, group: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{group}".encode(), digest_size=12).digest()
