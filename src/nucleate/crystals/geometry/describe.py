"""What people want to read of a crystal: formula, symmetry, density."""

from __future__ import annotations

import math
from functools import cache, lru_cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string


@lru_cache(maxsize=8192)
def cell(
    crystal: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Lattice, fractional coordinates and atomic numbers of the primitive cell; do not change.

    Raises:
        StructureError: not a Wyckoff string.
    """
    return expand(from_string(crystal))


GRAMS_PER_CC = 1.66053906660
"""Atomic mass units per cubic angstrom, in g/cm3 (CODATA 2018)."""


@cache
def atomic_masses() -> tuple[float, ...]:
    """By atomic number, hydrogen first, atomic mass units (IUPAC, as tabulated in ASE)."""
    from ase.data import atomic_masses as masses

    return tuple(float(mass) for mass in masses[1 : len(SYMBOLS) + 1])


@cache
def electronegativities() -> dict[str, float]:
    """Pauling's, by symbol; 10 where there is none, as for the light noble gases."""
    import warnings

    from pymatgen.core import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = {symbol: float(Element(symbol).X) for symbol in SYMBOLS}
    return {symbol: 10.0 if math.isnan(x) else x for symbol, x in values.items()}


def composition(structure: str) -> dict[str, int]:
    """Atoms of each element in the primitive cell of a Wyckoff string."""
    return from_string(structure).composition


def reduced_formula(structure: str) -> str:
    """Formula in lowest terms, elements by rising electronegativity: `Na2SO4`."""
    count = composition(structure)
    divisor = reduce(math.gcd, count.values())
    ordered = sorted(count, key=lambda symbol: (electronegativities()[symbol], symbol))
    return "".join(
        symbol + (str(count[symbol] // divisor) if count[symbol] > divisor else "")
        for symbol in ordered
    )


def title(structure: str) -> str:
    """Formula, symbol and number of the space group; the string itself if it cannot be read."""
    try:
        group = from_string(structure).group
        return f"{reduced_formula(structure)}, {group.symbol} ({group.number})"
    except StructureError:
        return structure


def describe(structure: str) -> dict[str, Any]:
    """Columns for people. Lengths in angstrom, volume in cubic angstrom, density in g/cm3."""
    gene = from_string(structure)
    lattice, _, numbers = expand(gene)
    volume = abs(float(np.linalg.det(lattice)))
    mass = sum(atomic_masses()[number - 1] for number in numbers.tolist())
    return {
        "formula": reduced_formula(structure),
        "space_group": gene.group.symbol,
        "space_group_number": gene.space_group,
        "crystal_system": gene.group.system,
        "sites": len(gene.sites),
        "atoms": len(numbers),
        "elements": len({site.element for site in gene.sites}),
        "volume_per_atom": round(volume / len(numbers), 4),
        "density": round(GRAMS_PER_CC * mass / volume, 4),
    }
