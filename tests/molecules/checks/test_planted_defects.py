"""Every planted defect is caught first by its check, for the stated reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from nucleate.matter.checks import Candidate, Check, CheckContext, EachCheck
from nucleate.molecules import Molecules


class Defect(NamedTuple):
    """A molecule with one fault.

    Attributes:
        faulty: SMILES with the fault.
        check: the check that must be the first to reject it.
        reason: regular expression that its reason must hold.
        sound: the same molecule without the fault, which passes; empty where there is none.
    """

    faulty: str
    check: str
    reason: str
    sound: str = ""


DATA = tomllib.loads(Path(__file__).with_name("planted_defects.toml").read_text(encoding="utf-8"))
DEFECTS = [Defect(*row) for row in DATA["defects"]]


@pytest.fixture(scope="module")
def checks() -> list[Check]:
    """The default funnel's checks of one molecule alone, in order."""
    matter = Molecules()
    classes = matter.checks.own()
    return [
        matter.checks.build(name, {}, CheckContext(), "test")
        for name, check in classes.items()
        if check.usual and issubclass(check, EachCheck)
    ]


def first_rejection(smiles: str, checks: list[Check], upto: str) -> tuple[str, str]:
    """Name and reason of the first check that rejects; empty where all as far as one pass."""
    candidate = Candidate(smiles)
    for check in checks:
        verdict = check.run([candidate])[0]
        if not verdict.passed:
            return check.name, verdict.reason
        candidate.structure = verdict.structure or candidate.structure
        if check.name == upto:
            break
    return "", ""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.faulty)
def test_defect_is_caught_for_its_reason(defect: Defect, checks: list[Check]) -> None:
    name, reason = first_rejection(defect.faulty, checks, "embedding")
    assert name == defect.check, reason
    assert re.search(defect.reason, reason), reason


@pytest.mark.parametrize("defect", [d for d in DEFECTS if d.sound], ids=lambda d: d.sound)
def test_the_same_without_the_fault_passes(defect: Defect, checks: list[Check]) -> None:
    last = "embedding" if defect.check == "embedding" else "spacial_score"
    assert first_rejection(defect.sound, checks, last) == ("", "")


def test_there_are_enough_of_them() -> None:
    assert len({defect.faulty for defect in DEFECTS}) == len(DEFECTS) >= 50
    assert len({defect.sound for defect in DEFECTS if defect.sound}) >= 25
    assert len({defect.check for defect in DEFECTS}) >= 12
