"""Shapes in three dimensions, and the budget before them."""

from __future__ import annotations

from collections.abc import Callable

from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.molecules.checks.conformers import BudgetCheck, BudgetOptions, EmbeddingCheck


def test_budget_keeps_the_best() -> None:
    check = BudgetCheck(BudgetOptions(limit=2), CheckContext())
    verdicts = check.run([Candidate(text) for text in ("C", "CC", "CCC")])
    assert [(verdict.passed, verdict.value) for verdict in verdicts] == [
        (True, 1),
        (True, 2),
        (False, 3),
    ]
    assert check.threshold == "the best 2"


def test_strain_and_contacts(judge: Callable[..., Verdict]) -> None:
    butanol = judge(EmbeddingCheck, "CCCCO")
    assert butanol.passed
    assert butanol.value == "MMFF94"
    assert butanol.columns["shortest_contact"] > 2.3
    tight = judge(EmbeddingCheck, "CCCCO", minimum_contact=9.0)
    assert "less than 9" in tight.reason
    cubane = judge(EmbeddingCheck, "C12C3C4C1C5C4C3C25", maximum_strain=2.0)
    assert "is above 2" in cubane.reason
