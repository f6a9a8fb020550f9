"""Options and columns of the checks of one molecule, and how doubles are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.molecules import Molecules
from nucleate.molecules.alerts.strain import strain, unspecified_stereo
from nucleate.molecules.chemistry.chem import parse
from nucleate.molecules.chemistry.conformer import embed, relax
from nucleate.molecules.chemistry.tautomers import inchikey, standard_tautomer
from nucleate.molecules.io.salts import parts

MOLECULES = Molecules()


def judged(name: str, smiles: str, **options: object) -> Verdict:
    check = MOLECULES.checks.build(name, options, CheckContext(), "test")
    return check.run([Candidate(smiles)])[0]


@pytest.mark.parametrize(
    ("smiles", "value"),
    [
        ("[Na+].O=C([O-])c1ccc(N)cc1", "salt with sodium"),
        ("[Na+].O=C([O-])c1ccccc1", "salt with sodium"),  # benzoate is the parent here
        ("NCCc1ccccc1.OC(=O)C=CC(O)=O", "salt with maleate or fumarate"),
        ("NCCc1ccccc1.CS(O)(=O)=O.O", "salt with mesylate, water"),
        ("NCCc1ccccc1.O", "solvate with water"),
        ("NCCc1ccccc1.NCCc1ccccc1.OS(O)(=O)=O", "salt with sulfate"),
        ("NCCc1ccccc1.Cc1ccccc1Br", "mixture of 2 molecules"),
        ("[Na+].[Cl-]", "salt of chloride, sodium only"),
        ("CCCCCCc1ccccc1.CCCCCCc1ccccc1", "one molecule several times"),
        ("[NH3+]CC(=O)[O-]", "single"),
    ],
)
def test_salts_are_told_from_mixtures(smiles: str, value: str) -> None:
    verdict = judged("salt", smiles)
    assert verdict.value == value
    assert verdict.passed == (value == "single")
    assert verdict.passed or verdict.reason == f"several fragments: {value}"


def test_the_parent_of_a_salt_can_go_on() -> None:
    verdict = judged("salt", "Cl.NCCc1ccccc1", fragments="parent")
    assert verdict.passed
    assert verdict.structure == "NCCc1ccccc1"
    assert not judged("salt", "NCCc1ccccc1.Cc1ccccc1Br", fragments="parent").passed
    assert parts(parse("[Na+].[Cl-]")).parents == []


def test_stereo_counts_what_is_open() -> None:
    assert unspecified_stereo(parse("CC(N)C(=O)O")) == (1, 0)
    assert unspecified_stereo(parse("C[C@H](N)C(=O)O")) == (0, 0)
    assert unspecified_stereo(parse("CC=CC(O)CC")) == (1, 1)
    assert unspecified_stereo(parse(r"C/C=C/[C@H](O)CC")) == (0, 0)
    assert unspecified_stereo(parse("CC(C)C")) == (0, 0)
    open_one = judged("stereo", "CC=CC(O)CC", maximum_unspecified=1)
    assert not open_one.passed
    assert open_one.columns == {"unspecified_stereocentres": 1, "unspecified_double_bonds": 1}
    assert judged("stereo", "CC=CC(O)CC").passed


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("c1ccc2c(c1)-c1ccccc1-2", ""),  # biphenylene
        ("C1=Cc2ccccc21", "cyclobutadiene"),
        ("O=C1C(=O)C(O)=C1O", ""),  # squaric acid
        ("C12C3C4C1C5C4C3C25", ""),  # cubane is made by the kilogram
        ("C1C2CC1C2", ""),  # bicyclo[1.1.1]pentane
        ("C1CC12CC2", ""),
        ("C1CC23CCC12CC3", "propellane"),
        ("C1CCC23CCCC2(C1)CCC3", ""),
        ("C1CCCCc2ccc(cc2)CCCC1", ""),  # [9]paracyclophane
        ("C1#CCCCCCC1", "triple bond"),
        ("C=C=C", "cumulated"),
        ("C1CC2CCC1=C2", "bridgehead"),
    ],
)
def test_strain(smiles: str, words: str) -> None:
    found = strain(parse(smiles))
    assert words in found
    assert bool(found) == bool(words)


def test_alerts_report_all_and_reject_by_choice(tmp_path: Path) -> None:
    nitro = "Cc1ccc([N+](=O)[O-])cc1C(N)=O"
    tolerated = judged("alerts", nitro)
    assert tolerated.passed
    assert "Brenk: nitro_group" in tolerated.columns["structural_alerts"]
    assert not judged("alerts", nitro, allowed=[]).passed
    file = tmp_path / "own.smarts"
    file.write_text("C(N)=O amide\n")
    own = judged("alerts", nitro, own_file=str(file), own={"nitro": "[N+](=O)[O-]"})
    assert own.reason == "structural alert nitro (own)"
    assert own.columns["structural_alerts"].endswith("own: nitro; own: amide")
    for name in ("NIH", "CHEMBL_Glaxo", "CHEMBL_BMS", "CHEMBL_LINT"):
        judged("alerts", nitro, catalogues=[name])


def test_groups_can_be_allowed() -> None:
    assert not judged("stability", "NC(=O)c1ccc(C2CO2)cc1").passed
    assert judged("stability", "NC(=O)c1ccc(C2CO2)cc1", allowed=["epoxide"]).passed


def test_druglike_bounds_and_columns() -> None:
    aspirin = judged("druglike", "CC(=O)Oc1ccccc1C(=O)O")
    assert aspirin.columns["hydrogen_bond_donors"] == 1
    assert aspirin.columns["tpsa"] == pytest.approx(63.6, abs=0.1)
    assert aspirin.value == pytest.approx(0.55, abs=0.005)  # as RDKit's QED has it
    for bound in ("tpsa", "donors", "acceptors", "rotatable_bonds"):
        refused = judged("druglike", "CC(=O)Oc1ccccc1C(=O)O", **{f"maximum_{bound}": 0})
        assert "is above 0" in refused.reason


def test_identity_names_and_doubles() -> None:
    assert inchikey(parse("CC(=O)Oc1ccccc1C(=O)O")) == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    keto, enol = "CC(=O)CC(=O)c1ccccc1", "CC(O)=CC(=O)c1ccccc1"
    assert standard_tautomer(parse(keto)) == standard_tautomer(parse(enol))
    drawn = [keto, enol, "C[C@H](N)c1ccccc1", "C[C@@H](N)c1ccccc1", "CC(=O)c1ccccc1"]
    candidates = [Candidate(smiles) for smiles in drawn]
    identity = MOLECULES.checks.build("identity", {}, CheckContext(), "test")
    for candidate, verdict in zip(candidates, identity.run(candidates), strict=True):
        assert verdict.passed
        candidate.columns |= verdict.columns
    doubles = MOLECULES.checks.build("doubles", {}, CheckContext(), "test").run(candidates)
    assert [v.passed for v in doubles] == [True, False, True, True, True]
    assert f"with the better candidate {keto}" in doubles[1].reason
    strict = MOLECULES.checks.build("doubles", {"stereoisomers": True}, CheckContext(), "test")
    assert [v.passed for v in strict.run(candidates)] == [True, False, True, False, True]
    assert "tautomer" not in judged("identity", keto, tautomer=False).columns


def test_relaxed_conformers() -> None:
    cubane = relax(embed("C12C3C4C1C5C4C3C25"))
    hexane = relax(embed("CCCCCC"))
    assert cubane is not None
    assert hexane is not None
    assert cubane.strain > 5 > 1 > hexane.strain
    assert cubane.contact is None  # no two atoms are four bonds apart
    assert hexane.contact is not None
    assert 2.8 < hexane.contact < 6.5
    boron = relax(embed("OB(O)c1ccccc1"))
    assert boron is not None
    assert boron.force_field == "UFF"
    strained = judged("embedding", "C12C3C4C1C5C4C3C25", maximum_strain=2.0)
    assert "strain of" in strained.reason
    close = judged("embedding", "CCCCCC", minimum_contact=7.0)
    assert "come as close as" in close.reason


def test_every_check_says_what_it_is() -> None:
    for name, check in MOLECULES.checks.own().items():
        assert check.name == name
        assert 10 < len(check.description) < 260
        built = MOLECULES.checks.build(name, {}, CheckContext(), "test")
        assert isinstance(built.threshold, str)
    order = list(MOLECULES.checks.own())
    assert all(
        order.index(n) < order.index(c.name)
        for c in MOLECULES.checks.own().values()
        for n in c.needs
    )


def test_searches_are_not_paid_for_hazards() -> None:
    fine, hazard, text = MOLECULES.checks.reasons_to_forbid(["CCO", "CCO[N+](=O)[O-]", "nonsense"])
    assert fine == text == ""
    assert hazard == "hazard: nitrate ester (explosophore)"
