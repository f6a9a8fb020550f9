"""Results of commands for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nucleate.cli.common import console, show_figures, show_stage, write_results
from nucleate.core.manifest import Manifest, Output


def test_results_go_where_they_are_wanted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_results(None, {"a": 1})
    assert capsys.readouterr().out == ""
    write_results("-", {"a": float("nan")})
    assert json.loads(capsys.readouterr().out) == {"a": None}
    write_results(str(tmp_path / "a.json"), [1])
    assert json.loads((tmp_path / "a.json").read_text()) == [1]


def test_text_makes_way_for_json_on_stdout(capsys: pytest.CaptureFixture) -> None:
    console("-").print("said")
    show_figures({"held_out": {"exact": 0.5}}, "the [last] line", "-")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"held_out": {"exact": 0.5}}
    assert said.err.splitlines() == ["said", "held out.exact  0.5", "the [last] line"]


def test_a_stage_is_told_with_its_outputs(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    outputs = (Output("records.parquet", "0" * 64, 12),)
    manifest = Manifest("featurize", "molecules", "/out", "key", {}, outputs, {"rows": 12}, 3.25)
    show_stage(manifest, str(tmp_path / "stage.json"))
    assert capsys.readouterr().out.splitlines() == [
        "featurize molecules: 3.2 s",
        "  rows  12",
        "  written to /out",
    ]
    found = json.loads((tmp_path / "stage.json").read_text())
    assert (found["stage"], found["seconds"], found["outputs"][0]["rows"]) == (
        "featurize",
        3.25,
        12,
    )
