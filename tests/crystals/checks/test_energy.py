"""Energy above the hull: what the verdict says, and how far it is to be trusted."""

from __future__ import annotations

import pytest

from nucleate.core.errors import SettingsError
from nucleate.crystals.checks.energy import BUNDLED, AboveHullCheck, confidence
from nucleate.matter.checks import Candidate, CheckContext
from nucleate.matter.registry import get


def test_confidence_in_words() -> None:
    assert confidence(5, 1, 3) == "compared with the known form of the element"
    assert confidence(0, 2, 3).startswith("none: elements only")
    assert confidence(2, 2, 3) == "low: 2 competing compounds"
    assert confidence(3, 2, 3) == "fair: 3 competing compounds"


def test_rock_salt_is_on_the_hull_and_a_compressed_one_is_not() -> None:
    check = AboveHullCheck(AboveHullCheck.Options(maximum=0.05), CheckContext())
    good, bad = check.run([Candidate("225 a:Na b:Cl | 5.69"), Candidate("225 a:Na b:Cl | 5.0")])
    assert check.threshold == "at most 0.05 eV/atom"
    assert good.passed
    assert good.columns["reference_set"] == BUNDLED
    assert not bad.passed
    assert "above the hull of" in bad.reason
    assert check.run([]) == []


def test_an_unknown_model_is_refused_with_the_list() -> None:
    with pytest.raises(SettingsError, match="known: chgnet"):
        get("crystals").checks.build(
            "energy_above_hull", {"energy_model": "none"}, CheckContext(), "test"
        )
