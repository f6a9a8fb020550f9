"""Checks on rings and on stereochemistry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nucleate.matter.checks import Verdict
from nucleate.molecules.checks.structure import RingsCheck, StereoCheck


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("C1CCCCC1", ""),
        ("C1CCCCCCCC1", "a ring of 9 atoms"),
        ("C1CC1C1CC1C1CC1C1CC1", "4 three-membered rings"),
        ("C1=CC1", "a double bond within a three-membered ring"),
    ],
)
def test_rings(judge: Callable[..., Verdict], smiles: str, reason: str) -> None:
    assert judge(RingsCheck, smiles).reason == reason


def test_open_stereo_is_counted(judge: Callable[..., Verdict]) -> None:
    smiles = "CC=CC(O)C(F)Cl"
    verdict = judge(StereoCheck, smiles, maximum_unspecified=2)
    assert verdict.value == 3
    assert verdict.columns == {"unspecified_stereocentres": 2, "unspecified_double_bonds": 1}
    assert verdict.reason.endswith("at most 2 may be")
    assert judge(StereoCheck, smiles).passed
