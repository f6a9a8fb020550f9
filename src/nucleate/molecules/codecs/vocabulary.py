"""Which molecules of a training set a codec's vocabulary is learnt from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

_RARE = 64  # molecules that show a SMILES token before it counts as covered
# Atoms, bonds and ring closures of a SMILES with the bond mark before them.
_SMILES_TOKEN = re.compile(r"[-=#/\\]?(?:\[[^\]]+\]|Br|Cl|[A-Za-z]|%\d\d|\d)")


def chosen_molecules(smiles: Sequence[str], count: int, seed: int) -> Iterable[str]:
    """A random sample and, besides, every molecule with a SMILES token that few others show.

    A codec's symbols follow from SMILES tokens, so the rare symbols of a large training set are
    found without writing all of it in the codec's terms.
    """
    if len(smiles) <= count:
        yield from smiles
        return
    order = np.random.default_rng(seed).permutation(len(smiles))
    yield from (smiles[i] for i in np.sort(order[:count]))
    shown: Counter[str] = Counter()
    for i in np.sort(order[count:]):
        tokens = set(_SMILES_TOKEN.findall(smiles[i]))
        if any(shown[t] < _RARE for t in tokens):
            yield smiles[i]
        shown.update(tokens)
