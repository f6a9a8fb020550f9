"""Form of crystals: strings that are made canonical, density, kinds of contacts."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.crystals.checks.geometry import DistancesOptions, failure, kinds
from nucleate.crystals.geometry.contacts import contacts
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.matter.registry import get


def run(name: str, *crystals: str, **options: Any) -> list[Verdict]:
    check = get("crystals").checks.build(name, options, CheckContext(), "test")
    return check.run([Candidate(crystal) for crystal in crystals])


def test_a_string_that_is_not_canonical_is_replaced() -> None:
    moved, kept = run("legal", "225 a:Cl b:Na | 5.6402", "225 a:Na b:Cl | 5.6402")
    assert moved.passed
    assert moved.structure == kept.structure == "225 a:Na b:Cl | 5.6402"
    assert kept.columns == {"space_group": 225, "atoms": 2}
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
