"""Extended XYZ -> crystals (https://github.com/libAtoms/extxyz): frames of a file, and their atoms.

A parser of our own: ASE's stops at deuterium, takes a ghost atom for an element of number 0, and
refuses frames for values that no crystal needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.io.parsed import Parsed, atomic_number, isotope_notes, leading_numbers

MOST_ATOMS = 100_000
"""Of a frame that is read."""
_LONGEST = 1_000_000
"""Characters of a line that is read."""
_PAIR = re.compile(r"""([^\s="']+)=("(?:[^"\\]|\\.)*"|'[^']*'|\{[^}]*\}|\[[^]]*\]|\S*)""")
_TRUE, _FALSE = {"T", "t", "true", "True", "TRUE", "1"}, {"F", "f", "false", "False", "FALSE", "0"}
_PLAIN = "species:S:1:pos:R:3"
_ROLES = {"species": "species", "symbols": "species", "pos": "pos", "positions": "pos"}
_ROLES |= {"z": "z", "numbers": "z"}
_WIDTHS = {"species": 1, "pos": 3, "z": 1}


@dataclass(frozen=True)
class Frame:
    """A frame of a file.

    Attributes:
        text: as it stands there.
        info: values of its comment line, by key.
        error: why it cannot be read; empty if it can.
    """

    text: str
    info: dict[str, str]
    error: str = ""


def frames(stream: IO[str]) -> Iterator[Frame]:
    """The frames of a text. After one whose number of atoms is wrong, reading goes on with the next
    line that holds a whole number and nothing else.

    Raises:
        ValueError: the text does not begin with a number of atoms.
    """
    line = _filled_line(stream)
    if line and not _is_count(line):
        raise ValueError("is not an extxyz file (expected a number of atoms)")
    while line:
        atoms, comment = int(line), stream.readline(_LONGEST)
        rows: list[str] = []
        found = 0
        while (following := _filled_line(stream)) and not _is_count(following):
            found += 1
            if found <= MOST_ATOMS:
                rows.append(following)
        error = "" if found == atoms else f"{found} atoms follow where {atoms} are announced"
        if found > MOST_ATOMS:
            error = f"more than {MOST_ATOMS} atoms"
        yield Frame(line + comment + "".join(rows), info_of(comment), error)
        line = following


def _filled_line(stream: IO[str]) -> str:
    """The next line that is not blank; empty at the end."""
    while (line := stream.readline(_LONGEST)) and not line.strip():
        pass
    return line


def _is_count(line: str) -> bool:
    return re.fullmatch(r"\s*\d{1,9}\s*", line, re.ASCII) is not None


def info_of(comment: str) -> dict[str, str]:
    """The values of a comment line by key, quotes and brackets removed."""
    pairs = ((match[1], match[2]) for match in _PAIR.finditer(comment))
    return {key: re.sub(r"\\(.)", r"\1", _bare(value)) for key, value in pairs}


def _bare(value: str) -> str:
    return (
        value[1:-1]
        if len(value) > 1 and value[0] + value[-1] in ('""', "''", "{}", "[]")
        else value
    )


def read_extxyz(text: str) -> Parsed:
    """Read a frame, which must have a `Lattice` and be periodic in three directions.

    Raises:
        StructureError: `unreadable`, `empty`, `not_periodic`, `zero_volume`, `unknown_element`,
            `contradiction`.
    """
    head, comment, *rest = [*re.split(r"\r\n?|\n", text.lstrip()), ""]
    rows = [row.split() for row in rest if row.strip()]
    if not _is_count(head) or int(head) != len(rows):
        raise _refuse(f"{len(rows)} atoms follow where {head.strip()[:20]!r} are announced")
    if not rows:
        raise _refuse("no atoms", "empty")
    info = {key.lower(): value for key, value in info_of(comment).items()}
    lattice = _lattice(info)
    places, width = _columns(info.get("properties", _PLAIN))
    for number, row in enumerate(rows, start=1):
        if len(row) != width and ("properties" in info or len(row) < width):
            raise _refuse(f"atom {number} has {len(row)} columns instead of {width}")
    symbols = _symbols(rows, places)
    points = _numbers([word for row in rows for word in row[places["pos"] :][:3]], "coordinates")
    numbers = np.array([atomic_number(symbol) for symbol in symbols], np.int64)
    arrays = (lattice, points.reshape(-1, 3) @ np.linalg.inv(lattice), numbers)
    return Parsed(arrays, isotope_notes(symbols))


def _refuse(said: str, reason: str = "unreadable") -> StructureError:
    return StructureError(reason, f"extxyz: {said}")


def _numbers(words: Sequence[str], what: str) -> NDArray[np.float64]:
    values = leading_numbers(list(words))
    if len(values) < len(words):
        raise _refuse(f"{words[len(values)][:40]!r} among the {what} is no number")
    return np.array(values)


def _lattice(info: dict[str, str]) -> NDArray[np.float64]:
    """The vectors (rows, angstrom) of a frame that is periodic in all directions."""
    if "lattice" not in info:
        raise _refuse("no Lattice in the comment line", "not_periodic")
    periodic = re.split(r"[\s,]+", info.get("pbc", "T").strip())
    if not set(periodic) <= _TRUE | _FALSE or len(periodic) not in (1, 3):
        raise _refuse(f"pbc={info['pbc']!r} is not understood")
    if not set(periodic) <= _TRUE:
        raise _refuse(f"pbc={info['pbc']!r}: not periodic in all directions", "not_periodic")
    values = _numbers(re.split(r"[\s,]+", info["lattice"].strip()), "Lattice")
    if len(values) != 9:
        raise _refuse(f"{len(values)} numbers in Lattice instead of 9")
    lattice = values.reshape(3, 3)
    if np.linalg.det(lattice) == 0:
        raise _refuse("the lattice vectors span no volume", "zero_volume")
    return lattice


def _columns(properties: str) -> tuple[dict[str, int], int]:
    """Where species, pos and z begin, and how many columns there are."""
    words = properties.split(":")
    places: dict[str, int] = {}
    width = 0
    for name, size in zip(words[::3], words[2::3], strict=False):
        role = _ROLES.get(name.lower())
        if not size.isdecimal() or (role and (role in places or int(size) != _WIDTHS[role])):
            break
        if role:
            places[role] = width
        width += int(size)
    else:
        if len(words) % 3 == 0 and "pos" in places and len(places) > 1:
            return places, width
    raise _refuse(f"Properties={properties[:100]!r} is not understood")


def _symbols(rows: list[list[str]], places: dict[str, int]) -> list[str]:
    """The symbol of each atom, by its species or its atomic number."""
    symbols = []
    for number, row in enumerate(rows, start=1):
        stated = [row[places[role]] for role in ("species", "z") if role in places]
        found = [_symbol_of(word) for word in stated]
        if None in found:
            raise _refuse(
                f"{stated[found.index(None)]!r} (atom {number}) is no element", "unknown_element"
            )
        if len({atomic_number(str(symbol)) for symbol in found}) > 1:
            raise _refuse(f"atom {number} is both {' and '.join(stated)}", "contradiction")
        symbols.append(str(found[0]))
    return symbols


def _symbol_of(word: str) -> str | None:
    """A symbol as it stands, or that of an atomic number; None of anything else."""
    if word.isdecimal():
        return SYMBOLS[int(word) - 1] if 1 <= int(word) <= len(SYMBOLS) else None
    return word if atomic_number(word) is not None else None
