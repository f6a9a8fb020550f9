"""Every format of molecules is read, and every bad file is refused with its name."""

from __future__ import annotations

import gzip
import io
import math
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem, RDConfig

from nucleate.core.errors import InputError, StructureError
from nucleate.matter.reader import RawRow
from nucleate.molecules import Molecules
from nucleate.settings.data import DatasetSettings

MOLECULES = Molecules()
TABLE = "name,smiles,id,gap\na,CCO,x1,1.5\nb,c1ccccc1,x2,inf\nc,CN,x3,none\n"


def rows(path: Path, **settings: object) -> list[RawRow]:
    return list(MOLECULES.reader.read_rows(path, DatasetSettings(source=str(path), **settings)))


def test_table_has_ids_and_properties(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    found = rows(path, properties=("gap",))
    assert [(r.id, r.payload) for r in found] == [("x1", "CCO"), ("x2", "c1ccccc1"), ("x3", "CN")]
    assert found[0].properties["gap"] == 1.5
    assert math.isnan(found[1].properties["gap"])
    assert math.isnan(found[2].properties["gap"])


@pytest.mark.parametrize("name", ["a.csv.gz", "a.tsv", "a.parquet", "a.zip", "a.csv"])
def test_same_rows_in_every_wrapping(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = TABLE
    if name == "a.csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif name == "a.tsv":
        path.write_text(text.replace(",", "\t"))
    elif name == "a.parquet":
        pd.read_csv(io.StringIO(text)).to_parquet(path)
    elif name == "a.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner/data.csv", text)
    else:  # with a byte order mark, as spreadsheets write it, and semicolons
        path.write_text("\ufeff" + text.replace(",", ";"), encoding="utf-8")
    found = rows(path, properties=("gap",), id_column="name", limit=2)
    assert [(r.id, r.payload) for r in found] == [("a", "CCO"), ("b", "c1ccccc1")]
    assert found[0].properties == {"gap": 1.5}


def test_tar_behind_a_gz_name(tmp_path: Path) -> None:
    path = tmp_path / "zinc.txt.gz"
    with tarfile.open(path, "w:gz") as archive:
        data = b"CCO\nCCN\n"
        member = tarfile.TarInfo("zinc.txt")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    assert [r.payload for r in rows(path)] == ["CCO", "CCN"]


def test_smiles_list_takes_names(tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_text("CCO ethanol\n\nCCN\tethyl amine\nC\n")
    assert [(r.id, r.payload) for r in rows(path)] == [
        ("ethanol", "CCO"),
        ("ethyl amine", "CCN"),
        ("3", "C"),
    ]
    path.write_text("SMILES ID\nCCO 7\n")
    assert [(r.id, r.payload) for r in rows(path)] == [("7", "CCO")]


def test_the_toolkits_own_set() -> None:
    found = rows(Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi")
    assert len(found) == 4999
    assert (found[0].id, found[0].payload) == ("1", "CC1=CC(=O)C=CC1=O")


def test_sd_file(tmp_path: Path) -> None:
    path = tmp_path / "a.sdf.gz"
    blocks = []
    for i, smiles in enumerate(["C[C@H](N)C(=O)O", "c1ccncc1"]):
        molecule = Chem.MolFromSmiles(smiles)
        molecule.SetProp("_Name", f"m{i}")
        blocks.append(Chem.MolToMolBlock(molecule) + f"> <gap>\n{i}.5\n\n$$$$\n")
    blocks.insert(1, "broken\n\n\n  no counts\nM  END\n> <gap>\n7\n\n$$$$\n")
    path.write_bytes(gzip.compress("".join(blocks).encode()))
    found = rows(path, properties=("gap",))
    assert [r.id for r in found] == ["m0", "broken", "m1"]
    assert [r.properties["gap"] for r in found] == [0.5, 7.0, 1.5]
    options = MOLECULES.reader.resolve({}, "test")
    assert MOLECULES.reader.standardise(found[0].payload, options).structure == "C[C@H](N)C(=O)O"
    assert MOLECULES.reader.standardise(found[2].payload, options).structure == "c1ccncc1"
    with pytest.raises(StructureError, match="unparsable"):
        MOLECULES.reader.standardise(found[1].payload, options)
    with pytest.raises(InputError, match="tags found: gap"):
        rows(path, properties=("energy",))


def test_a_giant_line_is_one_refused_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('smiles,gap\nCCO,1\n"' + "C" * 10_000_000 + '",2\nCCN,3\n')
    found = rows(path, properties=("gap",))
    assert [r.number for r in found] == [1, 2, 3]
    assert "line of more than" in found[1].error
    assert (found[2].payload, found[2].properties) == ("CCN", {"gap": 3.0})


def test_broken_lines_are_rows_with_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    good = b"".join(b"%d,CCO\n" % i for i in range(20_000))
    path.write_bytes(b"id,smiles\n" + good + b"5\n6,C\xff\n7,CCN\n")
    found = rows(path)
    assert len(found) == 20_003
    assert found[-3].error == "1 cells for 2 columns"
    assert found[-2].payload == "Cÿ"  # which is no SMILES
    assert found[-1].payload == "CCN"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"smiles,id\n", "holds no rows"),
        ("a.smi", b"\n \n", "holds no rows"),
        ("a.csv", b"structure,gap\nCCO,1\n", "columns found: structure, gap"),
        ("a.parquet", b"PAR2 nonsense nonsense", "not a parquet file"),
        ("a.csv", b"PAR1\x00\x01", "parquet"),
        ("a.smi", b"\x89PNG\r\n\x1a\n\x00", "picture"),
        ("a.csv.gz", b"smiles\nC\n", "not a gzip file"),
        (
            "a.csv.gz",
            gzip.compress(b"smiles\n" + b"CCO\n" * 9999, mtime=0)[:-20],
            "cut short|unpacked",
        ),
        ("a.zip", b"smiles\nC\n", "not a zip file"),
        ("a.sdf", b"CCO\nCCN\n", "not an SD file"),
        ("a.xyz", b"3\n", "not a known format"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        rows(path)
    assert str(path) in str(caught.value)


def test_missing_file_and_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        rows(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        rows(tmp_path)
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    with pytest.raises(InputError, match="no column energy; columns found: name, smiles, id, gap"):
        rows(path, properties=("energy",))
    path = tmp_path / "a.smi"
    path.write_text("CCO\n")
    with pytest.raises(InputError, match="no header"):
        rows(path, properties=("gap",))
