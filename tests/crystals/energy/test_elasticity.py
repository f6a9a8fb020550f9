"""Elastic tensors: a spring model's are its own, refused cells have none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.crystals.energy.elasticity import elastic_tensors
from nucleate.crystals.energy.energy_model import EV_PER_A3_IN_GPA, EnergyModel, Predictions

BULK, SHEAR = 0.6, 0.25
"""eV/angstrom^3."""


class Continuum(EnergyModel):
    """An isotropic solid whose rest state is a cube of 4 angstrom."""

    name, title, scheme, version = "continuum", "Continuum", "none", "1"

    def refuse(self, structure: Structure) -> str:
        return "too large" if structure.volume > 100 else ""

    def compute(self, structures: Sequence[Structure], gradients: bool) -> Predictions:
        out = Predictions.unknown(structures)
        for place, structure in enumerate(structures):
            strain = structure.lattice.matrix / 4 - np.eye(3)
            strain = (strain + strain.T) / 2
            mean = np.trace(strain) * np.eye(3) / 3
            out.energies[place] = 0.0
            out.stresses[place] = 3 * BULK * mean + 2 * SHEAR * (strain - mean)
        return out


def test_moduli_are_the_models() -> None:
    cube = Structure(Lattice.cubic(4), ["Na"], [[0, 0, 0]])
    tensor, refused = elastic_tensors([cube, cube * (2, 1, 1)], Continuum())
    assert refused is None
    assert tensor is not None
    # Green-Lagrange strains differ from the engineering ones in second order.
    assert tensor.k_vrh == pytest.approx(BULK * EV_PER_A3_IN_GPA, rel=0.01)
    assert tensor.g_vrh == pytest.approx(SHEAR * EV_PER_A3_IN_GPA, rel=0.01)
