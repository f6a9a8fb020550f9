"""What a `source` in the settings means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nucleate.core.errors import DatasetError, InputError
from nucleate.datasets import sources
from nucleate.datasets.catalogue import Dataset, File
from nucleate.datasets.sources import content_digest, resolve
from nucleate.settings.data import DatasetSettings


@pytest.fixture(autouse=True)
def _nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def place(dataset: Dataset, file: File, mirror: str | None) -> Path:
        return Path("/somewhere") / (file.mirror or "embedded")

    monkeypatch.setattr(sources, "fetch_file", place)


def test_a_whole_set_keeps_the_split_of_the_literature() -> None:
    found = resolve(DatasetSettings(source="zinc250k"), "molecules")
    assert [s.role for s in found] == ["test", "validation", "train"]
    assert [s.settings.format for s in found] == ["smi"] * 3


def test_one_part_is_split_by_the_settings() -> None:
    (found,) = resolve(DatasetSettings(source="perov5/val", properties=("heat_all",)), "crystals")
    assert found.role is None
    assert found.name == "perov5/val"
    assert found.settings.structure_column == "cif"
    assert found.settings.id_column == "material_id"
    assert found.settings.properties == ("heat_all",)


def test_parts_without_a_training_file_are_split_by_the_settings() -> None:
    assert [s.role for s in resolve(DatasetSettings(source="mpts52"), "crystals")] == [None, None]


def test_a_persons_columns_win() -> None:
    wanted = DatasetSettings(source="mp20/val", structure_column="mine", format="tsv")
    (found,) = resolve(wanted, "crystals")
    assert (found.settings.structure_column, found.settings.format) == ("mine", "tsv")


@pytest.mark.parametrize("limit", [1, 7, 1000, 13095])
def test_a_limit_is_shared_out(limit: int) -> None:
    found = resolve(DatasetSettings(source="mpts52", limit=limit), "crystals")
    assert sum(s.settings.limit for s in found) == limit
    if limit == 1000:
        assert [s.settings.limit for s in found] == [382, 618]


def test_refusals_say_what_there_is() -> None:
    with pytest.raises(InputError, match=r"no\.csv: no such file or folder.*nci"):
        resolve(DatasetSettings(source="no.csv"), "molecules")
    with pytest.raises(DatasetError, match="holds molecules, not crystals"):
        resolve(DatasetSettings(source="nci"), "crystals")
    with pytest.raises(DatasetError, match="reference energies, not structures"):
        resolve(DatasetSettings(source="mp_elements"), "crystals")
    with pytest.raises(DatasetError, match="no part 'half'"):
        resolve(DatasetSettings(source="mp20/half"), "crystals")


def test_several_sets_are_one_without_the_split_of_the_literature() -> None:
    wanted = DatasetSettings(
        source=("mp20", "mpts52/val"), properties=("formation_energy_per_atom", "band_gap")
    )
    found = resolve(wanted, "crystals")
    names = ["mp20/train", "mp20/val", "mp20/test", "mpts52/val"]
    assert [(s.name, s.role) for s in found] == [(name, None) for name in names]
    assert found[0].settings.properties == ("formation_energy_per_atom", "band_gap")
    assert found[-1].settings.properties == ("formation_energy_per_atom",)


def test_sources_of_held_out_splits_come_first() -> None:
    wanted = DatasetSettings(
        source="perov5/val", test_source="perov5/test", validation_source="mpts52", limit=10
    )
    found = resolve(wanted, "crystals")
    assert [(s.name, s.role, s.settings.limit) for s in found] == [
        ("perov5/test", "test", 10),
        ("mpts52/val", "validation", 4),
        ("mpts52/test", "validation", 6),
        ("perov5/val", None, 10),
    ]


def test_a_property_that_no_source_has_is_refused() -> None:
    wanted = DatasetSettings(source=("mp20", "mpts52"), properties=("year", "dir_gap"))
    with pytest.raises(InputError, match="mp20, mpts52: no source has a column dir_gap"):
        resolve(wanted, "crystals")


def test_digests_follow_content_not_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.cif").write_text("same")
    assert content_digest(tmp_path / "one") == content_digest(tmp_path / "two")
    (tmp_path / "two/a.cif").write_text("other")
    assert content_digest(tmp_path / "one") != content_digest(tmp_path / "two")


def test_names_and_files_that_cannot_be_read_are_part_of_a_folder_s_digest(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.cif"))
    odd.write_text("one")
    (tmp_path / "gone.cif").symlink_to("nowhere")
    before = content_digest(tmp_path)
    odd.write_text("two")
    assert content_digest(tmp_path) != before
    (found,) = resolve(DatasetSettings(source=str(odd)), "crystals")
    assert found.name == "b\ufffd.cif"
