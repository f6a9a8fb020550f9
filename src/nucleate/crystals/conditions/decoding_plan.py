"""Ways to write crystals within given sizes, or of a given composition; what to say if none can
be."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.crystals.conditions.constrained_legality import (
    BoundedLegality,
    ConstrainedLegality,
    DecodingRequest,
    FilledLegality,
)
from nucleate.crystals.conditions.feasibility import Filling, Range, Reach, places
from nucleate.crystals.conditions.options import ranges_text

_FURTHER_ATOMS = 100
"""Atoms up to which numbers of formula units are named that a model with more room could write."""
_LARGEST_TABLE = 100_000
_USUAL_TABLE = 15_000
"""Numbers of atoms of each element that are told apart: the tables take seconds beyond."""


class DecodingPlan(ABC):
    """A way to write crystals that meet the conditions.

    Attributes:
        groups: numbers of the space groups in which that is possible.
        units: numbers of formula units that are told apart.
        notes: what a person should know.
    """

    groups: list[int]
    units: list[int]
    notes: list[str]

    @abstractmethod
    def legality(self, ways: NDArray[np.int64]) -> ConstrainedLegality:
        """Masks of n rows; ways are indices of `units`, [n]."""


class SizePlan(DecodingPlan):
    """Sites and atoms within ranges, elements of a list.

    Raises:
        SettingsError: no crystal meets the conditions; says what could be.
    """

    def __init__(self, wanted: DecodingRequest):
        self.wanted, self.units, self.notes = wanted, [1], []
        self.reach = Reach(wanted.sites, wanted.atoms, len(wanted.required))
        self.groups = [number for number in wanted.candidates if self.reach.starts(number)]
        if not self.groups:
            self._refuse()
        self.tables = BoundedLegality.tables_of(self.reach, self.groups)

    def legality(self, ways: NDArray[np.int64]) -> ConstrainedLegality:
        return BoundedLegality(self.wanted, self.tables, self.groups, len(ways))

    def _refuse(self) -> None:
        wanted, required = self.wanted, len(self.wanted.required)
        have = f"{wanted.sites} sites and {wanted.atoms} atoms in the primitive cell"
        elements = f" and {required} elements" if required else ""
        if required > min(wanted.sites.high, wanted.atoms.high):
            raise SettingsError(
                f"{required} elements need as many sites and atoms; the crystals have {have}"
            )
        others = [n for n in range(1, 231) if self.reach.starts(n)]
        least = min(min(size for size, _ in places(number)) for number in wanted.candidates)
        limits = (
            f"the smallest crystal there has {least} atoms"
            if least > wanted.atoms.high
            else "other numbers of sites or atoms would do, of at most "
            f"{wanted.schema.maximum_steps} sites and {wanted.schema.options['maximum_atoms']} "
            "atoms"
        )
        could = (
            f"; space groups that can: {ranges_text(others)}" if others else "; no space group can"
        )
        raise SettingsError(f"{wanted.groups_text} cannot have {have}{elements}: {limits}{could}")


class FormulaPlan(DecodingPlan):
    """A composition.

    Raises:
        SettingsError: no crystal meets the conditions; says what could be.
    """

    def __init__(self, wanted: DecodingRequest):
        self.wanted, self.notes = wanted, []
        self.counts = list(wanted.formula.values())
        self.size = sum(self.counts)
        candidates, possible = wanted.candidates, self._possible()
        units = self._cut(possible)
        fits = self._fits(candidates, units)
        if not fits.any() and units != possible:
            units = possible
            fits = self._fits(candidates, units)
        if not fits.any():
            self._refuse(units, self._fits(range(1, 231), units))
        if units != possible:
            left_out = ranges_text(range(units.high + 1, possible.high + 1))
            self.notes.append(
                f"{left_out} formula units were left out; formula_units asks for them"
            )
        rows = np.flatnonzero(fits.any(1))
        self.fits, self.units = fits[rows], (units.low + rows).tolist()
        self.groups = (np.flatnonzero(fits.any(0)) + 1).tolist()
        self.tables = self.filling.stack(self.groups)

    def legality(self, ways: NDArray[np.int64]) -> ConstrainedLegality:
        shape = self.filling.shape
        return FilledLegality(self.wanted, shape, self.tables, self.fits, self.units, ways)

    def _fits(self, groups: Iterable[int], units: Range) -> NDArray[np.bool_]:
        """Which groups can hold each number of formula units, bool [numbers, 230]."""
        counts, sites = self.counts, self.wanted.sites
        self.filling = Filling([n * units.high for n in counts], sites.high)
        fits = np.zeros((units.high - units.low + 1, 230), bool)
        for row, unit in enumerate(range(units.low, units.high + 1)):
            for number in groups:
                found = self.filling.sites(number, [n * unit for n in counts])
                fits[row, number - 1] = any(n >= sites.low for n in found)
        return fits

    def _cut(self, units: Range) -> Range:
        """Without numbers of formula units that nobody asked for and that cost much."""
        high = units.high
        while high > units.low and self.wanted.asked.formula_units is None:
            if math.prod(n * high + 1 for n in self.counts) <= _USUAL_TABLE:
                break
            high -= 1
        return Range(units.low, high)

    def _possible(self) -> Range:
        """Numbers of formula units that the number of atoms admits."""
        size, atoms = self.size, self.wanted.atoms
        low, high = max(1, math.ceil(atoms.low / size)), atoms.high // size
        name, wanted = self.wanted.asked.composition, self.wanted.asked.formula_units
        limit = f"{atoms} atoms in the primitive cell"
        if high < low:
            raise SettingsError(
                f"composition {name}: a formula unit has {size} atoms, but crystals have {limit}"
                + ("" if high < 1 else f"; {high * size} or {(high + 1) * size} atoms would do")
            )
        if wanted is None:
            return Range(low, high)
        if wanted[0] > high or wanted[1] < low:
            raise SettingsError(
                f"formula_units {Range(*wanted)}: with {limit}, {name} has {Range(low, high)}"
            )
        return Range(max(low, wanted[0]), min(high, wanted[1]))

    def _refuse(self, units: Range, fits: NDArray[np.bool_]) -> None:
        wanted, size = self.wanted, self.size
        every = Range(1, wanted.schema.maximum_steps)
        with_sites = "" if wanted.sites == every else f" and {wanted.sites} sites"
        others = (np.flatnonzero(fits.any(0)) + 1).tolist()
        could = f"space groups that can: {ranges_text(others)}" if others else "no space group can"
        more = ""
        if further := self._further(units):
            more = (
                f"; with {ranges_text(further)} formula units "
                f"({ranges_text([n * size for n in further])} atoms) it could be done"
            )
        raise SettingsError(
            f"composition {wanted.asked.composition} cannot fill {wanted.groups_text} with "
            f"{units} formula unit{'s' * (units.high > 1)} "
            f"({Range(units.low * size, units.high * size)} atoms in the "
            f"primitive cell){with_sites}; {could}{more}"
        )

    def _further(self, units: Range) -> list[int]:
        """Numbers of formula units, few or many, that do fit one of the groups."""
        highest = max(units.high, _FURTHER_ATOMS // self.size)
        while highest > units.high:
            if math.prod(n * highest + 1 for n in self.counts) <= _LARGEST_TABLE:
                break
            highest -= 1
        sites = self.wanted.sites
        filling = Filling([n * highest for n in self.counts], sites.high)
        return [
            unit
            for unit in range(1, highest + 1)
            if any(
                max(filling.sites(number, [n * unit for n in self.counts]), default=0) >= sites.low
                for number in self.wanted.candidates
            )
        ]
