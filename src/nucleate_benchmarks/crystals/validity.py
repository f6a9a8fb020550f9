"""Whether crystals are valid as the field counts it: shortest distances, volume, SMACT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.core.errors import NucleateError
from nucleate.crystals.checks.chemistry import smact_valid
from nucleate.crystals.geometry.describe import describe, reduced_formula
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.wyckoff_string import expand

SHORTEST = 0.5
"""Angstrom; CDVAE's structural validity asks for more."""
SMALLEST_VOLUME = 0.1
"""Cubic angstrom of a cell; CDVAE's structural validity asks for at least this."""
SCALED = 0.7
"""Ratio to the sum of covalent radii (Cordero et al. 2008) that we ask of the closest contact."""
PUBLISHED_SET = "smact14"
"""SMACT's oxidation states that published figures rest on."""
DEFAULT_SET = "icsd24"
"""SMACT's own default since its version 3."""


@dataclass(frozen=True)
class Described:
    """What one crystal is worth.

    Attributes:
        legal: it is a complete gene that can be rebuilt.
        apart: closest contact over `SHORTEST`, volume over `SMALLEST_VOLUME`.
        contacts: closest contact at least `SCALED` of the covalent radii.
        neutral: SMACT's verdict with `PUBLISHED_SET`.
        neutral_default: SMACT's verdict with `DEFAULT_SET`.
        density: g/cm3.
        elements: number of different elements.
        space_group: number.
    """

    legal: bool = False
    apart: bool = False
    contacts: bool = False
    neutral: bool = False
    neutral_default: bool = False
    density: float = float("nan")
    elements: int = 0
    space_group: int = 0

    @property
    def valid(self) -> bool:
        """CDVAE's validity: of structure and of composition."""
        return self.apart and self.neutral


def neutral(crystal: str, oxidation_states: str = PUBLISHED_SET) -> bool:
    """SMACT's verdict on the composition, with its test of electronegativities and with alloys."""
    return smact_valid(reduced_formula(crystal), oxidation_states, True, True)


def describe_one(crystal: str | None) -> Described:
    """Validity and plain numbers of a Wyckoff string; nothing holds of None or of nonsense."""
    if crystal is None:
        return Described()
    try:
        lattice, coordinates, numbers = expand(crystal)
        found = nearest(lattice, coordinates, numbers)
        numbers_of = describe(crystal)
        return Described(
            legal=True,
            apart=found.distance > SHORTEST and abs(np.linalg.det(lattice)) >= SMALLEST_VOLUME,
            contacts=found.scaled >= SCALED,
            neutral=neutral(crystal),
            neutral_default=neutral(crystal, DEFAULT_SET),
            density=numbers_of["density"],
            elements=numbers_of["elements"],
            space_group=numbers_of["space_group_number"],
        )
    except (NucleateError, ValueError, ArithmeticError):
        return Described()


def describe_all(crystals: Sequence[str | None]) -> list[Described]:
    """`describe_one` of many."""
    return [describe_one(crystal) for crystal in crystals]
