"""What stands beside a result."""

from __future__ import annotations

from datetime import datetime

from nucleate.core.environment import environment_info, package_versions, processor, utc_now


def test_versions_are_those_that_are_installed() -> None:
    assert set(package_versions(["numpy", "no-such-package"])) == {"numpy"}
    assert {"code_version", "python", "platform", "packages"} == set(environment_info())
    assert processor()


def test_times_say_their_zone() -> None:
    assert str(datetime.fromisoformat(utc_now()).tzinfo) == "UTC"
