"""Space-group symbols, Hall symbols and numbers as programs write them -> operations.

Spellings come from two tables: gemmi's settings with their short names, and the full symbols that
moyopy has. To them come endings for a choice of origin or axes (`:2`, ICSD's `S` and `Z`, `H`,
`R`), subscripts in several fashions, and bars that were lost or written behind their number.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MARKS = {
    **dict.fromkeys(("1", "s", "o1"), "1"),
    **dict.fromkeys(("2", "z", "o2"), "2"),
    **{"h": "H", "r": "R", "hr": "", "rh": ""},
}
"""Endings of a symbol, and gemmi's for them; longer ones first where one ends in another."""


@dataclass(frozen=True)
class Setting:
    """A space group on certain axes and a certain origin.

    Attributes:
        name: what a person calls it.
        number: 1..230, or 0 of operations that are in no table.
        triplets: the operations, as `x,y,z`.
        choice: `1`, `2`, `H`, `R`, or empty where there is none.
    """

    name: str
    number: int
    triplets: frozenset[str]
    choice: str = ""

    def matrices(self) -> tuple[Array, Array]:
        """Rotations [n, 3, 3], acting on columns of fractional coordinates, and translations
        [n, 3]."""
        return _matrices(self.triplets)

    def lattice_points(self) -> int:
        """How many points of the lattice are in the cell."""
        return int((self.matrices()[0] == np.eye(3)).all(axis=(1, 2)).sum())

    def point_group(self) -> tuple[tuple[int, int], ...]:
        """Determinants and traces of the rotations, each once for every rotation there is."""
        unique = np.unique(self.matrices()[0].round().astype(int), axis=0)
        return tuple(sorted((round(np.linalg.det(w)), int(np.trace(w))) for w in unique))


@cache
def _matrices(triplets: frozenset[str]) -> tuple[Array, Array]:
    operations = [gemmi.Op(text) for text in sorted(triplets)]
    rotations = np.array([operation.rot for operation in operations]) / gemmi.Op.DEN
    return rotations, np.array([operation.tran for operation in operations]) / gemmi.Op.DEN


def from_operations(triplets: list[str]) -> Setting:
    """The setting that a list of operations makes.

    Raises:
        ValueError: one cannot be read, or they form no group.
    """
    operations = []
    for text in triplets:
        if re.search(r"[^-+xyzXYZ\d/.*, ]", text):
            raise ValueError(f"symmetry operation {text} is not understood")
        try:
            operation = gemmi.Op(text).wrap()
        except (ValueError, RuntimeError):
            raise ValueError(f"symmetry operation {text} is not understood") from None
        if abs(operation.det_rot()) != gemmi.Op.DEN**3:
            raise ValueError(f"{text} is no symmetry operation")
        operations.append(operation)
    listed = frozenset(operation.triplet() for operation in operations)
    group = gemmi.GroupOps([gemmi.Op(text) for text in sorted(listed)])
    group.add_missing_elements()
    if frozenset(operation.wrap().triplet() for operation in group) != listed:
        raise ValueError(f"the {len(listed)} symmetry operations form no group")
    found = gemmi.find_spacegroup_by_ops(group)
    return (
        Setting(f"{found.xhm()} ({found.number})", found.number, listed)
        if found
        else Setting(f"{len(listed)} operations", 0, listed)
    )


def from_hall(symbol: str) -> Setting | None:
    """The setting of a Hall symbol; None of anything else."""
    text = symbol.replace("_", " ").replace("=", '"').replace("''", '"')
    text = re.sub("[“”″]", '"', re.sub("[‘’′`]", "'", text)).lower().strip()
    try:
        group = gemmi.symops_from_hall(text)
    except (ValueError, RuntimeError):
        return None
    found = gemmi.find_spacegroup_by_ops(group)
    triplets = frozenset(operation.wrap().triplet() for operation in group)
    if found is None:
        return Setting(f"Hall symbol {symbol}", 0, triplets)
    return _setting(found)


def from_symbol(text: str, code: str = "") -> list[list[Setting]]:
    """Settings that a Hermann-Mauguin symbol may stand for, the usual ones and then the others.

    Args:
        code: of the origin or axes, where a file tells it apart from the symbol.

    Returns:
        Empty lists where the symbol is not understood. Several usual ones have their origins or
        axes apart; others are monoclinic ones of another axis.
    """
    text, mark = _without_remarks(text)
    key, mark = _squeezed(text), mark or code.lower().strip()
    if re.fullmatch(r"[a-z]\s+[346]\s+[1-5]", text.strip().lower()):
        key = text  # `P 3 2` is neither P 32 for sure, nor P 3 2 1
    groups = _spellings().get(key)
    for ending in sorted(MARKS, key=len, reverse=True):
        if groups is None and not mark and key.endswith(ending):
            groups = _spellings().get(key.removesuffix(ending))
            mark = ending if groups else ""
    marked = [(tier, group) for tier, group in groups or [] if _is_marked(group, mark)]
    if groups and not marked:
        numbers = {group.number for _, group in groups}
        marked = [
            (0, group)
            for group in gemmi.spacegroup_table()
            if group.number in numbers and mark in _codes(group)
        ]
    tiers = [[group for t, group in marked if t == tier] for tier in (0, 1)]
    return [[_setting(group) for group in groups] for groups in tiers if groups]


def from_number(number: int, code: str = "") -> list[Setting]:
    """The standard setting of a group, or several where it has two origins or kinds of axes."""
    first = gemmi.find_spacegroup_by_number(number)
    if first is None:
        return []
    same = [g for g in gemmi.spacegroup_table() if g.number == number]
    coded = [g for g in same if code and code.lower().strip() in _codes(g)]
    return [_setting(group) for group in coded or [g for g in same if g.hm == first.hm]]


def _setting(group: gemmi.SpaceGroup) -> Setting:
    return _named_setting(group.xhm())


@cache
def _named_setting(name: str) -> Setting:
    group = next(group for group in gemmi.spacegroup_table() if group.xhm() == name)
    triplets = frozenset(operation.wrap().triplet() for operation in group.operations())
    return Setting(f"{name} ({group.number})", group.number, triplets, _choice(group))


def _choice(group: gemmi.SpaceGroup) -> str:
    return str(group.ext).strip("\0 ")


def _codes(group: gemmi.SpaceGroup) -> tuple[str, ...]:
    choice, axes = _choice(group).lower(), str(group.qualifier).lower()
    return tuple(code for code in (choice, axes, choice + axes) if code)


def _is_marked(group: gemmi.SpaceGroup, mark: str) -> bool:
    """Whether a mark chooses this setting, or chooses nothing in this group."""
    if not mark or mark in _codes(group):
        return True
    choice = _choice(group)
    if MARKS.get(mark, mark) == choice or MARKS.get(mark) == "":
        return True
    return not choice and mark in MARKS and mark != "r"


def _without_remarks(text: str) -> tuple[str, str]:
    """A symbol without its number and remarks, and the choice that they name."""
    text = re.sub(r"<[^>]*>|[$'\"]", "", text).strip()
    text = re.sub(r"(?i)\(?\b(no\.?|#)\s*\d+\)?|\(\d{2,3}\)|\(\s*[a-z][^()]*/[^()]*\)", "", text)
    named = re.search(r"(?i)[\s,;(]*origin(?: choice| at)?[\s:]*([12])[\s)]*", text)
    if named is None:
        named = re.search(r"(?i)[\s,;(:]*(h)exagonal( axes| setting)?[\s)]*", text)
    if named is None:
        named = re.search(r"(?i)[\s,;(:]*(r)hombohedral( axes| setting)?[\s)]*", text)
    if named is None:
        named = re.search(r"\s*:\s*(\S+)\s*$|(?<=[a-z])\s*\(([12shrz])\)$", text, re.I)
    if named:
        mark = next(filter(None, named.groups()))
        text = text[: named.start()] + text[named.end() :]
        return re.split("[,;]", text)[0], mark.lower()
    return re.split("[,;]", text)[0], ""


def _squeezed(text: str) -> str:
    """A symbol in small letters, without spaces and marks of subscripts, bars before numbers."""
    text = re.sub("(\\d)[\u0304\u0305]", r"-\1", text)
    text = re.sub("[¯‾]", "-", text)
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\\(bar|overline)", "-", text)
    text = re.sub(r"(\d)\s*\((\d)\)", r"\1\2", text)
    return re.sub(r"[\s_{}$~.]", "", text).lower()


@cache
def _spellings() -> dict[str, list[tuple[int, gemmi.SpaceGroup]]]:
    """Settings by squeezed symbol, each with 0, or 1 where it is not what the symbol usually means:
    short monoclinic symbols are of unique axis b if that gives one."""
    found: dict[str, dict[str, tuple[int, gemmi.SpaceGroup]]] = {}

    def add(symbol: str, group: gemmi.SpaceGroup, tier: int = 0) -> None:
        key = _squeezed(symbol)
        barred = {key, re.sub(r"-(\d)", r"\1-", key)}
        if group.number >= 195:
            barred.add(key.replace("-3", "3"))
        for spelling in barred:
            found.setdefault(spelling, {}).setdefault(group.xhm(), (tier, group))

    for group in gemmi.spacegroup_table():
        add(group.hm, group)
        add(group.short_name(), group)
        if _choice(group) == "H":
            add("H" + group.hm[1:], group)
        if group.monoclinic_unique_axis() in ("a", "c"):
            add(re.sub(r" 1\b", "", group.hm), group, 1)
    for symbol, group in _full_symbols():
        add(symbol, group)
    return {key: list(groups.values()) for key, groups in found.items()}


def _full_symbols() -> list[tuple[str, gemmi.SpaceGroup]]:
    """Full symbols (`F 4_1/d -3 2/m`) and ones with e glides, with their settings."""
    import moyopy

    found = []
    for number in range(1, 531):
        entry = moyopy.HallSymbolEntry(number)
        operations = gemmi.symops_from_hall(entry.hall_symbol.replace("=", '"'))
        group = gemmi.find_spacegroup_by_ops(operations)
        if group is not None:
            found.append((entry.hm_full, group))
            if group.monoclinic_unique_axis() == "\0":
                found.append((entry.hm_short, group))
    return found
