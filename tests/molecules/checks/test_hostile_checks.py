"""No check crashes or hangs on what should never have come: each refuses it with a reason."""

from __future__ import annotations

import time

import pytest

from nucleate.matter.checks import Candidate, CheckContext, EachCheck
from nucleate.molecules import Molecules
from nucleate.molecules.alerts.hazards import reason_to_forbid

HOSTILE = {
    "empty": "",
    "blank": "   ",
    "ten thousand atoms": "C" * 10_000,
    "three hundred rings": "C1CC1" * 300,
    "two hundred fused rings": "C1CC2" + "C2CC2" * 60,
    "unicode": "Cc1ccc(é)cc1",
    "snowman": "☃" * 50,
    "null": "CC\x00O",
    "very long name": "CCO " + "ethanol " * 5000,
    "metal": "[Fe+2].[O-]C(=O)c1ccccc1.[O-]C(=O)c1ccccc1",
    "metal complex": "Cl[Pt](Cl)(N)N",
    "isotopes": "[2H]C([2H])([2H])c1ccc(C(N)=O)cc1",
    "dummy atoms": "*c1ccc(*)cc1C(N)=O",
    "query atoms": "[C,N]c1ccc([!C])cc1",
    "any bond": "CC~Cc1ccccc1",
    "reaction": "CCO>>CC=O",
    "atom map": "[CH3:1]c1ccc(C(N)=O)cc1",
    "charge of twenty": ".".join(["[Fe+4]"] * 5),
    "charge of ten on one atom": "[C+10]",
    "all radicals": "[C][C][C][C][C][C][C][C]",
    "only hydrogen": "[H][H]",
    "zero-order bonds": "C->[Zn]<-C",
    "unclosed": "c1ccc(((((",
    "deep branches": "C(" * 500 + "C" + ")" * 500,
    "not text of a molecule": "DROP TABLE molecules;",
}


@pytest.mark.parametrize("smiles", HOSTILE.values(), ids=HOSTILE.keys())
def test_refused_with_a_reason_and_quickly(smiles: str) -> None:
    matter = Molecules()
    started = time.monotonic()
    reasons = []
    for name, cls in matter.checks.own().items():
        if not issubclass(cls, EachCheck) or cls.expensive:
            continue
        verdict = matter.checks.build(name, {}, CheckContext(), "test").run([Candidate(smiles)])[0]
        assert verdict.passed or verdict.reason
        reasons += [] if verdict.passed else [verdict.reason]
    assert reasons
    assert all(len(reason) < 400 and "Traceback" not in reason for reason in reasons)
    assert reason_to_forbid(smiles) == ""
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("smiles", ["C1CC1" * 300, "C" * 1900, "", "*c1ccc(*)cc1C(N)=O"])
def test_the_costly_checks_refuse_or_stay_quick(smiles: str) -> None:
    matter = Molecules()
    started = time.monotonic()
    for name in ("identity", "embedding"):
        verdict = matter.checks.build(name, {}, CheckContext(), "test").run([Candidate(smiles)])[0]
        assert verdict.passed or verdict.reason
    assert time.monotonic() - started < 30
