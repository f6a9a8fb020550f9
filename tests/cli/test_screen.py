"""Settings of `nucleate screen` from files and options."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.cli.screen import _settings
from nucleate.core.errors import SettingsError
from nucleate.settings.data import DatasetSettings


def test_options_win_over_the_file_and_its_folder_is_known(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("structures = 'a.smi'\nmatter = 'molecules'\nkeep = 3\nseed = 7\n")
    found, folder = _settings([str(file), "b.smi", "c.smi"], None, {"keep": 5})
    assert (found.structures, found.keep, found.seed) == (("b.smi", "c.smi"), 5, 7)
    assert (found.out, folder) == (str(Path("results") / "mine"), tmp_path)


def test_options_of_reading_make_a_table_of_a_name() -> None:
    given = {"out": "x", "structures": {"limit": 9}}
    found, folder = _settings(["a.csv"], None, given)
    assert found.structures == DatasetSettings(source="a.csv", limit=9)
    assert folder is None


def test_the_funnel_of_a_whole_run(tmp_path: Path) -> None:
    run = tmp_path / "discover.toml"
    run.write_text(
        "[matter.molecules.screen]\nkeep = 4\n[matter.crystals.screen]\nkeep = 5\n"
        "[[matter.molecules.optimize.objectives]]\nproperty = 'qed'\n"
    )
    found, _ = _settings(["a.smi"], run, {"out": "x", "matter": "molecules"})
    assert (found.keep, found.objectives[0].property) == (4, "qed")
    with pytest.raises(SettingsError, match="of several kinds of matter; say --matter KIND"):
        _settings(["a.smi"], run, {"out": "x"})
    with pytest.raises(SettingsError, match="not both"):
        _settings([str(run)], run, {})
