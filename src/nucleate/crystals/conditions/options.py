"""Conditions on generated crystals as a person states them, checked for contradictions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from nucleate.core.settings import Positive, Settings
from nucleate.crystals.conditions.feasibility import Range
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.wyckoff.symmetry import FREE_LATTICE, space_group
from nucleate.settings.sample import Window

_RANGE = re.compile(r"\s*(\d+)\s*(?:\.\.|-)\s*(\d+)\s*")
_SYMBOL = re.compile(r"[A-Z][a-z]?")


def _words(value: Any) -> Any:
    """A list as a person writes it: `Li,O`, `Li O`, `Li-Fe-O`."""
    if isinstance(value, str):
        return tuple(word for word in re.split(r"[\s,;]+", value) if word)
    return value


def _symbols(value: Any) -> Any:
    words = _words(value.replace("-", " ") if isinstance(value, str) else value)
    if not isinstance(words, (list, tuple)):
        return words
    for word in words:
        if not isinstance(word, str) or word not in NUMBERS:
            raise ValueError(f"no element {word!r}")
    return tuple(sorted(dict.fromkeys(words), key=NUMBERS.__getitem__))


def _groups(value: Any) -> Any:
    """Numbers of space groups from numbers, ranges, symbols and crystal systems."""
    words = [value] if isinstance(value, int) else _words(value)
    if not isinstance(words, (list, tuple)):
        return words
    numbers: set[int] = set()
    for word in words:
        numbers.update(_groups_of(str(word)))
    return tuple(sorted(numbers))


def _groups_of(word: str) -> Iterable[int]:
    if word.isdecimal():
        found: Iterable[int] = (int(word),)
    elif match := _RANGE.fullmatch(word):
        found = range(int(match[1]), int(match[2]) + 1)
    elif word.lower() in FREE_LATTICE:
        return [n for n in range(1, 231) if space_group(n).system == word.lower()]
    else:
        named = [n for n in range(1, 231) if _plain(space_group(n).symbol) == _plain(word)]
        if not named:
            systems = ", ".join(FREE_LATTICE)
            raise ValueError(
                f"no space group {word!r}: write numbers 1 to 230 (225,221 or 195..230), a symbol "
                f"(Fm-3m) or a crystal system ({systems})"
            )
        return named
    if not found or min(found) < 1 or max(found) > 230:
        raise ValueError(f"space group {word}: numbers are 1 to 230, ranges rise")
    return found


def _plain(symbol: str) -> str:
    return symbol.replace("_", "").replace(" ", "")


def _units(value: Any) -> Any:
    if isinstance(value, int):
        return (value, value)
    if isinstance(value, str):
        if value.strip().isdecimal():
            return (int(value), int(value))
        if match := _RANGE.fullmatch(value):
            return (int(match[1]), int(match[2]))
        raise ValueError(f"{value!r}: write a number of formula units, or a range as 1..4")
    return value


Symbols = Annotated[tuple[str, ...], BeforeValidator(_symbols)]
Groups = Annotated[tuple[int, ...], BeforeValidator(_groups)]


class CrystalConditions(Settings):
    """What every sampled crystal shall meet, besides what holds for every kind of matter.

    Elements are given as `Li,O` or a list; chemical systems also as `Li-Fe-O`.
    """

    chemical_system: Symbols = ()
    """Exactly these elements, as `Li-Fe-O`."""
    subsets: bool = False
    """Crystals of some of the chemical system's elements are welcome too."""
    composition: str | None = None
    """A formula (`LiFePO4`), of which every crystal is a multiple: crystal structure prediction."""
    formula_units: Annotated[tuple[Positive, Positive] | None, BeforeValidator(_units)] = None
    """Of the composition's reduced formula in the primitive cell: a number or a range (`1..4`)."""
    space_group: Groups = ()
    """Numbers, ranges (`195..230`), symbols (`Fm-3m`), crystal systems (`cubic`)."""
    include: Symbols = ()
    """Elements that every crystal has, as `Li,O`."""
    exclude: Symbols = ()
    """Elements that no crystal has, as `Li,O`."""
    minimum_sites: Positive | None = None
    """Occupied Wyckoff positions (inequivalent atoms) at least."""
    maximum_sites: Positive | None = None
    """Occupied Wyckoff positions at most."""
    minimum_atoms: Positive | None = None
    """Atoms in the primitive cell at least."""
    maximum_atoms: Positive | None = None
    """Atoms in the primitive cell at most."""
    distance: Window | None = None
    """Distance to the crystal `like` which (see `nucleate.crystals.geometry.crystal_distance`): 0
    equal, about 1 unrelated; 0.05..0.4 if not given, in a search at most 0.4."""
    higher_symmetry: Literal["reject", "keep"] = "reject"
    """Crystals that were written in an asked space group and turn out to have another one, of
    higher symmetry, which was not asked for."""

    @model_validator(mode="after")
    def _agree(self) -> CrystalConditions:
        for what in ("sites", "atoms"):
            low, high = getattr(self, f"minimum_{what}"), getattr(self, f"maximum_{what}")
            if low is not None and high is not None and low > high:
                raise ValueError(f"minimum_{what} {low} exceeds maximum_{what} {high}")
        if self.formula_units is not None:
            if self.composition is None:
                raise ValueError("formula_units are those of a composition: give one as well")
            if self.formula_units[0] > self.formula_units[1]:
                raise ValueError("formula_units: the first number exceeds the second")
        if self.subsets and not self.chemical_system:
            raise ValueError("subsets are those of a chemical system: give one as well")
        if both := set(self.include) & set(self.exclude):
            raise ValueError(f"include and exclude name the same element: {_list_of(both)}")
        if self.chemical_system:
            _agree_with(self, "chemical_system", self.chemical_system)
        if self.composition is not None:
            elements = tuple(formula(self.composition))
            _agree_with(self, "composition", elements)
            system = set(self.chemical_system)
            if system and (set(elements) - system or (not self.subsets and system - set(elements))):
                raise ValueError(
                    f"composition {self.composition} and chemical_system "
                    f"{'-'.join(self.chemical_system)} disagree: the formula's elements are "
                    f"{_list_of(elements)}"
                )
        return self

    def asks_beyond_distance(self) -> bool:
        """Whether anything but a distance is asked for."""
        return bool(self.model_dump(exclude={"distance", "higher_symmetry"}, exclude_defaults=True))


def _agree_with(conditions: CrystalConditions, what: str, elements: tuple[str, ...]) -> None:
    if lacking := set(conditions.include) - set(elements):
        raise ValueError(f"include {_list_of(lacking)}: {what} has only {_list_of(elements)}")
    unwanted = set(conditions.exclude) & set(elements)
    exact = what == "composition" or not conditions.subsets
    if unwanted and (exact or unwanted == set(elements)):
        raise ValueError(f"exclude {_list_of(unwanted)}: {what} has {_list_of(elements)}")


def _list_of(symbols: Iterable[str]) -> str:
    return ", ".join(sorted(symbols, key=NUMBERS.__getitem__))


def formula(text: str) -> dict[str, int]:
    """Atoms of each element in a formula, in lowest terms, by rising atomic number.

    Raises:
        ValueError: not a formula, or its amounts are not whole numbers.
    """
    from pymatgen.core import Composition

    try:
        found = Composition(text.strip())
        amounts = {str(element): float(amount) for element, amount in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        amounts = {}
    if not amounts:
        raise ValueError(f"composition: {text!r} is not a formula, write e.g. LiFePO4")
    for symbol, amount in amounts.items():
        if not _SYMBOL.fullmatch(symbol) or symbol not in NUMBERS:
            raise ValueError(f"composition: no element {symbol!r} in {text!r}")
        if amount < 1 or amount != round(amount):
            raise ValueError(f"composition: {amount:g} {symbol} in {text!r} is no whole number")
    divisor = math.gcd(*(round(amount) for amount in amounts.values()))
    return {
        symbol: round(amounts[symbol]) // divisor
        for symbol in sorted(amounts, key=NUMBERS.__getitem__)
    }


def asked_range(low: int | None, high: int | None, limit: int, what: str) -> Range:
    """A range cut to what a model can hold.

    Raises:
        ValueError: nothing is left of it.
    """
    out = Range(low or 1, min(high or limit, limit))
    if out.low > out.high:
        raise ValueError(f"minimum_{what} {out.low}: the model writes at most {limit} {what}")
    return out


def ranges_text(numbers: Iterable[int]) -> str:
    """Whole numbers as `1-15, 47, 65-74`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
