"""Energies, forces and stresses of crystals: what relaxation, hull and checks ask of a model.

A model is a subclass of `EnergyModel`, found by name: CHGNet comes with the package, others are
entry points of the group `nucleate.energy_models`. `nucleate.testing.pytest_energy_models` holds
the suite that tells whether one is right.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from nucleate.core.errors import SettingsError

if TYPE_CHECKING:
    from pymatgen.core import Structure

GROUP = "nucleate.energy_models"
DEFAULT = "chgnet"
"""The model whose energies the bundled hull holds."""
EV_PER_A3_IN_GPA = 160.21766208


@dataclass(frozen=True)
class ElementReferences:
    """Energies of the elements that take a model's energies to formation energies.

    Attributes:
        name: what they were fitted to.
        energies: eV/atom by symbol; elements too rare in the data are missing.
        crystals: how many the fit rests on.
        median_error: absolute, on crystals held out of the fit, eV/atom.
        mean_error: likewise.
    """

    name: str
    energies: Mapping[str, float]
    crystals: int
    median_error: float
    mean_error: float

    def formation_energy(self, amounts: Mapping[str, int], energy: float) -> float:
        """eV/atom of a crystal of so many atoms by symbol; NaN where an element has no reference.

        Args:
            energy: the model's, eV/atom.
        """
        missing = float("nan")
        mixture = sum(n * self.energies.get(symbol, missing) for symbol, n in amounts.items())
        return energy - mixture / sum(amounts.values())


@dataclass(frozen=True)
class Predictions:
    """What a model says of n structures; NaN where it says nothing.

    Attributes:
        atoms: of each structure, [n].
        energies: eV of the whole cell, [n].
        forces: eV/angstrom, [atoms, 3], structure after structure.
        stresses: eV/angstrom^3, tension positive, [n, 3, 3]: the energy's derivative by the strain
            over the volume.
        reasons: why a structure has no energy, [n]; empty where it has one.
    """

    atoms: NDArray[np.int64]
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    stresses: NDArray[np.float64]
    reasons: list[str]

    @classmethod
    def unknown(cls, structures: Sequence[Structure]) -> Predictions:
        """All NaN, to be filled in."""
        n, atoms = len(structures), np.array([len(s) for s in structures], np.int64)
        forces, stresses = np.full((int(atoms.sum()), 3), np.nan), np.full((n, 3, 3), np.nan)
        return cls(atoms, np.full(n, np.nan), forces, stresses, [""] * n)

    @property
    def per_atom(self) -> NDArray[np.float64]:
        """Energies in eV/atom, [n]."""
        return self.energies / self.atoms

    def rows(self, place: int) -> slice:
        """The rows of `forces` that belong to a structure."""
        start = int(self.atoms[:place].sum())
        return slice(start, start + int(self.atoms[place]))


class EnergyModel(ABC):
    """A potential for any ordered crystal. Subclasses state the class attributes and `compute`.

    Attributes:
        name: by which settings name it.
        title: as people write it.
        scheme: what its energies are comparable with.
        plausible: eV/atom outside which an energy is taken for a failure of extrapolation.
        batch_atoms: atoms that are worth evaluating together.

    Args:
        device: torch device name.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    scheme: ClassVar[str]
    plausible: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    batch_atoms: ClassVar[int] = 100

    def __init__(self, device: str = "cpu"):
        self.device = device

    @property
    @abstractmethod
    def version(self) -> str:
        """Of code and weights: equal versions give equal numbers."""

    @abstractmethod
    def compute(self, structures: Sequence[Structure], gradients: bool) -> Predictions:
        """Predictions of structures that `refuse` allows, which may still fail with a reason.

        Args:
            structures: pymatgen's, ordered.
            gradients: whether forces and stresses are wanted; without, they are NaN.
        """

    def refuse_element(self, number: int) -> str:
        """Why the model knows no element of that atomic number; empty if it does."""
        return ""

    def beyond(self, structure: Structure) -> str:
        """Why a structure is beyond the model, whatever it is worth: an element it does not know,
        too many atoms; empty if it is not."""
        refusals = map(self.refuse_element, sorted(set(structure.atomic_numbers), reverse=True))
        return next(filter(None, refusals), "")

    def refuse(self, structure: Structure) -> str:
        """Why the model must not see a structure, be it beyond the model or nonsense; empty if it
        may."""
        from pymatgen.core import DummySpecies

        if not structure.is_ordered:
            return "a site is shared or partly empty"
        if any(isinstance(species, DummySpecies) for species in structure.species):
            return "a site holds no element"
        return self.beyond(structure)

    def references(self) -> ElementReferences | None:
        """What takes its energies to formation energies, if anything does."""
        return None

    def predict(self, structures: Sequence[Structure], gradients: bool = True) -> Predictions:
        """Predictions of any structures: refused and implausible ones are NaN with a reason."""
        out = Predictions.unknown(structures)
        out.reasons[:] = map(self.refuse, structures)
        allowed = [place for place, reason in enumerate(out.reasons) if not reason]
        if not allowed:
            return out
        found = self.compute([structures[place] for place in allowed], gradients)
        for row, place in enumerate(allowed):
            energy = float(found.per_atom[row])
            if not self.plausible[0] < energy < self.plausible[1] and not found.reasons[row]:
                out.reasons[place] = f"{self.title}'s energy of {energy:.3g} eV/atom is implausible"
                continue
            out.reasons[place] = found.reasons[row]
            out.energies[place] = found.energies[row]
            out.stresses[place] = found.stresses[row]
            out.forces[out.rows(place)] = found.forces[found.rows(row)]
        return out


@cache
def _entries() -> dict[str, EntryPoint]:
    own = EntryPoint(DEFAULT, "nucleate.crystals.energy.chgnet:Chgnet", GROUP)
    return {entry.name: entry for entry in (*entry_points(group=GROUP), own)}


def energy_model(name: str = DEFAULT, device: str = "cpu") -> EnergyModel:
    """The model of that name, made once per process and device.

    Raises:
        SettingsError: no such model; lists those that are registered.
    """
    if unknown := _unknown(name):
        raise SettingsError(unknown)
    return _make(name, device)


@cache
def _make(name: str, device: str) -> EnergyModel:
    model: EnergyModel = _entries()[name].load()(device)
    return model


def _unknown(name: str) -> str:
    known = ", ".join(sorted(_entries()))
    return "" if name in _entries() else f"no energy model named {name!r}; known: {known}"


def _check(name: str) -> str:
    if unknown := _unknown(name):
        raise ValueError(unknown)
    return name


ModelName = Annotated[str, AfterValidator(_check)]
"""Of a registered model, in settings."""
