"""Known crystals with other elements."""

from __future__ import annotations

from typing import Any

import pytest

from nucleate.core.settings import validate
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.constraint import CrystalConstraint
from nucleate.crystals.conditions.options import CrystalConditions
from nucleate.crystals.conditions.starting_points import adapt
from nucleate.crystals.elements import NUMBERS, volumes
from nucleate.crystals.wyckoff.wyckoff_string import from_string

CODEC = WyckoffCodec.fit([], CodecOptions())
SALT = "225 a:Na b:Cl | 5.6402"
PEROVSKITE = "221 a:Ti b:Sr d:O | 3.905"


def constraint(**asked: Any) -> CrystalConstraint:
    return CrystalConstraint(validate(CrystalConditions, asked, "test"), CODEC)


@pytest.mark.parametrize(
    ("crystal", "asked", "elements"),
    [
        (PEROVSKITE, {"composition": "BaZrS3"}, ["Zr", "Ba", "S"]),
        (PEROVSKITE, {"composition": "CaTiO3", "space_group": 221}, ["Ti", "Ca", "O"]),
        (PEROVSKITE, {"composition": "CaTiO3", "space_group": 62}, None),
        (PEROVSKITE, {"composition": "CaTiO3", "formula_units": 2}, None),
        (PEROVSKITE, {"composition": "MgAl2O4"}, None),
        (PEROVSKITE, {"composition": "NaCl"}, None),
        (SALT, {"chemical_system": "K-Br"}, ["K", "Br"]),
        (SALT, {"chemical_system": "O-Cl-Na"}, None),
        (SALT, {"chemical_system": "O-Cl-Na", "subsets": True}, ["Na", "Cl"]),
        (PEROVSKITE, {"include": "S"}, ["Ti", "Sr", "S"]),
        (PEROVSKITE, {"include": "Ba", "exclude": "Sr"}, ["Ti", "Ba", "O"]),
        (PEROVSKITE, {"maximum_sites": 2}, None),
        (PEROVSKITE, {"maximum_atoms": 4}, None),
        (PEROVSKITE, {"space_group": "cubic"}, ["Ti", "Sr", "O"]),
    ],
)
def test_elements_by_hand(crystal: str, asked: dict[str, Any], elements: list[str] | None) -> None:
    found = adapt(crystal, constraint(**asked).wanted)
    if elements is None:
        assert found is None
    else:
        assert found is not None
        assert [site.element for site in from_string(found).sites] == elements


def test_the_volume_follows_the_elements() -> None:
    found = adapt(SALT, constraint(composition="KBr").wanted)
    assert found is not None

    def typical(*symbols: str) -> float:
        return sum(float(volumes()[NUMBERS[s] - 1]) for s in symbols)

    grown = (typical("K", "Br") / typical("Na", "Cl")) ** (1 / 3)
    assert from_string(found).lattice[0] == pytest.approx(5.6402 * grown, abs=1e-3)
    assert grown > 1


def test_what_was_adapted_is_told_with_its_number_of_formula_units() -> None:
    found = constraint(composition="KBr", formula_units="2..3")
    wurtzite = "186 b:Zn(0) b:S(0.375) | 3.82 6.26"
    structures, ways = found.starting_points([SALT, wurtzite, PEROVSKITE])
    assert [from_string(s).space_group for s in structures] == [186]
    assert [found.plan.units[way] for way in ways] == [2]
    assert found.judge(structures)[1] == [""]
