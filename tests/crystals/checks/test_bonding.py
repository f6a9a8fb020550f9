"""What surrounds the atoms: contacts by kind, coordination, bond valence, voids, dimensionality."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymatgen.analysis.bond_valence import calculate_bv_sum
from pymatgen.core import Lattice, Structure

from nucleate.core.errors import StructureError
from nucleate.crystals.geometry.bond_valence import bond_valence
from nucleate.crystals.geometry.contacts import contacts
from nucleate.crystals.geometry.describe import cell
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.geometry.voids import WIDEST, largest_void, widest_gap
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff, to_string
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.matter.registry import get

SALT = "225 a:Na b:Cl | 5.6402"
RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
PYRITE = "205 a:Fe c:S(0.385) | 5.42"
GRAPHITE = "194 b:C c:C | 2.46 6.71"
POLONIUM = "221 a:Po | 3.36"


def run(name: str, *crystals: str, **options: Any) -> list[Verdict]:
    check = get("crystals").checks.build(name, options, CheckContext(), "test")
    verdicts = check.run([Candidate(crystal) for crystal in crystals])
    assert all(bool(v.reason) != (v.passed and v.judged) for v in verdicts)
    return verdicts


def slab(vacuum: float) -> str:
    """A layer of MoS2 in a cell with so much vacuum between its sulphur planes, angstrom."""
    height = 3.1 + vacuum
    half = 1.55 / height
    structure = Structure(
        Lattice.hexagonal(3.16, height),
        ["Mo", "S", "S"],
        [[0, 0, 0.5], [1 / 3, 2 / 3, 0.5 + half], [1 / 3, 2 / 3, 0.5 - half]],
    )
    return to_string(wyckoff_from_structure(structure))


def test_contacts_of_rock_salt() -> None:
    found = contacts(SALT)
    assert found.symbols == ["Na", "Cl"]
    assert found.charges.tolist() == [1, -1]
    near = found.distance[found.first == 0]
    assert np.isclose(near, 5.6402 / 2).sum() == 6
    assert np.isclose(near, 5.6402 / 2**0.5).sum() == 12
    assert found.full_shells().tolist() == [False, True]


def test_disulphide_is_no_full_shell() -> None:
    # The S-S contact of 2.16 A would be too short for two sulphide ions of half-filled shells.
    assert contacts(PYRITE).charges.tolist()[:1] != [0]
    assert run("distances", PYRITE)[0].passed


@pytest.mark.parametrize(
    ("crystal", "words"),
    [
        ("205 a:Ti c:O(0.42) | 4.9", "two oxide or fluoride ions O-O are 1.36 A apart"),
        ("205 a:Ti c:S(0.4) | 5.6", "two anions S-S are 1.94 A apart"),
        ("225 a:O c:K | 5.8", "two cations K-K are 2.90 A apart"),
        ("221 a:Al b:Ni | 1.938", "two metals"),
        ("225 a:Na b:H | 3.55", "hydrogen and another atom"),
    ],
)
def test_kinds_of_contacts_have_their_own_bounds(crystal: str, words: str) -> None:
    (verdict,) = run("distances", crystal)
    assert not verdict.passed
    assert words in verdict.reason


def test_coordination_numbers_and_loneliness() -> None:
    salt, rutile = run("coordination", SALT, RUTILE)
    assert salt.value == "Na 6, Cl 6"
    assert rutile.value == "Ti 6, O 3"
    (lonely,) = run("coordination", "221 a:Na b:Cl e:H(0.06) | 9")
    assert "no neighbour within 5 A" in lonely.reason
    (crowded,) = run("coordination", SALT, most=5)
    assert crowded.reason == "Na has 6 neighbours, more than 5"


@pytest.mark.parametrize("crystal", [SALT, RUTILE, "221 a:Sr b:Ti c:O | 3.905"])
def test_bond_valence_parameters_are_pymatgens(crystal: str) -> None:
    sums = bond_valence(contacts(crystal))
    assert sums is not None
    structure = structure_from_wyckoff(from_string(crystal))
    expected = []
    for site, charge in zip(structure, contacts(crystal).charges.tolist(), strict=True):
        total = 0.0
        for neighbour in structure.get_neighbors(site, 5.0):
            other = contacts(crystal).charges[neighbour.index]
            if charge * other < 0:
                # pymatgen's own softness is .31 A, the published one .37 A: go by the bond length
                # that it gives the valence 1.
                valence = abs(calculate_bv_sum(site, [neighbour], scale_factor=1))
                length = neighbour.nn_distance + 0.31 * np.log(valence)
                total += np.exp((length - neighbour.nn_distance) / 0.37)
        expected.append(total)
    assert sums.sums.tolist() == pytest.approx(expected, rel=1e-6)
    deviation = np.array(expected) - np.abs(contacts(crystal).charges)
    assert sums.instability == pytest.approx(np.sqrt((deviation**2).mean()))


def test_bond_valence_refuses_what_is_too_tight() -> None:
    good, tight, metal = run("bond_valence", RUTILE, "225 a:Mg b:O | 3.1", "225 a:Cu | 3.61")
    assert good.passed
    assert isinstance(good.value, float)
    assert good.value < 0.3
    assert good.columns["worst_bond_valence"].startswith("Ti ")
    assert "add up to" in tight.reason
    assert (metal.judged, metal.value) == (False, None)
    assert metal.reason == "no neutral oxidation states are known for it"


def test_voids_of_known_lattices() -> None:
    # Simple cubic: the centre of the cube is sqrt(3) / 2 a from each atom (Po: radius 1.4 A).
    assert largest_void(*cell(POLONIUM)) == pytest.approx(3.36 * 3**0.5 / 2 - 1.4, abs=0.05)
    assert widest_gap(*cell(POLONIUM)[:2]) == pytest.approx(3.36)
    assert widest_gap(*cell(GRAPHITE)[:2]) == pytest.approx(3.355)


def test_layers_pass_and_a_slab_in_vacuum_does_not() -> None:
    graphite, layers, vacuum = run("vacuum", GRAPHITE, slab(3.0), slab(15.0))
    assert graphite.passed
    assert layers.passed
    assert layers.columns["widest_gap"] == pytest.approx(3.0, abs=0.01)
    assert vacuum.reason.startswith("a slab of 15.0 A holds no atom")


def test_huge_and_flat_cells_cost_no_more() -> None:
    sizes = np.array([[1e4, 0, 0], [0, 1e4, 0], [0, 0, 1e4]])
    origin, sodium = np.zeros((1, 3)), np.array([11])
    assert largest_void(sizes, origin, sodium) == WIDEST
    with pytest.raises(StructureError, match="flat_cell"):
        largest_void(np.diag([1e4, 1e4, 1e-6]), origin, sodium)
    with pytest.raises(StructureError, match="too_few_contacts"):
        contacts("221 a:Na | 1000")
    with pytest.raises(StructureError, match="too_many_contacts"):
        contacts("221 a:Na | 0.01")
    assert nearest(np.diag([1e4, 1e4, 1e-6]), origin, sodium).distance < 1e-5
    sheared = np.array([[4.0, 0, 0], [0, 4.0, 0], [2.0, 2.0, 1e-6]])
    with pytest.raises(StructureError, match="flat_cell"):
        nearest(sheared, origin, sodium)


def test_dimensionality_when_asked() -> None:
    salt, layered = run("dimensionality", SALT, slab(3.0))
    assert salt.value == 3
    assert layered.value == 2
    (refused,) = run("dimensionality", SALT, allowed=(2,))
    assert refused.reason == "3-dimensional, allowed are 2"
    assert not get("crystals").checks.own()["dimensionality"].usual
