"""Pairs of near atoms of a crystal, found once for all checks that look at them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.geometry.describe import cell, reduced_formula
from nucleate.crystals.geometry.distances import covalent_radii, pairs_within
from nucleate.crystals.geometry.oxidation import oxidation_states

REACH = 5.0
"""Angstrom; the longest bond, caesium's to iodine, has 4."""
MOST_PAIRS = 2_000_000
"""Pairs beyond which a crystal is too dense, or too large, to be looked at."""
LARGEST_VOLUME = 2000.0
"""A^3 per atom beyond which the search for neighbours would only go through empty boxes."""
OCTET = {
    **dict.fromkeys(("H", "F", "Cl", "Br", "I"), -1),
    **dict.fromkeys(("O", "S", "Se", "Te"), -2),
    **dict.fromkeys(("N", "P", "As", "Sb", "Bi"), -3),
    **dict.fromkeys(("C", "Si", "Ge", "Sn"), -4),
}
"""Charge of an anion whose shell is full, so that it bonds to none of its own kind."""


@dataclass(frozen=True)
class Contacts:
    """Each atom of the primitive cell with each neighbour within `REACH`, both ways.

    Attributes:
        numbers: [n], atomic numbers.
        charges: [n], oxidation states, averaged over an element's atoms; NaN where none is known.
        first, second: [pairs], atoms.
        distance: [pairs], angstrom.
        scaled: [pairs], over the sum of covalent radii (Cordero et al. 2008).
    """

    numbers: NDArray[np.int64]
    charges: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[np.float64]
    scaled: NDArray[np.float64]

    @property
    def symbols(self) -> list[str]:
        """Of each atom."""
        return [SYMBOLS[number - 1] for number in self.numbers.tolist()]

    def closest(self) -> NDArray[np.float64]:
        """Least scaled distance of each atom [n]; infinite without neighbours."""
        out = np.full(len(self.numbers), np.inf)
        np.minimum.at(out, self.first, self.scaled)
        return out

    def full_shells(self) -> NDArray[np.bool_]:
        """Whether each atom is an anion with a full shell, by its oxidation state, [n]."""
        octets = [OCTET.get(symbol, -np.inf) for symbol in self.symbols]
        return np.nan_to_num(self.charges, nan=np.inf) <= np.array(octets) + 0.05


@lru_cache(maxsize=64)
def contacts(crystal: str) -> Contacts:
    """The contacts of a Wyckoff string; do not change.

    Raises:
        StructureError: `not_a_wyckoff_string`, `too_many_contacts`, `too_few_contacts`.
    """
    lattice, coordinates, numbers = cell(crystal)
    volume = abs(float(np.linalg.det(lattice)))
    if volume > LARGEST_VOLUME * len(numbers):
        raise StructureError("too_few_contacts", f"{volume / len(numbers):.3g} A^3 per atom")
    expected = len(numbers) ** 2 * 4.19 * REACH**3 / max(volume, 1e-9)
    if not expected < MOST_PAIRS:
        raise StructureError(
            "too_many_contacts", f"{len(numbers)} atoms in a cell of {volume:.3g} A^3"
        )
    points = np.ascontiguousarray(coordinates @ lattice)
    first, second, distance = pairs_within(points, np.ascontiguousarray(lattice), REACH)
    radii = covalent_radii()[numbers]
    states = oxidation_states(reduced_formula(crystal))
    charges = [states.get(SYMBOLS[number - 1], np.nan) for number in numbers.tolist()]
    scaled = distance / (radii[first] + radii[second])
    return Contacts(numbers, np.array(charges), first, second, distance, scaled)


@cache
def metals() -> NDArray[np.bool_]:
    """Whether an element is a metal, by atomic number (SMACT's list), [len(SYMBOLS) + 1]."""
    from nucleate.core.quiet import silenced

    with silenced():
        import smact

        known = set(smact.metals)
    return np.array([False, *(symbol in known for symbol in SYMBOLS)])
