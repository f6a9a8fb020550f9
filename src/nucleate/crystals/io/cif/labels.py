"""Type symbols and labels of atom sites -> elements."""

from __future__ import annotations

import re
from itertools import product

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS

MOST_READINGS = 64
"""Ways to read the labels as elements that are tried against the formula."""
NOTHING = ("", "?", ".")
WITH_HYDROGEN = re.compile(r"(O-?[Hh]|OH2|H[23]O|HO|Wat|WAT|O[Ww]|NH|CH)(?![a-z])")
_TWO_READINGS = re.compile("[A-Z][ABCDHOW]|[CNOSH][EGXZT]")
"""Capitals that are an element, or one with a letter that tells its place: `CA`, `NE`."""
_GROUPS = frozenset({"HO", "NO", "CO", "PO"})
"""In capitals either an element or a group of two atoms."""


def site_elements(
    kind: str, label: str, formula: frozenset[str], notes: list[str]
) -> tuple[list[str], bool]:
    """Symbols that a site may have, and whether the formula must decide."""
    if kind not in NOTHING:
        symbol = element_of(kind.lstrip("0123456789"))
        if symbol is not None:
            if kind[0].isdigit():
                notes.append("isotopes read as their element")
            elif kind[0] == "D" and symbol == "H":
                notes.append("deuterium read as hydrogen")
            named = re.match("[A-Za-z]*", label)
            own = element_of(label)
            if own not in (None, symbol) and named and named[0].capitalize() != symbol:
                notes.append("elements by type symbols, which the labels contradict")
            return [symbol], kind[:2] in _GROUPS
    letters = re.match("[A-Za-z]*", label)
    word = letters[0] if letters else ""
    exact = None if WITH_HYDROGEN.match(label) and word != "HO" else element_of(label)
    if exact is not None and kind in NOTHING:
        if word == "D":
            notes.append("deuterium read as hydrogen")
        first = word[:1].upper()
        other = [first] if len(word) == 2 and first in NUMBERS else []
        is_open = bool(other) and bool(_TWO_READINGS.match(word.upper()))
        if word == word.capitalize():
            # Written as the element is; the formula may still tell that it is not.
            return [exact, *(s for s in other if formula and exact not in formula)], False
        return [exact, *(other if is_open else [])], is_open
    begins = [word[:2].capitalize(), word[:1].upper()]
    options = [symbol for symbol in begins if symbol in NUMBERS and symbol in formula]
    if not options or re.match(r"site \d", label):
        of_type = f" of type {kind}" if kind not in (*NOTHING, label) else ""
        raise StructureError("unknown_element", f"site {label}{of_type} names no element")
    return list(dict.fromkeys(options)), True


def element_of(word: str) -> str | None:
    """The element that a type symbol or label begins with, nothing else but marks behind it.

    `Fe3+`, `O2-`, `O1A`, `Na(1)`, `CL2` have one, `OH`, `O-H`, `NH4`, `Va`, `FeA` none.
    """
    match = re.match(r"([A-Za-z]{1,2})(?![A-Za-z])([^A-Za-z]*)(.*)$", word)
    if match is None or (match[3] and not re.search(r"\d", match[2])):
        return None
    symbol = match[1].capitalize()
    symbol = "H" if symbol == "D" else symbol
    return symbol if symbol in NUMBERS else None


def all_readings(
    options: list[tuple[list[str], bool]], labels: list[str]
) -> tuple[list[tuple[str, ...]], list[str]]:
    """All ways to read the sites, labels of the same letters alike, and those left open."""
    open_labels = [label for label, (_, is_open) in zip(labels, options, strict=True) if is_open]
    letters = [re.match("[A-Za-z]*", label) for label in labels]
    words = [match[0] if match else "" for match in letters]
    choices: dict[tuple[str, ...], list[str]] = {}
    keys = [(word, *symbols) for word, (symbols, _) in zip(words, options, strict=True)]
    for key, (symbols, _) in zip(keys, options, strict=True):
        choices[key] = symbols
    if np.prod([len(symbols) for symbols in choices.values()], dtype=float) > MOST_READINGS:
        choices = {key: symbols[:1] for key, symbols in choices.items()}
    readings = []
    for chosen in product(*choices.values()):
        named = dict(zip(choices, chosen, strict=True))
        readings.append(tuple(named[key] for key in keys))
    return readings, open_labels
