"""The suites that checks pass: subclass `CheckTestCase` for one, `ChecksTestCase` for a kind's.

class TestMine(CheckTestCase):
    @pytest.fixture
    def check(self) -> Check:
        return MyCheck(MyCheck.Options(), CheckContext())

    @pytest.fixture
    def structures(self) -> list[str]:
        return ["ACGT", "AAAAAAAA"]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy

import pytest

from nucleate.core.errors import SettingsError
from nucleate.matter.base import Matter
from nucleate.matter.checks import Candidate, Check, CheckContext, Verdict

UNREADABLE = ("", "no structure at all")


class CheckTestCase:
    """What every `Check` keeps."""

    @pytest.fixture
    def check(self) -> Check:
        """The check that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def structures(self) -> list[str]:
        """Several different canonical structures."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, check: Check) -> None:
        examine_description(check)

    def test_there_is_one_verdict_a_candidate(self, check: Check, structures: list[str]) -> None:
        examine_verdicts(check, structures)


def examine_description(check: Check) -> None:
    """A check says what it is, and has defaults."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", check.name)
    assert check.description == check.description.strip() != ""
    assert "\n" not in check.description + check.threshold
    type(check).Options()  # every option has a default


def examine_verdicts(check: Check, structures: Sequence[str]) -> None:
    """There is one verdict a candidate, with a reason or passed, whatever stands beside it.

    A third kind, not judged, has a reason too; the settings may turn it away.
    """
    assert check.run([]) == []
    together = verdicts(check, structures)
    for verdict in together:
        assert bool(verdict.reason) != bool(verdict.passed and verdict.judged)
        assert check.decide(verdict) == verdict
        strict = copy(check)
        strict.unjudged = "reject"
        assert strict.decide(verdict).passed == (verdict.passed and verdict.judged)
    mixed = verdicts(check, [*UNREADABLE, *structures])
    if check.independent:
        assert [verdicts(check, [one])[0] for one in structures] == together
        assert mixed[len(UNREADABLE) :] == together


def verdicts(check: Check, structures: Sequence[str]) -> list[Verdict]:
    """Verdicts on structures of which nothing else is known."""
    found = check.run([Candidate(structure) for structure in structures])
    assert len(found) == len(structures)
    return found


class ChecksTestCase:
    """What a kind's `Checks` keeps. Its cheap checks that need no others pass `CheckTestCase`."""

    @pytest.fixture
    def matter(self) -> Matter:
        """The kind of matter."""
        raise NotImplementedError

    @pytest.fixture
    def structures(self) -> list[str]:
        """Several different canonical structures."""
        raise NotImplementedError

    def test_the_funnel_is_in_order(self, matter: Matter) -> None:
        checks = matter.checks.own()
        names = list(checks)
        assert set(names) <= set(matter.checks.all())
        for name, check in checks.items():
            assert check.name == name
            assert all(names.index(needed) < names.index(name) for needed in check.needs)

    def test_each_cheap_check_is_one(self, matter: Matter, structures: list[str]) -> None:
        for name, cls in matter.checks.own().items():
            check = matter.checks.build(name, {}, CheckContext(), "test")
            examine_description(check)
            if cls.independent and not cls.expensive and not cls.needs:
                examine_verdicts(check, structures)

    def test_unknown_names_and_options_are_told(self, matter: Matter) -> None:
        with pytest.raises(SettingsError, match=f"no check named 'nonsense' for {matter.name}"):
            matter.checks.build("nonsense", {}, CheckContext(), "screen")
        for name in matter.checks.own():
            with pytest.raises(SettingsError, match=rf"screen \[{name}\]"):
                matter.checks.build(name, {"no_such_option": 1}, CheckContext(), "screen")

    def test_reasons_to_forbid_are_one_a_structure(
        self, matter: Matter, structures: list[str]
    ) -> None:
        reasons = matter.checks.reasons_to_forbid([*structures, *UNREADABLE])
        assert len(reasons) == len(structures) + len(UNREADABLE)
        assert not any(reasons[: len(structures)])
