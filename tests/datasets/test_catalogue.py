"""The catalogue: valid, complete, and strict about mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nucleate.core.errors import DatasetError, SettingsError
from nucleate.datasets import catalogue
from nucleate.datasets.fetch import fetch, git_blob_id
from nucleate_data.cli import builder

ENTRY = """
[[dataset]]
name = "small"
title = "t"
matter = "molecules"
licence = "MIT"
citation = "c"
[[dataset.files]]
part = "all"
format = "smi"
"""


def test_lists_the_embedded_and_the_public_sets() -> None:
    sets = catalogue.load()
    assert {"nci", "prototypes", "zinc250k", "mp20", "mpts52", "perov5", "carbon24"} <= set(sets)
    assert sets["nci"].embedded
    assert sets["prototypes"].embedded
    assert not sets["mp20"].embedded


def test_every_public_address_is_at_a_fixed_commit() -> None:
    for dataset in catalogue.load().values():
        assert dataset.licence
        assert dataset.citation
        for file in dataset.files:
            if file.address is not None:
                assert re.search(r"/[0-9a-f]{40}/", file.address), file.address
                assert not file.mirror.startswith(("/", "."))


def test_parts_of_a_split_cover_all_roles() -> None:
    for name in ("zinc250k", "mp20", "perov5", "carbon24"):
        assert {f.role for f in catalogue.get(name).files} == {"train", "validation", "test"}


def test_the_set_in_rdkit_is_found_without_importing_it() -> None:
    (path,) = fetch("nci")
    lines = path.read_text().splitlines()
    assert len(lines) == catalogue.get("nci").rows
    assert lines[0].split() == ["CC1=CC(=O)C=CC1=O", "1"]


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(DatasetError, match=r"did you mean .*zinc250k"):
        catalogue.get("zinc250")
    with pytest.raises(DatasetError, match="no part 'train'; it has: val"):
        catalogue.get("mp20_binary_ternary").select("train")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('path = "a.smi"\ncolour = "red"', "unknown key"),
        ('address = "http://x/y"\nmirror = "y"', "needs address, blob and mirror"),
        ('path = "a"\nblob = "' + "0" * 40 + '"', "embedded file"),
        ('address = "a"\nmirror = "b"\nblob = "123"', "blob"),
    ],
)
def test_mistakes_are_refused(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(ENTRY + lines)
    with pytest.raises(SettingsError, match=message) as caught:
        catalogue.load(path)
    assert str(path) in str(caught.value)


def test_plain_data_for_the_command_line() -> None:
    row = next(row for row in catalogue.table() if row["name"] == "mpts52")
    assert row["parts"] == "val, test"
    shown = catalogue.describe("mpts52")
    assert shown["files"][0]["blob"] == "9d6d985473ca03ddc85e183186a186693ad78002"


def test_blob_ids_are_those_of_git(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert git_blob_id(path) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    path.write_bytes(b"hello\n")
    assert git_blob_id(path) == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_builders_exist() -> None:
    assert builder("prototypes").__name__ == "build_prototypes"
    with pytest.raises(DatasetError, match="not made by this project; those that are: prototypes"):
        builder("nci")
