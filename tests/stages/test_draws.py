"""Draws found by the folders that hold them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.core.files import write_json
from nucleate.settings.data import DatasetSettings
from nucleate.stages.draws import dataset_of, find_draws, matter_of
from nucleate.testing.toy_matter import manifest_of

ROWS = [{"structure": "1,2,3,4", "origin": "prior"}]


def drawn(folder: Path, stage: str = "sample") -> str:
    manifest = asdict(manifest_of(folder, stage, f"{stage}.parquet", ROWS))
    write_json(folder / "manifest.json", {k: v for k, v in manifest.items() if k != "folder"})
    return str(folder)


def run_folder(folder: Path, *kinds: str, stages: tuple[str, ...] = ("sample", "featurize")) -> str:
    lines = []
    for kind in kinds:
        lines.append(f"[[matter.{kind}.optimize.objectives]]\nproperty = 'sum'")
        for stage in stages:
            drawn(folder / kind / stage, stage)
        (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / "settings.toml").write_text("\n".join(lines))
    write_json(folder / "manifest.json", {"run": folder.name})
    return str(folder)


def test_files_are_no_draws(tmp_path: Path) -> None:
    file = tmp_path / "ideas.smi"
    file.write_text("CC\n")
    assert find_draws(str(file), None) is None
    assert find_draws([str(file), "nci"], "molecules") is None
    assert find_draws(DatasetSettings(source=str(file)), None) is None
    assert dataset_of([str(file), "nci"]).sources == (str(file), "nci")
    with pytest.raises(SettingsError, match="needs structures"):
        dataset_of(None)


def test_outputs_of_stages_are_draws(tmp_path: Path) -> None:
    names = [drawn(tmp_path / "a"), drawn(tmp_path / "b", "optimize")]
    found = find_draws(names, None)
    assert found is not None
    assert [m.stage for m in found.manifests] == ["sample", "optimize"]
    assert (found.matter, found.features, found.model) == ("toy", None, None)
    with pytest.raises(SettingsError, match="one kind at a time"):
        find_draws(names, "molecules")
    with pytest.raises(SettingsError, match="not both at once"):
        find_draws([*names, "ideas.smi"], None)
    with pytest.raises(SettingsError, match="output of `nucleate train`"):
        find_draws(drawn(tmp_path / "c", "train"), None)


def test_a_run_tells_its_draws_what_it_knows_and_what_it_wanted(tmp_path: Path) -> None:
    found = find_draws(run_folder(tmp_path / "run", "toy"), None)
    assert found is not None
    assert found.matter == "toy"
    assert [m.stage for m in found.manifests] == ["sample"]
    assert found.features is not None
    assert found.features.stage == "featurize"
    assert [term.property for term in found.objectives] == ["sum"]


def test_a_run_of_several_kinds_is_screened_one_at_a_time(tmp_path: Path) -> None:
    name = run_folder(tmp_path / "run", "toy", "other")
    with pytest.raises(SettingsError, match="toy, other; say --matter"):
        find_draws(name, None)
    found = find_draws(name, "other")
    assert found is not None
    assert found.matter == "other"
    with pytest.raises(SettingsError, match="no draws of rocks"):
        find_draws(name, "rocks")


def test_a_run_that_has_not_drawn_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="has not come to its draws"):
        find_draws(run_folder(tmp_path / "run", "toy", stages=("featurize",)), None)


def test_a_folder_of_samples_stands_for_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "samples.csv").write_text("id,smiles\na,CC\n")
    write_json(folder / "summary.json", {"file": "samples.csv", "matter": "molecules"})
    assert find_draws(str(folder), None) is None
    assert dataset_of(str(folder)).sources == (str(folder / "samples.csv"),)
    assert matter_of(str(folder)) == "molecules"
    assert matter_of([str(folder), "nci"]) is None
    assert dataset_of([str(folder), "nci"]).sources == (str(folder / "samples.csv"), "nci")
    wanted = DatasetSettings(source=str(folder), limit=3)
    assert dataset_of(wanted).limit == 3
    assert matter_of(wanted) == "molecules"
