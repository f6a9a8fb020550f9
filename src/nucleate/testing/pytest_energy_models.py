"""The suite that an energy model of crystals passes: subclass `EnergyModelTestCase` and run it.

class TestMine(EnergyModelTestCase):
    @pytest.fixture
    def model(self) -> EnergyModel:
        return Mine()
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from nucleate.crystals.energy.energy_model import EnergyModel, Predictions


class EnergyModelTestCase:
    """What every `EnergyModel` keeps.

    Attributes:
        elements: two that the model knows.
        edge: of a cubic cell of both that is near equilibrium, angstrom.
        step: of finite differences, angstrom and strain: small for double precision.
        tolerance: of forces (eV/angstrom), and of stresses times volumes (eV per atom).
        noise: eV/atom by which equal structures may differ.
    """

    elements: ClassVar[tuple[str, str]] = ("Na", "Cl")
    edge: ClassVar[float] = 3.5
    step: ClassVar[float] = 5e-3
    tolerance: ClassVar[float] = 2e-2
    noise: ClassVar[float] = 1e-5

    @pytest.fixture
    def model(self) -> EnergyModel:
        """The model that is tested."""
        raise NotImplementedError

    @property
    def refused(self) -> Structure:
        """A structure that the model refuses: one with a shared site if not overridden."""
        shared = dict.fromkeys(self.elements, 0.5)
        return Structure(Lattice.cubic(self.edge), [shared], [[0.0, 0.0, 0.0]])

    @pytest.fixture
    def crystal(self) -> Structure:
        """Two atoms of no symmetry."""
        matrix = np.array([[1.0, 0.06, 0.0], [0.03, 1.02, 0.05], [0.0, -0.04, 0.97]])
        points = [[0.02, 0.01, 0.0], [0.47, 0.53, 0.46]]
        return Structure(Lattice(self.edge * matrix), list(self.elements), points)

    def test_it_says_what_it_is(self, model: EnergyModel) -> None:
        assert model.name == model.name.strip().lower() != ""
        assert model.title
        assert model.scheme
        assert model.version
        assert model.batch_atoms > 0
        references = model.references()
        if references is not None:
            assert np.isfinite(list(references.energies.values())).all()

    def test_shapes_are_those_of_the_batch(self, model: EnergyModel, crystal: Structure) -> None:
        found = model.predict([crystal, crystal * (2, 1, 1)])
        assert found.atoms.tolist() == [2, 4]
        assert found.energies.shape == (2,)
        assert found.forces.shape == (6, 3)
        assert found.stresses.shape == (2, 3, 3)
        assert found.reasons == ["", ""]
        assert _finite(found)
        assert model.predict([]).energies.shape == (0,)

    def test_energies_are_extensive(self, model: EnergyModel, crystal: Structure) -> None:
        found = model.predict([crystal, crystal * (2, 2, 1)])
        assert found.energies[1] == pytest.approx(4 * found.energies[0], abs=8 * self.noise)
        first, second = found.stresses
        np.testing.assert_allclose(second, first, atol=self.tolerance / crystal.volume)
        np.testing.assert_allclose(
            np.repeat(found.forces[found.rows(0)], 4, axis=0),
            found.forces[found.rows(1)],
            atol=self.tolerance,
        )

    def test_a_batch_says_what_its_members_say(
        self, model: EnergyModel, crystal: Structure
    ) -> None:
        others = [crystal, crystal * (1, 2, 1), _strain(crystal, 0.02 * np.eye(3))]
        together = model.predict(others)
        for place, one in enumerate(others):
            alone = model.predict([one])
            assert together.per_atom[place] == pytest.approx(alone.per_atom[0], abs=self.noise)
            own = together.forces[together.rows(place)]
            np.testing.assert_allclose(own, alone.forces, atol=self.tolerance)
            np.testing.assert_allclose(
                together.stresses[place], alone.stresses[0], atol=self.tolerance / one.volume
            )

    def test_energies_need_no_gradients(self, model: EnergyModel, crystal: Structure) -> None:
        alone, found = model.predict([crystal], gradients=False), model.predict([crystal])
        assert alone.per_atom == pytest.approx(found.per_atom, abs=self.noise)

    def test_forces_are_minus_the_gradient(self, model: EnergyModel, crystal: Structure) -> None:
        moved = [
            _displace(crystal, atom, axis, sign * self.step)
            for atom in range(len(crystal))
            for axis in range(3)
            for sign in (1, -1)
        ]
        energies = model.predict(moved, gradients=False).energies.reshape(-1, 3, 2)
        slopes = (energies[..., 0] - energies[..., 1]) / (2 * self.step)
        forces = model.predict([crystal]).forces
        np.testing.assert_allclose(forces, -slopes, atol=self.tolerance)
        np.testing.assert_allclose(forces.sum(axis=0), 0, atol=self.tolerance)

    def test_stress_is_the_strain_derivative(self, model: EnergyModel, crystal: Structure) -> None:
        (stress,) = model.predict([crystal]).stresses
        np.testing.assert_allclose(stress, stress.T, atol=self.tolerance / crystal.volume)
        pairs = [(i, j) for i in range(3) for j in range(i + 1)]
        strains = [_symmetric(pair, sign * self.step) for pair in pairs for sign in (1, -1)]
        cells = [_strain(crystal, strain) for strain in strains]
        energies = model.predict(cells, gradients=False).energies.reshape(-1, 2)
        slopes = (energies[:, 0] - energies[:, 1]) / (2 * self.step)
        expected = [crystal.volume * stress[pair] for pair in pairs]
        np.testing.assert_allclose(expected, slopes, atol=self.tolerance * len(crystal))

    def test_place_and_orientation_do_not_matter(
        self, model: EnergyModel, crystal: Structure
    ) -> None:
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
        shifted = Structure(
            crystal.lattice, crystal.species, crystal.frac_coords + np.array([0.3, 0.7, 0.1])
        )
        turned = Structure(
            Lattice(crystal.lattice.matrix @ turn), crystal.species, crystal.frac_coords
        )
        found = model.predict([crystal, shifted, turned])
        assert found.per_atom == pytest.approx(np.full(3, found.per_atom[0]), abs=self.noise)
        start, moved, rotated = (found.forces[found.rows(place)] for place in range(3))
        np.testing.assert_allclose(moved, start, atol=self.tolerance)
        np.testing.assert_allclose(rotated, start @ turn, atol=self.tolerance)
        np.testing.assert_allclose(
            found.stresses[2],
            turn.T @ found.stresses[0] @ turn,
            atol=self.tolerance / crystal.volume,
        )

    def test_refused_structures_are_nan_with_a_reason(
        self, model: EnergyModel, crystal: Structure
    ) -> None:
        assert model.refuse(crystal) == ""
        reason = model.refuse(self.refused)
        assert reason
        found = model.predict([crystal, self.refused, crystal])
        assert found.reasons == ["", reason, ""]
        assert np.isnan(found.energies).tolist() == [False, True, False]
        assert np.isnan(found.stresses[1]).all()
        assert np.isnan(found.forces[found.rows(1)]).all()
        assert found.per_atom[2] == pytest.approx(found.per_atom[0], abs=self.noise)


def _finite(found: Predictions) -> bool:
    return all(np.isfinite(a).all() for a in (found.energies, found.forces, found.stresses))


def _displace(structure: Structure, atom: int, axis: int, amount: float) -> Structure:
    points = structure.cart_coords.copy()
    points[atom, axis] += amount
    return Structure(structure.lattice, structure.species, points, coords_are_cartesian=True)


def _symmetric(pair: tuple[int, int], size: float) -> NDArray[np.float64]:
    """Strain whose energy derivative is the volume times one component of the stress, [3, 3]."""
    strain = np.zeros((3, 3))
    strain[pair] += size / 2
    strain[pair[::-1]] += size / 2
    return strain


def _strain(structure: Structure, strain: NDArray[np.float64]) -> Structure:
    lattice = Lattice(structure.lattice.matrix @ (np.eye(3) + strain))
    return Structure(lattice, structure.species, structure.frac_coords)
