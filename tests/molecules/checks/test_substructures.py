"""Checks on substructures."""

from __future__ import annotations

from collections.abc import Callable

from nucleate.matter.checks import Verdict
from nucleate.molecules.checks.substructures import AlertsCheck, HazardsCheck, StabilityCheck


def test_unstable_groups_are_named_and_may_be_allowed(judge: Callable[..., Verdict]) -> None:
    verdict = judge(StabilityCheck, "O=C(Cl)CCC1CO1")
    assert verdict.value == "acyl halide; epoxide"
    assert verdict.reason.endswith("(and 1 more)")
    assert judge(StabilityCheck, "CC1CO1", allowed=("epoxide",)).passed


def test_hazards_name_their_class(judge: Callable[..., Verdict]) -> None:
    assert judge(HazardsCheck, "CCOOCC").reason == "hazard: peroxide (organic peroxide)"
    assert judge(HazardsCheck, "CCOCC").passed


def test_tolerated_alerts_are_listed(judge: Callable[..., Verdict]) -> None:
    aniline = judge(AlertsCheck, "Nc1ccccc1")
    assert aniline.passed
    assert "aniline" in aniline.columns["structural_alerts"]
    assert judge(AlertsCheck, "Nc1ccccc1", allowed=()).value == "aniline"
    own = judge(AlertsCheck, "CCO", own={"alcohol of mine": "[OX2H]"})
    assert own.reason == "structural alert alcohol of mine (own)"
