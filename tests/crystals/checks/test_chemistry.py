"""Charge neutrality: SMACT, and the same question asked of many elements."""

from __future__ import annotations

import pytest

from nucleate.crystals.checks.chemistry import (
    SmactCheck,
    is_mixed_valent,
    many_element_validity,
    smact_valid,
)
from nucleate.matter.checks import Candidate, CheckContext


@pytest.mark.parametrize(
    ("counts", "formula"),
    [
        ({"Na": 1, "Cl": 1}, "NaCl"),
        ({"Na": 2, "Cl": 1}, "Na2Cl"),
        ({"Li": 1, "Fe": 1, "P": 1, "O": 4}, "LiFePO4"),
        ({"Cu": 3, "Au": 1}, "Cu3Au"),
    ],
)
@pytest.mark.parametrize("pauling", [True, False])
def test_dynamic_programming_answers_as_smact_does(
    counts: dict[str, int], formula: str, pauling: bool
) -> None:
    ours = many_element_validity(counts, "icsd24", pauling, alloys=True)
    assert ours == smact_valid(formula, "icsd24", pauling, True)


def test_magnetite_is_of_mixed_valence() -> None:
    assert is_mixed_valent({"Fe": 8 / 3, "O": -2.0})
    assert not is_mixed_valent({"Fe": 3.0, "O": -2.0})
    assert not is_mixed_valent({"Fe": 3.0, "O": -1.5})


def test_the_verdict_tells_formula_and_guess() -> None:
    check = SmactCheck(SmactCheck.Options(), CheckContext())
    good, bad = check.run([Candidate("225 a:Na b:Cl | 5.64"), Candidate("225 a:Na b:Ne | 5.64")])
    assert check.threshold == "neutral by icsd24"
    assert (good.passed, good.value) == (True, "valid")
    assert good.columns["oxidation_guess"] == "Na+1 Cl-1"
    assert not bad.passed
    assert "no neutral oxidation states in SMACT's icsd24 set" in bad.reason
