"""Tables as people write them."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nucleate.core.errors import InputError
from nucleate.datasets.tabular import (
    Columns,
    finite_number,
    opened_text,
    parquet_rows,
    split_line,
    usual_column,
)
from nucleate.settings.data import DatasetSettings

USUAL = ("smiles", "structure")


def test_numbers_that_are_none_are_nan() -> None:
    assert finite_number("1e-3") == 0.001
    assert all(math.isnan(finite_number(value)) for value in (None, "", "two", "inf", float("nan")))


def test_columns_are_found_by_name() -> None:
    names = split_line('"ID"; Structure ;SMILES;gap', ";")
    assert names == ["ID", "Structure", "SMILES", "gap"]
    assert usual_column(names, USUAL) == "SMILES"
    assert usual_column(["a"], USUAL) is None
    dataset = DatasetSettings(source="a.csv", properties=("gap",))
    columns = Columns.find(names, dataset, Path("a.csv"), USUAL, "nothing")
    assert columns == Columns("SMILES", "ID", ("gap",))
    assert columns.names == ["ID", "SMILES", "gap"]


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (["a", "b"], {}, "no structures here; columns found: a, b; name it with"),
        ([], {}, "columns found: none"),
        (["smiles"], {"properties": ("gap", "mass")}, "no column gap, mass; columns found: smiles"),
        (["smiles"], {"id_column": "key"}, "no column key"),
        (["smiles"], {"structure_column": "other"}, "no column other"),
    ],
)
def test_missing_columns_are_named(names: list[str], more: dict[str, object], words: str) -> None:
    dataset = DatasetSettings.model_validate({"source": "a.csv", **more})
    with pytest.raises(InputError, match=words):
        Columns.find(names, dataset, Path("a.csv"), USUAL, "no structures here")


def test_packed_text_is_read_and_damage_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content in (b"\xef\xbb\xbfa,b\r\n", gzip.compress(b"a,b\r\n")):
        path.write_bytes(content)
        with opened_text(path) as stream:
            assert stream.read() == "a,b\r\n"
    for content, words in ((b"\xff\xfe", "not UTF-8"), (gzip.compress(b"a" * 99)[:-9], "damaged")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words), opened_text(path) as stream:
            stream.read()


def test_parquet_gives_the_chosen_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), path)
    assert list(parquet_rows(path, None, lambda schema: ["b"])) == [{"b": "x"}, {"b": None}]
    assert next(parquet_rows(path, None, lambda schema: None)) == {"a": 1, "b": "x"}
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a readable parquet file"):
        next(parquet_rows(path, None, lambda schema: None))
