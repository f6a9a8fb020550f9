"""Bond-valence sums: how well an atom's bonds add up to its oxidation state.

A bond of length d between atoms of opposite charge has the valence exp((R - d) / 0.37 A), and R
follows from two numbers of each element (O'Keeffe and Brese 1991, doi:10.1021/ja00009a002), as
pymatgen tabulates them for `pymatgen.analysis.bond_valence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.geometry.contacts import Contacts

SOFTNESS = 0.37
"""Angstrom, the same for all bonds."""


@dataclass(frozen=True)
class BondValence:
    """Sums of a crystal's bond valences.

    Attributes:
        sums: [n], valence units.
        expected: [n], absolute oxidation states.
        instability: global instability index, the root mean square deviation (Salinas-Sanchez et
            al. 1992), valence units.
        worst: place of the atom whose sum deviates most.
    """

    sums: NDArray[np.float64]
    expected: NDArray[np.float64]
    instability: float
    worst: int


@cache
def _parameters() -> NDArray[np.float64]:
    """Size (angstrom) and electronegativity by atomic number [len(SYMBOLS) + 1, 2]; NaN where
    there are none."""
    from nucleate.core.quiet import silenced

    with silenced():
        from pymatgen.analysis.bond_valence import BV_PARAMS
    out = np.full((len(SYMBOLS) + 1, 2), np.nan)
    for element, values in BV_PARAMS.items():
        if str(element) in NUMBERS:
            out[NUMBERS[str(element)]] = values["r"], values["c"]
    return out


def bond_valence(contacts: Contacts) -> BondValence | None:
    """Bond-valence sums of a crystal.

    Returns:
        None where the sums have no meaning: no oxidation states, an element without charge or
        without parameters.
    """
    charges = contacts.charges
    size, softness = _parameters()[contacts.numbers].T
    if not (np.isfinite(charges).all() and np.abs(charges).min() > 0 and np.isfinite(size).all()):
        return None
    i, j = contacts.first, contacts.second
    apart = size[i] * size[j] * (np.sqrt(softness[i]) - np.sqrt(softness[j])) ** 2
    length = size[i] + size[j] - apart / (softness[i] * size[i] + softness[j] * size[j])
    valence = np.exp((length - contacts.distance) / SOFTNESS)
    valence[charges[i] * charges[j] > 0] = 0.0
    sums = np.bincount(i, valence, minlength=len(charges)).astype(np.float64)
    expected = np.abs(charges)
    deviation = sums - expected
    instability = float(np.sqrt(np.mean(deviation**2)))
    return BondValence(sums, expected, instability, int(np.abs(deviation).argmax()))
