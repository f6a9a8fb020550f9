"""POSCAR and CONTCAR texts of VASP 4, 5 and 6 -> crystals (https://vasp.at/wiki/POSCAR).

A parser of our own, because others fill in what a file does not say: where VASP 4 left the symbols
of the elements to another file, pymatgen takes H, He, Li, ...
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.io.parsed import Parsed, atomic_number, isotope_notes, leading_numbers

_FLAGS = {"T", "F", ".T.", ".F.", ".TRUE.", ".FALSE."}
"""Of selective dynamics."""


def read_poscar(text: str) -> Parsed:
    """Read a POSCAR or CONTCAR text.

    Symbols are those of the line before the numbers of atoms. Where there is no such line (VASP 4),
    those of line 1 if it is nothing but symbols and has one for each number, else the labels that
    follow the coordinates.

    Raises:
        StructureError: `unreadable`, `zero_volume`, `no_element_symbols`, `unknown_element`,
            `contradiction`.
    """
    lines = _Lines(text)
    scales = lines.numbers("one scale factor or three", (1, 3))
    lattice = np.array([lines.numbers("a lattice vector", (3,)) for _ in range(3)])
    scale = _scale(scales, lattice)
    symbols, counts = _species(lines)
    cartesian = _is_cartesian(lines)
    points, labels = _coordinates(lines, sum(counts))
    elements, told = _elements(lines.comment, symbols, counts, labels)
    lattice = lattice * scale
    if cartesian:
        points = points * scale @ np.linalg.inv(lattice)
    numbers = np.array([atomic_number(element) for element in elements], np.int64)
    return Parsed((lattice, points, numbers), (*told, *isotope_notes(elements)))


def _refuse(said: str, reason: str = "unreadable") -> StructureError:
    return StructureError(reason, f"POSCAR: {said}")


class _Lines:
    """A text's lines, one after the other; `comment` is the first, `place` counts those read."""

    def __init__(self, text: str):
        self.lines = [line.strip() for line in re.split(r"\r\n?|\n", text)]
        self.comment = self.lines[0]
        self.place = 1
        if not self.comment and not leading_numbers(self.words("a scale factor")):
            self.comment = self.lines[self.place - 1]  # below blank lines
        elif not self.comment:
            self.place -= 1

    def words(self, wanted: str) -> list[str]:
        """The words of the next line that has some, without what follows `!` or `#`."""
        for line in self.lines[self.place :]:
            self.place += 1
            if words := re.split("[!#]", line, maxsplit=1)[0].split():
                return words
        raise _refuse(f"ends before {wanted}")

    def numbers(self, wanted: str, sizes: Sequence[int]) -> list[float]:
        """The numbers that the next line begins with."""
        found = leading_numbers(self.words(wanted))
        if len(found) not in sizes:
            raise _refuse(f"line {self.place} is not {wanted}")
        return found

    def rows_from(self, place: int) -> list[list[str]]:
        """The words of this line and those right below it that begin with three numbers."""
        rows = map(str.split, self.lines[place:])
        return list(takewhile(lambda row: len(leading_numbers(row[:3])) == 3, rows))


def _scale(scales: list[float], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors of x, y and z, [1] or [3]; a negative one is the volume of the cell."""
    volume = abs(float(np.linalg.det(lattice)))
    if volume == 0:
        raise _refuse("the lattice vectors span no volume", "zero_volume")
    if len(scales) == 1 and scales[0] < 0:
        return np.array([(-scales[0] / volume) ** (1 / 3)])
    if min(scales) <= 0:
        raise _refuse(f"line 2 is not one scale factor or three positive ones: {scales}")
    return np.array(scales)


def _species(lines: _Lines) -> tuple[list[str], list[int]]:
    """Symbols (none in VASP 4) and numbers of atoms; VASP breaks both lists after 20."""
    symbols: list[str] = []
    while not (words := lines.words("the numbers of atoms"))[0].isdecimal():
        symbols += words
    counts = [int(word) for word in takewhile(str.isdecimal, words)]
    wanted = len(symbols) or len(_symbols_of(lines.comment))
    while len(counts) < wanted and (words := lines.words("coordinates"))[0].isdecimal():
        counts += [int(word) for word in takewhile(str.isdecimal, words)]
    if len(counts) < wanted:
        lines.place -= 1  # of what was read as words of the coordinates
    if symbols and len(symbols) != len(counts):
        raise _refuse(f"{len(symbols)} symbols for {len(counts)} numbers of atoms")
    return symbols, counts


def _is_cartesian(lines: _Lines) -> bool:
    first = lines.words("the coordinates")[0][0].lower()
    if first == "s":  # selective dynamics
        first = lines.words("the coordinates")[0][0].lower()
    if first not in "ckdf":
        raise _refuse(f"line {lines.place} says neither Direct nor Cartesian")
    return first in "ck"


def _coordinates(lines: _Lines, atoms: int) -> tuple[NDArray[np.float64], list[list[str]]]:
    """Coordinates [atoms, 3] and the words that follow each.

    Velocities may come below them, one for each atom, parted by a blank line.
    """
    if atoms == 0:
        raise _refuse("no atoms", "empty")
    lines.words("the coordinates")
    rows = lines.rows_from(lines.place - 1)
    if len(rows) != atoms:
        raise _refuse(f"{len(rows)} lines of coordinates for {atoms} atoms")
    end = lines.place - 1 + atoms
    after = next((place for place in range(end, len(lines.lines)) if lines.lines[place]), end)
    more = len(lines.rows_from(after))
    if more not in (0, atoms):
        raise _refuse(f"{more} more lines of numbers below the coordinates of {atoms} atoms")
    return np.array([leading_numbers(row[:3]) for row in rows]), [row[3:] for row in rows]


def _elements(
    comment: str, symbols: list[str], counts: list[int], rests: list[list[str]]
) -> tuple[list[str], list[str]]:
    """The symbol of each atom, and a note where they had to be looked for."""
    notes: list[str] = []
    commented, labels = _symbols_of(comment), _labels(rests)
    if symbols:
        named = [re.split("[_/]", symbol)[0] for symbol in symbols]  # Fe_pv, Fe/0a1b2c
        for symbol, given in zip(named, symbols, strict=True):
            if atomic_number(symbol) is None:
                raise _refuse(f"{given!r} is no element", "unknown_element")
        absent = set(map(atomic_number, commented)) - set(map(atomic_number, named))
        if absent and (len(commented) > 1 or len(named) == 1):
            said = f"line 1 says {comment!r}, the line of symbols {' '.join(symbols)!r}"
            raise _refuse(said, "contradiction")
        if commented != named and sorted(commented) == sorted(named):
            notes = ["line 1 of a POSCAR has its elements in another order"]
    elif commented == comment.split() and len(commented) == len(counts):
        named = commented
        notes = ["elements of a POSCAR from its first line"]
    elif labels:
        firsts = np.cumsum([0, *counts[:-1]])
        named = [labels[min(first, len(labels) - 1)] for first in firsts]
        notes = ["elements of a POSCAR from the labels of its atoms"]
    else:
        raise _refuse(
            "no element symbols, neither above the numbers of atoms nor in line 1",
            "no_element_symbols",
        )
    elements = [symbol for symbol, count in zip(named, counts, strict=True) for _ in range(count)]
    for place, (element, label) in enumerate(zip(elements, labels, strict=False), start=1):
        if atomic_number(element) != atomic_number(label):
            said = f"atom {place} is {element} by its place, {label} by the label beside it"
            raise _refuse(said, "contradiction")
    return elements, notes


def _symbols_of(comment: str) -> list[str]:
    """The symbols of a first line that holds nothing else: `Ga As`, or pymatgen's `Ga4 As4`."""
    words = [re.fullmatch(r"([A-Z][a-z]?)(\d*)", word) for word in comment.split()]
    symbols = [word[1] for word in words if word and word[1] in NUMBERS]
    alone = len(words) == 1 and bool(words[0] and words[0][2])  # B2, C14: types of structures
    return symbols if len(symbols) == len(words) and not alone else []


def _labels(rests: list[list[str]]) -> list[str]:
    """The symbols that follow coordinates (`Ga`, `Ga1`, `# Ga`), if they follow all of them."""
    labels = []
    for words in rests:
        flags = 3 if len(words) > 2 and {word.upper() for word in words[:3]} <= _FLAGS else 0
        label = re.match(r"[!#]* *([A-Z][a-z]?)(?![A-Za-z])", " ".join(words[flags:]))
        if not label or label[1] not in {*NUMBERS, "D"}:
            return []
        labels.append(label[1])
    return labels
