"""Where training and test molecules come from, and the controls made of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdkit import Chem

from nucleate.core.errors import DatasetError, InputError
from nucleate.core.manifest import Manifest
from nucleate.datasets import catalogue
from nucleate.datasets.sources import Source
from nucleate.molecules.chemistry.chem import parse
from nucleate.settings.data import DatasetSettings
from nucleate.stages.featurize import load_records
from nucleate_benchmarks.common import controls
from nucleate_benchmarks.molecules import data


def _source(tmp_path: Path, part: str, role: str, *smiles: str) -> Source:
    path = tmp_path / f"{part}.smi"
    path.write_text("\n".join(smiles) + "\n")
    settings = DatasetSettings(source=str(path), format="smi")
    return Source(path, settings, role, f"zinc250k/{part}")  # type: ignore[arg-type]


def test_a_catalogued_set_keeps_the_literature_s_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        _source(tmp_path, "test", "test", "OCC", "CCC"),
        _source(tmp_path, "test_scaffolds", "test", "c1ccccc1"),
        _source(tmp_path, "validation", "validation", "CCN"),
        _source(tmp_path, "all", "train", "C(O)C", "CCN", "CCCC", "C1CC", "CCCC", "C1=CC=CC=C1"),
    ]
    monkeypatch.setattr(data, "resolve", lambda *_: files)
    test = data.load("zinc250k", "test")
    assert test.smiles == ["CCO", "CCC"]
    train = data.load("zinc250k", "train")
    # Not ethanol, ethylamine or benzene, which are held out; butane once; one row unreadable.
    assert train.smiles == ["CCCC"]
    assert (train.rows, train.unreadable) == (6, 1)


def test_files_are_taken_whole(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("id,smiles\na,OCC\nb,nonsense\nc,CCO\nd,CC |note|\n")
    found = data.load(str(path), "train")
    assert found.smiles == ["CCO", "CC"]
    assert found.summary() == {"name": str(path), "rows": 4, "unreadable": 1, "molecules": 2}
    assert data.load(str(path), "test", limit=1).smiles == ["CCO"]
    path.write_text("smiles\nnonsense\n")
    with pytest.raises(InputError, match=r"mine\.csv: holds no molecule for train"):
        data.load(str(path), "train")


def test_featurized_folders_keep_their_split(features_folder: Manifest) -> None:
    records = load_records(features_folder)
    for role in ("train", "test"):
        found = data.load(features_folder.folder, role)  # type: ignore[arg-type]
        assert found.smiles == list(records["structure"][records["split"] == role])


def test_a_set_without_a_split_is_refused() -> None:
    with pytest.raises(DatasetError, match="nci has no split of its own"):
        data.load("nci", "train")
    with pytest.raises(DatasetError, match="holds crystals"):
        data.load("mp20", "train")


def test_moses_is_catalogued_with_its_scaffold_test_set() -> None:
    parts = {file.part: file for file in catalogue.get("moses").files}
    assert set(parts) == {"train", "test", "test_scaffolds"}
    assert data.scaffold_source("moses") == "moses/test_scaffolds"
    assert data.scaffold_source("moses/test") == "moses/test_scaffolds"
    assert data.scaffold_source("zinc250k") is None
    assert data.scaffold_source("mine.csv") is None


def test_samples_keep_their_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "samples.smi"
    path.write_text("CCO one\nC1CC two\nCCO three\n")
    assert data.read_samples(path) == ["CCO", "C1CC", "CCO"]


def test_sd_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.sdf"
    records = [Chem.MolToMolBlock(Chem.MolFromSmiles(text)) for text in ("OCC", "c1ccccc1")]
    path.write_text("".join(f"{record}\n$$$$\n" for record in records))
    assert data.load(str(path), "train").smiles == ["CCO", "c1ccccc1"]
    assert data.read_samples(path) == ["CCO", "c1ccccc1"]


def test_controls_are_molecules_of_the_right_number(nci_smiles: list[str]) -> None:
    replayed = controls.replayed(nci_smiles, 50, seed=1)
    assert len(set(replayed)) == 50
    assert set(replayed) <= set(nci_smiles)
    assert controls.replayed(nci_smiles[:5], 50, seed=1) != nci_smiles[:5]
    perturbed, at_random = controls.perturbed_and_random(nci_smiles, 50, seed=1)
    assert (perturbed, at_random) == controls.perturbed_and_random(nci_smiles, 50, seed=1)
    assert len(perturbed) == len(at_random) > 40
    for texts in (perturbed, at_random):
        assert all(text is None or parse(text) is not None for text in texts)
        assert len(set(texts) - set(nci_smiles)) > 40
