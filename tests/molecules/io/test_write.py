"""Pictures and files of molecules, read back with RDKit and pandas."""

from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from nucleate.core.errors import ResultsError
from nucleate.matter.checks import Candidate, CheckContext
from nucleate.molecules import Molecules

MOLECULES = Molecules()
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_description() -> None:
    columns = MOLECULES.export.describe(ASPIRIN)
    assert columns["formula"] == "C9H8O4"
    assert columns["scaffold"] == "c1ccccc1"
    assert columns["heavy_atoms"] == 13


@pytest.mark.parametrize("smiles", [ASPIRIN, "not <a> molecule"])
def test_picture_is_one_svg_element(smiles: str) -> None:
    text = MOLECULES.export.draw(smiles, 300, 200)
    assert text.startswith("<svg")
    assert "<?xml" not in text
    root = ElementTree.fromstring(text)
    assert root.attrib["viewBox"] == "0 0 300 200"


def test_candidates_as_sd_file(tmp_path: Path) -> None:
    rows = [
        {
            "candidate_id": "m-1",
            "smiles": ASPIRIN,
            "qed": np.float64(0.55),
            "rings": 1,
            "missing": math.nan,
            "latent": [0.1, 0.2],
            "origin": "prior",
            "embedding_value": "MMFF94",
        },
        {"candidate_id": "m-2", "smiles": "C[C@H](N)C(=O)O", "qed": 0.4},
        {"candidate_id": "m-3", "smiles": "CCO", "embedding_value": "none"},
    ]
    (path,) = MOLECULES.export.write_candidates(tmp_path, rows)
    assert path.name == "candidates.sdf"
    first, second, third = list(Chem.SDMolSupplier(str(path)))
    assert first.GetProp("_Name") == "m-1"
    assert Chem.MolToSmiles(first) == ASPIRIN
    assert first.GetConformer().Is3D()
    assert float(first.GetProp("qed")) == 0.55
    assert not first.HasProp("missing")
    assert not first.HasProp("latent")
    assert Chem.MolToSmiles(second) == "C[C@H](N)C(=O)O"
    assert not second.GetConformer().Is3D()  # nobody asked for more
    assert not third.GetConformer().Is3D()
    MOLECULES.export.write_candidates(tmp_path, rows, embed=True)
    assert all(one.GetConformer().Is3D() for one in Chem.SDMolSupplier(str(path)))


def test_the_conformer_written_is_the_one_that_was_judged(tmp_path: Path) -> None:
    check = MOLECULES.checks.build("embedding", {}, CheckContext(), "test")
    (verdict,) = check.run([Candidate(IBUPROFEN)])
    row = {"candidate_id": "m-1", "smiles": IBUPROFEN, "embedding_value": verdict.value}
    (path,) = MOLECULES.export.write_candidates(tmp_path, [row])
    (found,) = list(Chem.SDMolSupplier(str(path), removeHs=False))
    heavy = [atom.GetIdx() for atom in found.GetAtoms() if atom.GetAtomicNum() > 1]
    bonds = Chem.GetDistanceMatrix(found)[np.ix_(heavy, heavy)]
    points = found.GetConformer().GetPositions()[heavy]
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert apart[bonds >= 4].min() == pytest.approx(verdict.columns["shortest_contact"], abs=2e-3)


def test_samples(tmp_path: Path) -> None:
    path = MOLECULES.export.write_samples(
        tmp_path,
        [
            {"structure": ASPIRIN, "log_likelihood": -1.5, "latent": np.zeros(3)},
            {"structure": "CCO", "log_likelihood": math.nan, "origin": "prior", "latent": None},
        ],
    )
    table = pd.read_csv(path)
    assert list(table.columns) == ["id", "smiles", "log_likelihood", "origin"]
    assert list(table["smiles"]) == [ASPIRIN, "CCO"]
    assert math.isnan(table["log_likelihood"][1])


def test_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be written"):
        MOLECULES.export.write_samples(tmp_path / "file", [])


def test_import_is_light() -> None:
    code = (
        "import sys; from nucleate.molecules import Molecules; m = Molecules(); "
        "print([n for n in ('rdkit', 'selfies', 'torch') if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
