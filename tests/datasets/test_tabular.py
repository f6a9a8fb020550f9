"""Tables as people write them."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nucleate.core.errors import InputError
from nucleate.datasets.archives import opened
from nucleate.datasets.tabular import (
    Columns,
    Row,
    Table,
    has_column,
    open_table,
    parquet_rows,
    split_line,
    structure_rows,
    usual_column,
)
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings

USUAL = ("smiles", "structure")


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


def table_of(tmp_path: Path, content: bytes | str, name: str = "a.csv") -> Table:
    path = tmp_path / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(data)
    return open_table(path, io.BytesIO(data), name, "tsv" if name.endswith("tsv") else "csv")


def read(tmp_path: Path, content: bytes | str, name: str = "a.csv") -> list[Row]:
    return list(table_of(tmp_path, content, name).rows(None))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_dialect_is_read(tmp_path: Path, separator: str, end: str) -> None:
    lines = [["id", "smiles", "a"], ["x", '"C, |; ""é"""', "1"], [], ["y", "CC", " 2 "]]
    found = read(tmp_path, end.join(separator.join(line) for line in lines))
    assert [row.cells for row in found] == [
        {"id": "x", "smiles": 'C, |; "é"', "a": "1"},
        {"id": "y", "smiles": "CC", "a": "2"},
    ]
    assert [(row.number, row.line) for row in found] == [(1, 2), (2, 4)]


def test_excel_tells_what_parts_cells(tmp_path: Path) -> None:
    table = table_of(tmp_path, 'sep=;\n"a,b";c\n1,5;2\n')
    assert table.columns == ("a,b", "c")
    assert table.decimal_comma
    assert next(table.rows(None)).cells == {"a,b": "1,5", "c": "2"}


def test_rows_of_another_length_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "id,smiles,a\n1,CC,2\n2,CC,(R,S),4.0,5.65\n3,CC\n4,CC,5,,\n")
    assert [row.error for row in found] == [
        "",
        "6 cells for 3 columns",
        "2 cells for 3 columns",
        "",
    ]


@pytest.mark.parametrize("bad", [1, 20, 39])
@pytest.mark.parametrize("cell", ['"name {n}', "name {n}", '"name ""{n}""'])
def test_an_open_quote_costs_its_own_row_only(tmp_path: Path, bad: int, cell: str) -> None:
    quoted = cell if cell.count('"') % 2 == 0 else cell + '"'
    lines = [f"{n},{quoted.format(n=n)},{n}.5" for n in range(40)]
    lines[bad] = f'{bad},"name {bad},{bad}.5'
    found = read(tmp_path, "\n".join(["id,name,a", *lines]))
    assert len(found) == 40
    assert [row.number - 1 for row in found if row.error] == [bad]
    assert found[bad].error == f"a quote opened in line {bad + 2} is never closed"
    assert all(row.cells["a"] == f"{n}.5" for n, row in enumerate(found) if n != bad)


def test_a_quoted_cell_may_hold_lines(tmp_path: Path) -> None:
    cif = "data_x\n\n_cell_length_a 4\nloop_\n_a\n_b\n'x, y, z' ,\n"
    found = read(tmp_path, f'id,cif,a\n1,"{cif}",2\n2,"{cif}",3\n')
    assert [row.cells["cif"] for row in found] == [cif.strip()] * 2
    assert not any(row.error for row in found)
    assert [row.line for row in found] == [2, 10]


@example([["\n", "0\n"]])
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=9),
                 min_size=2, max_size=2),
        max_size=8,
    )
)  # fmt: skip
def test_what_a_spreadsheet_writes_comes_back(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], *rows])
    data = out.getvalue().encode()
    table = open_table(Path("a.csv"), io.BytesIO(data), "a.csv", "csv")
    expected = [[cell.strip() for cell in row] for row in rows]
    # A line feed of another alphabet is none in a file.
    found = list(table.rows(None))
    assert [[row.cells["a"], row.cells["b"]] for row in found if not row.error] == [
        row for row in expected if any(row)
    ] or any(line.count(",") for row in rows for cell in row for line in cell.split("\n"))


def test_repeated_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several columns are called 'a'"):
        table_of(tmp_path, "a,b,a\n1,2,3\n")
    assert table_of(tmp_path, "a,b,,\n1,2,,\n").columns == ("a", "b", "", "")


def test_two_columns_that_may_hold_the_structure_are_refused() -> None:
    with pytest.raises(InputError, match="SMILES and smiles may both hold the structure"):
        Columns.find(["SMILES", "smiles"], DatasetSettings(source="a"), Path("a"), USUAL, "")
    named = DatasetSettings(source="a", structure_column="smiles")
    assert Columns.find(["SMILES", "smiles"], named, Path("a"), USUAL, "").structure == "smiles"


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "ID",
        "material_id",
        "mol_id",
        "Compound ID",
        "compound-id",
        "Name",
        "mp id",
        "ChEMBL ID",
    ],
)
def test_ids_are_found_by_usual_names(name: str) -> None:
    found = Columns.find(["smiles", name], DatasetSettings(source="a"), Path("a"), USUAL, "")
    assert found.id == name
    kept = DatasetSettings(source="a", properties=(name,))
    assert Columns.find(["smiles", name], kept, Path("a"), USUAL, "").id is None


def test_structures_of_a_table_are_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, "Name;smiles;pIC50\nx;CCO;5,5\n;CCN;>6\nz;;7\nw;C;1;2\n")
    dataset = DatasetSettings(source="a.csv", properties=("pIC50",))
    found = list(structure_rows(table, tmp_path / "a.csv", dataset, USUAL, ""))
    assert [(row.id, row.payload, row.error) for row in found] == [
        ("x", "CCO", ""),
        ("2", "CCN", ""),
        ("z", None, "column smiles is empty"),
        ("w", None, "4 cells for 3 columns"),
    ]
    assert found[0].properties == {"pIC50": 5.5}
    assert found[1].unread == {"pIC50": ">6"}


def test_workbooks_are_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Compound ID", "smiles", "pIC50"])
    book.active.append(["x1", "CCO", 5.5])
    book.active.append([None, None, None])
    book.active.append([17, "CCN", ">6"])
    path = tmp_path / "a.xlsx"
    book.save(path)
    dataset = DatasetSettings(source="a", properties=("pIC50",))
    with opened(path) as (stream, name):
        table = open_table(path, stream, name, "csv")
        found = list(structure_rows(table, path, dataset, USUAL, ""))
    assert [(row.number, row.id, row.payload) for row in found] == [
        (1, "x1", "CCO"),
        (2, "17", "CCN"),
    ]
    assert (found[0].properties, found[1].unread) == ({"pIC50": 5.5}, {"pIC50": ">6"})
    path.rename(tmp_path / "b.csv")
    with opened(tmp_path / "b.csv") as (stream, name):
        assert open_table(path, stream, name, "csv").columns[0] == "Compound ID"


def rows_of(path: Path, *properties: str) -> list[RawRow]:
    dataset = DatasetSettings(source="a", properties=properties)
    with opened(path) as (stream, name):
        table = open_table(path, stream, name, "csv")
        return list(structure_rows(table, path, dataset, USUAL, "no column"))


def test_formulas_that_were_never_calculated_are_no_empty_cells(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.create_sheet("data", 1)
    for row in ((), ("smiles", "pIC50"), ("CCO", "=1+1"), ("CCN", True), ("CCC", None)):
        book.worksheets[1].append(row)
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert [row.unread for row in rows_of(path, "pIC50")] == [
        {"pIC50": "=1+1"},
        {"pIC50": "True"},
        {},
    ]
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match="cannot be unpacked"), opened(path):
        pass


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 more", "old Excel workbook; save it as CSV"),
        (b"CCO,5.1\nCCN,6.2\n", "if its first line is data, put a line"),
    ],
)
def test_what_is_no_table_says_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        rows_of(path)


@pytest.mark.parametrize("head", ["# exported, by us\n#\nsmiles,pIC50\n", "#smiles,pIC50\n"])
def test_comments_before_the_header_are_no_header(tmp_path: Path, head: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(head + "CCO,5.5\n")
    with opened(path) as (stream, name):
        has = partial(has_column, named=None, usual=USUAL)
        table = open_table(path, stream, name, "csv", has)
        assert [list(row.cells.values()) for row in table.rows(None)] == [["CCO", "5.5"]]


def test_quotes_may_stand_behind_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(' "smiles" , "pIC50"\nCCO, "5.5"\n')
    with opened(path) as (stream, name):
        table = open_table(path, stream, name, "csv")
        assert [row.cells for row in table.rows(None)] == [{"smiles": "CCO", "pIC50": "5.5"}]


def test_parquet_gives_the_chosen_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), path)
    assert list(parquet_rows(path, None, lambda schema: ["b"])) == [{"b": "x"}, {"b": None}]
    assert next(parquet_rows(path, None, lambda schema: None)) == {"a": 1, "b": "x"}
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a readable parquet file"):
        next(parquet_rows(path, None, lambda schema: None))
