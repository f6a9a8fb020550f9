"""People's files of crystals, good and bad."""

from __future__ import annotations

import gzip
import math
import zipfile

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from nucleate.core.errors import InputError, StructureError
from nucleate.matter import registry as matter
from nucleate.settings.data import DatasetSettings

CRYSTALS = matter.get("crystals")
OPTIONS = CRYSTALS.reader.resolve({}, "test")
SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.6402), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
SALT_STRING = "225 a:Na b:Cl | 5.6402"
CIF = str(CifWriter(SALT))


def read(path, **options):
    settings = DatasetSettings(source=str(path), **options)
    return list(CRYSTALS.reader.read_rows(path, settings))


def strings(rows):
    return [CRYSTALS.reader.standardise(row.payload, OPTIONS).structure for row in rows]


def test_tables(tmp_path):
    frame = pd.DataFrame({"id": ["x", "y"], "cif": [CIF, ""], "gap": [1.5, None], "n": ["a", "2"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.csv.gz", "t.tsv", "t.parquet"):
        rows = read(tmp_path / name, properties=("gap", "n"))
        assert [row.id for row in rows] == ["x", "y"]
        assert rows[0].properties["gap"] == 1.5
        assert math.isnan(rows[1].properties["gap"])
        assert math.isnan(rows[0].properties["n"])
        assert rows[1].error
        assert strings(rows[:1]) == [SALT_STRING]
        assert len(read(tmp_path / name, limit=1)) == 1


def test_wyckoff_strings_in_a_table(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text('crystal\n"225 a:Cl b:Na | 5.6402"\n')
    rows = read(path)
    assert rows[0].id == "1"
    assert strings(rows) == [SALT_STRING]


def test_which_crystals_may_be_held_out():
    options = CRYSTALS.identity.resolve_hold_out(
        {"minimum_elements": 2, "maximum_elements": 3, "maximum_atoms": 5}, "test"
    )
    expected = {
        "225 a:Na b:Cl | 5.6": True,
        "221 a:Ba b:Ti c:O | 4": True,
        "225 a:Cu | 3.6": False,
        "225 a:K b:Al c:Li e:F(0.22) | 8": False,
        "136 a:Ti f:O(0.30479) | 4.5937 2.9581": False,
    }
    assert {text: CRYSTALS.identity.may_hold_out(text, options) for text in expected} == expected
    assert CRYSTALS.identity.may_hold_out(
        "225 a:Cu | 3.6", CRYSTALS.identity.resolve_hold_out({}, "test")
    )


def test_folders_and_zips(tmp_path):
    folder = tmp_path / "many"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.cif").write_text(CIF)
    (folder / "inner" / "POSCAR").write_text(SALT.to(fmt="poscar"))
    (folder / "two.cif").write_text(CIF.replace("data_NaCl", "data_one") + "\n" + CIF)
    (folder / "bad.cif").write_bytes(b"\x00\x01")
    (folder / "notes.txt").write_text("no crystal")
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    for source in (folder, tmp_path / "many.zip"):
        rows = read(source)
        names = ["a", "bad", "inner/POSCAR", "one", "NaCl", "other files"]
        assert [row.id for row in rows] == names
        assert "notes.txt" in rows[-1].error
        assert "bad.cif" in rows[1].error
        assert strings([row for row in rows if not row.error]) == [SALT_STRING] * 4


def test_single_files(tmp_path):
    (tmp_path / "s.cif").write_text(CIF)
    with gzip.open(tmp_path / "s.cif.gz", "wt") as file:
        file.write(CIF)
    (tmp_path / "s.vasp").write_text(SALT.to(fmt="poscar"))
    frame = SALT.to_ase_atoms()
    frame.info.update(id="salt", energy=-3.5)
    frame.write(tmp_path / "s.extxyz", format="extxyz")
    for name in ("s.cif", "s.cif.gz", "s.vasp", "s.extxyz"):
        rows = read(tmp_path / name)
        assert strings(rows) == [SALT_STRING], name
    rows = read(tmp_path / "s.extxyz", properties=("energy",))
    assert rows[0].id == "salt"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", b"", "is empty"),
        ("h.csv", b"cif,id\n", "no crystals"),
        ("c.csv", b"smiles\nCCO\n", "columns found: smiles"),
        ("b.csv", b"\x00\x01\x02cif\n", "not a text file"),
        ("p.parquet", b"nothing like it", "parquet"),
        ("g.csv.gz", b"\x1f\x8b\x08\x00broken", "cannot be unpacked"),
        ("x.cif", b"garbage", "not a CIF"),
        ("x.extxyz", b"garbage\n", "not an extxyz"),
        ("x.doc", b"garbage", "known format"),
        ("x.zip", b"garbage", "known format"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert name in str(caught.value)


def test_missing_files_and_columns(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.csv")
    path = tmp_path / "t.csv"
    path.write_text("cif,gap\nx,1\n")
    with pytest.raises(InputError, match="no column bandgap; columns found: cif, gap"):
        read(path, properties=("bandgap",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no crystals"):
        read(tmp_path / "empty")


def cif_with(sites, edge="4", angle="90"):
    lines = ["data_x", "_symmetry_space_group_name_H-M 'P 1'"]
    lines += [f"_cell_length_{axis} {edge}" for axis in "abc"]
    lines += [f"_cell_angle_{name} {angle}" for name in ("alpha", "beta", "gamma")]
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    lines += ["loop_", *(f" _atom_site_{column}" for column in columns)]
    return "\n".join([*lines, *sites]) + "\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cif_with(["Na1 Na 0 0 0 0.5", "Cl1 Cl .5 .5 .5 1"]), "partial_occupancy"),
        (cif_with(["Na1 Na 0 0 0 0.5", "K1 K 0 0 0 0.5"]), "disorder"),
        (cif_with(["Na1 Na 0 0 0 1", "K1 K 0 0 0 1"]), "disorder"),
        (cif_with(["Xx1 Xx 0 0 0 1", "Cl1 Cl .5 .5 .5 1"]), "unknown_element"),
        (cif_with(["Na1 Na 0 0 0 1"], edge="0"), "zero_volume"),
        (cif_with(["Na1 Na 0 0 0 1"], angle="0"), "zero_volume"),
        (cif_with(["Na1 Na 0 0 0 1"], edge="four"), "unreadable"),
        (cif_with(["Na1 Na ? 0 0 1"]), "unreadable"),
        (cif_with([]), "unreadable"),
        ("", "unreadable"),
        (None, "unreadable"),
        ("hello", "unreadable"),
        ("{not json", "unreadable"),
        ("225 a:Na a:Cl | 3", "not_a_wyckoff_string"),
        ("x" * 2_000_000, "too_large"),
        (str(CifWriter(SALT * (5, 5, 3))), "too_many_atoms"),
    ],
)
def test_bad_rows_have_their_reason(text, reason):
    with pytest.raises(StructureError) as caught:
        CRYSTALS.reader.standardise(text, OPTIONS)
    assert caught.value.reason == reason


def test_large_primitive_cells_are_refused():
    rng = np.random.default_rng(0)
    points = (np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 3) / 3)[:24]
    crystal = Structure(Lattice.cubic(9), ["C"] * 24, points + rng.uniform(-0.03, 0.03, (24, 3)))
    with pytest.raises(StructureError, match="24 in the primitive cell, at most 20"):
        CRYSTALS.reader.standardise(str(CifWriter(crystal)), OPTIONS)


def test_supercells_are_reduced():
    assert CRYSTALS.reader.standardise(
        {"cif": str(CifWriter(SALT * (1, 1, 2)))}, OPTIONS
    ).structure == (SALT_STRING)


@pytest.mark.parametrize(
    "data",
    [
        CIF.encode("utf-16"),
        CIF.encode("utf-16-le"),
        CIF.encode("utf-16-be"),
        b"\xef\xbb\xbf" + CIF.encode(),
        CIF.replace("\n", "\r").encode(),
        CIF.replace("\n", "\r\n").encode(),
        CIF.encode().replace(b"data_", b"# M\xfcller, 4.21 \xc5\ndata_"),
        CIF.encode().replace(b"\n_cell_volume", b"\n_publ_author_name 'M\xfcller'\n_cell_volume"),
        CIF.replace("_cell_length_a", "_Cell_Length_A").encode(),
    ],
    ids=["utf-16", "le", "be", "mark", "cr", "crlf", "comment", "author", "case"],
)
def test_cif_files_of_any_encoding_and_line_end(tmp_path, data):
    path = tmp_path / "salt.cif"
    path.write_bytes(data)
    assert strings(read(path)) == [SALT_STRING]


def test_blocks_without_a_crystal_are_no_rows(tmp_path):
    path = tmp_path / "two.cif"
    told = "data_global\n_publ_section_title\n;\ndata_ of _cell_length_a\n;\n"
    path.write_text(told + CIF + CIF.replace("data_NaCl", " DATA_salt"))
    rows = read(path)
    assert [row.id for row in rows] == ["NaCl", "salt"]
    assert strings(rows) == [SALT_STRING] * 2
