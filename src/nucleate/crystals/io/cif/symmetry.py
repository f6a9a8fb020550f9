"""The symmetry that a CIF states: operations, Hall symbol, symbol, number, compared."""

from __future__ import annotations

import re
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.io.cif.block import Items, value
from nucleate.crystals.io.cif.orbits import fits
from nucleate.crystals.io.cif.space_group import (
    Setting,
    from_hall,
    from_number,
    from_operations,
    from_symbol,
)

OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
SYMBOLS = (
    *("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m", "_space_group_name_h-m"),
    *("_space_group_name_h-m_full", "_space_group_name_h-m_ref", "_space_group_name_hm"),
    *("_symmetry_space_group_name_hm", "_symmetry_space_group_name_h-m_alt"),
)
HALLS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
NUMBERS = ("_space_group_it_number", "_symmetry_int_tables_number", "_symmetry_int_tables_no")
CODES = ("_space_group_it_coordinate_system_code",)
_MAGNETIC = "_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_centering_xyz"


@dataclass(frozen=True)
class Symmetry:
    """Settings that the file may mean.

    Attributes:
        settings: the likeliest first.
        doubt: what is contradictory or missing, if only agreement with the rest of the file makes
            one of them right.
        notes: what was decided.
    """

    settings: tuple[Setting, ...]
    doubt: str = ""
    notes: tuple[str, ...] = ()


def read_symmetry(items: Items, lattice: NDArray[np.float64]) -> Symmetry:
    """The settings that a block's items state.

    Operations are believed first, then a Hall symbol, a symbol, a number.

    Raises:
        StructureError: `unknown_space_group`, `contradiction`.
    """
    code = value(items, *CODES)
    magnetic, operations = _operations(items)
    hall, symbol, number = value(items, *HALLS), value(items, *SYMBOLS), value(items, *NUMBERS)
    sources: list[tuple[str, list[Setting]]] = []
    if operations:
        sources.append(("the operations are those of", [_from_operations(operations)]))
    if hall and (setting := from_hall(hall)):
        sources.append(("the Hall symbol is that of", [setting]))
    tiers = from_symbol(symbol, code) if symbol else []
    if tiers:
        tier = next((t for t in tiers if any(fits(s, lattice) for s in t)), tiers[0])
        sources.append(("the symbol is", tier))
    listed = re.search(r"\d+", number)
    if listed and (standard := from_number(int(listed[0]), code)):
        sources.append(("the number is that of", standard))
    if not sources:
        if symbol or hall:
            raise StructureError("unknown_space_group", f"{symbol or hall} is not understood")
        return Symmetry(tuple(from_number(1)), "no space group and no operations are given")
    notes = ["magnetic structure read without its moments"] if magnetic else []
    if symbol and not tiers and not operations:
        notes.append("space group symbol not understood, another item taken")
    elif sources[0][0].startswith("the number"):
        notes.append("space group by number only, in its standard setting")
    return _agreed(sources, tiers, notes)


def _operations(items: Items) -> tuple[bool, list[str]]:
    """Whether they are of a magnetic group, and the operations."""
    plain = [items[tag] for tag in OPERATIONS if tag in items]
    plain = [[word for word in words if word not in ("", "?", ".")] for words in plain]
    plain = [words for words in plain if words]
    if plain:
        if len(plain) > 1 and _squeezed(plain[0]) != _squeezed(plain[1]):
            raise StructureError("contradiction", "two lists of operations are given")
        return False, plain[0]
    turns, shifts = (
        [",".join(word.split(",")[:3]) for word in items.get(tag, ())] for tag in _MAGNETIC
    )
    try:
        return bool(turns), [
            (gemmi.Op(shift) * gemmi.Op(turn)).wrap().triplet()
            for shift in shifts or ["x,y,z"]
            for turn in turns
        ]
    except (ValueError, RuntimeError):
        told = "a magnetic symmetry operation is not understood"
        raise StructureError("unknown_space_group", told) from None


def _squeezed(words: list[str]) -> list[str]:
    return [re.sub(r"\s", "", word).lower() for word in words]


def _from_operations(triplets: list[str]) -> Setting:
    try:
        return from_operations(triplets)
    except ValueError as error:
        raise StructureError("unknown_space_group", str(error)) from None


def _agreed(
    sources: list[tuple[str, list[Setting]]], tiers: list[list[Setting]], notes: list[str]
) -> Symmetry:
    """The first source's settings, with those of one that contradicts it."""
    (said, settings), *others = sources
    for what, more in others:
        if not any(_same_group(a, b) for a in settings for b in more):
            names = settings[0].name, more[0].name
            doubt = f"{said} {names[0]}, {what} {names[1]}"
            together = {s.triplets: s for s in [*settings, *more]}
            return Symmetry(tuple(together.values()), doubt, tuple(notes))
        if what == "the symbol is" and said.startswith(("the Hall", "the operations")):
            known = [s for tier in tiers for s in tier]
            if not any(s.triplets == settings[0].triplets for s in known):
                doubt = f"{said} {settings[0].name}, {what} {known[0].name}"
                if said.startswith("the Hall"):
                    return Symmetry((settings[0], *more), doubt, tuple(notes))
                notes.append("operations of another setting than the symbol's taken")
    return Symmetry(tuple(settings), "", tuple(notes))


def _same_group(first: Setting, second: Setting) -> bool:
    if first.number and second.number:
        return first.number == second.number
    return first.point_group() == second.point_group()
