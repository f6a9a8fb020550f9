"""Conditions on crystals that the decoder itself is made to keep, and what to say if it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError, StructureError
from nucleate.crystals import elements
from nucleate.crystals.codec.wyckoff_codec import WyckoffCodec
from nucleate.crystals.conditions.constrained_legality import ConstrainedLegality, DecodingRequest
from nucleate.crystals.conditions.decoding_plan import (
    DecodingPlan,
    FormulaPlan,
    SizePlan,
)
from nucleate.crystals.conditions.options import (
    CrystalConditions,
    asked_range,
    formula,
    ranges_text,
)
from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.geometry.describe import composition
from nucleate.crystals.wyckoff.wyckoff_string import WyckoffStructure, expand, from_string
from nucleate.matter.conditions import Columns, Constraint
from nucleate.vae.legality import Legality


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
        self.wanted = wanted = DecodingRequest(
            asked,
            codec.schema,
            self.sites,
            self.atoms,
            self.elements,
            self.required,
            self.formula,
        )
        self.plan: DecodingPlan = FormulaPlan(wanted) if self.formula else SizePlan(wanted)
        self.notes = list(self.plan.notes)
        if left_out := set(asked.space_group) - set(self.plan.groups):
            groups = ranges_text(left_out)
            self.notes.append(
                f"space groups that cannot meet the conditions were left out: {groups}"
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

    def ways(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Numbers of formula units, as indices."""
        return generator.integers(len(self.plan.units), size=count)

    def starting_points(self, structures: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
        """The same arrangements of other elements, see
        `nucleate.crystals.conditions.starting_points`."""
        from nucleate.crystals.conditions.starting_points import adapt

        kept, ways = [], []
        for structure in structures:
            other = adapt(structure, self.wanted)
            if other is None:
                continue
            atoms = from_string(other).atoms
            units = atoms // sum(self.formula.values()) if self.formula else 1
            if units in self.plan.units:
                kept.append(other)
                ways.append(self.plan.units.index(units))
        return kept, np.array(ways, np.int64)

    def legality(self, ways: NDArray[np.int64]) -> ConstrainedLegality:
        return self.plan.legality(ways)

    def columns(self, legality: Legality, structures: Sequence[str | None]) -> Columns:
        """`written_space_group`: what the decoder wrote. `higher_symmetry`: 1 if the crystal turned
        out to have another space group, which contains that one, else 0."""
        written = cast(ConstrainedLegality, legality).written.astype(np.float64)
        found = [np.nan if s is None else from_string(s).space_group for s in structures]
        return {"written_space_group": written, "higher_symmetry": (written != found) * 1.0}

    def figures(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Also `higher_symmetry`: how many rows have another space group than was written."""
        higher = sum(int(row["higher_symmetry"]) for row in rows)
        return {"higher_symmetry": higher, **super().figures(rows)}

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
            reason = self._reason(gene.space_group, len(gene.sites), count)
            reasons.append(reason or self._unsure(gene))
        return columns, reasons

    def _unsure(self, gene: WyckoffStructure) -> str:
        """Why the space group is not known: atoms lie on each other, so that a crystal stands as it
        was written."""
        if not self.asked.space_group or self.asked.higher_symmetry == "keep":
            return ""
        from nucleate.crystals.wyckoff.canonical import canonical_wyckoff

        try:
            canonical_wyckoff(*expand(gene), self.codec.options.tolerance)
        except StructureError as error:
            return error.reason
        return ""

    def _reason(self, group: int, sites: int, count: dict[str, int]) -> str:
        numbers = {NUMBERS[symbol] for symbol in count}
        atoms = sum(count.values())
        if not set(self.required) <= numbers <= set(self.elements):
            return "other_elements"
        if self.formula:
            units = atoms // sum(self.formula.values())
            if count != {symbol: n * units for symbol, n in self.formula.items()}:
                return "other_composition"
            wanted = self.asked.formula_units
            if wanted is not None and not wanted[0] <= units <= wanted[1]:
                return "smaller_primitive_cell"
        if sites not in self.sites:
            return "higher_symmetry_fewer_sites"
        if atoms not in self.atoms:
            return "smaller_primitive_cell"
        asked = self.asked.space_group
        if asked and group not in asked and self.asked.higher_symmetry == "reject":
            return "higher_symmetry"
        return ""
