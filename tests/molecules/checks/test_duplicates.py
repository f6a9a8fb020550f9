"""One molecule under several drawings."""

from __future__ import annotations

from collections.abc import Callable

from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.molecules.checks.duplicates import DoublesCheck, DoublesOptions, IdentityCheck


def test_names_and_doubles(judge: Callable[..., Verdict]) -> None:
    keto = judge(IdentityCheck, "CC(=O)CC(C)=O")
    enol = judge(IdentityCheck, "CC(=O)C=C(C)O")
    assert keto.value == "standard tautomer"
    assert enol.value == "another tautomer"
    assert keto.columns["tautomer"] == enol.columns["tautomer"]
    candidates = [
        Candidate("first", dict(keto.columns)),
        Candidate("second", dict(enol.columns)),
        Candidate("third", {}),
    ]
    verdicts = DoublesCheck(DoublesOptions(), CheckContext()).run(candidates)
    assert [verdict.passed for verdict in verdicts] == [True, False, True]
    assert verdicts[1].value == "first"
