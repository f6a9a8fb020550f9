"""Named patterns: the screen before them leaves out no match; the groups mean what they say."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from nucleate.core.errors import SettingsError
from nucleate.molecules.alerts.catalogues import TOLERATED, Alert, AlertSets, read_smarts
from nucleate.molecules.alerts.hazards import hazard_patterns, hazards
from nucleate.molecules.alerts.unstable import unstable
from nucleate.molecules.chemistry.chem import parse
from nucleate.molecules.chemistry.smarts import Group, Patterns, pattern, read_groups
from nucleate.molecules.chemistry.smarts_prefilter import SmartsPrefilter

DATA = Path(__file__).parents[1] / "checks"
DRUGS = tomllib.loads((DATA / "approved_drugs.toml").read_text(encoding="utf-8"))["drugs"]
DEFECTS = tomllib.loads((DATA / "planted_defects.toml").read_text(encoding="utf-8"))["defects"]
MOLECULES = [
    found
    for smiles in [drug[2] for drug in DRUGS] + [defect[0] for defect in DEFECTS]
    if (found := parse(smiles)) is not None
]


@pytest.mark.parametrize("compiled", [unstable(), hazard_patterns()], ids=["unstable", "hazards"])
def test_the_screen_leaves_out_no_match(compiled: Patterns) -> None:
    groups = compiled.groups
    queries = {g.name: [pattern(s) for s in g.smarts.split(" | ")] for g in groups}
    assert len(queries) == len(groups)  # names are unique
    hits = 0
    for found in MOLECULES:
        plainly = [n for n, qs in queries.items() if any(found.HasSubstructMatch(q) for q in qs)]
        assert [group.name for group in compiled.matches(found)] == plainly
        hits += len(plainly)
    assert hits > 20


def test_pains_are_those_of_the_catalogue() -> None:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(FilterCatalogParams.FilterCatalogs.PAINS)
    catalogue, ours = FilterCatalog(parameters), AlertSets(("PAINS",), {})
    hits = 0
    for found in MOLECULES:
        expected = {entry.GetDescription() for entry in catalogue.GetMatches(found)}
        assert {alert.name for alert in ours.matches(found)} == expected
        hits += len(expected)
    assert hits > 5


@pytest.mark.parametrize(
    ("smarts", "smiles", "possible"),
    [
        ("[OX2H]-[CX4]-[OX2H]", "OCO", True),
        ("[OX2H]-[CX4]-[OX2H]", "COCO", True),
        ("[OX2H]-[CX4]-[OX2H]", "COC", False),
        ("[N,S;!$(*=*)]=&!@C", "C1=NCCC1", False),
        ("[N,S;!$(*=*)]=&!@C", "CC=NC", True),
        ("[N+](=O)[O-]", "CN(=O)=O", True),
        ("[N;+2]", "C[N+](C)(C)C", False),
        ("[R]~[!R]", "CC", False),
        ("c:c", "C1CCCCC1", False),
        ("cc", "c1ccccc1", True),
        ("[#7;!X2,X3]", "CN", True),
        ("[#6]1[#6]O1", "CC1CO1", True),
        ("[#6]1[#6]O1", "C1CCCO1", False),
        ("C1CCC1", "C12CC1C2", True),  # a cycle of four of which the rings are two of three
    ],
)
def test_demands_are_necessary(smarts: str, smiles: str, possible: bool) -> None:
    query, found = pattern(smarts), parse(smiles)
    assert bool(SmartsPrefilter([query]).possible(found)) == possible
    assert possible or not found.HasSubstructMatch(query)


@pytest.mark.parametrize(
    ("smiles", "name"),
    [
        ("CC(C)(O)OC", "acyclic hemiacetal"),
        ("OC1CCCCO1", ""),  # a ring's hemiacetal is a sugar's
        ("OC(O)C(Cl)(Cl)Cl", ""),  # chloral hydrate
        ("NCNCc1ccccc1", "aminal or amino ether"),
        ("O=C1C=C(O)CCC1", ""),  # the enol of a diketone
        ("CC(=O)C=CN(C)C", ""),
        ("CCC=CN", "primary or secondary enamine"),
        ("C1CN2CCN1CC2", ""),
        ("CCOC(=O)C(=[N+]=[N-])C", "diazo or diazonium"),
        ("CC(=O)CC(=O)O", "beta-keto acid"),
        ("O=C(O)c1c[nH]c2ccccc2c1=O", ""),  # aromatic: does not lose its carboxyl group
        ("CC#CO", "heteroatom on an alkyne"),
        ("C[Si](C)(C)O", ""),
        ("CSSC", ""),
        ("CSSSC", "chain of three heteroatoms"),
        ("CC(=O)n1ccnc1", "active ester or amide"),
        ("FC(F)OC(Cl)C(F)(F)F", ""),  # isoflurane
        ("ClCOC", "alpha-halo alcohol or ether"),
        ("CC(C)=NCc1ccccc1", "acyclic imine"),
        ("CC(C)=NO", ""),
        ("CC(=N)N", ""),
        ("CC(=O)[NH+](C)C", "acylammonium"),
        ("CN=S=NC", "thiohydroxylamine or aminosulfur"),
        ("CCOC=NC=NC", "acyclic imidate"),
        ("NCCCC(C)=O", "primary amine beside a ketone it closes a ring with"),
        ("C=CC=CC", "acyclic triene or terminal diene"),
        ("CN(C)C=CC", "simple enamine"),
        ("CNNC", "alkyl hydrazine with NH"),
        ("CC(C)=NN=C(C)C", "acyclic azine"),
        ("OC1CCCN1C", "hemiaminal"),
        ("C[NH+]1CCCC1O", "hemiaminal"),
        ("O=C1NC(O)c2ccccc12", ""),  # as in chlorthalidone: the nitrogen is acylated
        ("C1CC2CCC1N2", ""),
        ("COC1=CC(=O)CCC1", ""),
    ],
)
def test_unstable_groups(smiles: str, name: str) -> None:
    found = [group.name for group in unstable().matches(parse(smiles))]
    if name:
        assert name in found
    else:
        assert found == []


@pytest.mark.parametrize(
    ("smiles", "parts"),
    [
        ("CCO[N+](=O)[O-]", ["nitrate ester", "explosophore"]),
        ("Nc1nnn[nH]1", ["nitrogen-rich tetrazole"]),
        ("Cc1nnn[nH]1", ["nitrogen-rich tetrazole"]),
        ("c1ccc(-c2nnn[nH]2)cc1", []),
        ("O=[N+]([O-])c1cccc([N+](=O)[O-])c1", ["2 nitro groups"]),
        ("O=[N+]([O-])c1ccccc1", []),
        ("[N-]=[N+]=NCCCCCCCCCCc1ccccc1", []),
        ("CCOO", ["hydroperoxide (organic peroxide)"]),
        ("CC1CCC2C(C)C(=O)OC3OC4(C)CCC1C23OO4", []),  # artemisinin
        ("C[C@@H]1CC[C@H]2[C@@H](C)C(=O)O[C@@H]3O[C@@]4(C)CC[C@@H]1[C@@]23OO4", []),
        ("CC(C=CC(C)C(C)C)C1CCC2C1(C)CCC1C23C=CC2(OO3)CC(O)CCC12C", []),  # ergosterol peroxide
        ("CC(C)C12CCC(C)(OO1)C=C2", ["peroxide"]),  # ascaridole
        ("CC1(C)OOC(C)(C)OOC(C)(C)OO1", ["peroxide"]),  # acetone peroxides
        ("CC1(C)OOC(C)(C)OO1", ["peroxide"]),
        ("C1CCC2(CC1)OOC1(CCCCC1)OO2", ["peroxide"]),
        ("C1OOCN2COOCN1COOC2", ["peroxide"]),  # HMTD
        ("CC(C)(C)OOC(C)(C)C", ["peroxide"]),
        ("CC(C)(OOC(C)(C)c1ccccc1)c1ccccc1", ["peroxide"]),  # dicumyl peroxide
        ("O=C(OOC(=O)c1ccccc1)c1ccccc1", ["peroxide"]),
        ("O=C1OOC(=O)c2ccccc21", ["peroxide"]),
        ("CC(C)(OO)c1ccccc1", ["hydroperoxide"]),
        ("CC1CCC2C(C)C(=O)OC3OC4(COO)CCC1C23OO4", ["hydroperoxide"]),
        ("CCCCCCCCCCCCC1CCOOC1", ["peroxide"]),  # in one ring only
        ("CCOP(=O)(OCC)OCC", []),  # triethyl phosphate
        ("COP(=S)(OC)OC", ["phosphorothioate ester"]),
        ("C[N+](C)(C)CCOP(=O)([O-])OCCCCCCCCCCCCCCCC", []),  # miltefosine
        ("CCSCCCl", ["mustard"]),
        ("CN(C)N=O", ["potent carcinogen"]),
        ("CN(C)N=NC", ["triazene"]),
        ("O=C(O)CF", ["fluoroacetate"]),
        ("CC(=O)Oc1ccccc1C(=O)O", []),
    ],
)
def test_hazards(smiles: str, parts: list[str]) -> None:
    flags = hazards(parse(smiles))
    assert all(any(part in flag for flag in flags) for part in parts)
    assert bool(flags) == bool(parts)


def test_own_smarts_and_tolerated_alerts(tmp_path: Path) -> None:
    file = tmp_path / "own.smarts"
    file.write_text("# mine\n[NX3]-N hydrazine of mine\nC(F)(F)F\n")
    own = read_smarts(file)
    assert own == {"hydrazine of mine": "[NX3]-N", "C(F)(F)F": "C(F)(F)F"}
    assert AlertSets((), own).matches(parse("NNCC(F)(F)F")) == [
        Alert("hydrazine of mine", "own"),
        Alert("C(F)(F)F", "own"),
    ]
    with pytest.raises(SettingsError, match="not a valid SMARTS"):
        AlertSets((), {"broken": "[C"})
    with pytest.raises(SettingsError, match="file of SMARTS"):
        read_smarts(tmp_path / "absent")
    brenk = FilterCatalogParams(FilterCatalogParams.FilterCatalogs.BRENK)
    catalogue = FilterCatalog(brenk)
    known = {catalogue.GetEntry(i).GetDescription() for i in range(catalogue.GetNumEntries())}
    assert set(TOLERATED) < known


def test_a_pattern_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match=r"'\[C' of bad is not"):
        Patterns([Group("bad", "[C", "")])
    assert pattern("C[H]").GetNumAtoms() == 1  # the hydrogen has become a count


ROW = """
[[group]]
name = "diol"
smarts = ["<alcohol>-C", "[OX2H]-c"]
explanation = "wet"
source = "a rule set"
"""


def test_tables_of_groups(tmp_path: Path) -> None:
    file = tmp_path / "table.toml"
    file.write_text('[shorthand]\nalcohol = "[OX2H]"\n' + ROW)
    assert read_groups(file) == [Group("diol", "[OX2H]-C | [OX2H]-c", "wet", "a rule set")]
    for text, fault in (
        (ROW, "'diol' has an unknown shorthand"),
        (ROW.replace("<alcohol>", "O") * 2, "'diol' stands twice"),
        (ROW.replace("source", "sauce"), "sauce: unknown key"),
        ("[[group]\n", "not valid TOML"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=fault) as error:
            read_groups(file)
        assert str(file) in str(error.value)


def test_every_pattern_states_its_source() -> None:
    for compiled in (unstable(), hazard_patterns()):
        assert all(group.source and group.explanation for group in compiled.groups)
