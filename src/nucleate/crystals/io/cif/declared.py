"""What a CIF says of its crystal beside the sites: formula, Z, volume, density."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import gemmi

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.io.cif.block import Items, value
from nucleate.crystals.io.cif.plain import DOUBLED

FORMULAS = (
    "_chemical_formula_sum",
    "_chemical_formula_structural",
    "_chemical_formula_moiety",
    "_chemical_formula_iupac",
    "_amcsd_formula_title",
)
VOLUME_ERROR = 0.01
"""Relative; edges and angles may be rounded."""
DENSITY_ERROR = 0.05
"""Relative."""

Amounts = dict[str, tuple[float, float]]
"""Least and most of each element in a formula unit: `0.67` may be 2/3."""
_TOKEN = re.compile(r"\s*([A-Z][a-z]?|\d+\.?\d*|\.\d+|[()\[\]{}])")
_CHARGE = re.compile(r"(?<=[\s)\]}])\d*[-+]\d*(?=[\s)\]},]|$)|(?<=[A-Za-z\s])[-+](?=[\s)\]},]|$)")
_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(\(\d+\)?)?$")


def parse_formula(text: str) -> Amounts | None:
    """Elements of a formula as chemists write it: `H2 Mg1 O2`, `Ca (S O4), 2(H2 O)`, `CsMn(CN)6`.

    Deuterium counts as hydrogen, charges do not count.

    Returns:
        None where part of it is not understood.
    """
    total: Amounts = {}
    for part in re.split(r"[,;·•∙*]|\s\.\s", text):
        amounts = _parse_part(_CHARGE.sub(" ", part))
        if amounts is None:
            return None
        _add(total, amounts, (1, 1))
    return total or None


def _parse_part(text: str) -> Amounts | None:
    stack: list[Amounts] = [{}]
    leading = re.match(r"\s*(\d+\.?\d*|\.\d+)\s*(?=[A-Z(\[])", text)
    place = leading.end() if leading else 0
    last: Amounts = {}
    text = text.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            return None
        word, place = token[1], token.end()
        if word[0] in "([{":
            _add(stack[-1], last, (1, 1))
            last = {}
            stack.append({})
        elif word[0] in ")]}":
            if len(stack) == 1:
                return None
            _add(stack[-1], last, (1, 1))
            last = stack.pop()
        elif word[0].isalpha():
            _add(stack[-1], last, (1, 1))
            symbol = "H" if word in ("D", "T") else word
            if symbol not in NUMBERS:
                return None
            last = {symbol: (1, 1)}
        else:
            if not last:
                return None
            _add(stack[-1], last, _range(word))
            last = {}
    if len(stack) > 1:
        return None
    _add(stack[-1], last, (1, 1))
    amounts: Amounts = {}
    _add(amounts, stack[0], _range(leading[1]) if leading else (1, 1))
    return amounts


def _range(word: str) -> tuple[float, float]:
    number = float(word)
    digits = len(word.partition(".")[2])
    # 2/3 is written as 0.66 and 0.67, an occupancy of nearly 1 as 0.999.
    error = max(0.7 * 10.0**-digits, 0.0015) if digits and number % 0.5 else 0.0
    return number - error, number + error


def _add(total: Amounts, more: Mapping[str, tuple[float, float]], by: tuple[float, float]) -> None:
    for symbol, (low, high) in more.items():
        least, most = total.get(symbol, (0.0, 0.0))
        if high * by[1] > 0:
            total[symbol] = least + low * by[0], most + high * by[1]


@dataclass(frozen=True)
class Declared:
    """What the sites must agree with.

    Attributes:
        formula: as it is written; empty where there is none that is understood.
        amounts: its elements.
        others: amounts of the further formulas.
        units: Z, or None.
        volume: of the cell, angstrom^3, with what its rounding allows, or None.
        density: g/cm3, likewise.
    """

    formula: str
    amounts: Amounts
    others: tuple[Amounts, ...] = ()
    units: float | None = None
    volume: tuple[float, float] | None = None
    density: tuple[float, float] | None = None

    @property
    def decides(self) -> bool:
        """Whether it tells how many atoms are in the cell."""
        return bool(self.density or (self.amounts and self.units))

    def check_volume(self, volume: float) -> None:
        """Raise where the lattice parameters have another volume than the file says.

        Raises:
            StructureError: `contradiction`.
        """
        if self.volume and not _near(volume, *self.volume, VOLUME_ERROR):
            told = f"the cell has {volume:.5g} A^3, the file says {self.volume[0]:g}"
            raise StructureError("contradiction", told)

    def check_atoms(
        self, found: Mapping[str, int], volume: float, lattice_points: int
    ) -> tuple[str, ...]:
        """Raise where the cell's atoms are not what the file says.

        Args:
            found: atoms of the cell by element.
            volume: of the cell, angstrom^3.
            lattice_points: in the cell, more than one in a centred one.

        Returns:
            Notes on how it was understood.

        Raises:
            StructureError: `incomplete`, `contradiction`.
        """
        units = self._formula_units(found) if self.amounts else None
        notes: tuple[str, ...] = ()
        if self.units is not None and not self._is_z(self.units, found, units):
            if lattice_points == 1 or not self._is_z(self.units * lattice_points, found, units):
                made = f"{units[0]:.3g} times {self.formula}" if units else _formula_text(found)
                told = f"Z is {self.units:g}, the sites make {made}"
                raise StructureError("contradiction", told)
            notes = ("Z taken as that of the primitive cell",)
        if self.density:
            mass = sum(n * gemmi.Element(symbol).weight for symbol, n in found.items())
            density = mass * 1.66053907 / volume
            if not _near(density, *self.density, DENSITY_ERROR):
                told = f"the sites make {density:.3g} g/cm3, the file says {self.density[0]:g}"
                raise StructureError("contradiction", told)
        return notes

    def _formula_units(self, found: Mapping[str, int]) -> tuple[float, float]:
        """How many formula units the cell holds, least and most."""
        made = f"the formula is {self.formula}, the sites make {_formula_text(found)}"
        lacking = [symbol for symbol in self.amounts if symbol not in found]
        if lacking:
            raise StructureError(
                "incomplete", f"no {' nor '.join(lacking)} among the sites; {made}"
            )
        extra = [symbol for symbol in found if symbol not in self.amounts]
        if extra:
            raise StructureError("contradiction", made)
        low, high = self._shared_range(found, self.amounts)
        if low <= high:
            return low, high
        heavy = {symbol: span for symbol, span in self.amounts.items() if symbol != "H"}
        low, high = self._shared_range(found, heavy)
        if "H" in found and low <= high and found["H"] < self.amounts["H"][0] * low:
            raise StructureError("incomplete", f"hydrogens are missing; {made}")
        raise StructureError("contradiction", made)

    @staticmethod
    def _shared_range(found: Mapping[str, int], amounts: Amounts) -> tuple[float, float]:
        low, high = 0.0, math.inf
        for symbol, (least, most) in amounts.items():
            low = max(low, found[symbol] / most * (1 - 1e-4))
            high = min(high, found[symbol] / least * (1 + 1e-4) if least > 0 else math.inf)
        return low, high

    def _is_z(self, z: float, found: Mapping[str, int], units: tuple[float, float] | None) -> bool:
        """Whether Z counts formulas, as written or, as pymatgen has it, reduced ones."""
        if units is None:
            return z % 1 != 0 or not any(n % z for n in found.values())
        alike = (a for a in self.others if a.keys() == found.keys())
        reduced = math.gcd(*found.values())
        spans = [
            units,
            (reduced, reduced),
            *([(reduced // 2, reduced // 2)] if found.keys() in DOUBLED else []),
            *(self._shared_range(found, amounts) for amounts in alike),
        ]
        return any(low * 0.999 <= z <= high * 1.001 for low, high in spans)


def _formula_text(found: Mapping[str, int]) -> str:
    return " ".join(f"{symbol}{n}" for symbol, n in sorted(found.items()))


def read_declared(items: Items) -> Declared:
    """What a CIF's items say; what is not understood of it is taken as not said."""
    read = [(text, parse_formula(text)) for tag in FORMULAS if (text := value(items, tag))]
    formulas = [(text, amounts) for text, amounts in read if amounts]
    text, first = formulas[0] if formulas else ("", {})
    units = _rounded(value(items, "_cell_formula_units_z"))
    return Declared(
        text,
        first,
        tuple(amounts for _, amounts in formulas[1:]),
        units[0] if units else None,
        _rounded(value(items, "_cell_volume")),
        _rounded(value(items, "_exptl_crystal_density_diffrn")),
    )


def _rounded(word: str) -> tuple[float, float] | None:
    """A positive number and half a unit of its last digit."""
    match = _DECIMAL.match(word.strip())
    if match is None or float(match[1]) <= 0:
        return None
    return float(match[1]), 0.5 * 10.0 ** -len(match[1].partition(".")[2])


def _near(found: float, said: float, rounding: float, error: float) -> bool:
    return abs(found - said) <= rounding + error * said
