"""Most approved medicines pass the default checks, and each that does not is accounted for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from nucleate.matter.checks import Candidate, CheckContext, EachCheck
from nucleate.molecules import Molecules
from nucleate.molecules.chemistry.chem import canonical, parse, weight

DATA = tomllib.loads(Path(__file__).with_name("approved_drugs.toml").read_text(encoding="utf-8"))
DRUGS, LATER_DRUGS = DATA["drugs"], DATA["later_drugs"]
EXPLAINED: dict[str, tuple[str, str]] = {
    # Dangerous in themselves, medicines nevertheless: the hazard filter is right to flag them
    "nitroglycerin": ("hazards", "nitrate ester (explosophore)"),
    "isosorbide dinitrate": ("hazards", "nitrate ester (explosophore)"),
    "dacarbazine": ("hazards", "triazene (explosophore)"),
    "cyclophosphamide": ("hazards", "nitrogen mustard"),
    "chlorambucil": ("hazards", "nitrogen mustard"),
    "lomustine": ("hazards", "N-nitroso compound (potent carcinogen)"),
    # Too small or too large for a general screen
    "hydroxyurea": ("size", "heavy atom count 5"),
    "methimazole": ("size", "heavy atom count 7"),
    "levothyroxine": ("size", "molecular weight 776.9"),
    "digoxin": ("size", "heavy atom count 55"),
    "azithromycin": ("size", "heavy atom count 52"),
    # Reactive on purpose, or kept from water until they act
    "eplerenone": ("stability", "epoxide"),
    "scopolamine": ("stability", "epoxide"),
    "tiotropium": ("stability", "epoxide"),
    "fosfomycin": ("stability", "epoxide"),
    "orlistat": ("stability", "beta-lactone"),
    "busulfan": ("stability", "sulfonate"),
    "spironolactone": ("stability", "thioester"),
    "zidovudine": ("stability", "azide"),
    "phenelzine": ("stability", "alkyl hydrazine"),
    "isotretinoin": ("stability", "acyclic triene"),
    # Catechols, quinones, azo phenols and their like spoil assays; hydrazines and thiols react
    "levodopa": ("alerts", "catechol_A"),
    "entacapone": ("alerts", "catechol_A"),
    "tolcapone": ("alerts", "catechol_A"),
    "doxorubicin": ("alerts", "quinone_A"),
    "sulfasalazine": ("alerts", "azo_A"),
    "linezolid": ("alerts", "anil_di_alk_A"),
    "tadalafil": ("alerts", "indol_3yl_alk"),
    "hydralazine": ("alerts", "hydrazine"),
    "isoniazid": ("alerts", "hydrazine"),
    "captopril": ("alerts", "thiol"),
    "acetylcysteine": ("alerts", "thiol"),
    "disulfiram": ("alerts", "disulphide"),
    # At the edges: a flat drawing, an adamantane with six centres, very greasy, very polar
    "clindamycin": ("stereo", "9 stereocentres"),
    "saxagliptin": ("sa_score", "SA score 5.66"),
    "artemisinin": ("sa_score", "SA score 5.668"),
    "montelukast": ("druglike", "logP 8.9"),
    "methotrexate": ("druglike", "polar surface area 210"),
    "temozolomide": ("druglike", "logP -2.07"),
}
"""Name -> the first check that rejects it, and part of its reason."""


@pytest.fixture(scope="module")
def rejections() -> dict[str, tuple[str, str]]:
    """Name -> first check that rejects and its reason, of every drug that fails."""
    matter = Molecules()
    checks = [
        matter.checks.build(name, {}, CheckContext(), "test")
        for name, check in matter.checks.own().items()
        if check.usual and not check.expensive and issubclass(check, EachCheck)
    ]
    found = {}
    for name, _, smiles in DRUGS + LATER_DRUGS:
        candidate = Candidate(canonical(parse(smiles)))
        for check in checks:
            verdict = check.run([candidate])[0]
            if not verdict.passed:
                found[name] = (check.name, verdict.reason)
                break
    return found


def test_the_list_is_what_it_says() -> None:
    assert len({name for name, _, _ in DRUGS + LATER_DRUGS}) == len(DRUGS) + len(LATER_DRUGS)
    assert len(DRUGS) >= 200
    for name, formula, smiles in DRUGS + LATER_DRUGS:
        assert CalcMolFormula(parse(smiles)) == formula, name


def test_some_weights_are_those_of_the_pharmacopoeias() -> None:
    known = {"aspirin": 180.16, "morphine": 285.34, "imatinib": 493.60, "atorvastatin": 558.64}
    for name, _, smiles in DRUGS:
        if name in known:
            assert weight(parse(smiles)) == pytest.approx(known.pop(name), abs=0.02)
    assert not known


def test_most_pass(rejections: dict[str, tuple[str, str]]) -> None:
    for drugs in (DRUGS, LATER_DRUGS):
        failed = sum(name in rejections for name, _, _ in drugs)
        assert 1 - failed / len(drugs) >= 0.85


def test_each_failure_is_explained(rejections: dict[str, tuple[str, str]]) -> None:
    assert rejections.keys() == EXPLAINED.keys()
    for name, (check, part) in EXPLAINED.items():
        assert rejections[name][0] == check, name
        assert part in rejections[name][1], name
