"""The base of checks on single molecules: what cannot be read or judged is rejected."""

from __future__ import annotations

from typing import Any

import pytest

from nucleate.core.settings import Settings
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.molecules.checks.single_check import SingleCheck, window


class Sulfurless(SingleCheck):
    name = "sulfurless"
    description = "fails on sulfur"

    def judge(self, found: Any, smiles: str) -> Verdict:
        if "S" in smiles:
            raise ValueError("sulfur\nand more")
        return Verdict(True, found.GetNumAtoms())


def test_verdicts() -> None:
    check = Sulfurless(Settings(), CheckContext())
    verdicts = check.run([Candidate(text) for text in ("CCO", "CCS", "C1", "")])
    assert [verdict.passed for verdict in verdicts] == [True, False, False, False]
    assert verdicts[0].value == 3
    assert verdicts[1].reason == "the check failed (ValueError: sulfur)"
    assert verdicts[2].reason == "'C1' is not a valid SMILES"


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (None, None, ""),
        (1, 2, ""),
        (2, None, "size 1.5 is below 2"),
        (None, 1, "size 1.5 is above 1"),
    ],
)
def test_window(low: float | None, high: float | None, reason: str) -> None:
    assert window(1.5, low, high, "size") == (not reason, reason)
