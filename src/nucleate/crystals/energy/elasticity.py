"""Elastic tensors from an energy model's stresses of strained cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.quiet import silenced
from nucleate.crystals.energy.energy_model import EV_PER_A3_IN_GPA, EnergyModel, energy_model

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAGNITUDES = (-0.005, 0.005)
"""Strains, both ways, so that a residual stress cancels."""
VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def elastic_tensors(
    structures: Sequence[Structure], model: EnergyModel | None = None
) -> list[Any | None]:
    """Elastic tensors (pymatgen's `ElasticTensor`, GPa); None where a strained cell is refused.

    Atoms keep their fractional coordinates. Letting them relax could only soften the crystal, so
    that one which fails Born's criterion here fails it in truth.
    """
    from pymatgen.core import Lattice, Structure

    strains = [_strain(place, size) for place, size in product(VOIGT, MAGNITUDES)]
    cells = [
        Structure(
            Lattice(structure.lattice.matrix @ (np.eye(3) + strain)),
            structure.species,
            structure.frac_coords,
        )
        for structure in structures
        for strain in strains
    ]
    found = (model or energy_model()).predict(cells)
    stresses = found.stresses.reshape(len(structures), len(strains), 3, 3)
    return [_tensor(strains, own) if np.isfinite(own).all() else None for own in stresses]


def _strain(place: tuple[int, int], size: float) -> NDArray[np.float64]:
    """Symmetric strain of one Voigt component, [3, 3]."""
    i, j = place
    strain = np.zeros((3, 3))
    strain[i, j] = strain[j, i] = size if i == j else size / 2
    return strain


def _tensor(strains: Sequence[NDArray[np.float64]], stresses: NDArray[np.float64]) -> Any:
    with silenced():
        from pymatgen.analysis.elasticity import ElasticTensor, Strain, Stress

        pairs = [Strain(one) for one in strains], [Stress(s * EV_PER_A3_IN_GPA) for s in stresses]
        return ElasticTensor.from_independent_strains(*pairs, vasp=False)
