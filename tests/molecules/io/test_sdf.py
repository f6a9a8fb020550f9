"""Records of an SD file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from nucleate.core.errors import InputError
from nucleate.matter.reader import RawRow
from nucleate.molecules.io.sdf import read_sdf
from nucleate.settings.data import DatasetSettings


def record(smiles: str, title: str, **tags: object) -> str:
    molecule = Chem.MolFromSmiles(smiles)
    molecule.SetProp("_Name", title)
    fields = "".join(f">  <{name}>\n{value}\n\n" for name, value in tags.items())
    return Chem.MolToMolBlock(molecule) + fields + "$$$$\n"


def read(text: str, **options: object) -> list[RawRow]:
    dataset = DatasetSettings.model_validate({"source": "file.sdf", **options})
    return list(read_sdf(Path("file.sdf"), BytesIO(text.encode()), dataset))


def test_ids_and_properties() -> None:
    text = record("CCO", "ethanol", mass=46.1) + record("CC", "", mass="heavy", id="second")
    rows = read(text.replace("\n", "\r\n"), properties=("mass",))
    assert [row.id for row in rows] == ["ethanol", "second"]
    assert rows[0].properties == {"mass": 46.1}
    assert np.isnan(rows[1].properties["mass"])
    assert Chem.MolFromMolBlock(rows[0].payload).GetNumAtoms() == 3
    assert [row.id for row in read(text, id_column="mass")] == ["46.1", "heavy"]


def test_damaged_records_are_rows_with_a_reason() -> None:
    rows = read(record("CCO", "a") + "b\n$$$$\n" + record("CC", "c"))
    assert [bool(row.error) for row in rows] == [False, True, False]
    assert rows[1].error == "SD record without 'M  END'"


def test_files_that_are_none() -> None:
    with pytest.raises(InputError, match="is not an SD file"):
        read("smiles\nCCO\n")
    with pytest.raises(InputError, match="no tag weight in the first 1 records; tags found: mass"):
        read(record("CCO", "a", mass=1), properties=("weight",))


BLOCK = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))


def test_data_fields_however_they_are_written() -> None:
    text = (
        f"{BLOCK}> <a>\n1.5\n$$$$\n"  # no blank line before the end
        f"{BLOCK}>  <a> (7)\n2.5\n> <b>\n3\n\n$$$$\n"  # nor between fields
        f"{BLOCK}> 25 <a> FIELD\n\n3.5\n\n\n$$$$\n"  # a blank line before the value
        f"{BLOCK}> <a>\n>4\n\n> <b>\n<5\n\n$$$$\n"  # bounds
        f"{BLOCK}> <a>\n5\n6\n\n> <a>\n7\n\n$$$$\n"  # several values
        f"{BLOCK}> <a>\t\n  6.5 \n\n"  # no end of the file's last record
    )
    for end in ("\n", "\r\n", "\r"):
        rows = read(text.replace("\n", end), properties=("a", "b"))
        assert [row.properties["a"] for row in rows][:3] == [1.5, 2.5, 3.5]
        assert rows[1].properties["b"] == 3
        assert rows[3].unread == {"a": ">4", "b": "<5"}
        assert rows[4].unread["a"].split() == ["5", "6", "7"]
        assert rows[5].properties["a"] == 6.5
        assert all(Chem.MolFromMolBlock(row.payload).GetNumAtoms() == 3 for row in rows)


def test_stray_bytes_do_not_refuse_a_file() -> None:
    text = ("Caf\xe9" + BLOCK + "> <a>\n1\n\n> <who>\nM\xfcller\n\n$$$$\n").encode("latin-1")
    dataset = DatasetSettings.model_validate({"source": "file.sdf", "properties": ("a",)})
    for data in (text, b"\xef\xbb\xbf" + text, text.decode("latin-1").encode("utf-16")):
        (row,) = read_sdf(Path("file.sdf"), BytesIO(data), dataset)
        assert (row.id, row.properties, row.error) == ("Caf\xe9", {"a": 1.0}, "")
        assert Chem.MolFromMolBlock(row.payload).GetNumAtoms() == 3


def test_structures_without_separator_are_told() -> None:
    (row,) = read(BLOCK + BLOCK + "$$$$\n")
    assert row.error == "2 structures in one SD record, without $$$$ between them"
    assert [r.error for r in read(BLOCK)] == [""]  # a MOL file


def test_a_first_record_that_is_damaged_is_one_row() -> None:
    rows = read("b\n$$$$\n" + record("CC", "c"))
    assert [(row.id, bool(row.error)) for row in rows] == [("b", True), ("c", False)]
    giant = BLOCK + "> <a>\n" + "x" * 80 + "\n" * 2
    rows = read(giant + ("y" * 99 + "\n") * 20_000 + "$$$$\n" + record("CC", "c"))
    assert ["more than" in row.error for row in rows] == [True, False]


@pytest.mark.parametrize("end", ["M  END  ", "M END", "M  END\t"])
def test_ends_however_they_are_written(end: str) -> None:
    (row,) = read(BLOCK.replace("M  END", end) + "> <a>\n1\n\n$$$$\n", properties=("a",))
    assert (row.payload, row.properties) == (BLOCK, {"a": 1.0})


def test_ids_of_usual_tags() -> None:
    rows = read(record("CCO", "", Compound_ID="x1") + record("CC", "title", Compound_ID="x2"))
    assert [row.id for row in rows] == ["x1", "title"]


@pytest.mark.parametrize("mark", ["$RXN", "$RDFILE 1", "$MDL  REV  1"])
def test_files_of_reactions_are_named(mark: str) -> None:
    with pytest.raises(InputError, match=r"is an? (reaction|RD|RG) file"):
        read(f"{mark}\n\n\n\n  1  1\n$MOL\n{BLOCK}")
