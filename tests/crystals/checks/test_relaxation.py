"""The relaxation check: its verdicts and columns, and what it remembers."""

from __future__ import annotations

import pytest

from nucleate.crystals import properties
from nucleate.crystals.checks.relaxation import RelaxationCheck
from nucleate.matter.checks import Candidate, CheckContext


def check(**options: object) -> RelaxationCheck:
    return RelaxationCheck(RelaxationCheck.Options(**options), CheckContext())


def test_the_energy_of_the_relaxed_crystal_is_remembered() -> None:
    (verdict,) = check(release=False).run([Candidate("225 a:Na b:Br | 6.0")])
    assert verdict.passed
    assert verdict.structure is not None
    (energy,) = properties.energies([verdict.structure])
    assert verdict.columns["energy_per_atom"] == pytest.approx(energy, abs=1e-4)


def test_failures_say_why() -> None:
    clash, swollen = check(maximum_volume_change=0.01, release=False).run(
        [Candidate("136 a:Ti f:O(0.1) | 4.59 2.96"), Candidate("225 a:Na b:Cl | 6.0")]
    )
    assert "clash" in clash.reason
    assert "the volume changes by" in swollen.reason
    assert "more than 1%" in swollen.reason


def test_the_threshold_is_told_in_words() -> None:
    assert check(force=0.05, steps=7).threshold == "0.05 eV/A within 7 steps"
