"""A command line to call, and stages that do next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nucleate.cli.app import app
from nucleate.cli.failures import DEBUG_VARIABLE


@pytest.fixture
def nucleate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `nucleate` with the given arguments on a wide terminal without colours."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv(DEBUG_VARIABLE, "0")  # also undoes --debug at the end
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """A small run's settings, with its results in the test's own folder."""
    path = tmp_path / "discover.toml"
    path.write_text(
        f'results = "{tmp_path / "results"}"\n'
        'run = "small"\n'
        "[matter.molecules.featurize.dataset]\n"
        'source = "nci"\n'
    )
    return path
