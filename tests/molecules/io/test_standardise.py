"""Standardising: what is kept, what is refused, and for which reason."""

from __future__ import annotations

import pytest
from rdkit import Chem, RDConfig

from nucleate.core.errors import SettingsError, StructureError
from nucleate.molecules import Molecules

MOLECULES = Molecules()


def standard(smiles: str, **options: object) -> str:
    chosen = MOLECULES.reader.resolve(options, "test")
    return MOLECULES.reader.standardise(smiles, chosen).structure


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        ("OCC", {}, "CCO"),
        ("C(C)O ethanol", {}, "CCO"),
        ("N[C@@H](C)C(=O)O", {}, "C[C@H](N)C(=O)O"),
        ("F/C=C/F", {}, "F/C=C/F"),
        ("CC(=O)[O-].[Na+]", {}, "CC(=O)O"),
        ("C[NH3+].[Cl-]", {}, "CN"),
        ("C[NH3+].[Cl-]", {"neutralise": "never"}, "C[NH3+]"),
        ("C[NH3+]", {}, "C[NH3+]"),
        ("C[NH3+]", {"neutralise": "always"}, "CN"),
        ("CN(=O)=O", {}, "C[N+](=O)[O-]"),
        ("[2H]C([2H])([2H])O", {"isotopes": "drop"}, "CO"),
        ("[CH3:1][OH:2]", {}, "CO"),
    ],
)
def test_canonical_form(given: str, options: dict[str, object], expected: str) -> None:
    assert standard(given, **options) == expected


@pytest.mark.parametrize(
    ("given", "options", "reason"),
    [
        ("", {}, "empty"),
        ("   ", {}, "empty"),
        (None, {}, "empty"),
        ("not a molecule", {}, "unparsable"),
        ("C1CC", {}, "unparsable"),
        ("C(C)(C)(C)(C)C", {}, "unparsable"),
        ("C" * 1_900, {}, "too_large"),
        ("C" * 61, {}, "too_large"),
        ("[H][H]", {}, "too_small"),
        ("CC(=O)[O-].[Na+]", {"fragment": "refuse"}, "salt"),
        ("[13CH4]", {}, "isotope"),
        ("C[CH2]", {}, "radical"),
        ("C[Hg]C", {}, "element"),
        ("*CC", {}, "attachment_point"),
        ("CBr", {"elements": ["C", "H"]}, "element"),
        ("x\n\n\nM  END\n", {}, "unparsable"),
    ],
)
def test_refused_with_reason(
    given: str, options: dict[str, object], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StructureError) as caught:
        standard(given, **options)
    assert caught.value.reason == reason
    assert capfd.readouterr().err == ""  # RDKit keeps silent


def test_ten_megabytes_never_reach_the_parser() -> None:
    with pytest.raises(StructureError, match="too_long_text"):
        standard("C" * 10_000_000)


def test_any_spelling_gives_one_structure() -> None:
    molecule = Chem.MolFromSmiles("C[C@H](NC(=O)c1ccc2[nH]ccc2c1)C(=O)O")
    spellings = {Chem.MolToSmiles(molecule, doRandom=True) for _ in range(50)}
    assert len(spellings) > 20
    assert len({standard(s) for s in spellings}) == 1


def test_result_is_a_fixed_point() -> None:
    with open(f"{RDConfig.RDDataDir}/NCI/first_5K.smi") as file:
        lines = [line.split()[0] for line in file.readlines()[:400]]
    for line in lines:
        try:
            once = standard(line, neutralise="always")
        except StructureError:
            continue
        assert standard(once, neutralise="always") == once


def test_misspelt_option_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"known keys: .*fragment"):
        MOLECULES.reader.resolve({"fragments": "largest"}, "file [standardise]")


def test_scaffold_split_key() -> None:
    assert MOLECULES.identity.split_key("CCc1ccccc1", "scaffold") == "c1ccccc1"
    assert MOLECULES.identity.split_key("CCO", "scaffold") == "CCO"
    assert MOLECULES.identity.split_key("CCO", "random") == "CCO"


@pytest.mark.parametrize(
    "smiles", ["F[S@OH6](F)(F)(F)(F)C", "O=[S@OH6](=O)(O)c1ccccc1", "C[P@TB1](F)(F)(F)F"]
)
def test_arrangements_that_have_no_canonical_spelling_are_left_out(smiles: str) -> None:
    options = MOLECULES.reader.resolve({}, "test")
    found = MOLECULES.reader.standardise(smiles, options)
    assert found.notes == ("left out the arrangement at centres that are not tetrahedral",)
    assert MOLECULES.reader.standardise(found.structure, options).structure == found.structure
    assert "@" not in found.structure


def test_what_is_read_of_a_drawing_is_read_again_from_its_smiles() -> None:
    """A charge that leaves unpaired electrons, which show in the SMILES only; an atom map of 0."""
    options = MOLECULES.reader.resolve({}, "test")
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("Sc1ccc2ccccc2c1"), kekulize=True)
    place = block.splitlines()[5].index("C  ")
    lines = block.splitlines()
    lines[5] = f"{lines[5][:place]}C   0  1{lines[5][place + 8 :]}"
    with pytest.raises(StructureError, match="radical"):
        MOLECULES.reader.standardise("\n".join(lines) + "\n", options)
    molecule = Chem.MolFromSmiles("CCO")
    molecule.GetAtomWithIdx(1).SetIntProp("molAtomMapNumber", 0)
    assert ":" not in MOLECULES.reader.standardise(Chem.MolToMolBlock(molecule), options).structure
