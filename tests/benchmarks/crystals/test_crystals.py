"""`nucleate benchmark crystals` from end to end on a tiny model of embedded crystals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from nucleate.cli.app import app
from nucleate.cli.failures import DEBUG_VARIABLE
from nucleate.core.manifest import Manifest
from nucleate.core.paths import data_folder
from nucleate.crystals.geometry.describe import composition
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.settings.model import NetworkSettings, PriorSettings, TrainSettings
from nucleate.stages.featurize import featurize
from nucleate.stages.train import train
from nucleate_benchmarks.crystals import draws as crystals_draws
from nucleate_benchmarks.crystals.data import Region
from nucleate_benchmarks.crystals.representation import rate_distortion

ELEMENTS = {"O", "F", "S", "Cl", "Na", "K", "Mg", "Ca", "Ti", "Zn", "Al"}
OFFSET = 4.0
"""Makes energies look like formation energies; regressed references must undo it."""


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Embedded crystals of few elements, with CHGNet's own energies shifted."""
    table = pq.read_table(data_folder() / "prototypes.parquet").to_pandas()
    few = table[[ELEMENTS.issuperset(composition(crystal)) for crystal in table["crystal"]]][:80]
    few = few.assign(formation_energy_per_atom=few["energy_per_atom"] + OFFSET)
    file = tmp_path_factory.mktemp("data") / "few.csv"
    few[["id", "crystal", "formation_energy_per_atom"]].to_csv(file, index=False)
    dataset = DatasetSettings(source=str(file), properties=("formation_energy_per_atom",))
    settings = FeaturizeSettings(dataset=dataset, processes=1)
    return featurize(settings, "crystals", tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model(features: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    quick = TrainSettings(
        network=NetworkSettings(width=32, latent=8),
        prior=PriorSettings(steps=20, width=32, layers=1),
        epochs=1,
        batch=32,
    )
    folder = tmp_path_factory.mktemp("model")
    return Path(train(quick, features, folder, matter_name="crystals").folder)


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Result:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv(DEBUG_VARIABLE, "0")
    return CliRunner().invoke(app, ["benchmark", "crystals", *(str(a) for a in arguments)])


def _figures(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    sections = json.loads(path.read_text())["sections"]
    return {s["title"]: {f["name"]: f for f in s["figures"]} for s in sections}


def test_a_model_is_measured(
    model: Path, features: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results" / "tiny"
    shared = ("--model", model, "--features", features.folder, "--out", out, "--device", "cpu")
    small = ("-n", 3, "--seeds", 2, "--reference", 4, "--processes", 1)
    suites = ("--suite", "reconstruction,generation", "--suite", "speed", "--timed", 5)
    result = _run(monkeypatch, *shared, *small, *suites)
    assert result.exit_code == 0, result.output
    found = _figures(out.with_suffix(".json"))
    assert list(found) == [
        "Reconstruction of the test split",
        "Reconstruction, refined as samples are",
        "Reconstruction, latent vectors improved by 30 gradient steps",
        "Generation: draws from the prior",
        "Speed",
    ]
    rebuilt = found["Reconstruction of the test split"]
    assert rebuilt["match"]["n"] == 3
    assert rebuilt["exact gene"]["controls"]["random coordinates"] == 1
    assert rebuilt["exact gene"]["controls"]["permuted elements"] < 1
    drawn = found["Generation: draws from the prior"]
    assert drawn["legal genes"]["value"] == 1
    assert drawn["legal genes"]["seeds"] == 2
    assert drawn["novel"]["controls"]["training replay"] == 0
    assert drawn["unique"]["controls"]["test set"] == 1
    assert found["Speed"]["seconds for 5 crystals"]["value"] > 0
    assert (tmp_path / "results" / "tiny.work" / "fingerprints.jsonl").is_file()
    head = json.loads(out.with_suffix(".json").read_text())
    assert head["data"]["energies"] == "formation_energy_per_atom"
    assert head["data"]["training"] > head["data"]["test"] > 0
    assert "smact" in head["machine"]
    text = out.with_suffix(".md").read_text()
    assert "| COV-R |" in text
    assert "template retrieval" in text


def test_energies_are_measured_and_kept(
    model: Path, features: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = ("--model", model, "--features", features.folder, "--device", "cpu", "-n", 3)
    costly = (
        "--suite",
        "stability,optimisation",
        "--references",
        40,
        "--steps",
        2,
        "--calls",
        2,
        "--relaxing",
        2,
    )
    work = ("--work", tmp_path / "work", "--processes", 1)
    result = _run(monkeypatch, *shared, *costly, *work, "--out", tmp_path / "one")
    assert result.exit_code == 0, result.output
    found = _figures(tmp_path / "one.json")
    relaxed = found["Stability"]
    assert relaxed["stable, unique and novel"]["controls"]["training replay"] == 0
    # Embedded crystals are CHGNet's own minima: they stay, and lie on their own hull or above.
    assert relaxed["e_hull median"]["controls"]["training replay"] > -0.05
    assert relaxed["converged"]["controls"]["training replay"] == 1
    rates = found["Optimisation, judged as decoded"]
    assert rates["SR15"]["n"] == 3
    assert "Optimisation, judged after at most 2 steps of relaxation" in found
    assert set(rates["SR5"]["controls"]) == {"the starts", "prior samples", "known crystals"}
    # The second run computes nothing anew, and finds the same.
    kept = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "work").iterdir()}
    assert set(kept) == {"energies.jsonl", "relaxed-kept-0.1-2.jsonl"}
    again = _run(monkeypatch, *shared, *costly, *work, "--out", tmp_path / "two")
    assert again.exit_code == 0, again.output
    assert {f.name: f.stat().st_mtime_ns for f in (tmp_path / "work").iterdir()} == kept
    sections = [
        json.loads((tmp_path / f"{n}.json").read_text())["sections"] for n in ("one", "two")
    ]
    assert sections[0] == sections[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--suite", "stabilty"), "'reconstruction', 'generation', 'stability'"),
        (("--energy", "heat"), "no property column 'heat'; there are: formation_energy_per_atom"),
        (("--cutoffs", "mp21"), "'mp20', 'perov5' or 'carbon24'"),
    ],
)
def test_mistakes_are_explained(
    options: tuple[str, ...],
    message: str,
    model: Path,
    features: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = ("--model", model, "--features", features.folder, "--out", tmp_path / "out")
    result = _run(monkeypatch, *shared, *options)
    assert result.exit_code != 0
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_other_folders_are_refused(
    model: Path, model_folder: Path, features_folder: Manifest, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = ("--out", tmp_path / "out")
    result = _run(monkeypatch, "--model", model, "--features", features_folder.folder, *out)
    assert "holds molecules, not crystals" in result.output
    result = _run(monkeypatch, "--model", model_folder, "--features", tmp_path, *out)
    assert "holds molecules, not crystals" in result.output
    result = _run(monkeypatch, "--model", model, "--features", tmp_path, *out)
    assert "is not the output of `nucleate featurize`" in result.output


def test_ways_to_draw_are_compared(model: Path, features: Manifest, tmp_path: Path) -> None:
    arguments = ["--model", str(model), "--features", str(features.folder), "-n", "3"]
    arguments += ["--noise", "0", "0.5", "--temperature", "1", "--processes", "1"]
    assert crystals_draws.main([*arguments, "--out", str(tmp_path / "draws.json")]) == 0
    rows = json.loads((tmp_path / "draws.json").read_text())["rows"]
    assert [row["noise"] for row in rows] == ["training replay", 0.0, 0.5, 0.5]
    assert [row.get("blended") for row in rows[1:]] == [0.0, 0.0, 1.0]
    assert rows[0]["novel"] == 0
    assert (tmp_path / "draws.md").read_text().count("\n") == 2 + len(rows)


def test_a_region_is_that_of_all_crystals_given() -> None:
    region = Region.of(["225 a:Na b:Cl | 5.64", "221 a:Ti b:Sr d:O | 3.9"])
    assert (region.elements, region.atoms) == ((2, 3), 5)
    assert region.holds("221 a:Cs b:Cl | 4.1")
    assert not region.holds("225 a:Cu | 3.6")
    assert not region.holds("225 c:Ca e:F(.2) | 9")
    assert Region().holds("225 a:Cu | 3.6")


def test_rate_and_distortion_are_measured_from_one_model(
    model: Path, features: Manifest, tmp_path: Path
) -> None:
    settings = tmp_path / "quick.toml"
    settings.write_text(
        "[matter.crystals.train]\nepochs = 1\nbatch = 32\nprior = {steps = 20, width = 32}\n"
    )
    arguments = ["--features", str(features.folder), "--model", str(model)]
    arguments += ["--settings", str(settings), "--beta", "0.001", "3", "--free-bits", "0", "0.5"]
    arguments += ["-n", "8", "--minutes", "0.05", "--out", str(tmp_path / "curve")]
    assert rate_distortion.main(arguments) == 0
    found = json.loads((tmp_path / "curve.json").read_text())
    points = found["points"]
    assert list(points) == [
        f"beta {beta}, free bits {bits}" for bits in ("0", "0.5") for beta in ("0.001", "3")
    ]
    assert points["beta 0.001, free bits 0"]["rate"] > points["beta 3, free bits 0"]["rate"]
    assert "| beta 3, free bits 0.5 |" in (tmp_path / "curve.md").read_text()
    arguments[arguments.index(str(settings))] = str(tmp_path / "absent.toml")
    assert rate_distortion.main(arguments) == 1
