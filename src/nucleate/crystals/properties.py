"""Numbers computed for crystals: geometry from the gene, energies from CHGNet."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError, SettingsError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.geometry.describe import GRAMS_PER_CC, atomic_masses, cell, composition
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff
from nucleate.matter.properties import Properties, Property

Function = Callable[[str], float]

_ELEMENTS = "; argument `elements`, as in elements=Li-Fe-O"
_TEXTS: dict[str, tuple[str, str]] = {
    "density": ("g/cm3", "mass density of the crystal"),
    "volume_per_atom": ("angstrom^3", "volume of the cell per atom"),
    "energy_per_atom": ("eV/atom", "CHGNet energy of the crystal as it is (Deng et al. 2023)"),
    "energy_above_hull": (
        "eV/atom",
        "CHGNet energy of the crystal as it is, above the hull of the bundled reference set",
    ),
    "number_of_elements": ("", "number of different elements"),
    "contains_elements": ("", "share of the given elements that are present" + _ELEMENTS),
    "excludes_elements": ("", "share of atoms of other than the given elements" + _ELEMENTS),
    "shortest_scaled_distance": (
        "",
        "smallest ratio of a distance to the sum of both covalent radii (Cordero et al. 2008)",
    ),
}


class CrystalProperties(Properties):
    """Of the geometry, and CHGNet's energies."""

    def descriptions(self) -> dict[str, str]:
        return {name: text for name, (_, text) in _TEXTS.items()}

    def build(self, name: str, arguments: Mapping[str, Any]) -> Property:
        """A property by name.

        Args:
            arguments: `{"elements": [...]}` for those that say so, otherwise empty.

        Raises:
            SettingsError: unknown name, argument or element.
        """
        if name not in _TEXTS:
            raise SettingsError(
                f"no property named {name!r} for crystals; known: {', '.join(_TEXTS)}"
            )
        unit, text = _TEXTS[name]
        if name in ("contains_elements", "excludes_elements"):
            return Property(name, unit, text, _about_elements(name, _elements(name, arguments)))
        if arguments:
            known = ", ".join(sorted(arguments))
            raise SettingsError(f"property {name!r} takes no arguments, got {known}")
        return Property(name, unit, text, _PLAIN[name])


def _elements(name: str, arguments: Mapping[str, Any]) -> frozenset[str]:
    unknown = sorted(set(arguments) - {"elements"})
    if unknown:
        raise SettingsError(
            f"property {name!r}: unknown argument {', '.join(unknown)}; known: elements"
        )
    wanted = arguments.get("elements")
    if isinstance(wanted, str):  # as a command line has it
        wanted = wanted.split("-")
    if not isinstance(wanted, (list, tuple)) or not wanted:
        raise SettingsError(f"property {name!r} needs `elements`, symbols as in Li-Fe-O")
    for symbol in wanted:
        if symbol not in NUMBERS:
            raise SettingsError(f"property {name!r}: no element {symbol!r}")
    return frozenset(wanted)


def _bulk(function: Function) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """A function of one crystal over many; NaN where it fails."""

    def compute(crystals: Sequence[str]) -> NDArray[np.float64]:
        values = np.full(len(crystals), np.nan)
        for i, crystal in enumerate(crystals):
            try:
                values[i] = function(crystal)
            except (NucleateError, ValueError, ArithmeticError):
                continue
        return values

    return compute


def _about_elements(
    name: str, elements: frozenset[str]
) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    def contains(crystal: str) -> float:
        return len(elements & set(composition(crystal))) / len(elements)

    def excludes(crystal: str) -> float:
        found = composition(crystal)
        unwanted = sum(count for symbol, count in found.items() if symbol in elements)
        return 1 - unwanted / sum(found.values())

    return _bulk(contains if name == "contains_elements" else excludes)


def density(crystal: str) -> float:
    """Mass density, g/cm3."""
    lattice, _, numbers = cell(crystal)
    mass = sum(atomic_masses()[number - 1] for number in numbers.tolist())
    return mass * GRAMS_PER_CC / _volume(lattice)


def volume_per_atom(crystal: str) -> float:
    """Volume per atom, angstrom^3."""
    lattice, _, numbers = cell(crystal)
    return _volume(lattice) / len(numbers)


def _volume(lattice: NDArray[np.float64]) -> float:
    return abs(float(np.linalg.det(lattice)))


def number_of_elements(crystal: str) -> float:
    """Number of different elements."""
    return float(len(composition(crystal)))


def shortest_scaled_distance(crystal: str) -> float:
    """Smallest ratio of a distance to the sum of both covalent radii."""
    return nearest(*cell(crystal)).scaled


_known_energies: dict[str, float] = {}
KNOWN_ENERGIES = 50_000
"""Energies remembered in a process: a study asks for energy and hull distance of one crystal."""


def remember(crystal: str, energy: float) -> None:
    """Take note of a CHGNet energy (eV/atom) that was computed elsewhere."""
    _known_energies[crystal] = energy


def energies(crystals: Sequence[str], device: str = "cpu") -> NDArray[np.float64]:
    """CHGNet energies of Wyckoff strings as they are, eV/atom; NaN where refused."""
    from nucleate.crystals.energy import chgnet

    known = {c: _known_energies[c] for c in crystals if c in _known_energies}
    structures, readable = [], []
    for crystal in dict.fromkeys(crystals):
        if crystal not in known:
            try:
                structures.append(structure_from_wyckoff(from_string(crystal)))
                readable.append(crystal)
            except (NucleateError, ValueError):
                continue
    found = dict(zip(readable, chgnet.energies(structures, device).tolist(), strict=True))
    if len(_known_energies) + len(found) > KNOWN_ENERGIES:
        _known_energies.clear()
    _known_energies.update(found)
    known |= found
    return np.array([known.get(c, math.nan) for c in crystals], dtype=np.float64)


def energies_above_hull(crystals: Sequence[str], device: str = "cpu") -> NDArray[np.float64]:
    """CHGNet energies above the bundled hull, eV/atom; NaN where refused or without reference."""
    from nucleate.crystals.energy.hull import Hull

    values = energies(crystals, device)
    above = np.full(len(crystals), np.nan)
    for i, (crystal, energy) in enumerate(zip(crystals, values, strict=True)):
        if np.isfinite(energy):
            above[i] = energy - Hull.bundled().hull_energy(composition(crystal))
    return above


_PLAIN: dict[str, Callable[[Sequence[str]], NDArray[np.float64]]] = {
    "density": _bulk(density),
    "volume_per_atom": _bulk(volume_per_atom),
    "energy_per_atom": energies,
    "energy_above_hull": energies_above_hull,
    "number_of_elements": _bulk(number_of_elements),
    "shortest_scaled_distance": _bulk(shortest_scaled_distance),
}
