"""Plain CIF texts -> crystals, the short way.

Sets of computed crystals list every atom of the cell in P1. A text that leaves nothing to interpret
(one block, no symmetry, whole atoms of plain elements, a formula that they have) takes the short
way of some 100 us, and whatever else is in a text sends it the long one, `interpreted`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.wyckoff.symmetry import lattice_matrix, volume_factor

if TYPE_CHECKING:
    pass

FLATTEST = 2e-4
"""Volume of a cell of unit edges below which its angles span none."""
SAME_SITE = 1e-4
"""Fractions of the cell within which pymatgen takes two entries for one shared site, and a
coordinate for 1/3 or 2/3 (relative)."""

CELL = tuple(
    f"_cell_{name}"
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
_OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_GROUPS = ("_symmetry_space_group_name_h-m", "_space_group_name_h-m_alt")
_NUMBERS = ("_symmetry_int_tables_number", "_space_group_it_number")
_SITE = "_atom_site_"
_COORDINATES = tuple(f"{_SITE}fract_{axis}" for axis in "xyz")
_SYMBOL, _OCCUPANCY = f"{_SITE}type_symbol", f"{_SITE}occupancy"
_LABEL, _MULTIPLICITY = f"{_SITE}label", f"{_SITE}symmetry_multiplicity"
_FORMULA, _UNITS, _VOLUME = "_chemical_formula_sum", "_cell_formula_units_z", "_cell_volume"
_ELEMENT, _BLANK = re.compile(r"([A-Z][a-z]?)(\d*)"), re.compile(r"[\s'\"]")
_ONE = frozenset({"1", 1.0})
DOUBLED = [
    *({symbol} for symbol in ("H", "N", "O", "F", "Cl")),
    *({symbol, "O"} for symbol in ("H", "Li", "Na", "K", "Rb", "Cs")),
]
"""Elements of molecules of two atoms and of peroxides, of which pymatgen's Z counts pairs."""
_UNDERSTOOD = frozenset(
    {
        *CELL,
        *_OPERATIONS,
        *_GROUPS,
        *_NUMBERS,
        *_COORDINATES,
        _SYMBOL,
        _OCCUPANCY,
        _LABEL,
        _MULTIPLICITY,
        "_symmetry_equiv_pos_site_id",
        "_space_group_symop_id",
        _VOLUME,
        _UNITS,
    }
)
_HARMLESS = ("_chemical_", "_audit_", "_citation_", "_journal_", "_publ_")


def plain_arrays(text: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """Lattice (rows, angstrom), fractional coordinates and atomic numbers of a plain CIF.

    Coordinates are corrected as pymatgen's parser does, so that both ways give one crystal.

    Returns:
        None where the text is not plain: several blocks, symmetry, partial or shared sites,
        oxidation states, damage.
    """
    from gemmi import cif

    try:
        document = cif.read_string(text)
    except (ValueError, RuntimeError):
        return None
    if len(document) != 1:
        return None
    values: dict[str, list[str]] = {}
    for item in document[0]:
        pair: Any = item.pair
        if pair is not None:
            values[pair[0].lower()] = [pair[1]]
        elif item.loop is not None:
            tags, cells = item.loop.tags, item.loop.values
            values |= {tag.lower(): cells[i :: len(tags)] for i, tag in enumerate(tags)}
        elif item.frame is not None:
            return None
    if not all(tag.startswith(_HARMLESS) for tag in values.keys() - _UNDERSTOOD):
        return None
    if not _is_p1(values):
        return None
    try:
        symbols = values[_SYMBOL]
        numbers = np.array([NUMBERS[symbol] for symbol in symbols], np.int64)
        coordinates = np.array([_numbers(values[name]) for name in _COORDINATES]).T
        cell = tuple(_numbers(values[name])[0] for name in CELL)
        occupancies = values.get(_OCCUPANCY, ())
        whole = _ONE.issuperset(occupancies) or _ONE.issuperset(map(float, occupancies))
        lattice = lattice_matrix(cell)
    except (KeyError, ValueError):
        return None
    volume, box = float(lattice.diagonal().prod()), cell[0] * cell[1] * cell[2]
    if not whole or not 0 < len(numbers) == len(coordinates) or not volume > FLATTEST * box:
        return None
    if not _agrees(values, symbols, volume):
        return None
    for third in (1 / 3, 2 / 3):
        coordinates[np.abs(coordinates / third - 1) <= SAME_SITE] = third
    if _share_a_place(coordinates):
        return None
    return lattice, coordinates, numbers


def _agrees(values: dict[str, list[str]], symbols: list[str], volume: float) -> bool:
    """Whether labels, multiplicities, volume, formula and Z are as the sites have them; not what
    only the long way understands."""
    if [label.rstrip("0123456789") for label in values.get(_LABEL, symbols)] != symbols:
        return False
    if not _ONE.issuperset(values.get(_MULTIPLICITY, ())):
        return False
    try:
        said = _numbers(values.get(_VOLUME, [f"{volume}"]))[0]
    except ValueError:
        return False
    if abs(said - volume) > 0.005 * volume:
        return False
    found = Counter(symbols)
    units = values.get(_UNITS, ["?"])[0]
    if _FORMULA not in values:
        return units == "?" and not any(tag.startswith("_chemical_formula") for tag in values)
    formula = _BLANK.sub("", values[_FORMULA][0])
    parts = _ELEMENT.findall(formula)
    stated = {symbol: int(n or 1) for symbol, n in parts}
    if (
        "".join([symbol + n for symbol, n in parts]) != formula
        or len(parts) > len(stated)
        or stated.keys() != found.keys()
    ):
        return False
    each = found[symbols[0]] // stated[symbols[0]] if stated[symbols[0]] else 0
    if any(n != each * stated[symbol] for symbol, n in found.items()):
        return False
    reduced = math.gcd(*found.values())
    if units in ("?", str(each), str(reduced)):
        return True
    return units == str(reduced // 2) and found.keys() in DOUBLED


def _numbers(words: list[str]) -> list[float]:
    """Numbers without their uncertainties in brackets.

    Raises:
        ValueError: not a number, or not finite.
    """
    if "_" in "".join(words):  # Python's float takes it
        raise ValueError("not a number")
    values = [float(word.partition("(")[0]) for word in words]
    if not all(map(math.isfinite, values)):
        raise ValueError("not finite")
    return values


def _is_p1(values: dict[str, list[str]]) -> bool:
    """Whether the identity is the only operation, by a list of them or else by the name."""

    def words(tags: tuple[str, ...]) -> list[list[str]]:
        found = [values[tag] for tag in tags if tag in values]
        return [[re.sub(r"[\s'\"_]", "", word).lower() for word in column] for column in found]

    operations, groups, numbers = words(_OPERATIONS), words(_GROUPS), words(_NUMBERS)
    return (
        bool(operations or groups)
        and all(column == ["x,y,z"] for column in operations)
        and all(column == ["p1"] for column in groups)
        and all(column == ["1"] for column in numbers)
    )


def _share_a_place(coordinates: NDArray[Any]) -> bool:
    """Whether two entries are the same place."""
    for axis in range(3):  # mostly the first tells
        order = np.sort(coordinates[:, axis] % 1.0)
        gaps = order[1:] - order[:-1]
        if len(gaps) and gaps.min() > SAME_SITE and order[0] + 1 - order[-1] > SAME_SITE:
            return False
    difference = coordinates[:, None] - coordinates[None]
    difference -= np.rint(difference)
    close = (np.abs(difference) <= SAME_SITE).all(axis=-1)
    return bool(close.sum() > len(coordinates))


def check_cell(parameters: tuple[float, ...]) -> None:
    """Refuse lattice parameters that span no volume.

    Raises:
        StructureError: `zero_volume`.
    """
    if not (min(parameters[:3]) > 0 and volume_factor(parameters[3:]) > FLATTEST):
        raise StructureError("zero_volume", f"unit cell {parameters}")
