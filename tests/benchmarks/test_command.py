"""`nucleate benchmark molecules` from end to end, on a tiny model and on a file of samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from nucleate.cli.app import app, plug_ins
from nucleate.cli.failures import DEBUG_VARIABLE
from nucleate.core.manifest import Manifest
from nucleate_benchmarks import cli
from nucleate_benchmarks.common.figures import Figure, Section, combined, markdown, number


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Result:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv(DEBUG_VARIABLE, "0")
    return CliRunner().invoke(app, ["benchmark", "molecules", *(str(a) for a in arguments)])


def _figures(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    sections = json.loads(path.read_text())["sections"]
    return {s["title"]: {f["name"]: f for f in s["figures"]} for s in sections}


def test_a_model_is_measured(
    model_folder: Path,
    features_folder: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = ("--train", features_folder.folder, "--test", features_folder.folder)
    counts = {"samples": 40, "table-samples": 30, "seeds": 2, "stochastic": 2, "neighbourhood": 3}
    counts |= {"midpoints": 4, "pairs": 30, "probe": 50, "processes": 1}
    small = [text for name, n in counts.items() for text in (f"--{name}", n)]
    quick = ("--no-timed", "--device", "cpu")
    out = tmp_path / "results" / "tiny"
    # The file says how it was made; under pytest the arguments of the process are others.
    monkeypatch.setattr("sys.argv", ["/usr/bin/nucleate", "benchmark", "molecules"])
    result = _run(monkeypatch, "--model", model_folder, *data, "--out", out, *small, *quick)
    assert result.exit_code == 0, result.output
    found = _figures(tmp_path / "results" / "tiny.json")
    assert set(found) == {
        "Codec",
        "Map",
        "Linear probe and latent use",
        "Generator: draws from the prior",
        "MOSES",
        "GuacaMol, distribution learning",
    }
    generator = found["Generator: draws from the prior"]
    assert generator["valid"]["seeds"] == 2
    assert generator["valid"]["n"] == 30
    assert generator["novel"]["controls"]["training set replayed"] == 0
    assert generator["unique@10k"]["controls"]["training set replayed"] == 1
    assert generator["novel"]["controls"]["random SELFIES"] > 0.5
    assert found["MOSES"]["Novelty"]["n"] == 40
    assert found["Codec"]["10 x 10 stochastic reconstruction"]["n"] == 2
    head = json.loads((tmp_path / "results" / "tiny.json").read_text())
    assert head["seeds"] == [0, 1]
    assert head["command"].startswith("nucleate ")
    assert head["machine"]["cores"] >= 1
    assert head["training set"]["molecules"] > head["test set"]["molecules"] > 0
    assert head["test set"]["in the training set"] == 0
    text = (tmp_path / "results" / "tiny.md").read_text()
    assert "| exact reconstruction |" in text
    assert "training set perturbed" in text


def test_samples_of_one_s_own_need_no_model(
    nci_smiles: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test, samples = (tmp_path / f"{name}.smi" for name in ("train", "test", "samples"))
    train.write_text("\n".join(nci_smiles[:40]))
    test.write_text("\n".join(nci_smiles[40:80]))
    samples.write_text("\n".join([*nci_smiles[:10], *nci_smiles[:10]]))
    shared = ("--train", train, "--test", test, "--no-controls", "--processes", 1, "--device")
    result = _run(
        monkeypatch, "--samples-file", samples, *shared, "cpu", "--out", tmp_path / "mine.md"
    )
    assert result.exit_code == 0, result.output
    found = _figures(tmp_path / "mine.json")
    generator = found["Generator: draws from the prior"]
    assert generator["valid"]["value"] == 1
    assert generator["novel"]["value"] == 0
    assert generator["unique@10k"]["value"] == 0.5
    assert generator["valid"]["n"] == 20
    assert found["GuacaMol, distribution learning"]["uniqueness"]["value"] == 0.5
    assert "Codec" not in found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train", "a.smi", "--test", "b.smi"], "either a model or a file of samples"),
        (
            ["--train", "a", "--test", "b", "--model", "m", "--suite", "tables"],
            "'table', 'moses' or 'guacamol'",
        ),
        (["--train", "a", "--test", "b", "--samples-file", "no.smi"], "no.smi: no such file"),
    ],
)
def test_mistakes_are_explained(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _run(monkeypatch, *options, "--out", tmp_path / "out")
    assert result.exit_code != 0
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_figures_over_seeds_and_how_they_are_written() -> None:
    # Mean 2, deviation sqrt(((1 - 2)^2 + (3 - 2)^2) / 1).
    (figure,) = combined([{"x": 1.0}, {"x": 3.0}], 7, {"c": {"x": 5.0, "y": 1.0}}, {"x": "a|b"})
    assert figure == Figure("x", 2.0, 7, 2, pytest.approx(2**0.5), {"c": 5.0}, "a|b")
    text = markdown("T", {"command": "nucleate x", "seeds": [0, 1]}, [Section("S", [figure])])
    assert "| x | 2 ± 1.4 | 5 | 7 | 2 | a\\|b |" in text
    assert "| figure | value | c | n | seeds | how |" in text
    assert [number(v) for v in (float("nan"), None, 0.123456, 12345.6)] == [
        "-",
        "-",
        "0.1235",
        "12346",
    ]


def test_the_command_line_gets_the_benchmarks_by_an_entry_point() -> None:
    assert dict(plug_ins())["benchmark"] is cli.app
