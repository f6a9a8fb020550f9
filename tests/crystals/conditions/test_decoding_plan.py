"""Plans of decoding: groups that can meet what is asked, and what is said if none can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nucleate.core.errors import SettingsError
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.constraint import CrystalConstraint
from nucleate.crystals.conditions.decoding_plan import FormulaPlan, SizePlan
from nucleate.crystals.conditions.options import CrystalConditions, ranges_text
from nucleate.crystals.wyckoff.symmetry import space_group

CODEC = WyckoffCodec(CodecOptions(), [0.0] * 6, [1.0] * 6)


def plan(**asked: Any) -> Any:
    return CrystalConstraint(CrystalConditions(**asked), CODEC).plan


def test_sizes_leave_groups_with_small_enough_positions() -> None:
    found = plan(maximum_atoms=2)
    assert isinstance(found, SizePlan)
    for number in range(1, 231):
        smallest = min(p.primitive_multiplicity for p in space_group(number).positions)
        assert (number in found.groups) == (smallest <= 2)
    assert found.legality(np.zeros(5, np.int64)).written.shape == (5,)


def test_a_formula_fills_the_groups_that_it_can() -> None:
    found = plan(composition="NaCl", formula_units=(1, 1))
    assert isinstance(found, FormulaPlan)
    assert found.units == [1]
    assert {221, 225, 216} <= set(found.groups)
    assert 227 not in found.groups  # its smallest position has two atoms


def test_what_cannot_be_is_refused_with_what_could() -> None:
    with pytest.raises(SettingsError, match="a formula unit has 29 atoms"):
        plan(composition="Al12Mg17")
    with pytest.raises(SettingsError, match="space groups that can"):
        plan(composition="NaCl", space_group=(227,), formula_units=(1, 1))


def test_numbers_are_written_as_ranges() -> None:
    assert ranges_text([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
