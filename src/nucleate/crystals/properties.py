"""Numbers computed for crystals: geometry from the Wyckoff string, energies from a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError, SettingsError
from nucleate.crystals.elements import NUMBERS
from nucleate.crystals.energy.energy_model import DEFAULT, EnergyModel, energy_model
from nucleate.crystals.geometry.describe import GRAMS_PER_CC, atomic_masses, cell, composition
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff
from nucleate.matter.properties import Properties, Property
from nucleate.settings.objectives import PropertySettings

_ELEMENTS = "; argument `elements`, as in elements=Li-Fe-O"
_TEXTS: dict[str, tuple[str, str]] = {
    "density": ("g/cm3", "mass density of the crystal"),
    "volume_per_atom": ("angstrom^3", "volume of the cell per atom"),
    "energy_per_atom": (
        "eV/atom",
        "CHGNet energy of the crystal as it is (Deng et al. 2023); argument `model`: by another",
    ),
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
    """Of the geometry, and energies of a model."""

    def descriptions(self) -> dict[str, str]:
        return {name: text for name, (_, text) in _TEXTS.items()}

    def build(self, name: str, arguments: Mapping[str, Any]) -> Property:
        """A property by name.

        Args:
            arguments: `elements` or `model` for those that say so, otherwise none.

        Raises:
            SettingsError: unknown name, argument or element.
        """
        if name not in _TEXTS:
            raise SettingsError(
                f"no property named {name!r} for crystals; known: {', '.join(_TEXTS)}"
            )
        unit, text = _TEXTS[name]
        takes = _ARGUMENT.get(name)
        unknown = ", ".join(sorted(set(arguments) - {takes}))
        if unknown and takes is None:
            raise SettingsError(f"property {name!r} takes no arguments, got {unknown}")
        if unknown:
            raise SettingsError(f"property {name!r}: unknown argument {unknown}; known: {takes}")
        if takes == "elements":
            function = partial(_FUNCTIONS[name], elements=_symbols(name, arguments.get("elements")))
            return Property(name, unit, text, _bulk(function))
        if takes == "model":
            model = energy_model(str(arguments.get("model", DEFAULT))).name
            return Property(name, unit, text, partial(_energies_by, model=model))
        if name == "energy_above_hull":
            return Property(name, unit, text, energies_above_hull)
        return Property(name, unit, text, _bulk(_FUNCTIONS[name]))

    def default_objectives(self) -> tuple[PropertySettings, ...]:
        """Stability: energy above the hull."""
        term = PropertySettings(property="energy_above_hull", goal="minimise", low=0.0, high=1.0)
        return (term,)


def _symbols(name: str, wanted: Any) -> frozenset[str]:
    if isinstance(wanted, str):  # as a command line has it
        wanted = wanted.split("-")
    if not isinstance(wanted, (list, tuple)) or not wanted:
        raise SettingsError(f"property {name!r} needs `elements`, symbols as in Li-Fe-O")
    for symbol in wanted:
        if symbol not in NUMBERS:
            raise SettingsError(f"property {name!r}: no element {symbol!r}")
    return frozenset(wanted)


def _bulk(function: Callable[[str], float]) -> Callable[[Sequence[str]], NDArray[np.float64]]:
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


def contains_elements(crystal: str, elements: frozenset[str]) -> float:
    """Share of the given elements that are present."""
    return len(elements & set(composition(crystal))) / len(elements)


def excludes_elements(crystal: str, elements: frozenset[str]) -> float:
    """Share of atoms of other than the given elements."""
    count = composition(crystal)
    return 1 - sum(n for symbol, n in count.items() if symbol in elements) / sum(count.values())


def density(crystal: str) -> float:
    """Mass density, g/cm3."""
    lattice, _, numbers = cell(crystal)
    mass = sum(atomic_masses()[number - 1] for number in numbers.tolist())
    return mass * GRAMS_PER_CC / abs(float(np.linalg.det(lattice)))


def volume_per_atom(crystal: str) -> float:
    """Volume per atom, angstrom^3."""
    lattice, _, numbers = cell(crystal)
    return abs(float(np.linalg.det(lattice))) / len(numbers)


def number_of_elements(crystal: str) -> float:
    """Number of different elements."""
    return float(len(composition(crystal)))


def shortest_scaled_distance(crystal: str) -> float:
    """Smallest ratio of a distance to the sum of both covalent radii."""
    return nearest(*cell(crystal)).scaled


_known_energies: dict[tuple[str, str], float] = {}
KNOWN_ENERGIES = 50_000
"""Energies remembered in a process: a study asks for energy and hull distance of one crystal."""


def remember(crystal: str, energy: float, model: str = DEFAULT) -> None:
    """Take note of a model's energy (eV/atom) that was computed elsewhere."""
    _known_energies[model, crystal] = energy


def energies(crystals: Sequence[str], model: EnergyModel | None = None) -> NDArray[np.float64]:
    """Energies of Wyckoff strings as they are, eV/atom; NaN where refused.

    Args:
        model: CHGNet on the CPU if not given.
    """
    model = model or energy_model()
    known = {c: e for c in crystals if (e := _known_energies.get((model.name, c))) is not None}
    structures = {}
    for crystal in dict.fromkeys(crystals):
        if crystal not in known:
            try:
                structures[crystal] = structure_from_wyckoff(crystal)
            except (NucleateError, ValueError):
                continue
    found = model.predict(list(structures.values()), gradients=False).per_atom.tolist()
    if len(_known_energies) + len(found) > KNOWN_ENERGIES:
        _known_energies.clear()
    for crystal, energy in zip(structures, found, strict=True):
        known[crystal] = energy
        remember(crystal, energy, model.name)
    return np.array([known.get(c, math.nan) for c in crystals], dtype=np.float64)


def energies_above_hull(crystals: Sequence[str]) -> NDArray[np.float64]:
    """CHGNet energies above the bundled hull, eV/atom; NaN where refused or without reference."""
    from nucleate.crystals.energy.hull import Hull

    above = energies(crystals)
    for i in np.flatnonzero(np.isfinite(above)).tolist():
        above[i] -= Hull.bundled().hull_energy(composition(crystals[i]))
    return above


def _energies_by(crystals: Sequence[str], model: str) -> NDArray[np.float64]:
    return energies(crystals, energy_model(model))


_ARGUMENT = {
    "energy_per_atom": "model",
    "contains_elements": "elements",
    "excludes_elements": "elements",
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "density": density,
    "volume_per_atom": volume_per_atom,
    "number_of_elements": number_of_elements,
    "contains_elements": contains_elements,
    "excludes_elements": excludes_elements,
    "shortest_scaled_distance": shortest_scaled_distance,
}
