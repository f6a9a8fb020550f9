"""What stands beside every figure of a generator: sets that no model made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nucleate.core.parallel import map_ordered

CHUNK = 500
POOL_FROM = 2000
EDITS = 2
"""Changed SELFIES symbols of a perturbed molecule."""


def replayed(train: Sequence[str], count: int, seed: int) -> list[str]:
    """Random training molecules, without repetition: at most all of them."""
    order = np.random.default_rng(seed).permutation(len(train))[:count]
    return [train[i] for i in order]


def _symbols(smiles: str) -> list[str]:
    import selfies

    try:
        return list(selfies.split_selfies(selfies.encoder(smiles)))
    except selfies.EncoderError:
        return []  # beyond SELFIES' valence rules: leaves the set, which is large


def _split_chunk(chunk: list[str]) -> list[list[str]]:
    return [_symbols(smiles) for smiles in chunk]


def _write_chunk(chunk: list[list[str]]) -> list[str]:
    import selfies

    selfies.set_semantic_constraints()  # a codec of this process may have set others
    return [selfies.decoder("".join(symbols)) for symbols in chunk]


def _spread(function: Any, items: Sequence[Any], processes: int) -> list[Any]:
    chunks = [list(items[i : i + CHUNK]) for i in range(0, len(items), CHUNK)]
    workers = 1 if len(items) < POOL_FROM else processes
    return [value for part in map_ordered(function, chunks, processes=workers) for value in part]


def perturbed_and_random(
    train: Sequence[str], count: int, seed: int, processes: int = 1
) -> tuple[list[str | None], list[str | None]]:
    """Two controls of `count` SMILES at most, from the same training molecules.

    Returns:
        Training molecules with `EDITS` SELFIES symbols replaced, each by a symbol drawn from the
        training set's frequencies; and random SELFIES: their lengths, all symbols drawn so. None
        where nothing is left of the string.
    """
    chosen = replayed(train, count, seed)
    rows = [symbols for symbols in _spread(_split_chunk, chosen, processes) if symbols]
    if not rows:
        return [], []
    rng = np.random.default_rng(seed)
    pool = np.array([symbol for symbols in rows for symbol in symbols])
    changed = []
    for symbols in rows:
        places = rng.choice(len(symbols), min(EDITS, len(symbols)), replace=False)
        edited = list(symbols)
        for place, symbol in zip(places, rng.choice(pool, len(places)), strict=True):
            edited[place] = str(symbol)
        changed.append(edited)
    drawn = [[str(s) for s in rng.choice(pool, len(symbols))] for symbols in rows]
    written = _spread(_write_chunk, [*changed, *drawn], processes)
    texts = [text or None for text in written]
    return texts[: len(rows)], texts[len(rows) :]
