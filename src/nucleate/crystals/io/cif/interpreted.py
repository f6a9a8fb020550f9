"""CIF texts that take interpretation -> crystals: symmetry, labels, rounding, settings left open.

Whatever can be read in several ways is read in all of them, and what the file says beside it
(formula, Z, density, multiplicities, the shape of the cell) tells which one is right. Where nothing
tells, or something contradicts, the text is refused with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.io.cif.atom_sites import Sites, number, read_sites
from nucleate.crystals.io.cif.block import Items, read_items
from nucleate.crystals.io.cif.declared import Declared, read_declared
from nucleate.crystals.io.cif.orbits import Orbit, fits, orbit, same_place
from nucleate.crystals.io.cif.plain import CELL, check_cell
from nucleate.crystals.io.cif.space_group import Setting
from nucleate.crystals.io.cif.symmetry import NOT_GIVEN, Symmetry, read_symmetry
from nucleate.crystals.io.parsed import Parsed
from nucleate.crystals.wyckoff.canonical import Arrays, canonical_wyckoff
from nucleate.crystals.wyckoff.symmetry import lattice_matrix
from nucleate.crystals.wyckoff.wyckoff_string import to_string

Array = NDArray[np.float64]

TOO_CLOSE = 0.6
"""Times the sum of both covalent radii; closer atoms tell that a setting is the wrong one."""
MOVED = 0.02
"""Angstrom that a site may be moved onto its special position without a word."""
_MODULATED = (
    *("_space_group_ssg", "_space_group_symop_ssg", "_space_group_symop_magn_ssg", "_cell_wave_"),
    *("_atom_site_fourier", "_atom_site_displace", "_atom_site_occ_fourier", "_cell_subsystem"),
)


@dataclass(frozen=True)
class _Reading:
    """One way to read the file."""

    setting: Setting
    arrays: Arrays
    notes: tuple[str, ...]


class _Refuted(Exception):
    """A way to read the file that cannot be.

    Args:
        by: what tells so, for a person.
    """

    def __init__(self, by: str, error: StructureError):
        super().__init__(str(error))
        self.by, self.error = by, error


def interpret_cif(text: str, maximum_atoms: int) -> Parsed:
    """The crystal, and what was decided.

    Raises:
        StructureError: `unreadable`, `several_structures`, `zero_volume`, `modulated`,
            `unknown_element`, `partial_occupancy`, `disorder`, `incomplete`, `contradiction`,
            `unknown_space_group`, `ambiguous_setting`, `too_many_atoms`.
    """
    items = read_items(text)
    _refuse_modulated(items)
    parameters = _read_cell(items)
    lattice = lattice_matrix(parameters)
    declared = read_declared(items)
    declared.check_volume(float(np.linalg.det(lattice)))
    sites = read_sites(items, frozenset(declared.amounts))
    if len(sites.labels) > maximum_atoms:
        raise StructureError("too_many_atoms", f"more than {maximum_atoms} in the cell")
    symmetry = read_symmetry(items, lattice)
    first: StructureError | None = None
    for n, symbols in enumerate(sites.readings):
        try:
            reading = _choose(symmetry, sites, symbols, lattice, declared, maximum_atoms)
        except StructureError as error:
            first = first or error
            continue
        notes = [*symmetry.notes, *sites.notes, *reading.notes]
        if n or sites.told_by_formula:
            notes.append("elements of labels told by the formula")
        return Parsed(reading.arrays, tuple(dict.fromkeys(notes)))
    raise first or StructureError("unreadable", "no atom sites")


def _read_cell(items: Items) -> tuple[float, ...]:
    found = []
    for tag in CELL:
        word = items.get(tag, [""])[0]
        try:
            found.append(number(word)[0])
        except ValueError:
            said = f"is {word}" if word else "is missing"
            raise StructureError("unreadable", f"no complete unit cell: {tag} {said}") from None
    check_cell(tuple(found))
    return tuple(found)


def _refuse_modulated(items: Items) -> None:
    dimension = items.get("_cell_modulation_dimension", ["0"])[0]
    if dimension not in ("0", ".", "?") or any(tag.startswith(_MODULATED) for tag in items):
        raise StructureError("modulated", "a modulated or composite structure has no unit cell")


def _choose(
    symmetry: Symmetry,
    sites: Sites,
    symbols: tuple[str, ...],
    lattice: Array,
    declared: Declared,
    maximum_atoms: int,
) -> _Reading:
    """The one setting with which everything agrees.

    Raises:
        StructureError: why the first setting is refuted, if all are; `ambiguous_setting`.
    """
    found: list[_Reading] = []
    refuted: list[_Refuted] = []
    for setting in symmetry.settings:
        try:
            found.append(_read_in(setting, sites, symbols, lattice, declared, maximum_atoms))
        except _Refuted as reason:
            refuted.append(reason)
    if not found:
        raise refuted[0].error
    found = _distinct(found)
    if symmetry.doubt and not declared.decides and (refuted or len(symmetry.settings) == 1):
        word = "unknown_space_group" if symmetry.doubt == NOT_GIVEN else "contradiction"
        raise StructureError(word, symmetry.doubt)
    if len(found) > 1 and not symmetry.doubt:
        apart = [reading for reading in found if not _clashes(reading.arrays)]
        if len(apart) == 1:
            error = StructureError("overlapping_atoms", "atoms too close")
            refuted.append(_Refuted("distances", error))
            found = apart
    if len(found) > 1:
        names = " and ".join(reading.setting.name for reading in found)
        word = "contradiction" if symmetry.doubt else "ambiguous_setting"
        told = symmetry.doubt or "nothing tells the setting"
        raise StructureError(word, f"{told}: {names} fit")
    if len(symmetry.settings) == 1:
        return found[0]
    by = " and ".join(dict.fromkeys(reason.by for reason in refuted)) or "all alike"
    note = f"{_what(found[0].setting)}, told by the {by}" if refuted else ""
    return _Reading(found[0].setting, found[0].arrays, (*found[0].notes, *([note] if note else [])))


def _what(setting: Setting) -> str:
    names = {"1": "origin choice 1", "2": "origin choice 2"}
    names |= {"H": "hexagonal axes", "R": "rhombohedral axes"}
    return names.get(setting.choice, f"space group {setting.name}")


def _distinct(readings: list[_Reading]) -> list[_Reading]:
    """The first of those that are one crystal."""
    if len(readings) == 1:
        return readings
    crystals: dict[str, _Reading] = {}
    for reading in readings:
        try:
            crystal = to_string(canonical_wyckoff(*reading.arrays))
        except StructureError:
            continue
        crystals.setdefault(crystal, reading)
    return list(crystals.values()) or readings


def _clashes(arrays: Arrays) -> bool:
    return nearest(*arrays).scaled < TOO_CLOSE


def _read_in(
    setting: Setting,
    sites: Sites,
    symbols: tuple[str, ...],
    lattice: Array,
    declared: Declared,
    maximum_atoms: int,
) -> _Reading:
    """The crystal in one setting.

    Raises:
        _Refuted: the cell, the sites, or the formula do not allow it.
    """
    if not fits(setting, lattice):
        told = f"the cell has not the symmetry of {setting.name}"
        raise _Refuted("cell", StructureError("contradiction", told))
    try:
        places = _expand(setting, sites, lattice, maximum_atoms)
        notes = [note for place in places for note in _check_place(place, sites, symbols)]
        _check_multiplicities(setting, sites, places)
    except StructureError as error:
        raise _Refuted("sites", error) from None
    names = [symbols[place.members[0]] for place in places for _ in place.orbit.positions]
    volume = abs(float(np.linalg.det(lattice)))
    try:
        notes += declared.check_atoms(Counter(names), volume, setting.lattice_points())
    except StructureError as error:
        raise _Refuted("formula", error) from None
    positions = np.concatenate([place.orbit.positions for place in places])
    numbers = np.array([NUMBERS[name] for name in names], np.int64)
    return _Reading(setting, (lattice, positions, numbers), tuple(notes))


@dataclass(frozen=True)
class _Place:
    """A place with its images, and the numbers of the sites that are on it."""

    orbit: Orbit
    members: list[int]


def _expand(setting: Setting, sites: Sites, lattice: Array, maximum_atoms: int) -> list[_Place]:
    """The places of the cell.

    Raises:
        StructureError: `too_many_atoms`, `unreadable`.
    """
    places: list[_Place] = []
    positions, owners = np.empty((0, 3)), np.empty(0, np.int64)
    for i, point in enumerate(sites.coordinates):
        same = owners[same_place(point, positions, lattice)]
        if len(same):
            places[same[0]].members.append(i)
            continue
        places.append(_Place(orbit(point, setting, lattice), [i]))
        new = places[-1].orbit.positions
        positions = np.concatenate([positions, new])
        owners = np.concatenate([owners, np.full(len(new), len(places) - 1)])
        if len(positions) > maximum_atoms:
            raise StructureError("too_many_atoms", f"more than {maximum_atoms} in the cell")
    return places


def _check_place(place: _Place, sites: Sites, symbols: tuple[str, ...]) -> list[str]:
    """Notes on a place that is wholly of one element.

    Raises:
        StructureError: `disorder`, `partial_occupancy`.
    """
    shares = [sites.occupancies[i] for i in place.members]
    told = ", ".join(f"{sites.labels[i]} {sites.occupancies[i]:g}" for i in place.members)
    if len({symbols[i] for i in place.members}) > 1:
        raise StructureError("disorder", f"a site is shared: {told}")
    notes = []
    if len(shares) > 1 and all(share == 1 for share in shares):
        notes.append("sites listed twice")
    elif sum(shares) > 1.001:
        raise StructureError("disorder", f"occupancies sum to more than 1: {told}")
    elif sum(shares) < 0.999:
        raise StructureError("partial_occupancy", told)
    if place.orbit.moved > MOVED:
        notes.append("coordinates rounded to special positions")
    return notes


def _check_multiplicities(setting: Setting, sites: Sites, places: list[_Place]) -> None:
    """Raise where the file's multiplicities are neither those of the sites nor, as SHELX has them,
    the order of the sites' symmetry.

    Raises:
        StructureError: `contradiction`.
    """
    said = sites.multiplicities
    order = len(setting.triplets)
    counts = {i: len(place.orbit.positions) for place in places for i in place.members}
    made = [counts[i] for i in range(len(sites.labels))]
    if said and said != made and said != [order // n for n in made]:
        i = next(i for i, n in enumerate(said) if n != made[i])
        told = f"{sites.labels[i]} has a multiplicity of {made[i]}, the file says {said[i]}"
        raise StructureError("contradiction", told)
