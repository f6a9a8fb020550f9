"""A crystal as its space group, occupied Wyckoff positions and free lattice parameters.

The *Wyckoff string* is that on one line: space group, sites as `letter:element(parameters)`,
a bar, the free lattice parameters:

    225 a:Na b:Cl | 5.6402
    136 a:Ti f:O(0.30479) | 4.5937 2.9581

Only what symmetry leaves free is written: parameters are the free ones of the position's first
operation, in fractions of the conventional cell; lattice parameters are those that the crystal
system leaves free among a, b, c (angstrom), alpha, beta, gamma (degrees). `wyckoff_from_structure`
makes it canonical, so that one crystal has one string.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.wyckoff.symmetry import (
    CENTRINGS,
    PRIMITIVE,
    SpaceGroup,
    lattice_matrix,
    space_group,
)

if TYPE_CHECKING:
    from pymatgen.core import Structure

PARAMETER_DECIMALS = 5
LATTICE_DECIMALS = 4

_SITE = re.compile(r"([A-Za-z]):([A-Z][a-z]?)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class Site:
    """An occupied Wyckoff position.

    Attributes:
        letter: Wyckoff letter.
        element: symbol.
        parameters: free fractional coordinates in [0, 1), in the order x, y, z of those that the
            position's first operation leaves free.
    """

    letter: str
    element: str
    parameters: tuple[float, ...] = ()

    @property
    def number(self) -> int:
        """Atomic number."""
        return NUMBERS[self.element]


@dataclass(frozen=True)
class WyckoffStructure:
    """All that is needed to rebuild a crystal.

    Attributes:
        space_group: number, standard setting.
        sites: sorted by letter, atomic number, parameters.
        lattice: conventional a, b, c (angstrom), alpha, beta, gamma (degrees).
    """

    space_group: int
    sites: tuple[Site, ...]
    lattice: tuple[float, ...]

    @property
    def group(self) -> SpaceGroup:
        return space_group(self.space_group)

    @property
    def atoms(self) -> int:
        """Atoms in the primitive cell."""
        return sum(self.composition.values())

    @property
    def composition(self) -> dict[str, int]:
        """Atoms of each element in the primitive cell."""
        count: dict[str, int] = {}
        for site in self.sites:
            size = self.group.position(site.letter).primitive_multiplicity
            count[site.element] = count.get(site.element, 0) + size
        return count


def _number(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def to_string(gene: WyckoffStructure) -> str:
    """The Wyckoff string of a crystal."""
    parts = [str(gene.space_group)]
    for site in gene.sites:
        values = ",".join(_number(p, PARAMETER_DECIMALS) for p in site.parameters)
        parts.append(f"{site.letter}:{site.element}" + (f"({values})" if values else ""))
    parts.append("|")
    parts.extend(_number(gene.lattice[i], LATTICE_DECIMALS) for i in gene.group.free_lattice)
    return " ".join(parts)


def from_string(text: str) -> WyckoffStructure:
    """Parse a Wyckoff string. It need not be canonical, but must be complete and consistent.

    Raises:
        StructureError: `not_a_wyckoff_string`, with what is wrong.
    """
    head, bar, tail = text.partition("|")
    tokens = head.split()
    if not bar or len(tokens) < 2 or not tokens[0].isdecimal():
        raise _nonsense(text, "expected `<space group> <letter>:<element>(...) ... | <lattice>`")
    try:
        group = space_group(int(tokens[0]))
    except ValueError as error:
        raise _nonsense(text, str(error)) from None
    sites = tuple(_parse_site(token, group, text) for token in tokens[1:])
    fixed = [s.letter for s in sites if not s.parameters]
    if len(set(fixed)) < len(fixed):
        raise _nonsense(text, "a position without freedom is occupied twice")
    lattice = _floats(tail.split(), text)
    if len(lattice) != len(group.free_lattice):
        wanted = len(group.free_lattice)
        raise _nonsense(text, f"{group.system} needs {wanted} lattice parameters")
    complete = group.complete_lattice(lattice)
    try:
        lattice_matrix(complete)
    except ValueError as error:
        raise _nonsense(text, str(error)) from None
    return WyckoffStructure(group.number, sites, complete)


def _nonsense(text: str, detail: str) -> StructureError:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return StructureError("not_a_wyckoff_string", f"{shown!r}: {detail}")


def _floats(words: list[str], text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in words)
    except ValueError as error:
        raise _nonsense(text, str(error)) from None
    if not all(math.isfinite(v) for v in values):
        raise _nonsense(text, "a number is not finite")
    return values


def _parse_site(token: str, group: SpaceGroup, text: str) -> Site:
    match = _SITE.fullmatch(token)
    if match is None:
        raise _nonsense(text, f"{token!r} is not a site")
    letter, element, values = match.groups()
    if element not in NUMBERS:
        raise _nonsense(text, f"no element {element!r}")
    try:
        position = group.position(letter)
    except KeyError:
        raise _nonsense(text, f"group {group.number} has no position {letter!r}") from None
    parameters = tuple(v % 1.0 for v in _floats(values.split(",") if values else [], text))
    if len(parameters) != len(position.free):
        wanted = len(position.free)
        raise _nonsense(text, f"position {letter!r} has {wanted} free parameters")
    return Site(letter, element, parameters)


def expand(
    crystal: str | WyckoffStructure, primitive: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """All atoms of a cell, by the explicit operations of each position.

    Returns:
        lattice [3, 3] (rows, angstrom), fractional coordinates [n, 3] in [0, 1), and atomic
        numbers [n]; sites stay together, in the given order.

    Raises:
        StructureError: not a Wyckoff string.
    """
    gene = from_string(crystal) if isinstance(crystal, str) else crystal
    group = gene.group
    lattice = lattice_matrix(gene.lattice)
    blocks = [group.position(s.letter).expand(s.parameters, primitive) for s in gene.sites]
    numbers = np.repeat([s.number for s in gene.sites], [len(b) for b in blocks])
    coordinates = np.concatenate(blocks)
    if primitive and len(CENTRINGS[group.centring]) > 1:
        basis = np.array(PRIMITIVE[group.centring])
        coordinates = coordinates @ np.linalg.inv(basis)
        lattice = basis @ lattice
    coordinates = coordinates % 1.0
    coordinates[coordinates > 1 - 1e-9] = 0.0
    return lattice, coordinates, numbers.astype(np.int64)


def structure_from_wyckoff(crystal: str | WyckoffStructure, primitive: bool = True) -> Structure:
    """The crystal as a pymatgen structure, in its primitive or conventional cell."""
    from pymatgen.core import Element, Lattice, Structure

    lattice, coordinates, numbers = expand(crystal, primitive)
    return Structure(Lattice(lattice), [Element.from_Z(int(z)) for z in numbers], coordinates)


def prototype_key(crystal: str | WyckoffStructure) -> str:
    """Space group, letters and elements without numbers: equal crystals have equal keys."""
    if isinstance(crystal, str):
        return re.sub(r"\([^()]*\)", "", crystal.partition("|")[0]).strip()
    sites = " ".join(f"{s.letter}:{s.element}" for s in crystal.sites)
    return f"{crystal.space_group} {sites}"


def anonymous_key(crystal: str | WyckoffStructure) -> str:
    """`prototype_key` with a number for each element, in the order of the sites."""
    group, *sites = prototype_key(crystal).split()
    numbers: dict[str, int] = {}
    named = [site.split(":") for site in sites]
    return " ".join([group, *(f"{s[0]}:{numbers.setdefault(s[1], len(numbers))}" for s in named)])
