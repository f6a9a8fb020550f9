"""Novelty, diversity and picks among crystals."""

from __future__ import annotations

from typing import Any

from nucleate.crystals.checks.novelty import NovelCheck
from nucleate.crystals.energy.hull import bundled
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.matter.registry import get

KNOWN = "225 a:K b:At | 6.9"


def run(name: str, *crystals: str, **options: Any) -> list[Verdict]:
    context = CheckContext(known=(KNOWN,))
    check = get("crystals").checks.build(name, options, context, "test")
    return check.run([Candidate(crystal) for crystal in crystals])


def test_known_means_the_string_the_match_and_the_bundled_set() -> None:
    same, swollen, other, broken = run(
        "novel", KNOWN, "225 a:K b:At | 7.0", "225 a:Rb b:At | 7.1", "nonsense"
    )
    assert not same.passed
    assert "StructureMatcher" in swollen.reason
    assert other.passed
    assert other.columns["nearest_known_composition_distance"] == 0.5
    assert "not_a_wyckoff_string" in broken.reason
    crystal, identity = next(iter(bundled().items()))
    (ours,) = run("novel", crystal)
    assert ours.columns["nearest_known_id"] == identity


def test_prototypes_are_told_when_asked_for() -> None:
    (found,) = run("novel", "225 a:Rb b:At | 7.1", prototypes=True)
    assert found.columns["prototype"] == "225 a|b"
    assert found.columns["prototype_known_count"] > 1
    assert NovelCheck.limit == "no match"


def test_few_of_a_formula_are_diverse() -> None:
    crystals = ["225 a:Na b:Cl | 5.64", "225 a:Na b:Cl | 5.66", "221 a:Na b:Cl | 3.4"]
    verdicts = run("diverse", *crystals, per_formula=2)
    assert [verdict.passed for verdict in verdicts] == [True, False, True]
    assert verdicts[1].reason == "the same crystal as a better candidate"
