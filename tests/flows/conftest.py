"""What tests of flows share."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FLOWS = Path(__file__).parents[2] / "flows"


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary server and database for all flow tests."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def flow_module(prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`flows/discover_flow.py` as a module."""
    monkeypatch.syspath_prepend(FLOWS)
    return importlib.import_module("discover_flow")


@pytest.fixture
def jobs(prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`flows/jobs.py` as a module."""
    monkeypatch.syspath_prepend(FLOWS)
    return importlib.import_module("jobs")
