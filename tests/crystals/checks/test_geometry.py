"""Form of crystals: strings that are made canonical, density, kinds of contacts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.core.errors import StructureError
from nucleate.crystals.checks.geometry import DistancesOptions, failure, kinds
from nucleate.crystals.geometry.contacts import contacts
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import to_string
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.matter.registry import get


def run(name: str, *crystals: str, **options: Any) -> list[Verdict]:
    check = get("crystals").checks.build(name, options, CheckContext(), "test")
    return check.run([Candidate(crystal) for crystal in crystals])


def test_a_string_that_is_not_canonical_is_replaced() -> None:
    moved, kept = run("legal", "225 a:Cl b:Na | 5.6402", "225 a:Na b:Cl | 5.6402")
    assert moved.passed
    assert moved.structure == kept.structure == "225 a:Na b:Cl | 5.6402"
    assert kept.value == "Fm-3m (225)"
    assert kept.columns == {"space_group": "Fm-3m", "space_group_number": 225, "atoms": 2}
    (nonsense,) = run("legal", "225 a:Na")
    assert "not_a_wyckoff_string" in nonsense.reason


def test_osmium_is_dense_and_hollow_cells_are_not() -> None:
    osmium, hollow = run("density", "194 c:Os | 2.734 4.317", "225 a:Na b:Cl | 16")
    assert osmium.passed
    assert abs(float(osmium.value or 0) - 22.6) < 0.3
    assert "g/cm3 is outside 0.3 to 25 g/cm3" in hollow.reason


def test_kinds_of_pairs_are_told_apart() -> None:
    found = contacts("225 a:Na b:Cl | 5.64")
    masks = {name: mask for name, mask, _ in kinds(found, DistancesOptions())}
    assert masks["two anions"].any()
    assert masks["two cations"].any()
    assert masks["two metals"].any()
    assert not masks["two hydrogen atoms"].any()
    assert not (masks["two anions"] & masks["two cations"]).any()
    (short,) = run("distances", "225 a:Na b:Cl | 3.0")
    assert "of the sum of covalent radii, less than 0.67" in short.reason
    assert np.isfinite(float(short.value or 0))


def test_failure_tells_the_reason() -> None:
    assert failure(StructureError("empty", "no atoms")).reason == str(
        StructureError("empty", "no atoms")
    )


MOF5 = (
    "225 c:O f:Zn(0.2065) g:C(0.0538) g:C(0.1113) k:H(0.195,0.0446) k:C(0.2171,0.0266) "
    "k:O(0.2194,0.366) | 25.832"
)
"""With C-H of .93 A, as X-rays saw it (Li et al. 1999)."""


def urea(n_h: float) -> str:
    """With N-H bonds of so many angstrom, shortened along themselves."""
    nitrogen = np.array([0.1459, 0.6459, 0.1766])
    points = [np.array([0, 0.5, 0.326]), np.array([0, 0.5, 0.5953]), nitrogen]
    edges = np.array([5.565, 5.565, 4.684])
    for hydrogen in ([0.2575, 0.7575, 0.2827], [0.1441, 0.6441, -0.038]):  # by neutrons
        bond = np.array(hydrogen) - nitrogen
        points.append(nitrogen + bond * n_h / np.linalg.norm(bond * edges))
    lattice = Lattice.tetragonal(edges[0], edges[2])
    crystal = Structure.from_spacegroup("P-42_1m", lattice, ["C", "O", "N", "H", "H"], points)
    return to_string(wyckoff_from_structure(crystal))


def test_hydrogens_as_x_rays_see_them_are_no_clash() -> None:
    found = run("distances", MOF5, *map(urea, (1.01, 0.86, 0.76)))
    assert [verdict.passed for verdict in found] == [True] * 4
    assert [verdict.columns["shortest_distance"] for verdict in found] == pytest.approx(
        [0.93, 1.01, 0.86, 0.76], abs=0.01
    )
    (too_short, hydride) = run("distances", urea(0.71), "225 a:Na b:H | 3.4")
    assert "hydrogen and a non-metal H-N are 0.71 A apart" in too_short.reason
    assert "hydrogen and another atom" in hydride.reason
