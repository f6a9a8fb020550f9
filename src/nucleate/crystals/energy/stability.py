"""Is a relaxed crystal at a minimum? Probes without phonons: let go, rattle, strain.

A relaxation that keeps the symmetry ends at a stationary point, which may be a saddle: forces that
would break the symmetry vanish there. So atoms and cell are pushed at random, and relaxed again
without symmetry. The elastic tensor tells of long waves what the push tells of the cell's modes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.quiet import silenced
from nucleate.crystals.energy.chgnet import predict, refuse

if TYPE_CHECKING:
    from pymatgen.core import Structure

STRAIN = 0.005
"""Standard deviation of the random strains that go with a push of the atoms."""
LOOSE = 0.1
"""Angstrom within which symmetry is looked for after a relaxation without it."""
EV_PER_A3_IN_GPA = 160.21766208
MAGNITUDES = (-0.005, 0.005)
"""Strains of the elastic tensor, both ways, so that a residual stress cancels."""


@dataclass(frozen=True)
class RelaxedPerturbation:
    """Where a pushed crystal came to rest.

    Attributes:
        gain: energy of the crystal before less that after, eV/atom; positive if it fell.
        space_group: after, within `LOOSE`; 0 if none was found.
        steps: optimiser steps.
        converged: whether forces and stress fell under the threshold.
        structure: after; None if the relaxation failed.
        reason: why it failed; empty otherwise.
    """

    gain: float
    space_group: int
    steps: int
    converged: bool
    structure: Structure | None
    reason: str = ""


def pushed(structure: Structure, amplitude: float, seed: int) -> Structure:
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


def settle(
    structures: Sequence[Structure],
    energies: Sequence[float],
    *,
    amplitude: float,
    fmax: float,
    maximum_steps: int,
    seed: int = 0,
    device: str = "cpu",
) -> list[RelaxedPerturbation]:
    """Push crystals and relax them without symmetry.

    Args:
        structures: relaxed ones.
        energies: theirs, eV/atom.
        amplitude: of the push, angstrom.
        fmax: threshold of forces (eV/A) and of the virial per atom (eV).
        maximum_steps: after which the crystal counts as it stands.
        seed: each crystal's push depends on it and on its elements, not on the others.
    """
    from nucleate.crystals.energy.relaxation import relax_structures

    starts = [
        pushed(s, amplitude, seed + zlib.crc32(s.composition.formula.encode())) for s in structures
    ]
    ends = relax_structures(
        starts, fmax=fmax, maximum_steps=maximum_steps, keep_symmetry=False, device=device
    )
    return [
        RelaxedPerturbation(
            gain=float(before - end.energy),
            space_group=0 if end.structure is None else space_group_of(end.structure),
            steps=end.steps,
            converged=end.converged,
            structure=end.structure,
            reason="" if end.structure is not None else end.reason,
        )
        for before, end in zip(energies, ends, strict=True)
    ]


def space_group_of(structure: Structure, tolerance: float = LOOSE) -> int:
    """Number of the space group within a tolerance (angstrom); 0 if none is found."""
    try:
        with silenced():
            return int(structure.get_space_group_info(symprec=tolerance)[1])
    except Exception:
        return 0


def doubled(structure: Structure) -> Structure:
    """Twice the cell along its shortest vector, so that modes of alternate sign fit in."""
    shortest = int(np.argmin(structure.lattice.abc))
    return structure.make_supercell([2 if k == shortest else 1 for k in range(3)], in_place=False)


def elastic_tensors(structures: Sequence[Structure], device: str = "cpu") -> list[Any | None]:
    """Elastic tensors (pymatgen's `ElasticTensor`, GPa) from CHGNet's stresses of strained cells.

    Atoms keep their fractional coordinates. Letting them relax could only soften the crystal, so
    that one which fails Born's criterion here fails it in truth.

    Returns:
        None where CHGNet refuses one of the strained cells.
    """
    strains = [(place, size) for place, size in product(range(6), MAGNITUDES)]
    jobs: list[tuple[int, NDArray[np.float64]]] = []
    cells: list[Structure] = []
    for number, structure in enumerate(structures):
        for place, size in strains:
            strain = _strain(place, size)
            jobs.append((number, strain))
            cells.append(_strained(structure, strain))
    allowed = [place for place, cell in enumerate(cells) if not refuse(cell)]
    found = predict([cells[place] for place in allowed], device, gradients=True)
    stresses = dict(zip(allowed, found, strict=True))
    out: list[Any | None] = []
    for number in range(len(structures)):
        places = [place for place, job in enumerate(jobs) if job[0] == number]
        out.append(_tensor([(jobs[p][1], stresses.get(p)) for p in places]))
    return out


def _strain(place: int, size: float) -> NDArray[np.float64]:
    """Symmetric strain of one Voigt component, [3, 3]."""
    i, j = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))[place]
    strain = np.zeros((3, 3))
    strain[i, j] = strain[j, i] = size if i == j else size / 2
    return strain


def _strained(structure: Structure, strain: NDArray[np.float64]) -> Structure:
    from pymatgen.core import Lattice, Structure

    lattice = Lattice(structure.lattice.matrix @ (np.eye(3) + strain))
    return Structure(lattice, [site.specie for site in structure], structure.frac_coords)


def _tensor(rows: Sequence[tuple[NDArray[np.float64], Any]]) -> Any | None:
    if any(prediction is None for _, prediction in rows):
        return None
    with silenced():
        from pymatgen.analysis.elasticity import ElasticTensor, Strain, Stress

        strains = [Strain(strain) for strain, _ in rows]
        stresses = [Stress(p.stress * EV_PER_A3_IN_GPA) for _, p in rows]
        return ElasticTensor.from_independent_strains(strains, stresses, vasp=False)
