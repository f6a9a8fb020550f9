"""Planted defects are caught by the check that must catch them; hostile strings end in a reason."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from nucleate.matter.checks import Candidate, Check, CheckContext, EachCheck
from nucleate.matter.registry import get


class Defect(NamedTuple):
    """A crystal with one fault.

    Attributes:
        fault: in words.
        crystal: Wyckoff string, or what stands in its place.
        check: the first that must reject it.
        words: that its reason must hold.
    """

    fault: str
    crystal: str
    check: str
    words: str


DATA = tomllib.loads(Path(__file__).with_name("planted_defects.toml").read_text(encoding="utf-8"))
DEFECTS = [Defect(*row) for row in DATA["defects"]]
MATTER = get("crystals")


def funnel(last: str) -> list[Check]:
    """The usual checks up to `last`, without those that look at more than one candidate."""
    names = [name for name, check in MATTER.checks.own().items() if check.usual]
    names = names[: names.index(last) + 1]
    compared = {"novel", "budget"}
    return [MATTER.checks.build(n, {}, CheckContext(), "test") for n in names if n not in compared]


def first_rejection(crystal: str, checks: list[Check]) -> tuple[str, str]:
    """Name of the first check that rejects a crystal, and its reason; empty if none does."""
    candidate = Candidate(crystal)
    for check in checks:
        (verdict,) = check.run([candidate])
        if not verdict.passed:
            return check.name, verdict.reason
        candidate.structure = verdict.structure or candidate.structure
    return "", ""


CHEAP = funnel("bond_valence")
ALL = funnel("relaxation")


def test_there_are_fifty_different_faults() -> None:
    assert len(DEFECTS) == 50
    assert len({d.fault for d in DEFECTS}) == len({d.crystal for d in DEFECTS}) == 50
    assert sum(d.check == "relaxation" for d in DEFECTS) <= 5


@pytest.mark.parametrize("crystal", DATA["sound"])
def test_the_sound_originals_pass(crystal: str) -> None:
    assert first_rejection(crystal, CHEAP) == ("", "")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.fault)
def test_each_defect_is_caught_for_its_reason(defect: Defect) -> None:
    checks = ALL if defect.check == "relaxation" else CHEAP
    name, reason = first_rejection(defect.crystal, checks)
    assert name == defect.check, reason
    assert defect.words in reason


GENERAL = " ".join(
    f"i:C(0.{n:03d},0.{(7 * n) % 997:03d},0.{(31 * n) % 997:03d})" for n in range(500)
)
HOSTILE = [
    "\x00" * 50,
    "225 " + "a:Na " * 500 + "| 5.64",
    f"2 {GENERAL} | 30 30 30 90 90 90",
    f"2 {GENERAL} | 1e3 1e3 1e3 90 90 90",
    f"2 {GENERAL} | 2 2 2 90 90 90",
    "1 a:H(1e308,-1e308,0) | 1e308 1e308 1e308 90 90 90",
    "1 a:H(0.1,0.2,0.3) | 1e-9 1e-9 1e-9 90 90 90",
    "1 a:H(0.1,0.2,0.3) a:H(0.6,0.2,0.3) | 0.9 2000 2000 90 90 90",
    "2 a:Na b:Cl | 3 3 3 1e-5 90 90",
    "2 a:Na b:Cl | 4 4 4 60 60 119.9999",
    "99999999999999999999 a:Na | 5",
    "225 a:Na b:Cl | 5.64 " + "9" * 5000,
    "225 a:Na(nan) b:Cl | 5.64",
    "225 a:Na b:Cl | 5.64 | 5.64",
    "225 ä:Na b:Cl | 5.64",
    "<script>alert(1)</script> | 1",
    "227 i:C(0.01,0.02,0.03) i:N(0.1,0.2,0.3) | 40",
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers near the end of the floats
@pytest.mark.parametrize("crystal", HOSTILE, ids=lambda c: c[:24].encode("unicode_escape").decode())
def test_hostile_strings_end_in_a_reason_and_soon(crystal: str) -> None:
    started = time.monotonic()
    for check in CHEAP:
        assert isinstance(check, EachCheck)
        verdict = check.guarded(Candidate(crystal))
        assert bool(verdict.reason) != (verdict.passed and verdict.judged)
    assert first_rejection(crystal, CHEAP)[0]
    assert time.monotonic() - started < 20
