"""Checks on drug-likeness and on how hard a molecule is to make."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rdkit import Chem
from rdkit.Chem import QED, SpacialScore

from nucleate.matter.checks import CheckContext, Verdict
from nucleate.molecules.checks.likeness import (
    DruglikeCheck,
    SpacialCheck,
    SpacialOptions,
    SyntheticAccessCheck,
)

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_druglike(judge: Callable[..., Verdict]) -> None:
    verdict = judge(DruglikeCheck, ASPIRIN)
    assert verdict.passed
    assert verdict.value == pytest.approx(QED.qed(Chem.MolFromSmiles(ASPIRIN)), abs=1e-4)
    assert verdict.columns["hydrogen_bond_donors"] == 1
    assert judge(DruglikeCheck, "C" * 40).reason.startswith("logP")
    assert judge(DruglikeCheck, ASPIRIN, maximum_tpsa=60).reason == (
        "polar surface area 63.6 is above 60"
    )


def test_bounds_of_scores(judge: Callable[..., Verdict]) -> None:
    assert 1 <= judge(SyntheticAccessCheck, ASPIRIN).value <= 2
    assert judge(SyntheticAccessCheck, ASPIRIN, maximum=1.0).reason.endswith("is above 1")
    score = SpacialScore.SPS(Chem.MolFromSmiles(ASPIRIN))
    assert judge(SpacialCheck, ASPIRIN).value == pytest.approx(score, abs=1e-3)
    assert SpacialCheck(SpacialOptions(), CheckContext()).threshold == "at most 70"
