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
