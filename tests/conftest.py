"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["nucleate.testing.tiny_model"]


@pytest.fixture(autouse=True, scope="session")
def _downloads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys of reference sets are kept beside the downloads: not beside those of the checkout."""
    before = os.environ.get("NUCLEATE_DATA")
    os.environ["NUCLEATE_DATA"] = str(tmp_path_factory.mktemp("downloads"))
    yield
    if before is None:
        del os.environ["NUCLEATE_DATA"]
    else:
        os.environ["NUCLEATE_DATA"] = before


@pytest.fixture(autouse=True)
def _no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands say does not depend on how fast the machine is."""
    monkeypatch.setattr("nucleate.core.progress.FIRST", float("inf"))
