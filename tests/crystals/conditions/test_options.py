"""Conditions as a person writes them, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.crystals.conditions.options import CrystalConditions, asked_range, formula


def asked(**values: Any) -> CrystalConditions:
    return validate(CrystalConditions, values, "test")


def test_words_are_read_as_people_write_them() -> None:
    assert asked(chemical_system="O-Li-Fe").chemical_system == ("Li", "O", "Fe")
    assert asked(space_group="Fm-3m, 1..3").space_group == (1, 2, 3, 225)
    assert asked(space_group="cubic").space_group == tuple(range(195, 231))
    assert asked(composition="LiFePO4", formula_units="1..4").formula_units == (1, 4)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"space_group": "Fm-9m"}, "no space group 'Fm-9m'"),
        ({"space_group": "231"}, "numbers are 1 to 230"),
        ({"include": "Xx"}, "no element 'Xx'"),
        ({"include": "Na", "exclude": "Na"}, "name the same element: Na"),
        ({"chemical_system": "Na-Cl", "include": "K"}, "include K"),
        ({"composition": "NaCl", "chemical_system": "Na-Br"}, "disagree"),
    ],
)
def test_contradictions_are_told(values: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        asked(**values)


def test_formulas_are_in_lowest_terms_by_atomic_number() -> None:
    assert list(formula("Fe2O4Li2").items()) == [("Li", 1), ("O", 2), ("Fe", 1)]
    with pytest.raises(ValueError, match="no whole number"):
        formula("Li0.5O")
    with pytest.raises(ValueError, match="is not a formula"):
        formula("?")


def test_ranges_are_cut_to_what_a_model_holds() -> None:
    assert str(asked_range(2, None, 20, "sites")) == "2 to 20"
    with pytest.raises(ValueError, match="writes at most 20 sites"):
        asked_range(30, None, 20, "sites")
