"""Properties against values published elsewhere (PubChem: aspirin 2244, caffeine 2519)."""

from __future__ import annotations

import math

import pytest
from rdkit import Chem
from rdkit.Chem import QED

from nucleate.core.errors import SettingsError
from nucleate.molecules import Molecules
from nucleate.molecules.chemistry.drug_likeness import qed

MOLECULES = Molecules()
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
PACLITAXEL = (
    "CC1=C2C(C(=O)C3(C(CC4C(C3C(C(C2(C)C)(CC1OC(=O)C(C(C5=CC=CC=C5)NC(=O)C6=CC=CC=C6)O)O)"
    "OC(=O)C7=CC=CC=C7)(CO4)OC(=O)C)O)C)OC(=O)C"
)


def value(name: str, structure: str, **arguments: str) -> float:
    return float(MOLECULES.properties.build(name, arguments).compute([structure])[0])


@pytest.mark.parametrize(
    ("name", "smiles", "expected", "tolerance"),
    [
        ("molecular_weight", ASPIRIN, 180.16, 0.01),
        ("molecular_weight", CAFFEINE, 194.19, 0.01),
        ("tpsa", ASPIRIN, 63.6, 0.05),
        ("heavy_atoms", ASPIRIN, 13, 0),
        ("heavy_atoms", CAFFEINE, 14, 0),
        ("hydrogen_bond_donors", ASPIRIN, 1, 0),
        ("hydrogen_bond_donors", CAFFEINE, 0, 0),
        ("logp", ASPIRIN, 1.31, 0.005),  # RDKit's Crippen values in its own documentation and
        ("logp", CAFFEINE, -1.03, 0.005),  # in ZINC
        ("qed", ASPIRIN, 0.55, 0.005),  # ChEMBL's weighted QED of CHEMBL25
        ("qed", CAFFEINE, 0.54, 0.005),  # and CHEMBL113
        ("rings", CAFFEINE, 2, 0),
        ("aromatic_rings", ASPIRIN, 1, 0),
        ("fraction_sp3", CAFFEINE, 3 / 8, 1e-9),
        ("TPSA", ASPIRIN, 63.6, 0.05),
    ],
)
def test_published_values(name: str, smiles: str, expected: float, tolerance: float) -> None:
    assert value(name, smiles) == pytest.approx(expected, abs=tolerance)


# An anthraquinone (alerts, rings), an explicit hydrogen, a salt, a sugar, a nitro compound.
@pytest.mark.parametrize(
    "smiles",
    [
        ASPIRIN,
        CAFFEINE,
        PACLITAXEL,
        "O=C1c2ccccc2C(=O)c2c(O)cccc21",
        "[H]/N=C(/N)c1ccccc1",
        "CC(=O)[O-].[Na+]",
        "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
        "O=[N+]([O-])c1ccc(SSC#N)cc1Cl",
        "FC(F)F.C",
        "C",
    ],
)
def test_qed_is_rdkit_s(smiles: str) -> None:
    assert qed(Chem.MolFromSmiles(smiles)) == QED.qed(Chem.MolFromSmiles(smiles))


def test_synthetic_accessibility_orders_molecules() -> None:
    # Ertl and Schuffenhauer: simple drugs lie between 1 and 3, complex natural products above 5.
    assert value("sa_score", ASPIRIN) < 2
    assert value("sa_score", PACLITAXEL) > 5


def test_similarity() -> None:
    assert value("similarity", ASPIRIN, smiles=ASPIRIN) == 1
    near = value("similarity", "OC(=O)c1ccccc1O", smiles=ASPIRIN)
    assert 0.3 < near < 1
    assert value("similarity", CAFFEINE, smiles=ASPIRIN) < near


def test_bad_molecule_is_nan_and_the_rest_stay() -> None:
    result = MOLECULES.properties.build("qed", {}).compute(["nonsense", ASPIRIN, ""])
    assert math.isnan(result[0])
    assert result[1] == pytest.approx(0.55, abs=0.005)
    assert result.dtype == float


def test_unknown_names_and_arguments() -> None:
    with pytest.raises(SettingsError, match="known: qed, sa_score"):
        MOLECULES.properties.build("qedd", {})
    with pytest.raises(SettingsError, match="takes no arguments"):
        MOLECULES.properties.build("qed", {"smiles": ASPIRIN})
    with pytest.raises(SettingsError, match="`smiles`"):
        MOLECULES.properties.build("similarity", {})
    with pytest.raises(SettingsError, match="not a valid SMILES"):
        MOLECULES.properties.build("similarity", {"smiles": "C1"})


def test_everything_listed_can_be_built() -> None:
    names = MOLECULES.properties.descriptions()
    assert "BertzCT" in names
    for name in names:
        arguments = {"smiles": ASPIRIN} if name == "similarity" else {}
        assert MOLECULES.properties.build(name, arguments).name == name
    for term in MOLECULES.properties.default_objectives():
        assert term.property in names
