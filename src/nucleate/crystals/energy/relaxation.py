"""Relaxation with CHGNet: ASE's BFGS over atoms and cell, many crystals in lockstep.

All crystals of a chunk take their steps together, so that CHGNet sees graph batches. The space
group of the start is kept (ASE's `FixSymmetry`) unless asked otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.core.quiet import silenced
from nucleate.crystals.energy.chgnet import (
    BATCH_ATOMS,
    PLAUSIBLE_ENERGY,
    Prediction,
    predict,
    refuse,
)
from nucleate.crystals.energy.stability import EV_PER_A3_IN_GPA, RelaxedPerturbation, settle

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
        released: what became of it without symmetry, if asked for.
    """

    structure: Structure | None
    energy: float
    steps: int
    converged: bool
    reason: str = ""
    start_energy: float = float("nan")
    string: str | None = None
    residual_force: float = float("nan")
    residual_stress: float = float("nan")
    released: RelaxedPerturbation | None = None


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

    def receive(self, prediction: Prediction) -> None:
        """Take the energy, forces and stress of the present geometry."""
        from ase.stress import full_3x3_to_voigt_6_stress

        self.energy = prediction.energy
        if np.isnan(self.start_energy):
            self.start_energy = self.energy
        self.atoms.calc = self.calculator_class(
            self.atoms,
            energy=self.energy * len(self.atoms),
            forces=prediction.forces,
            stress=full_3x3_to_voigt_6_stress(prediction.stress),
        )

    def converged(self, fmax: float) -> bool:
        """ASE's own criterion: largest force, and largest virial per atom, below `fmax`."""
        force = np.linalg.norm(self.atoms.get_forces(), axis=1).max()
        virial = np.abs(self.atoms.get_stress()).max() * self.atoms.get_volume() / len(self.atoms)
        return bool(force < fmax and virial < fmax)

    def step(self) -> None:
        """Move atoms and cell."""
        self.optimiser.step()
        self.steps += 1

    def end(self, reason: str) -> Relaxed:
        """The outcome; a reason that starts with `not converged` keeps the structure."""
        keep = not reason or reason.startswith("not converged")
        force = stress = float("nan")
        if keep:
            forces = self.atoms.get_forces(apply_constraint=False)
            force = float(np.linalg.norm(forces, axis=1).max())
            stress = float(np.abs(self.atoms.get_stress()).max()) * EV_PER_A3_IN_GPA
        return Relaxed(
            structure=self.structure() if keep else None,
            energy=self.energy if keep else float("nan"),
            steps=self.steps,
            converged=not reason,
            reason=reason,
            start_energy=self.start_energy,
            residual_force=force,
            residual_stress=stress,
        )


def _verdict(run: _Run, structure: Structure, maximum_steps: int, fmax: float) -> str | None:
    """Why a run ends, empty if it has converged, None if it goes on."""
    if not PLAUSIBLE_ENERGY[0] < run.energy < PLAUSIBLE_ENERGY[1]:
        return f"CHGNet's energy of {run.energy:.3g} eV/atom is implausible"
    if not 0.3 < structure.volume / run.start_volume < 4:
        return f"the volume changed {structure.volume / run.start_volume:.2f}-fold"
    if run.converged(fmax):
        return ""
    if run.steps >= maximum_steps:
        return f"not converged to {fmax:g} eV/A in {maximum_steps} steps"
    return None


def relax_structures(
    structures: Sequence[Structure],
    *,
    fmax: float = 0.1,
    maximum_steps: int = 60,
    keep_symmetry: bool = True,
    device: str = "cpu",
    progress: Callable[[int], object] = lambda count: None,
) -> list[Relaxed]:
    """Relax atoms and cell of many structures in lockstep, so that CHGNet sees batches.

    Args:
        structures: pymatgen structures, ordered; primitive cells are cheapest.
        fmax: threshold of the largest force (eV/A) and of the largest virial per atom (eV).
        maximum_steps: optimiser steps after which a structure counts as not converged.
        keep_symmetry: keep the space group of the start (ASE's `FixSymmetry`).
        device: torch device name.
        progress: told how many structures have ended, each time that some have.

    Returns:
        One `Relaxed` per structure, in order.
    """
    outcomes: list[Relaxed | None] = [None] * len(structures)
    waiting = deque(enumerate(structures))
    active: list[_Run] = []
    while waiting or active:
        ended = 0
        while waiting and sum(len(run.atoms) for run in active) < BATCH_ATOMS:
            place, structure = waiting.popleft()
            reason = refuse(structure)
            if not reason:
                try:
                    with silenced():
                        active.append(_Run(place, structure, keep_symmetry))
                    continue
                except Exception as error:
                    reason = f"the relaxation cannot start: {error}"
            outcomes[place] = Relaxed(None, float("nan"), 0, False, reason)
            ended += 1
        geometries = [run.structure() for run in active]
        clashes = [refuse(geometry) for geometry in geometries]
        found = iter(
            predict([g for g, c in zip(geometries, clashes, strict=True) if not c], device, True)
        )
        goes_on: list[_Run] = []
        for run, geometry, clash in zip(active, geometries, clashes, strict=True):
            reason_or_none: str | None = clash
            if not clash:
                prediction = next(found)
                if prediction is None:
                    reason_or_none = "an atom has no neighbour within 6 A"
                else:
                    run.receive(prediction)
                    reason_or_none = _verdict(run, geometry, maximum_steps, fmax)
            if reason_or_none is None:
                try:
                    with silenced():
                        run.step()
                    goes_on.append(run)
                    continue
                except Exception as error:
                    reason_or_none = f"the optimiser failed: {error}"
            outcomes[run.place] = run.end(reason_or_none)
            ended += 1
        active = goes_on
        progress(ended)
    return [outcome for outcome in outcomes if outcome is not None]


@dataclass(frozen=True)
class Release:
    """How a relaxed crystal is let go of its symmetry.

    Attributes:
        push: random displacement of each atom, angstrom.
        steps: optimiser steps at most.
        seed: of the displacements.
    """

    push: float = 0.03
    steps: int = 30
    seed: int = 0


def relax(
    crystals: Sequence[str],
    *,
    fmax: float = 0.1,
    maximum_steps: int = 60,
    keep_symmetry: bool = True,
    release: Release | None = None,
    device: str = "cpu",
) -> Iterator[Relaxed]:
    """Relax Wyckoff strings, in order, `TOGETHER` at a time.

    A relaxed crystal also carries its own canonical Wyckoff string; a string that cannot be read
    or canonicalised gives a `Relaxed` with the reason. Those that converge are let go of their
    symmetry afterwards if `release` is given. Other arguments as in `relax_structures`.
    """
    for start in range(0, len(crystals), TOGETHER):
        part = crystals[start : start + TOGETHER]
        yield from _relax_chunk(part, fmax, maximum_steps, keep_symmetry, release, device)


def _relax_chunk(
    crystals: Sequence[str],
    fmax: float,
    maximum_steps: int,
    keep_symmetry: bool,
    release: Release | None,
    device: str,
) -> list[Relaxed]:
    from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

    structures: list[Structure] = []
    outcomes: list[Relaxed | None] = []
    for crystal in crystals:
        try:
            structures.append(structure_from_wyckoff(from_string(crystal)))
            outcomes.append(None)
        except StructureError as error:
            outcomes.append(Relaxed(None, float("nan"), 0, False, str(error)))
    relaxed = iter(
        relax_structures(
            structures,
            fmax=fmax,
            maximum_steps=maximum_steps,
            keep_symmetry=keep_symmetry,
            device=device,
        )
    )
    found = [_with_string(next(relaxed)) if one is None else one for one in outcomes]
    return found if release is None else _released(found, fmax, release, device)


def _released(found: list[Relaxed], fmax: float, release: Release, device: str) -> list[Relaxed]:
    """Let those that have converged go of their symmetry."""
    places = [place for place, one in enumerate(found) if one.converged]
    structures = [found[place].structure for place in places]
    ends = settle(
        [structure for structure in structures if structure is not None],
        [found[place].energy for place in places],
        amplitude=release.push,
        fmax=fmax,
        maximum_steps=release.steps,
        seed=release.seed,
        device=device,
    )
    for place, end in zip(places, ends, strict=True):
        found[place] = replace(found[place], released=end)
    return found


def _with_string(relaxed: Relaxed) -> Relaxed:
    from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
    from nucleate.crystals.wyckoff.wyckoff_string import to_string

    if relaxed.structure is None:
        return relaxed
    try:
        return replace(relaxed, string=to_string(wyckoff_from_structure(relaxed.structure)))
    except StructureError as error:
        return replace(relaxed, converged=False, reason=str(error))
