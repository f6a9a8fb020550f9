"""CIF texts -> crystals: gemmi for plain ones, pymatgen for all that takes interpretation.

Sets of computed crystals list every atom of the cell in P1. Of those gemmi reads some 10,000 a
second, pymatgen 80; so a text that leaves nothing to interpret (one block, no symmetry, whole
atoms of plain elements) takes the short way, and whatever else is in a text sends it the long one.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.wyckoff.symmetry import lattice_matrix, volume_factor

if TYPE_CHECKING:
    from pymatgen.core import Structure

FLATTEST = 2e-4
"""Volume of a cell of unit edges below which its angles span none."""
SAME_SITE = 1e-4
"""Fractions of the cell within which pymatgen takes two entries for one shared site, and a
coordinate for 1/3 or 2/3 (relative)."""

_CELL = re.compile(r"^\s*_cell_(length_[abc]|angle_alpha|angle_beta|angle_gamma)\s+(\S+)", re.M)
_LENGTHS_AND_ANGLES = tuple(
    f"_cell_{name}"
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
_OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_GROUPS = ("_symmetry_space_group_name_h-m", "_space_group_name_h-m_alt")
_NUMBERS = ("_symmetry_int_tables_number", "_space_group_it_number")
_SITE = "_atom_site_"
_COORDINATES = tuple(f"{_SITE}fract_{axis}" for axis in "xyz")
_SYMBOL, _OCCUPANCY = f"{_SITE}type_symbol", f"{_SITE}occupancy"
_UNDERSTOOD = frozenset(
    {
        *_LENGTHS_AND_ANGLES,
        *_OPERATIONS,
        *_GROUPS,
        *_NUMBERS,
        *_COORDINATES,
        _SYMBOL,
        _OCCUPANCY,
        f"{_SITE}label",
        f"{_SITE}symmetry_multiplicity",
        "_symmetry_equiv_pos_site_id",
        "_space_group_symop_id",
        "_cell_volume",
        "_cell_formula_units_z",
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
    if not all(tag in _UNDERSTOOD or tag.startswith(_HARMLESS) for tag in values):
        return None
    if not _is_p1(values):
        return None
    try:
        numbers = np.array([NUMBERS[cif.as_string(s)] for s in values[_SYMBOL]], np.int64)
        coordinates = np.array([_numbers(values[name]) for name in _COORDINATES]).T
        cell = tuple(_numbers(values[name])[0] for name in _LENGTHS_AND_ANGLES)
        occupancies = _numbers(values.get(_OCCUPANCY, []))
        check_cell(cell)
        lattice = lattice_matrix(cell)
    except (KeyError, ValueError, StructureError):
        return None
    if not 0 < len(numbers) == len(coordinates) or any(value != 1 for value in occupancies):
        return None
    for third in (1 / 3, 2 / 3):
        coordinates[np.abs(coordinates / third - 1) <= SAME_SITE] = third
    if _share_a_place(coordinates):
        return None
    return lattice, coordinates, numbers


def _numbers(words: list[str]) -> list[float]:
    """Numbers without their uncertainties in brackets.

    Raises:
        ValueError: not a number, or not finite.
    """
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
        if len(order) > 1 and np.diff(order, append=order[0] + 1).min() > SAME_SITE:
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


def parse_cif(text: str) -> Structure:
    """The structure of a CIF text's first block that has one, by pymatgen.

    Raises:
        StructureError: `unreadable`, `zero_volume`, `disorder`.
    """
    from pymatgen.io.cif import CifParser

    cell = {name: value.split("(")[0] for name, value in _CELL.findall(text)}
    names = [name.removeprefix("_cell_") for name in _LENGTHS_AND_ANGLES]
    try:
        check_cell(tuple(float(cell[name]) for name in names))
    except (KeyError, ValueError):
        raise StructureError("unreadable", "cif: no complete unit cell") from None
    parser = CifParser.from_str(text)
    try:
        structures = parser.parse_structures(primitive=False)
    except (ValueError, ZeroDivisionError) as error:
        if any("occupanc" in warning for warning in parser.warnings):
            raise StructureError("disorder", "occupancies on one site sum to more than 1") from None
        first = (str(error).strip().splitlines() or [""])[0][:150]
        raise StructureError("unreadable", f"cif: {type(error).__name__}: {first}") from None
    return structures[0]
