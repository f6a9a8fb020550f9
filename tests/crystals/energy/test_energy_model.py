"""The interface of energy models: CHGNet and a model of one's own pass the suite and are found."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.core.errors import SettingsError
from nucleate.crystals import properties
from nucleate.crystals.energy.chgnet import Chgnet
from nucleate.crystals.energy.energy_model import (
    GROUP,
    EnergyModel,
    Predictions,
    _entries,
    energy_model,
)
from nucleate.crystals.energy.relaxation import relax
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff
from nucleate.matter.checks import Candidate, CheckContext
from nucleate.matter.registry import get
from nucleate.testing.pytest_energy_models import EnergyModelTestCase

ARGON = "225 a:Ar | 5.2"


class LennardJones(EnergyModel):
    """Pairs of noble gas atoms with argon's parameters, cut and shifted: a model in forty lines."""

    name: ClassVar[str] = "lennard-jones"
    title: ClassVar[str] = "Lennard-Jones"
    scheme: ClassVar[str] = "free atoms"
    depth, size, reach = 0.0104, 3.40, 8.5

    @property
    def version(self) -> str:
        return "1"

    def refuse_element(self, number: int) -> str:
        return "" if number in (2, 10, 18, 36, 54) else f"element {number} is no noble gas"

    def compute(self, structures: Sequence[Structure], gradients: bool) -> Predictions:
        out = Predictions.unknown(structures)
        for place, structure in enumerate(structures):
            first, second, images, distance = structure.get_neighbor_list(self.reach)
            points = structure.frac_coords
            vectors = (points[second] + images - points[first]) @ structure.lattice.matrix
            attraction = (self.size / distance) ** 6
            shift = (self.size / self.reach) ** 6
            pairs = 4 * self.depth * (attraction**2 - attraction - shift**2 + shift)
            out.energies[place] = pairs.sum() / 2
            if not gradients:
                continue
            slope = 4 * self.depth * (6 * attraction - 12 * attraction**2) / distance
            pulls = (slope / distance)[:, None] * vectors
            forces = np.zeros((len(structure), 3))
            np.add.at(forces, first, pulls)
            out.forces[out.rows(place)] = forces
            out.stresses[place] = vectors.T @ pulls / 2 / structure.volume
        return out


def crystal(string: str) -> Structure:
    return structure_from_wyckoff(from_string(string))


class TestChgnet(EnergyModelTestCase):
    noise = 2e-5
    tolerance = 3e-2

    @pytest.fixture
    def model(self) -> EnergyModel:
        return energy_model()

    @property
    def refused(self) -> Structure:
        return crystal("136 a:Ti f:O(0.1) | 4.59 2.96")


class TestLennardJones(EnergyModelTestCase):
    elements = ("Ar", "Kr")
    edge = 4.6
    step = 1e-4
    tolerance = 1e-6
    noise = 1e-10

    @pytest.fixture
    def model(self) -> EnergyModel:
        return LennardJones()

    @property
    def refused(self) -> Structure:
        return crystal("229 a:W | 3.17")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The model as an installed package brings it: an entry point, and a module that has it."""
    info = tmp_path / "argon-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: argon\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nlennard-jones = argon:LennardJones\n")
    module = ModuleType("argon")
    module.LennardJones = LennardJones  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "argon", module)
    monkeypatch.syspath_prepend(tmp_path)
    _entries.cache_clear()
    yield
    _entries.cache_clear()


def test_chgnet_is_the_default_and_unknown_names_list_what_is_known() -> None:
    assert isinstance(energy_model(), Chgnet)
    assert energy_model() is energy_model("chgnet")
    with pytest.raises(SettingsError, match="no energy model named 'x'; known: chgnet"):
        energy_model("x")
    with pytest.raises(SettingsError, match="no energy model named 'x'; known: chgnet"):
        get("crystals").checks.build("relaxation", {"energy_model": "x"}, CheckContext(), "screen")


class TestLiteral(EnergyModelTestCase):
    """The least that the suite's own example writes runs, rather than being passed over."""

    elements, edge, step, tolerance, noise = ("Ar", "Kr"), 4.6, 1e-4, 1e-6, 1e-10

    @pytest.fixture
    def model(self) -> EnergyModel:
        return LennardJones()


def test_models_never_see_what_no_model_can_compute() -> None:
    shared = Structure(Lattice.cubic(4), [{"Ar": 0.5, "Kr": 0.5}], [[0, 0, 0]])
    dummy = Structure(Lattice.cubic(4), ["X"], [[0, 0, 0]])
    model = LennardJones()
    model.compute = None  # type: ignore[assignment, method-assign]
    found = model.predict([shared, dummy])
    assert found.reasons == ["a site is shared or partly empty", "a site holds no element"]
    assert np.isnan(found.energies).all()
    assert model.predict([]).energies.shape == (0,)


def test_implausible_energies_are_nan() -> None:
    model = LennardJones()
    model.plausible = (-1.0, 1.0)  # type: ignore[misc]
    found = model.predict([crystal(ARGON), crystal("225 a:Ar | 3.4")])
    assert np.isnan(found.energies).tolist() == [False, True]
    assert found.reasons[1].startswith("Lennard-Jones's energy of ")
    assert found.reasons[1].endswith("eV/atom is implausible")


@pytest.mark.usefixtures("plugin")
def test_a_model_of_ones_own_relaxes_and_judges() -> None:
    model = energy_model("lennard-jones")
    (relaxed,) = relax([ARGON], fmax=1e-3, model=model)
    assert relaxed.converged
    # 2^(1/6) (1 - 0.029) sigma between neighbours: all shells of the lattice (Ashcroft 1976).
    edge = from_string(relaxed.string or "").lattice[0]
    assert edge == pytest.approx(np.sqrt(2) * 1.09 * LennardJones.size, rel=0.01)
    matter = get("crystals")
    for name in ("relaxation", "elastic", "rattle"):
        options = {"energy_model": "lennard-jones"}
        check = matter.checks.build(name, options, CheckContext(), "screen")
        assert "CHGNet" not in check.description
        (verdict,) = check.run([Candidate(ARGON)])
        assert verdict.passed, verdict.reason
    by_name = matter.properties.build("energy_per_atom", {"model": "lennard-jones"})
    assert by_name.compute([ARGON])[0] == model.predict([crystal(ARGON)]).per_atom[0]
    assert properties.energies([ARGON]) != by_name.compute([ARGON])


@pytest.mark.usefixtures("plugin")
def test_the_bundled_hull_is_for_chgnet_alone() -> None:
    with pytest.raises(SettingsError, match="give `reference`"):
        get("crystals").checks.build(
            "energy_above_hull", {"energy_model": "lennard-jones"}, CheckContext(), "screen"
        )
