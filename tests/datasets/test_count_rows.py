"""Rows that files are expected to hold."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nucleate.datasets import count_rows
from nucleate.datasets.count_rows import estimate_rows, expected_rows
from nucleate.datasets.sources import Source, resolve
from nucleate.settings.data import DatasetSettings


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", "smiles,x\nCCO,1\nCC,2\n", 2),
        ("a.csv", "smiles,x\nCCO,1\nCC,2", 2),
        ("a.smi", "CCO\nCC\nC\n", 3),
        ("a.sdf", "x\n$$$$\ny\n$$$$\n", 2),
        ("a.cif", "data_a\n_cell_length_a 1\ndata_b\n", 2),
        ("a.extxyz", '1\nLattice="1 0 0 0 1 0 0 0 1"\nH 0 0 0\n' * 5, 5),
    ],
)
def test_rows_are_counted_by_what_each_has_once(
    tmp_path: Path, name: str, content: str, rows: int
) -> None:
    plain = tmp_path / name
    plain.write_text(content)
    assert estimate_rows(plain) == rows
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert estimate_rows(packed) == rows


@pytest.mark.parametrize("end", ["$$$$", "\ndata_"])
def test_what_lies_across_two_blocks_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path = tmp_path / ("a.sdf" if end == "$$$$" else "a.cif")
    path.write_text(("abc\n" + end) * 50)
    for block in (3, 7, 8, 9):
        monkeypatch.setattr(count_rows, "_BLOCK", block)
        assert estimate_rows(path) == 50


def test_a_long_file_is_judged_by_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_rows, "SAMPLE", 50_000)
    monkeypatch.setattr(count_rows, "_BLOCK", 1000)
    lines = "".join(f"C{number % 97:02d}O,{number % 89}\n" for number in range(100_000))
    path = tmp_path / "long.csv"
    path.write_text(lines)
    assert estimate_rows(path) == pytest.approx(100_000, rel=0.02)
    packed = tmp_path / "long.csv.gz"
    packed.write_bytes(gzip.compress(lines.encode()))
    assert estimate_rows(packed) == pytest.approx(100_000, rel=0.6)  # reads ahead


def test_folders_archives_and_parquet_tell_themselves(tmp_path: Path) -> None:
    folder = tmp_path / "cifs"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.cif", "b.cif", "sub/c.cif"):
        (folder / name).write_text("data_x\n")
    assert estimate_rows(folder) == 3
    with zipfile.ZipFile(tmp_path / "cifs.zip", "w") as archive:
        for name in ("a.cif", "b.cif"):
            archive.writestr(name, "data_x\n")
    assert estimate_rows(tmp_path / "cifs.zip") == 2
    pq.write_table(pa.table({"smiles": ["C"] * 7}), tmp_path / "a.parquet")
    assert estimate_rows(tmp_path / "a.parquet") == 7
    (tmp_path / "a.json").write_text("[]")
    assert estimate_rows(tmp_path / "a.json") is None


def test_limits_and_several_files_count(tmp_path: Path) -> None:
    for name, rows in (("a.smi", 5), ("b.smi", 3)):
        (tmp_path / name).write_text("CCO\n" * rows)
    source = (str(tmp_path / "a.smi"), str(tmp_path / "b.smi"))

    def expected(**settings: object) -> int | None:
        return expected_rows(resolve(DatasetSettings(source=source, **settings), "molecules"))

    assert expected() == 8
    assert expected(limit=4) == 4
    assert expected_rows(resolve(DatasetSettings(source="nci", limit=12), "molecules")) == 12


def test_a_file_that_cannot_be_read_is_told_by_its_reader(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv.gz").write_bytes(b"no gzip")
    for name in ("a.csv", "b.csv.gz", "c.csv"):
        path = tmp_path / name
        assert expected_rows([Source(path, DatasetSettings(source=str(path)), None, "x")]) is None
