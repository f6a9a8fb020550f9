"""Settings of `nucleate optimize` from files and options."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.cli.optimize import _settings
from nucleate.core.errors import SettingsError

STUDY = """
model = "molecules"
data = "leads.smi"
trials = 30
[[objectives]]
property = "qed"
[local]
like = "lead.smi"
"""


def test_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(STUDY)
    (tmp_path / "lead.smi").touch()
    bound = {"property": "logp", "high": 5.0, "constraint": True}
    found = _settings(file, None, {"features": "work", "trials": 50}, [bound])
    assert (found.trials, found.features, found.data) == (50, "work", None)
    assert [term.property for term in found.objectives] == ["qed", "logp"]
    assert found.local.like == str(tmp_path / "lead.smi")
    assert found.out == str(Path("results") / "mine")


def test_the_search_of_a_whole_run(tmp_path: Path) -> None:
    run = tmp_path / "discover.toml"
    run.write_text("[matter.molecules.optimize]\ntrials = 12\n")
    found = _settings(None, run, {"model": "molecules", "out": "x"}, [])
    assert found.trials == 12
    with pytest.raises(SettingsError, match="not both"):
        _settings(run, run, {}, [])
    with pytest.raises(SettingsError, match="`nucleate discover` takes it"):
        _settings(run, None, {}, [])
