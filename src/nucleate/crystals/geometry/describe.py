"""Columns for people: formula, symmetry, density."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.core.quiet import silenced
from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string


@lru_cache(maxsize=8192)
def cell(
    crystal: str,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Lattice, fractional coordinates and atomic numbers of the primitive cell; do not change.

    Raises:
        StructureError: not a Wyckoff string.
    """
    return expand(crystal)


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
    from pymatgen.core import Element

    with silenced():
        values = {symbol: float(Element(symbol).X) for symbol in SYMBOLS}
    return {symbol: 10.0 if math.isnan(x) else x for symbol, x in values.items()}


def by_electronegativity(symbols: Iterable[str]) -> list[str]:
    """Symbols by rising electronegativity, then by the alphabet."""
    values = electronegativities()
    return sorted(symbols, key=lambda symbol: (values[symbol], symbol))


def composition(structure: str) -> dict[str, int]:
    """Atoms of each element in the primitive cell of a Wyckoff string."""
    return from_string(structure).composition


def fractions_of(crystal: str) -> NDArray[np.float64]:
    """Atomic fractions by atomic number, [len(NUMBERS) + 1]; the first place is empty.

    Raises:
        StructureError: not a Wyckoff string.
    """
    amounts = np.zeros(len(NUMBERS) + 1)
    for symbol, count in composition(crystal).items():
        amounts[NUMBERS[symbol]] = count
    return amounts / amounts.sum()


def reduced_formula(structure: str) -> str:
    """Formula in lowest terms, elements by rising electronegativity: `Na2SO4`."""
    count = composition(structure)
    divisor = math.gcd(*count.values())
    return "".join(
        symbol + (str(count[symbol] // divisor) if count[symbol] > divisor else "")
        for symbol in by_electronegativity(count)
    )


def title(structure: str) -> str:
    """Formula, symbol and number of the space group; the string itself if it cannot be read."""
    try:
        return f"{reduced_formula(structure)}, {from_string(structure).group.title}"
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
