"""CHGNet: its own published example, relaxation, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.core.quiet import silenced
from nucleate.crystals.energy.chgnet import Chgnet
from nucleate.crystals.energy.chgnet_network import model
from nucleate.crystals.energy.relaxation import relax, relax_structures
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

LIMNO2 = Structure(
    Lattice.orthorhombic(2.868779, 4.634475, 5.832507),
    ["Li", "Li", "Mn", "Mn", "O", "O", "O", "O"],
    [
        [0.5, 0.5, 0.379751],
        [0, 0, 0.620249],
        [0.5, 0.5, 0.863252],
        [0, 0, 0.136748],
        [0.5, 0, 0.360824],
        [0, 0.5, 0.098514],
        [0.5, 0, 0.901486],
        [0, 0.5, 0.639176],
    ],
)
"""mp-18767, the example of CHGNet's documentation."""


CHGNET = Chgnet()


def crystal(string: str) -> Structure:
    return structure_from_wyckoff(from_string(string))


def energies(structures: list[Structure]) -> np.ndarray:
    return CHGNET.predict(structures, gradients=False).per_atom


def test_energy_is_that_of_chgnets_own_tests() -> None:
    assert energies([LIMNO2]) == pytest.approx([-7.36769], abs=2e-5)


def test_energies_do_not_depend_on_the_batch() -> None:
    others = [crystal("225 a:Na b:Cl | 5.64"), crystal("229 a:W | 3.17")]
    together = energies([others[0], LIMNO2, others[1]])
    alone = [energies([one])[0] for one in (others[0], LIMNO2, others[1])]
    assert together == pytest.approx(alone, abs=1e-5)


def test_forces_and_stress_are_chgnets() -> None:
    rattled = LIMNO2.copy()
    rattled.translate_sites([0, 3], [0.02, -0.01, 0.03])
    mine = CHGNET.predict([rattled])
    with silenced():
        theirs = model().predict_structure(rattled, task="efs")
    np.testing.assert_allclose(mine.forces, theirs["f"], atol=2e-4)
    np.testing.assert_allclose(mine.stresses[0] * 160.21766, theirs["s"], atol=5e-3)


@pytest.mark.parametrize(
    ("structure", "word"),
    [
        (crystal("136 a:Ti f:O(0.1) | 4.59 2.96"), "clash"),
        (crystal("225 a:Cu | 2.2"), "per atom"),
        (crystal("225 a:Cm | 4.9"), "unknown to CHGNet"),
    ],
)
def test_what_chgnet_must_not_see_is_refused(structure: Structure, word: str) -> None:
    assert word in CHGNET.refuse(structure)
    assert np.isnan(energies([structure, LIMNO2])).tolist() == [True, False]
    assert word in relax_structures([structure])[0].reason


def test_isolated_atoms_have_no_energy() -> None:
    assert math.isnan(energies([crystal("221 a:Na | 9")])[0])
    assert "no neighbour" in relax_structures([crystal("221 a:Na | 9")])[0].reason


def test_relaxation_finds_the_lattice_parameter() -> None:
    (relaxed,) = relax(["225 a:Na b:Cl | 6.0"], fmax=0.02)
    assert relaxed.converged
    assert relaxed.energy < relaxed.start_energy
    assert relaxed.string is not None
    gene = from_string(relaxed.string)
    assert (gene.space_group, gene.lattice[0]) == (225, pytest.approx(5.69, abs=0.06))
    # A second way to the same minimum: the lowest of a scan.
    scan = [f"225 a:Na b:Cl | {a:.2f}" for a in np.arange(5.5, 5.9, 0.05)]
    lowest = energies([crystal(one) for one in scan]).min()
    assert relaxed.energy == pytest.approx(lowest, abs=2e-3)


def test_relaxation_keeps_symmetry_and_order_and_reports_failures() -> None:
    rutile = "136 a:Ti f:O(0.29) | 4.7 2.9"
    found = list(
        relax([rutile, "136 a:Ti f:O(0.1) | 4.59 2.96", "nonsense", rutile], maximum_steps=30)
    )
    assert [one.converged for one in found] == [True, False, False, True]
    assert found[0].string == found[3].string
    assert from_string(found[0].string or "").space_group == 136
    assert "clash" in found[1].reason
    assert "not_a_wyckoff_string" in found[2].reason


def test_too_few_steps_are_not_convergence() -> None:
    (relaxed,) = relax(["136 a:Ti f:O(0.27) | 5.0 2.9"], maximum_steps=1)
    assert not relaxed.converged
    assert "in 1 steps" in relaxed.reason
    assert relaxed.structure is not None
