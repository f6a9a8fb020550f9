"""Texts of many kinds become one canonical string; what cannot is told why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nucleate.core.errors import StructureError
from nucleate.crystals.io.standardise import (
    HoldOutOptions,
    StandardiseOptions,
    read_arrays,
    standardise,
)
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
STRUCTURE = structure_from_wyckoff(from_string(RUTILE))


@pytest.mark.parametrize(
    "payload",
    [
        RUTILE,
        STRUCTURE.to(fmt="cif"),
        {"cif": STRUCTURE.to(fmt="cif", symprec=0.01)},
        STRUCTURE.to(fmt="poscar"),
        {"poscar": STRUCTURE.to(fmt="poscar")},
        json.dumps(STRUCTURE.as_dict()),
    ],
    ids=["wyckoff", "plain cif", "cif with symmetry", "poscar", "named poscar", "json"],
)
def test_one_crystal_has_one_string(payload: Any) -> None:
    found = standardise(payload, StandardiseOptions())
    assert found.structure == RUTILE
    assert found.key == "136 a:Ti f:O"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "unreadable"),
        (None, "unreadable"),
        ("hello", "unreadable"),
        ({"poscar": "no\nlattice"}, "unreadable"),
        ({"json": "{"}, "unreadable"),
        ({"cif": "x" * 1_000_001}, "too_large"),
        ("225 a:Na", "unreadable"),
        ("225 a:Na | 3 4", "not_a_wyckoff_string"),
    ],
)
def test_reasons(payload: Any, reason: str) -> None:
    with pytest.raises(StructureError) as caught:
        standardise(payload, StandardiseOptions())
    assert caught.value.reason == reason


def test_sizes_are_limited_before_and_after() -> None:
    with pytest.raises(StructureError, match="6 in the cell, at most 5"):
        read_arrays(RUTILE, 5)
    with pytest.raises(StructureError, match="6 in the primitive cell, at most 4"):
        standardise(RUTILE, StandardiseOptions(maximum_atoms=4))


def test_hold_out_by_size() -> None:
    assert HoldOutOptions().allows({"Na": 1})
    assert not HoldOutOptions(minimum_elements=2).allows({"Na": 1})
    assert not HoldOutOptions(maximum_atoms=3).allows({"Ti": 2, "O": 4})
