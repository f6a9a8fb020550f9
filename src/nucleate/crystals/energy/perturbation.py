"""Perturbation of relaxed crystals: one at a minimum comes back.

A relaxation that keeps the symmetry ends at a stationary point, which may be a saddle: forces that
would break the symmetry vanish there. So atoms and cell are pushed at random, and relaxed again
without symmetry. The elastic tensor (`elasticity`) tells of long waves what this tells of the
cell's modes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nucleate.core.quiet import silenced
from nucleate.crystals.energy.energy_model import EnergyModel
from nucleate.crystals.energy.relaxation import relax_structures

if TYPE_CHECKING:
    from pymatgen.core import Structure

STRAIN = 0.005
"""Standard deviation of the random strains that go with a push of the atoms."""
LOOSE = 0.1
"""Angstrom within which symmetry is looked for after a relaxation without it."""


@dataclass(frozen=True)
class RelaxedPerturbation:
    """Where a perturbed crystal came to rest.

    Attributes:
        gain: energy of the crystal before less that after, eV/atom; positive if it fell.
        space_group: after, within `LOOSE`; 0 if none was found.
        structure: after; None if the relaxation failed.
        reason: why it failed; empty otherwise.
    """

    gain: float
    space_group: int
    structure: Structure | None
    reason: str = ""


def perturb(structure: Structure, amplitude: float, seed: int) -> Structure:
    """A copy whose atoms are displaced by `amplitude` angstrom in random directions, and whose cell
    is strained at random."""
    from pymatgen.core import Lattice, Structure

    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(len(structure), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    noise = rng.normal(scale=STRAIN, size=(3, 3))
    strain = np.eye(3) + (noise + noise.T) / 2
    points = structure.cart_coords + amplitude * directions
    lattice = Lattice(structure.lattice.matrix @ strain)
    species = [site.specie for site in structure]
    return Structure(lattice, species, points @ strain, coords_are_cartesian=True)


def relax_perturbed(
    structures: Sequence[Structure],
    energies: Sequence[float],
    *,
    amplitude: float,
    fmax: float,
    maximum_steps: int,
    seed: int = 0,
    model: EnergyModel | None = None,
) -> list[RelaxedPerturbation]:
    """Perturb crystals and relax them without symmetry.

    Args:
        structures: relaxed ones.
        energies: theirs, eV/atom.
        amplitude: of the displacements, angstrom.
        fmax: threshold of forces (eV/A) and of the virial per atom (eV).
        maximum_steps: after which the crystal counts as it stands.
        seed: each crystal's displacements depend on it and on its elements, not on the others.
        model: CHGNet on the CPU if not given.
    """
    starts = [
        perturb(s, amplitude, seed + zlib.crc32(s.composition.formula.encode())) for s in structures
    ]
    ends = relax_structures(
        starts, fmax=fmax, maximum_steps=maximum_steps, keep_symmetry=False, model=model
    )
    return [
        RelaxedPerturbation(float("nan"), 0, None, end.reason)
        if end.structure is None
        else RelaxedPerturbation(before - end.energy, space_group_of(end.structure), end.structure)
        for before, end in zip(energies, ends, strict=True)
    ]


def space_group_of(structure: Structure) -> int:
    """Number of the space group within `LOOSE`; 0 if none is found."""
    try:
        with silenced():
            return int(structure.get_space_group_info(symprec=LOOSE)[1])
    except Exception:
        return 0


def double_cell(structure: Structure) -> Structure:
    """Twice the cell along its shortest vector, so that modes of alternate sign fit in."""
    shortest = int(np.argmin(structure.lattice.abc))
    return structure.make_supercell([2 if k == shortest else 1 for k in range(3)], in_place=False)
