"""What a constraint keeps, judges and refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.constraint import CrystalConstraint
from nucleate.crystals.conditions.options import CrystalConditions

SALT, RUTILE = "225 a:Na b:Cl | 5.6402", "136 a:Ti f:O(0.30479) | 4.5937 2.9581"
CODEC = WyckoffCodec.fit([SALT, RUTILE], CodecOptions())


def constraint(**asked: Any) -> CrystalConstraint:
    return CrystalConstraint(CrystalConditions(**asked), CODEC)


@pytest.mark.parametrize(
    ("asked", "crystal", "reason"),
    [
        ({"composition": "NaCl"}, SALT, ""),
        ({"composition": "TiO2"}, SALT, "other_elements"),
        ({"include": ("Ti",)}, SALT, "other_elements"),
        ({"minimum_sites": 3}, RUTILE, "higher_symmetry_fewer_sites"),
        ({"minimum_atoms": 4}, SALT, "smaller_primitive_cell"),
        ({"space_group": (221,), "higher_symmetry": "reject"}, SALT, "higher_symmetry"),
    ],
)
def test_crystals_are_judged(asked: dict[str, Any], crystal: str, reason: str) -> None:
    columns, reasons = constraint(**asked).judge([crystal])
    assert reasons == [reason]
    assert columns["space_group"].tolist() == [225 if crystal == SALT else 136]


def test_formula_units_are_ways_to_write() -> None:
    found = constraint(composition="TiO2", formula_units=(1, 3))
    ways = found.ways(20, np.random.default_rng(0))
    assert {found.plan.units[way] for way in ways.tolist()} <= {1, 2, 3}
    assert found.judge([RUTILE])[0]["formula_units"].tolist() == [2]


def test_elements_that_the_model_never_saw_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"trained on no crystal with K; the model knows O, Na"):
        constraint(include=("K",))
    with pytest.raises(SettingsError, match="a noble gas"):
        constraint(include=("Xe",))
