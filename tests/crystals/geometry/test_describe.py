"""Formulas, titles and numbers for people."""

from __future__ import annotations

import pytest

from nucleate.crystals.geometry.describe import (
    by_electronegativity,
    composition,
    describe,
    fractions_of,
    reduced_formula,
    title,
)

RUTILE = "136 a:Ti f:O(0.30479) | 4.5937 2.9581"


def test_formulas_are_reduced_and_in_order() -> None:
    assert composition(RUTILE) == {"Ti": 2, "O": 4}
    assert reduced_formula(RUTILE) == "TiO2"
    assert by_electronegativity(["O", "Ti", "Na"]) == ["Na", "Ti", "O"]
    assert fractions_of(RUTILE)[[22, 8]].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_rutile_in_words_and_numbers() -> None:
    assert title(RUTILE) == "TiO2, P4_2/mnm (136)"
    assert title("nonsense") == "nonsense"
    found = describe(RUTILE)
    assert found["crystal_system"] == "tetragonal"
    assert (found["sites"], found["atoms"], found["elements"]) == (2, 6, 2)
    assert found["density"] == pytest.approx(4.25, abs=0.01)  # measured 4.23 g/cm3
