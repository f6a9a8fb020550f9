"""Folders and archives: every file is read, or is told by name."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from nucleate.core.errors import InputError
from nucleate.crystals.io.files import format_of, stem_of
from nucleate.matter import registry
from nucleate.settings.data import DatasetSettings

CRYSTALS = registry.get("crystals")
OPTIONS = CRYSTALS.reader.resolve({}, "test")
SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.6402), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
SALT_STRING = "225 a:Na b:Cl | 5.6402"
CIF, POSCAR = str(CifWriter(SALT)), SALT.to(fmt="poscar")
XYZ = 'Lattice="4 0 0 0 4 0 0 0 4" {}\nCs 0 0 0\nCl 2 2 2\n'
CAESIUM_STRING = "221 a:Cl b:Cs | 4"


def read(path, **options):
    settings = DatasetSettings(source=str(path), **options)
    return list(CRYSTALS.reader.read_rows(path, settings))


def strings(rows):
    return {row.id: CRYSTALS.reader.standardise(row.payload, OPTIONS).structure for row in rows}


def errors(rows):
    return {row.id: row.error for row in rows if row.error}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.cif", "cif"),
        ("A.CIF", "cif"),
        ("a.cif.gz", "cif"),
        ("a.CIF.GZ", "cif"),
        ("magnetic.mcif", "cif"),
        ("POSCAR.cif", "cif"),
        ("contcar_table.csv", "csv"),
        ("poscars.parquet", "parquet"),
        ("POSCAR", "poscar"),
        ("CONTCAR", "poscar"),
        ("poscar_x", "poscar"),
        ("POSCAR.orig", "poscar"),
        ("CONTCAR-0.5", "poscar"),
        ("x.POSCAR", "poscar"),
        ("x_contcar", "poscar"),
        ("POSCAR.gz", "poscar"),
        ("a.b/POSCAR", "poscar"),
        ("a.vasp", "poscar"),
        ("a.vasp.gz", "poscar"),
        ("a.xyz", "extxyz"),
        ("a.extxyz", "extxyz"),
        ("a.json", "json"),
        ("posca.r", ""),
        ("README.txt", ""),
        ("poscar/README", ""),
    ],
)
def test_the_ending_decides(name, form):
    assert format_of(name) == form


def test_stems_lose_known_endings_only():
    stems = {"a.cif": "a", "b/a.CIF.gz": "b/a", "POSCAR.1": "POSCAR.1", "POSCAR": "POSCAR"}
    stems |= {"x.poscar": "x", "mp-1.5_POSCAR": "mp-1.5_POSCAR", "a.b.vasp": "a.b"}
    assert {name: stem_of(name) for name in stems} == stems


def many(folder: Path) -> None:
    """Files of every kind."""
    (folder / "inner").mkdir(parents=True)
    (folder / "a.cif").write_text(CIF)
    (folder / "b.CIF.gz").write_bytes(gzip.compress(CIF.encode()))
    (folder / "c.cif").write_bytes(CIF.replace("# generated", "# généré").encode("latin-1"))
    (folder / "d.cif").write_bytes(CIF.encode("utf-16"))
    (folder / "e.vasp").write_bytes(POSCAR.replace("\n", "\r").encode())
    (folder / "inner" / "POSCAR_1").write_text(POSCAR)
    (folder / "inner" / "x.POSCAR").write_text(POSCAR)
    (folder / "f.xyz").write_text("2\n" + XYZ.format(""))
    (folder / "g.extxyz").write_bytes(
        (("2\n" + XYZ.format("id=first")) + "3\n" + XYZ.format("")).replace("\n", "\r").encode()
    )
    (folder / "h.json").write_text(json.dumps(SALT.as_dict()))
    (folder / "i.json").write_text(
        json.dumps([{"material_id": "m-1", "structure": SALT.as_dict()}, {"structure": 3}])
    )
    (folder / "atom_init.json").write_text('{"1": [0, 1]}')
    (folder / "k.cif").write_text("")
    (folder / "l.cif").write_bytes(b"\x00\x01")
    (folder / "m.xsf").write_text("CRYSTAL")
    (folder / "n.res").write_text("TITL")
    (folder / "o.csv").write_text("cif,gap\n")
    (folder / "p.zip").write_bytes(b"PK")
    (folder / "README.txt").write_text("no crystal")
    (folder / "inner" / "plot.png").write_bytes(b"\x89PNG")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "z.cif").write_text(CIF)


def packed(folder: Path, target: Path) -> Path:
    """The same in an archive."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            for path in paths:
                archive.write(path, path.relative_to(folder).as_posix())
    else:
        with tarfile.open(target, "w:gz" if target.suffix != ".tar" else "w") as archive:
            archive.add(folder, ".")
    return target


@pytest.mark.parametrize("wrapped", ["", "zip", "tar", "tar.gz", "tgz"])
def test_every_file_is_read_or_told(tmp_path, wrapped):
    folder = tmp_path / "many"
    many(folder)
    source = packed(folder, tmp_path / f"many.{wrapped}") if wrapped else folder
    rows = read(source)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    told = errors(rows)
    assert strings([row for row in rows if not row.error]) == {
        **dict.fromkeys("abcdeh", SALT_STRING),
        **dict.fromkeys(("inner/POSCAR_1", "inner/x", "m-1"), SALT_STRING),
        **dict.fromkeys(("f", "first"), CAESIUM_STRING),
    }
    for name, words in {
        "g:2": "2 atoms follow where 3",
        "i:2": "no pymatgen Structure",
        "atom_init": "atom_init.json: holds no pymatgen Structure",
        "k": "k.cif: is empty",
        "l": "l.cif: is not a text file",
        "m.xsf": "m.xsf: .xsf is not read; known: .cif",
        "n.res": "n.res: .res is not read",
        "o.csv": "o.csv: a table among files",
        "p.zip": "p.zip: an archive among files",
        "other files": "2 of its files are no crystals' by their names: README.txt, inner/plot.png",
    }.items():
        assert words in told.pop(name), name
    assert not told
    assert {row.id: row.reason for row in rows if row.reason != "unreadable"} == {
        **dict.fromkeys(("m.xsf", "n.res", "o.csv", "p.zip"), "not_read"),
        "other files": "other_files",
    }


def test_odd_things_in_a_folder_are_told(tmp_path):
    folder = tmp_path / "odd"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.cif").write_text(CIF)
    (folder / "again").symlink_to(folder)
    (folder / "b.cif").symlink_to("nowhere")
    (folder / "c.cif").symlink_to("c.cif")
    (folder / "d.cif").symlink_to("a.cif")
    os.mkfifo(folder / "e.cif")
    (folder / "large.cif").write_bytes(b"#" * 20_000_001)
    (Path(os.fsdecode(os.fsencode(folder) + b"/f\xff.cif"))).write_text(CIF)
    rows = read(folder)
    assert strings([row for row in rows if not row.error]) == {"a": SALT_STRING, "d": SALT_STRING}
    assert errors(rows) == {
        "again": "again: a link to a folder, which is not followed",
        "b": "b.cif: a link to nothing",
        "c": "c.cif: a link to nothing",
        "e": "e.cif: not a plain file",
        "f\ufffd": "f\ufffd.cif: its name is not UTF-8",
        "large": "large.cif: larger than 20000000 bytes",
    }


def test_what_may_not_be_opened_is_told(tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    (folder / "inner").mkdir(parents=True)
    for name in ("a.cif", "b.cif"):
        (folder / name).write_text(CIF)
    opened, listed = Path.open, os.scandir

    def refuse(path, *arguments, **named):
        if str(path).endswith(("a.cif", "inner")):
            raise PermissionError(13, "Permission denied", str(path))
        return (opened if isinstance(path, Path) else listed)(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    rows = read(folder)
    assert errors(rows) == {
        "a": "a.cif: damaged, or cannot be read (Permission denied)",
        "inner": "inner: cannot be listed (Permission denied)",
    }
    assert len(rows) == 3


def test_damaged_archives_are_told(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a.cif", "b.cif"):
        (folder / name).write_text(CIF)
    path = packed(folder, tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"_cell_length")] ^= 1
    path.write_bytes(bytes(data))
    rows = read(path)
    assert "Bad CRC" in errors(rows)["a"]
    assert strings(rows[1:]) == {"b": SALT_STRING}
    (tmp_path / "y.tar.gz").write_bytes(b"garbage")
    with pytest.raises(InputError, match="cannot be unpacked"):
        read(tmp_path / "y.tar.gz")


def test_a_folder_without_crystals_names_what_it_holds(tmp_path):
    for number in range(30):
        (tmp_path / f"notes{number:02d}.txt").write_text("none")
    with pytest.raises(InputError, match=r"holds no crystals; 30 of .* notes00.txt, .*, \.\.\."):
        read(tmp_path)


def test_properties_of_frames_in_a_folder(tmp_path):
    (tmp_path / "a.xyz").write_text("2\n" + XYZ.format("energy=-1.5 name=salt"))
    (tmp_path / "b.cif").write_text(CIF)
    rows = read(tmp_path, properties=("energy",), id_column="name")
    assert [row.id for row in rows] == ["salt", "b"]
    assert rows[0].properties == {"energy": -1.5}
    (tmp_path / "a.xyz").unlink()
    with pytest.raises(InputError, match="no property columns"):
        read(tmp_path, properties=("energy",))


def test_single_files_of_many_frames(tmp_path):
    text = "".join("2\n" + XYZ.format(f"id={n} energy={n / 2}") for n in range(3))
    path = tmp_path / "many.xyz.gz"
    path.write_bytes(gzip.compress(("\ufeff" + text).replace("\n", "\r\n").encode()))
    rows = read(path, properties=("energy",))
    assert [row.properties["energy"] for row in rows] == [0, 0.5, 1]
    assert strings(rows) == dict.fromkeys("012", CAESIUM_STRING)
    path = tmp_path / "one.json"
    path.write_text(json.dumps([SALT.as_dict(), SALT.as_dict()]))
    assert strings(read(path)) == {"one:1": SALT_STRING, "one:2": SALT_STRING}
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"one\.json"):
        read(path)


def test_a_name_that_is_no_utf8_can_be_read_by_itself(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xff.cif"))
    path.write_text(CIF)
    assert strings(read(path)) == {"f\ufffd": SALT_STRING}
    path.write_text("nothing")
    with pytest.raises(InputError, match="is not a CIF"):
        read(path)


def test_bytes_of_an_archive_are_bounded(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.cif.gz", gzip.compress(b"#" * 30_000_000))
        archive.writestr("of\\windows\\b.cif", CIF)
    rows = read(tmp_path / "bomb.zip")
    assert errors(rows) == {"a": "a.cif.gz: larger than 20000000 bytes"}
    assert strings(rows[1:]) == {"of/windows/b": SALT_STRING}
