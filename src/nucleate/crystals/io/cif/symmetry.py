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
    *("_space_group_name_h-m_full", "_space_group_name_hm"),
    *("_symmetry_space_group_name_hm", "_symmetry_space_group_name_h-m_alt"),
)
HALLS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
NUMBERS = ("_space_group_it_number", "_symmetry_int_tables_number", "_symmetry_int_tables_no")
CODES = ("_space_group_it_coordinate_system_code",)
SYSTEMS = ("_space_group_crystal_system", "_symmetry_cell_setting")
NOT_GIVEN = "no space group and no operations are given"
_SYSTEMS = {
    **{name: name for name in ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "cubic")},
    **dict.fromkeys(("trigonal", "rhombohedral", "hexagonal"), "hexagonal"),
}
_MAGNETIC = "_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_centering_xyz"


@dataclass(frozen=True)
class _Source:
    """One item of the file.

    Attributes:
        said: words to name a setting after.
        settings: that it states, the likeliest first.
        known: operations of all settings that a symbol may mean; empty of what means none apart.
    """

    said: str
    settings: list[Setting]
    known: frozenset[frozenset[str]] = frozenset()


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
    sources: list[_Source] = []
    if operations:
        sources.append(_Source("the operations are those of", [_from_operations(operations)]))
    halls = [setting for hall in _values(items, HALLS) if (setting := from_hall(hall))]
    sources += [_Source("the Hall symbol is that of", [setting]) for setting in halls]
    symbols = _values(items, SYMBOLS)
    by_symbol = []
    for symbol in symbols:
        tiers = from_symbol(symbol, code)
        if tiers:
            tier = next((t for t in tiers if any(fits(s, lattice) for s in t)), tiers[0])
            known = frozenset(s.triplets for t in tiers for s in t)
            by_symbol.append(_Source("the symbol is", tier, known))
    sources += by_symbol
    for number in _values(items, NUMBERS):
        listed = re.search(r"\d+", number)
        if listed and (standard := from_number(int(listed[0]), code)):
            sources.append(_Source("the number is that of", standard))
    if not sources:
        stated = symbols or _values(items, HALLS)
        if stated:
            raise StructureError("unknown_space_group", f"{stated[0]} is not understood")
        return Symmetry(tuple(from_number(1)), NOT_GIVEN)
    notes = ["magnetic structure read without its moments"] if magnetic else []
    if symbols and not by_symbol and not operations:
        notes.append("space group symbol not understood, another item taken")
    elif sources[0].said.startswith("the number"):
        notes.append("space group by number only, in its standard setting")
    found = _agreed(sources, notes)
    system = value(items, *SYSTEMS).lower()
    if not operations and not found.doubt and _is_other_system(system, found.settings[0]):
        doubt = f"the crystal system is {system}, {sources[0].said} {found.settings[0].name}"
        return Symmetry(found.settings, doubt, found.notes)
    return found


def _values(items: Items, tags: tuple[str, ...]) -> list[str]:
    """What stands under these tags, each once."""
    return list(dict.fromkeys(word for tag in tags if (word := value(items, tag))))


def _is_other_system(system: str, setting: Setting) -> bool:
    """Whether a crystal system is named, and is not the setting's."""
    if system not in _SYSTEMS or not setting.number:
        return False
    own = gemmi.find_spacegroup_by_number(setting.number).crystal_system_str()
    return _SYSTEMS[system] != _SYSTEMS[own]


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


def _agreed(sources: list[_Source], notes: list[str]) -> Symmetry:
    """The first source's settings, with those of one that contradicts it."""
    first, *others = sources
    own = {setting.triplets: setting for setting in first.settings}
    for other in others:
        doubt = f"{first.said} {first.settings[0].name}, {other.said} {other.settings[0].name}"
        together = tuple((own | {s.triplets: s for s in other.settings}).values())
        if not any(_same_group(a, b) for a in first.settings for b in other.settings):
            return Symmetry(together, doubt, tuple(notes))
        if other.known and not other.known & own.keys():
            if not first.said.startswith("the operations"):
                return Symmetry(together, doubt, tuple(notes))
            notes.append("operations of another setting than the symbol's taken")
    return Symmetry(tuple(first.settings), "", tuple(dict.fromkeys(notes)))


def _same_group(first: Setting, second: Setting) -> bool:
    if first.number and second.number:
        return first.number == second.number
    return first.point_group() == second.point_group()
