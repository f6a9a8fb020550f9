"""Quotas and picks over structures that are numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nucleate.core.errors import StructureError
from nucleate.core.settings import Settings
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.novelty.common_checks import Accepted, BestFirstCheck, PicksOptions, UnlikePicks


class Spread(UnlikePicks):
    description = "far from each other"

    def describe(self, structure: str) -> Any:
        if structure == "?":
            raise StructureError("unreadable", "no number")
        return float(structure) if structure != "!" else Verdict(False, reason="loud")

    def pick(self, described: Sequence[Any], number: int) -> list[tuple[int, float | None]]:
        return [(0, None), (len(described) - 1, abs(described[-1] - described[0]))][:number]


class FewOfEachParity(BestFirstCheck):
    name = "few"
    description = "two of each parity"

    def beside(self, structure: str, place: int, accepted: Accepted) -> Verdict:
        if structure == "?":
            raise StructureError("unreadable", "no number")
        parity = "odd" if int(structure) % 2 else "even"
        reason = accepted.full(parity, 2, f"the parity {parity}")
        if not reason:
            accepted.groups[parity] += 1
        return Verdict(not reason, accepted.number, reason)


def candidates(*structures: str) -> list[Candidate]:
    return [Candidate(structure) for structure in structures]


def test_picks_name_their_turn_and_those_left() -> None:
    check = Spread(PicksOptions(number=2), CheckContext())
    verdicts = check.run(candidates("?", "1", "!", "2", "5.00001"))
    assert [v.passed for v in verdicts] == [False, True, False, False, True]
    assert [v.value for v in verdicts] == [None, 1, None, None, 2]
    assert verdicts[1].columns == {"pick_distance": None}
    assert verdicts[4].columns == {"pick_distance": 4.0}
    assert verdicts[3].reason == "not among the 2 picked to be unlike each other"
    assert (verdicts[0].reason, verdicts[2].reason) == ("unreadable: no number", "loud")
    assert check.run(candidates("?"))[0].passed is False
    assert check.threshold == "among 2 picks"


def test_quotas_count_what_passed_before() -> None:
    verdicts = FewOfEachParity(Settings(), CheckContext()).run(
        candidates("2", "4", "?", "6", "1", "8")
    )
    assert [v.passed for v in verdicts] == [True, True, False, False, True, False]
    assert [v.value for v in verdicts] == [0, 1, None, 2, 2, 3]
    assert verdicts[3].reason == "2 better candidates have the parity even"
