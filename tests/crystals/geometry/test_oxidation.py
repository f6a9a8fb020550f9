"""Oxidation states by dynamic programming: pymatgen's own answers."""

from __future__ import annotations

import pytest
from pymatgen.core import Composition

from nucleate.crystals.geometry.oxidation import average_states, oxidation_states, states_text


@pytest.mark.parametrize("formula", ["NaCl", "TiO2", "Fe3O4", "LiFePO4", "CuAu", "KMnO4"])
def test_states_are_pymatgens(formula: str) -> None:
    guesses = Composition(formula).oxi_state_guesses()
    assert oxidation_states(formula) == pytest.approx(guesses[0] if guesses else {})


def test_text_and_limits() -> None:
    assert states_text({"Fe": 8 / 3, "O": -2.0}) == "Fe+2.67 O-2"
    assert average_states({"H": 800, "O": 400}) == {}
    assert average_states({}) == {}
