"""Bars show in a notebook, where standard error is no terminal."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from nucleate.core.progress import bar


class ZMQInteractiveShell:
    """Stands for a Jupyter kernel's."""


def test_a_bar_shows_in_a_notebook_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert list(bar([1, 2], description="counting")) == [1, 2]
    assert "counting" not in capsys.readouterr().err
    notebook = ModuleType("IPython")
    notebook.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert list(bar([1, 2], description="counting")) == [1, 2]
    assert "counting" in capsys.readouterr().err
