"""What parsers of crystals' texts return, and how they read symbols of elements and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.wyckoff.canonical import Arrays

ISOTOPES = {"D": "deuterium", "T": "tritium"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", re.ASCII)


class Parsed(NamedTuple):
    """A crystal as it stands in a text.

    Attributes:
        arrays: lattice (rows, angstrom), fractional coordinates and atomic numbers.
        notes: what was decided on reading, see `Standardised.notes`.
    """

    arrays: Arrays
    notes: tuple[str, ...] = ()


def atomic_number(symbol: str) -> int | None:
    """Atomic number of an element's symbol, `D` and `T` among them; None of anything else.

    Two capitals or two small letters are taken where they can be one element only: `GA` is gallium,
    `CO` cobalt or carbon and oxygen.
    """
    if symbol in ISOTOPES:
        return 1
    if symbol not in NUMBERS and len(symbol) == 2 and (symbol.isupper() or symbol.islower()):
        if all(letter.upper() in NUMBERS for letter in symbol):
            return None
        symbol = symbol.capitalize()
    return NUMBERS.get(symbol)


def isotope_notes(symbols: Iterable[str]) -> tuple[str, ...]:
    """Notes on isotopes among symbols, which are read as hydrogen."""
    present = set(symbols)
    return tuple(f"{name} read as hydrogen" for key, name in ISOTOPES.items() if key in present)


def leading_numbers(words: list[str]) -> list[float]:
    """The numbers, as C and Fortran write them (`-.5`, `1d-3`), before the first other word."""
    values = []
    for word in words:
        if not _NUMBER.fullmatch(word):
            break
        values.append(float(re.sub("[dD]", "e", word)))
    return values
