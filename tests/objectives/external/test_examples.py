"""Objectives as a person would write them: a file of functions, and a program."""

import sys

import numpy as np
import pytest

from nucleate.crystals.geometry.describe import describe
from nucleate.matter import registry as matter
from nucleate.objectives.build_objectives import build
from nucleate.objectives.objective import Objective
from nucleate.settings.objectives import PropertySettings

FUNCTIONS = '''
"""In a study: python = "scores.py:polar_surface"."""


def polar_surface(smiles: str) -> float:
    """Topological polar surface area, square angstrom."""
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcTPSA

    return CalcTPSA(Chem.MolFromSmiles(smiles))


def density(cif: str) -> float:
    """Density, g/cm3."""
    from pymatgen.core import Structure

    return Structure.from_str(cif, fmt="cif").density
'''

PROGRAM = '''
"""In a study: command = ["python", "heteroatoms.py"]; answers each line of JSON with one."""

import json
import sys

for line in sys.stdin:
    item = json.loads(line)
    smiles = item["smiles"]
    if "." in smiles:
        answer = {"error": "more than one molecule"}
    else:
        answer = {"value": sum(smiles.upper().count(symbol) for symbol in "NOS")}
    print(json.dumps({"id": item["id"], **answer}), flush=True)
'''

SALT = "225 a:Na b:Cl | 5.6402"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scores.py").write_text(FUNCTIONS)
    (tmp_path / "heteroatoms.py").write_text(PROGRAM)
    return tmp_path


def test_a_function_scores_molecules(folder):
    term = PropertySettings(python="scores.py:polar_surface", goal="minimise", low=0, high=100)
    objective = Objective(matter.get("molecules"), [term], folder=folder)
    objective.fit([])
    try:
        ether, nothing = objective.score(["COC", "no molecule"])
    finally:
        objective.close()
    assert ether.raw["polar_surface"] == pytest.approx(9.23)
    assert ether.score == pytest.approx(1 - 0.0923)
    assert nothing.score == 0
    assert "polar_surface: " in objective.reason("no molecule")


def test_a_function_scores_crystals_by_their_cif(folder):
    term = PropertySettings(python="scores.py:density", unit="g/cm3")
    built = build(matter.get("crystals"), None, term, folder)
    try:
        values = built.compute([SALT, "225 a:Cl nonsense"])
    finally:
        built.close()
    np.testing.assert_allclose(values, [describe(SALT)["density"], np.nan], rtol=1e-3)
    assert "not_a_wyckoff_string" in built.failures["225 a:Cl nonsense"]


def test_a_program_scores_molecules(folder):
    command = [sys.executable, str(folder / "heteroatoms.py")]
    built = build(matter.get("molecules"), None, PropertySettings(command=command))
    np.testing.assert_array_equal(built.compute(["OCCN", "C", "C.O"]), [2, 0, np.nan])
    assert built.name == "heteroatoms"
    assert built.failures == {"C.O": "more than one molecule"}
