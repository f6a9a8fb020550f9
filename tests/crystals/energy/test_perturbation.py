"""Perturbed crystals: how far, how reproducibly, and where they come to rest."""

from __future__ import annotations

import numpy as np

from nucleate.crystals.energy.perturbation import (
    double_cell,
    perturb,
    relax_perturbed,
    space_group_of,
)
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

SALT = structure_from_wyckoff(from_string("225 a:Na b:Cl | 5.69"))


def test_displacements_have_the_amplitude() -> None:
    moved = perturb(SALT, 0.05, 3)
    assert moved == perturb(SALT, 0.05, 3)
    lengths = np.abs(np.array(moved.lattice.abc) / np.array(SALT.lattice.abc) - 1)
    assert (lengths < 0.03).all()
    assert all(a.distance(b) < 0.2 for a, b in zip(SALT, moved, strict=True))


def test_rock_salt_comes_back_and_a_clash_is_told() -> None:
    crushed = SALT.copy()
    crushed.scale_lattice(crushed.volume / 12)
    back, failed = relax_perturbed(
        [SALT, crushed], [-3.3, -3.3], amplitude=0.02, fmax=0.1, maximum_steps=20
    )
    assert back.structure is not None
    assert back.space_group == 225
    assert failed.structure is None
    assert failed.reason
    assert np.isnan(failed.gain)


def test_doubling_and_symmetry() -> None:
    assert len(double_cell(SALT)) == 4
    assert space_group_of(double_cell(SALT)) == 225
