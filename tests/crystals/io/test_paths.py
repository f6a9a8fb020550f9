"""Tables that name files: paths in a column, and CGCNN's id_prop.csv."""

from __future__ import annotations

import gzip
import math
import zipfile
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from nucleate.core.errors import InputError
from nucleate.crystals.io.paths import read_property_list
from nucleate.datasets.sources import Source, source_digest
from nucleate.matter import registry
from nucleate.settings.data import DatasetSettings

CRYSTALS = registry.get("crystals")
OPTIONS = CRYSTALS.reader.resolve({}, "test")


def salt(symbol: str) -> Structure:
    points = [[0, 0, 0], [0.5, 0.5, 0.5]]
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), [symbol, "Cl"], points)


def string(symbol: str) -> str:
    return CRYSTALS.reader.standardise(salt(symbol).to(fmt="poscar"), OPTIONS).structure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of three chlorides: Na (CIF), K (gzipped CIF) and Rb (POSCAR)."""
    place = tmp_path / "data" / "cifs"
    place.mkdir(parents=True)
    (place / "Na.cif").write_text(str(CifWriter(salt("Na"))))
    (place / "K.cif.gz").write_bytes(gzip.compress(str(CifWriter(salt("K"))).encode()))
    (place / "Rb.vasp").write_text(salt("Rb").to(fmt="poscar"))
    return place


def read(path, **options):
    settings = DatasetSettings(source=str(path), **options)
    return list(CRYSTALS.reader.read_rows(path, settings))


def strings(rows):
    return {row.id: CRYSTALS.reader.standardise(row.payload, OPTIONS).structure for row in rows}


CHLORIDES = {name: string(name) for name in ("Na", "K", "Rb")}


@pytest.mark.parametrize("column", ["cif", "file", "Path", "cif_file", "filename", "poscar"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_may_be_paths_from_the_table(folder, column, separator):
    table = folder.parent / "measured.csv"
    rows = [f"id;{column};gap", "Na;cifs/Na.cif;1.5", "K;cifs\\K.cif.gz;2", "Rb;./cifs/Rb;x"]
    table.write_text("\r\n".join(rows).replace(";", separator))
    found = read(table, properties=("gap",))
    assert strings(found) == CHLORIDES
    assert [row.properties["gap"] for row in found[:2]] == [1.5, 2]
    assert found[2].unread == {"gap": "x"}


def test_paths_may_lead_elsewhere_and_stand_beside_texts(folder, tmp_path):
    (tmp_path / "tables").mkdir()
    table = tmp_path / "tables" / "measured.csv"
    rows = ["id,file", "Na,../data/cifs/Na.cif", f"K,{folder / 'K.cif.gz'}"]
    table.write_text("\n".join([*rows, f'Rb,"{CHLORIDES["Rb"]}"']))
    assert strings(read(table)) == CHLORIDES


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("cifs/Li.cif", "'cifs/Li.cif' is no file beside the table"),
        ("hello", "'hello' is no file beside the table, nor a crystal's text"),
        ("cifs", "is no file"),
        ("x" * 900, "is no file|too long"),
        ("cifs/notes.txt", "is no file"),
        ("cifs/both", "cifs/both.cif and cifs/both.vasp are both there"),
        ("cifs/two.cif", "cifs/two.cif holds 2 crystals, a row needs one"),
        ("cifs/empty.cif", "cifs/empty.cif: is empty"),
    ],
)
def test_files_that_cannot_be_had_are_rejected_rows(folder, cell, told):
    cif = str(CifWriter(salt("Na")))
    (folder / "notes.txt").write_text(cif)
    (folder / "both.cif").write_text(cif)
    (folder / "both.vasp").write_text(salt("K").to(fmt="poscar"))
    (folder / "two.cif").write_text(cif + cif)
    (folder / "empty.cif").write_text("")
    table = folder.parent / "measured.csv"
    table.write_text(f"id,cif\nx,{cell}\nNa,cifs/Na.cif\n")
    bad, good = read(table)
    assert any(part in bad.error for part in told.split("|"))
    assert bad.payload is None
    assert strings([good]) == {"Na": CHLORIDES["Na"]}


def test_a_list_of_properties_by_itself(folder):
    table = folder / "id_prop.csv"
    table.write_text("Na,1.5\nK,-2\nRb.vasp,\nLi,3\n")
    rows = read(table, properties=("property",))
    assert strings(rows[:3]) == {
        "Na": CHLORIDES["Na"],
        "K": CHLORIDES["K"],
        "Rb.vasp": CHLORIDES["Rb"],
    }
    values = [row.properties["property"] for row in rows]
    assert values[:2] == [1.5, -2]
    assert math.isnan(values[2])
    assert "'Li' is no file" in rows[3].error
    with pytest.raises(InputError, match=r"no column gap; id_prop\.csv has: property"):
        read(table, properties=("gap",))
    table.write_text("Na\nK\n")
    with pytest.raises(InputError, match="no list of names and values"):
        read(table)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_folder_with_a_list_of_properties(folder, tmp_path, wrapped):
    (folder / "id_prop.csv").write_text("name,gap,k\nNa,1.5,1\nK,?,2\nLi,3,3\n")
    (folder / "README.md").write_text("words")
    source = folder
    if wrapped:
        source = tmp_path / "data.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in folder.iterdir():
                archive.write(path, f"inner/{path.name}")
    rows = read(source, properties=("gap", "k"))
    good = {row.id.removeprefix("inner/"): row for row in rows if not row.error}
    assert {key: row.properties["k"] for key, row in good.items() if key != "Rb"} == {
        "Na": 1,
        "K": 2,
    }
    assert good["Na"].properties["gap"] == 1.5
    assert all(math.isnan(good[key].properties["gap"]) for key in ("K", "Rb"))
    assert [
        CRYSTALS.reader.standardise(good[key].payload, OPTIONS).structure for key in CHLORIDES
    ] == [*CHLORIDES.values()]
    told = [row.error for row in rows if row.error]
    assert told[0].endswith("id_prop.csv names Li: no such file")
    assert "README.md" in told[1]
    assert "id_prop" not in told[1]
    with pytest.raises(InputError, match=r"no column bulk; .*id_prop.csv has: gap, k"):
        read(source, properties=("bulk",))


def test_values_of_one_crystal_are_not_those_of_two(folder):
    text = (folder / "Na.cif").read_text()
    (folder / "Na.cif").write_text(text + text.replace("data_NaCl", "data_other"))
    (folder / "id_prop.csv").write_text("Na,1.5\n")
    rows = read(folder, properties=("property",))
    errors = [row.error for row in rows if row.error]
    assert errors == ["Na.cif holds 2 crystals, id_prop.csv has values of one"] * 2
    (folder / "id_prop.csv").write_text("Na,1.5\nNa,2\n")
    rows = read(folder)
    assert "id_prop.csv: names a file twice" in [row.error for row in rows]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,1\nb,2\n", ("property",)),
        ("a,1,2\nb,2,3\n", ("property", "property_2")),
        ("a,nan\nb,2\n", ("property",)),
        ("a,>5\nb,2\n", ("property",)),
        ("id,gap\na,1\n", ("gap",)),
        ("id;gap\na;1\n", ("gap",)),
        ("a\t1\n", ("property",)),
        ("\ufeffid, gap \r\na, 1 \r\n\r\n", ("gap",)),
    ],
)
def test_headers_of_lists_are_told_from_values(text, columns):
    found = read_property_list("id_prop.csv", text.removeprefix("\ufeff"))
    assert found.columns == columns
    assert "a" in found.values


def test_digests_follow_the_files_that_a_table_names(folder):
    table = folder.parent / "measured.csv"
    table.write_text("id,cif\nNa,cifs/Na.cif\nRb,cifs/Rb\nLi,cifs/Li\n")
    source = Source(table, DatasetSettings(source=str(table)), None, "measured.csv")
    seen = {source_digest(source, CRYSTALS)}
    for name in ("Na.cif", "Rb.vasp", "Li.cif"):
        (folder / name).write_text(f"changed {name}")
        seen.add(source_digest(source, CRYSTALS))
    assert len(seen) == 4
    (folder / "other.cif").write_text("not named")
    assert source_digest(source, CRYSTALS) in seen
    listing = folder / "id_prop.csv"
    listing.write_text("Na,1\n")
    source = Source(listing, DatasetSettings(source=str(listing)), None, "id_prop.csv")
    before = source_digest(source, CRYSTALS)
    (folder / "Na.cif").write_text("changed again")
    assert source_digest(source, CRYSTALS) != before
