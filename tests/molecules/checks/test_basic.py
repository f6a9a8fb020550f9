"""Checks on what a molecule is made of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nucleate.matter.checks import Check, Verdict
from nucleate.molecules.checks.basic import (
    ChargeCheck,
    ElementsCheck,
    ParsesCheck,
    SaltCheck,
    SizeCheck,
)

Judge = Callable[..., Verdict]


@pytest.mark.parametrize(
    ("check", "smiles", "reason"),
    [
        (ParsesCheck, "CCO", ""),
        (ParsesCheck, "C[CH2]", "has unpaired electrons"),
        (ParsesCheck, "[CH3:1]C", "carries atom map numbers"),
        (ParsesCheck, "CC(C)(C)(C)C", "valence"),
        (ParsesCheck, "C" * 2001, "2001 characters, at most 2000 are read"),
        (SaltCheck, "CCOC.CCN", "several fragments: mixture of 2 molecules"),
        (SaltCheck, "CC(=O)[O-].[Na+]", "salt with sodium"),
        (SaltCheck, "c1ccccc1CN.O", "solvate with water"),
        (ElementsCheck, "C[Si](C)(C)C", "holds Si"),
        (ElementsCheck, "O", "holds no carbon"),
        (ElementsCheck, "[2H]C", "is labelled with 2H"),
        (ElementsCheck, "*C", "holds an undefined atom"),
        (ChargeCheck, "C[N+](C)(C)CC[N+](C)(C)C", "net charge 2 is above 1"),
        (ChargeCheck, "C[CH2-]", "a carbon carries the charge -1"),
        (ChargeCheck, "[C-]#[N+]C", ""),
        (SizeCheck, "CCO", "heavy atom count 3 is below 8"),
        (SizeCheck, "BrC(Br)(Br)C(Br)(Br)C(Br)(Br)Br", "molecular weight 675.3 is above 650"),
    ],
)
def test_reasons(judge: Judge, check: type[Check], smiles: str, reason: str) -> None:
    verdict = judge(check, smiles)
    assert verdict.passed == (not reason)
    assert reason in verdict.reason


def test_other_spellings_and_parents_replace_the_structure(judge: Judge) -> None:
    assert judge(ParsesCheck, "OCC").structure == "CCO"
    parent = judge(SaltCheck, "c1ccccc1CN.Cl", fragments="parent")
    assert parent.passed
    assert parent.value == "salt with chloride"
    assert parent.structure == "NCc1ccccc1"
