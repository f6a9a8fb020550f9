"""Conditions on crystals that the decoder itself is made to keep, and what to say if it cannot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals import elements
from nucleate.crystals.codec import WyckoffCodec
from nucleate.crystals.conditions import CrystalConditions, asked_range, formula
from nucleate.crystals.constrained import BoundedLegality, ConstrainedLegality, FilledLegality
from nucleate.crystals.describe import composition
from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.feasibility import Filling, Range, Reach
from nucleate.crystals.gene import from_string
from nucleate.crystals.symmetry import space_group
from nucleate.errors import SettingsError
from nucleate.generation.guide import Columns, Constraint
from nucleate.vae.legality import Legality

_FURTHER_ATOMS = 100
"""Atoms up to which numbers of formula units are named that a model with more room could write."""
_LARGEST_TABLE = 100_000
_USUAL_TABLE = 15_000
"""Numbers of atoms of each element that are told apart: the tables take seconds beyond."""


class CrystalConstraint(Constraint):
    """Space groups, elements, numbers of sites and atoms, a composition.

    Args:
        asked: the conditions.
        codec: of the model.

    Raises:
        SettingsError: nothing that the codec holds can meet them; says what could be.
    """

    def __init__(self, asked: CrystalConditions, codec: WyckoffCodec):
        self.asked, self.codec = asked, codec
        most_sites, most_atoms = codec.options.maximum_sites, codec.options.maximum_atoms
        self.formula = {} if asked.composition is None else formula(asked.composition)
        try:
            self.sites = asked_range(asked.minimum_sites, asked.maximum_sites, most_sites, "sites")
            self.atoms = asked_range(asked.minimum_atoms, asked.maximum_atoms, most_atoms, "atoms")
        except ValueError as error:
            raise SettingsError(str(error)) from None
        self.elements, self.required = self._elements()
        self.notes: list[str] = []
        candidates = asked.space_group or tuple(range(1, 231))
        self.groups = self._filled(candidates) if self.formula else self._bounded(candidates)
        left_out = sorted(set(candidates) - set(self.groups)) if asked.space_group else []
        if left_out:
            self.notes.append(
                f"space groups that cannot meet the conditions were left out: {listed(left_out)}"
            )

    def _elements(self) -> tuple[list[int], list[int]]:
        """Atomic numbers that may occur, and those that must."""
        asked = self.asked
        for what, symbols in (
            ("chemical_system", asked.chemical_system),
            ("include", asked.include),
            ("composition", tuple(self.formula)),
        ):
            for symbol in symbols:
                self._known(symbol, what)
        named = set(self.formula) or set(asked.chemical_system)
        allowed = {NUMBERS[s] for s in named} if named else set(self.supported)
        allowed -= {NUMBERS[s] for s in asked.exclude}
        if not allowed:
            raise SettingsError("exclude: no element is left")
        exact = bool(self.formula) or not asked.subsets
        required = {NUMBERS[s] for s in named} if exact else set()
        return sorted(allowed), sorted(required | {NUMBERS[s] for s in asked.include})

    @cached_property
    def supported(self) -> set[int]:
        """Atomic numbers that the codec accepts."""
        return set(elements.supported(self.codec.options.noble_gases))

    def _known(self, symbol: str, what: str) -> None:
        number = NUMBERS[symbol]
        seen = (self.codec.seen & self.supported) or self.supported
        if number in seen:
            return
        refusal = elements.refusal(number, self.codec.options.noble_gases)
        why = refusal or f"the model was trained on no crystal with {symbol}"
        known = ", ".join(SYMBOLS[z - 1] for z in sorted(seen))
        raise SettingsError(f"{what}: {why}; the model knows {known}")

    # Without a composition

    def _bounded(self, candidates: Sequence[int]) -> list[int]:
        self.reach = Reach(self.sites, self.atoms, len(self.required))
        groups = [number for number in candidates if self.reach.starts(number)]
        if not groups:
            self._say_what_would_do(candidates)
        self.tables = BoundedLegality.tables_of(self.reach, groups)
        return groups

    def _say_what_would_do(self, candidates: Sequence[int]) -> None:
        have = f"{self.sites} sites and {self.atoms} atoms in the primitive cell"
        elements = f" and {len(self.required)} elements" if self.required else ""
        if len(self.required) > min(self.sites.high, self.atoms.high):
            raise SettingsError(
                f"{len(self.required)} elements need as many sites and atoms; the crystals have "
                f"{have}"
            )
        others = [n for n in range(1, 231) if self.reach.starts(n)]
        least = min(_smallest(number) for number in candidates)
        limits = (
            f"the smallest crystal there has {least} atoms"
            if least > self.atoms.high
            else f"other numbers of sites or atoms would do, of at most "
            f"{self.codec.options.maximum_sites} sites and {self.codec.options.maximum_atoms} atoms"
        )
        could = f"; space groups that can: {listed(others)}" if others else "; no space group can"
        raise SettingsError(
            f"{_groups_text(self.asked)} cannot have {have}{elements}: {limits}{could}"
        )

    # With one

    def _filled(self, candidates: Sequence[int]) -> list[int]:
        possible = self._units(sum(self.formula.values()))
        units = self._cut(possible)
        fits = self._fits(candidates, units)
        if not fits.any() and units != possible:
            units = possible
            fits = self._fits(candidates, units)
        if not fits.any():
            self._say_what_would_fill(candidates, units, self._fits(range(1, 231), units))
        if units != possible:
            left_out = listed(range(units.high + 1, possible.high + 1))
            self.notes.append(
                f"{left_out} formula units were left out; formula_units asks for them"
            )
        rows = np.flatnonzero(fits.any(1))
        self.fits, self.units = fits[rows], (units.low + rows).tolist()
        groups: list[int] = (np.flatnonzero(fits.any(0)) + 1).tolist()
        self.tables_of_filling = self.filling.stacked(groups)
        return groups

    def _fits(self, groups: Iterable[int], units: Range) -> NDArray[np.bool_]:
        """Which groups can hold each number of formula units, bool [numbers, 230]."""
        counts = list(self.formula.values())
        self.filling = Filling([n * units.high for n in counts], self.sites.high)
        fits = np.zeros((units.high - units.low + 1, 230), bool)
        for row, unit in enumerate(range(units.low, units.high + 1)):
            for number in groups:
                found = self.filling.sites(number, [n * unit for n in counts])
                fits[row, number - 1] = any(n >= self.sites.low for n in found)
        return fits

    def _cut(self, units: Range) -> Range:
        """Without numbers of formula units that nobody asked for and that cost much."""
        high = units.high
        while high > units.low and self.asked.formula_units is None:
            if math.prod(n * high + 1 for n in self.formula.values()) <= _USUAL_TABLE:
                break
            high -= 1
        return Range(units.low, high)

    def _units(self, size: int) -> Range:
        """Numbers of formula units that the number of atoms admits."""
        low = max(1, math.ceil(self.atoms.low / size))
        high, wanted = self.atoms.high // size, self.asked.formula_units
        name = self.asked.composition
        limit = f"{self.atoms} atoms in the primitive cell"
        if high < low:
            raise SettingsError(
                f"composition {name}: a formula unit has {size} atoms, but crystals have {limit}"
                + ("" if high < 1 else f"; {_near(self.atoms, size)} would do")
            )
        if wanted is None:
            return Range(low, high)
        if wanted[0] > high or wanted[1] < low:
            raise SettingsError(
                f"formula_units {Range(*wanted)}: with {limit}, {name} has {Range(low, high)}"
            )
        return Range(max(low, wanted[0]), min(high, wanted[1]))

    def _say_what_would_fill(
        self, candidates: Sequence[int], units: Range, fits: NDArray[np.bool_]
    ) -> None:
        size = sum(self.formula.values())
        with_sites = "" if self.sites.low == 1 else f" and {self.sites} sites"
        others = (np.flatnonzero(fits.any(0)) + 1).tolist()
        could = f"space groups that can: {listed(others)}" if others else "no space group can"
        further = self._further_units(candidates, units)
        more = (
            ""
            if not further
            else f"; with {listed(further)} formula units "
            f"({listed([n * size for n in further])} atoms) it could be done"
        )
        raise SettingsError(
            f"composition {self.asked.composition} cannot fill {_groups_text(self.asked)} with "
            f"{units} formula units ({Range(units.low * size, units.high * size)} atoms in the "
            f"primitive cell){with_sites}; {could}{more}"
        )

    def _further_units(self, candidates: Sequence[int], units: Range) -> list[int]:
        """Numbers of formula units, few or many, that do fit one of the groups."""
        counts, size = list(self.formula.values()), sum(self.formula.values())
        highest = max(units.high, _FURTHER_ATOMS // size)
        while math.prod(n * highest + 1 for n in counts) > _LARGEST_TABLE and highest > units.high:
            highest -= 1
        filling = Filling([n * highest for n in counts], self.codec.options.maximum_sites)
        return [
            unit
            for unit in range(1, highest + 1)
            if any(filling.sites(number, [n * unit for n in counts]) for number in candidates)
        ]

    # What generation asks for

    def ways(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Numbers of formula units, as indices."""
        return generator.integers(len(self.units) if self.formula else 1, size=count)

    def legality(self, ways: NDArray[np.int64]) -> ConstrainedLegality:
        schema = self.codec.schema
        if not self.formula:
            count = len(ways)
            return BoundedLegality(
                schema, self.reach, self.tables, self.groups, self.elements, self.required, count
            )
        return FilledLegality(
            schema,
            self.filling,
            self.tables_of_filling,
            self.fits,
            self.elements,
            list(self.formula.values()),
            self.units,
            ways,
            self.sites,
        )

    def columns(self, legality: Legality) -> Columns:
        """`written_space_group`: what the decoder wrote, which the crystal may exceed."""
        assert isinstance(legality, ConstrainedLegality)
        return {"written_space_group": legality.written.astype(np.float64)}

    def judge(self, structures: Sequence[str]) -> tuple[Columns, list[str]]:
        """Also `space_group`: what the crystal has, and, for a composition, `formula_units`."""
        columns: Columns = {"space_group": np.full(len(structures), np.nan)}
        if self.formula:
            columns["formula_units"] = np.full(len(structures), np.nan)
        reasons = []
        for row, structure in enumerate(structures):
            gene, count = from_string(structure), composition(structure)
            columns["space_group"][row] = gene.space_group
            if self.formula:
                columns["formula_units"][row] = sum(count.values()) / sum(self.formula.values())
            reasons.append(self._reason(gene.space_group, len(gene.sites), count))
        return columns, reasons

    def _reason(self, group: int, sites: int, count: dict[str, int]) -> str:
        numbers = {NUMBERS[symbol] for symbol in count}
        atoms = sum(count.values())
        if not numbers <= self._allowed or not self._required <= numbers:
            return "other_elements"
        if self.formula:
            units = atoms // sum(self.formula.values())
            if count != {symbol: n * units for symbol, n in self.formula.items()}:
                return "other_composition"
            wanted = self.asked.formula_units
            if wanted is not None and not wanted[0] <= units <= wanted[1]:
                return "smaller_primitive_cell"
        if not self.sites.low <= sites <= self.sites.high:
            return "higher_symmetry_fewer_sites"
        if not self.atoms.low <= atoms <= self.atoms.high:
            return "smaller_primitive_cell"
        asked = self.asked.space_group
        if asked and group not in asked and self.asked.higher_symmetry == "reject":
            return "higher_symmetry"
        return ""

    @cached_property
    def _allowed(self) -> frozenset[int]:
        return frozenset(self.elements)

    @cached_property
    def _required(self) -> frozenset[int]:
        return frozenset(self.required)


@cache
def _smallest(number: int) -> int:
    """Atoms in the smallest primitive cell of a space group."""
    return min(p.primitive_multiplicity for p in space_group(number).positions)


def _near(atoms: Range, size: int) -> str:
    return f"{atoms.high // size * size} or {(atoms.high // size + 1) * size} atoms"


def _groups_text(asked: CrystalConditions) -> str:
    if not asked.space_group:
        return "any space group"
    plural = "s" if len(asked.space_group) > 1 else ""
    return f"space group{plural} {listed(asked.space_group)}"


def listed(numbers: Iterable[int]) -> str:
    """Whole numbers as `1-15, 47, 65-74`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
