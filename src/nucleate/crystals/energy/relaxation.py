"""Relaxation with an energy model: ASE's BFGS over atoms and cell, many crystals in lockstep.

All crystals of a chunk take their steps together, so that the model sees batches. The space group
of the start is kept (ASE's `FixSymmetry`) unless asked otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.core.quiet import silenced
from nucleate.crystals.energy.energy_model import EV_PER_A3_IN_GPA, EnergyModel, energy_model
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import structure_from_wyckoff, to_string

if TYPE_CHECKING:
    from pymatgen.core import Structure

STIFFNESS = 0.5
"""Bulk modulus in eV/A^3 (80 GPa) that scales the cell's degrees of freedom to the atoms'."""
TOGETHER = 12
"""Crystals that take their steps in lockstep."""


@dataclass(frozen=True)
class Relaxed:
    """Outcome of one relaxation.

    Attributes:
        structure: relaxed primitive structure; None if refused or failed.
        energy: eV/atom of the last geometry; NaN if there is none.
        steps: optimiser steps taken.
        converged: forces and stress fell under the threshold.
        reason: why there is no structure or no convergence; empty if converged.
        start_energy: eV/atom of the given geometry.
        string: canonical Wyckoff string of `structure`, if asked for.
        residual_force: largest force that is left, eV/A, what symmetry forbids included.
        residual_stress: largest component of the stress that is left, GPa.
    """

    structure: Structure | None = None
    energy: float = float("nan")
    steps: int = 0
    converged: bool = False
    reason: str = ""
    start_energy: float = float("nan")
    string: str | None = None
    residual_force: float = float("nan")
    residual_stress: float = float("nan")


class _Run:
    """One relaxation in progress: ASE's BFGS over atoms and cell, fed with batched predictions."""

    def __init__(self, place: int, structure: Structure, keep_symmetry: bool):
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.constraints import FixSymmetry
        from ase.filters import UnitCellFilter
        from ase.optimize import BFGS
        from pymatgen.io.ase import AseAtomsAdaptor

        self.place = place
        self.start_volume = structure.volume
        self.start_energy = self.energy = float("nan")
        self.steps = 0
        self.calculator_class = SinglePointCalculator
        self.atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        if keep_symmetry:
            self.atoms.set_constraint(FixSymmetry(self.atoms, symprec=1e-3))
        # Scaled so, a strain has the curvature of an atom's displacement, and BFGS's first guess
        # of the Hessian (70 eV/A^2) fits both.
        factor = float(np.sqrt(STIFFNESS * structure.volume / 70.0))
        self.optimiser = BFGS(
            UnitCellFilter(self.atoms, cell_factor=factor),
            logfile=None,
            maxstep=min(0.2, 0.08 * factor),
        )

    def structure(self) -> Structure:
        """The present geometry."""
        from pymatgen.core import Lattice, Structure

        return Structure(
            Lattice(self.atoms.cell[:]), self.atoms.numbers, self.atoms.get_scaled_positions()
        )

    def receive(
        self, energy: float, forces: NDArray[np.float64], stress: NDArray[np.float64]
    ) -> None:
        """Take the energy (eV), forces and stress of the present geometry."""
        from ase.stress import full_3x3_to_voigt_6_stress

        self.energy = energy / len(self.atoms)
        if np.isnan(self.start_energy):
            self.start_energy = self.energy
        voigt = full_3x3_to_voigt_6_stress(stress)
        self.atoms.calc = self.calculator_class(
            self.atoms, energy=energy, forces=forces, stress=voigt
        )

    def verdict(self, structure: Structure, maximum_steps: int, fmax: float) -> str | None:
        """Why it ends, empty if it has converged, None if it goes on. The criterion is ASE's own:
        largest force, and largest virial per atom, below `fmax`."""
        growth = structure.volume / self.start_volume
        if not 0.3 < growth < 4:
            return f"the volume changed {growth:.2f}-fold"
        force = np.linalg.norm(self.atoms.get_forces(), axis=1).max()
        virial = np.abs(self.atoms.get_stress()).max() * self.atoms.get_volume() / len(self.atoms)
        if force < fmax and virial < fmax:
            return ""
        if self.steps >= maximum_steps:
            return f"not converged to {fmax:g} eV/A in {maximum_steps} steps"
        return None

    def end(self, reason: str) -> Relaxed:
        """The outcome; a reason that starts with `not converged` keeps the structure."""
        outcome = Relaxed(steps=self.steps, reason=reason, start_energy=self.start_energy)
        if reason and not reason.startswith("not converged"):
            return outcome
        forces = self.atoms.get_forces(apply_constraint=False)
        return replace(
            outcome,
            structure=self.structure(),
            energy=self.energy,
            converged=not reason,
            residual_force=float(np.linalg.norm(forces, axis=1).max()),
            residual_stress=float(np.abs(self.atoms.get_stress()).max()) * EV_PER_A3_IN_GPA,
        )


def relax_structures(
    structures: Sequence[Structure],
    *,
    fmax: float = 0.1,
    maximum_steps: int = 60,
    keep_symmetry: bool = True,
    model: EnergyModel | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> list[Relaxed]:
    """Relax atoms and cell of many structures in lockstep, so that the model sees batches.

    Args:
        structures: pymatgen structures, ordered; primitive cells are cheapest.
        fmax: threshold of the largest force (eV/A) and of the largest virial per atom (eV).
        maximum_steps: optimiser steps after which a structure counts as not converged.
        keep_symmetry: keep the space group of the start (ASE's `FixSymmetry`).
        model: CHGNet on the CPU if not given.
        progress: told how many structures have ended, each time that some have.

    Returns:
        One `Relaxed` per structure, in order.
    """
    model = model or energy_model()
    outcomes = [Relaxed()] * len(structures)
    waiting = deque(enumerate(structures))
    active: list[_Run] = []
    while waiting or active:
        ended = 0
        while waiting and sum(len(run.atoms) for run in active) < model.batch_atoms:
            place, structure = waiting.popleft()
            reason = model.refuse(structure)
            if not reason:
                try:
                    with silenced():
                        active.append(_Run(place, structure, keep_symmetry))
                    continue
                except Exception as error:
                    reason = f"the relaxation cannot start: {error}"
            outcomes[place] = Relaxed(reason=reason)
            ended += 1
        geometries = [run.structure() for run in active]
        found = model.predict(geometries)
        goes_on: list[_Run] = []
        for row, (run, geometry) in enumerate(zip(active, geometries, strict=True)):
            verdict: str | None = found.reasons[row]
            if not verdict:
                forces = found.forces[found.rows(row)]
                run.receive(float(found.energies[row]), forces, found.stresses[row])
                verdict = run.verdict(geometry, maximum_steps, fmax)
            if verdict is None:
                try:
                    with silenced():
                        run.optimiser.step()
                    run.steps += 1
                    goes_on.append(run)
                    continue
                except Exception as error:
                    verdict = f"the optimiser failed: {error}"
            outcomes[run.place] = run.end(verdict)
            ended += 1
        active = goes_on
        progress(ended)
    return outcomes


def relax(
    crystals: Sequence[str],
    *,
    fmax: float = 0.1,
    maximum_steps: int = 60,
    keep_symmetry: bool = True,
    model: EnergyModel | None = None,
) -> Iterator[Relaxed]:
    """Relax Wyckoff strings, in order, `TOGETHER` at a time; arguments as in `relax_structures`.

    A relaxed crystal also carries its own canonical Wyckoff string; a string that cannot be read
    or canonicalised gives a `Relaxed` with the reason.
    """
    for start in range(0, len(crystals), TOGETHER):
        structures: dict[int, Structure] = {}
        outcomes: list[Relaxed] = []
        for place, crystal in enumerate(crystals[start : start + TOGETHER]):
            try:
                structures[place] = structure_from_wyckoff(crystal)
                outcomes.append(Relaxed())
            except StructureError as error:
                outcomes.append(Relaxed(reason=str(error)))
        found = relax_structures(
            list(structures.values()),
            fmax=fmax,
            maximum_steps=maximum_steps,
            keep_symmetry=keep_symmetry,
            model=model,
        )
        for place, one in zip(structures, found, strict=True):
            outcomes[place] = _with_string(one)
        yield from outcomes


def _with_string(relaxed: Relaxed) -> Relaxed:
    if relaxed.structure is None:
        return relaxed
    try:
        return replace(relaxed, string=to_string(wyckoff_from_structure(relaxed.structure)))
    except StructureError as error:
        return replace(relaxed, converged=False, reason=str(error))
