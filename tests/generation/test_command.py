"""`nucleate sample` with conditions."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from nucleate.core.errors import SettingsError
from nucleate.core.manifest import Manifest

Run = Callable[..., Result]


def test_rows_and_summary_are_written(nucleate: Run, trained: Manifest, tmp_path: Path) -> None:
    result = nucleate(
        "sample", "--model", trained.folder, "-n", 5, "--out", tmp_path, "--scaffold", "*c1ccccc1",
        "--property", "logP=-1..4", "--property", "QED>=0.2", "--maximum-size", 30,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((tmp_path / "samples.csv").open()))
    assert len(rows) == 5
    assert {"id", "smiles", "noise", "logp", "qed", "heavy_atoms"} <= set(rows[0])
    assert all(-1 <= float(r["logp"]) <= 4 and float(r["heavy_atoms"]) <= 30 for r in rows)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["found"] == 5
    assert summary["conditions"]["property"]["QED"] == {"low": 0.2}


def test_fewer_than_asked_for_is_said_and_no_error(
    nucleate: Run, trained: Manifest, tmp_path: Path
) -> None:
    result = nucleate(
        "sample", "--model", trained.folder, "-n", 5, "--out", tmp_path,
        "--property", "TPSA<=-1", "--budget", 200,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "only 0 of 5 were found within the budget of 200 draws" in result.output
    assert list(csv.DictReader((tmp_path / "samples.csv").open())) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--property", "logP"], "write NAME=LOW..HIGH"),
        (["--property", "logP=2.5"], "is one value"),
        (["--property", "logP=1..2", "--property", "logP=2..3"], "given twice"),
        (["--property", "logQ=1..2"], "no property named 'logQ'"),
        (["--similarity", "0.4..0.8"], "give like"),
        (["--like", "c1ccc"], "not a valid SMILES"),
        (["--between", "CC", "CC"], "both structures are CC"),
        (["--scaffold", "*=C"], "single bond"),
        (["--minimum-size", "5", "--maximum-size", "4"], "exceeds maximum_size"),
        (["--minimum-size", "0"], "greater than or equal"),
    ],
)
def test_usage_errors(
    nucleate: Run, trained: Manifest, tmp_path: Path, options: list[str], words: str
) -> None:
    result = nucleate("sample", "--model", trained.folder, "--out", tmp_path, *options)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "samples.csv").exists()


def test_run_settings_carry_conditions(tmp_path: Path) -> None:
    from nucleate.core.settings import validate
    from nucleate.settings.run import DiscoverSettings
    from nucleate.stages.run_settings import check_settings

    def settings(scaffold: str) -> DiscoverSettings:
        conditions = {"scaffold": scaffold, "property": {"logP": "2..3"}}
        pipeline = {
            "featurize": {"dataset": {"source": "nci"}},
            "sample": {"conditions": conditions},
        }
        return validate(DiscoverSettings, {"matter": {"molecules": pipeline}}, "test")

    check_settings(settings("*c1ccccc1"), "x.toml")
    with pytest.raises(SettingsError, match=r"x.toml \[matter.molecules.sample.conditions\].*SMIL"):
        check_settings(settings("c1cc"), "x.toml")
