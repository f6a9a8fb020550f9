"""The funnel: each planted defect is caught by its check, for the stated reason."""

from __future__ import annotations

import re

import pytest

from nucleate.core.errors import SettingsError
from nucleate.matter.checks import Candidate, CheckContext, Verdict
from nucleate.molecules import Molecules

MOLECULES = Molecules()
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
CELECOXIB = "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1"


def run(
    name: str, smiles: list[str], known: tuple[str, ...] = (), **options: object
) -> list[Verdict]:
    check = MOLECULES.checks.build(name, options, CheckContext(known=known), "test")
    return check.run([Candidate(s) for s in smiles])


@pytest.mark.parametrize(
    ("name", "smiles", "reason"),
    [
        ("parses", "C1CC", "not a valid SMILES"),
        ("salt", "CCOC.CCCCCC", "several fragments: mixture of 2"),
        ("parses", "C[CH2]", "unpaired electrons"),
        ("elements", "CC[Se]C", "holds Se"),
        ("elements", "N#N", "no carbon"),
        ("charge", "C[N+](C)(C)CC[N+](C)(C)C", "net charge 2 is above 1"),
        ("charge", "[CH2-]C", "carbon carries the charge -1"),
        ("size", "CCO", "heavy atom count 3 is below 8"),
        ("size", "Ic1c(I)c(I)c(I)c(I)c1I", "molecular weight .* is above 650"),
        ("rings", "C1CCCCCCCCCCC1", "a ring of 12 atoms"),
        ("rings", "CC=C=CC", "cumulated"),
        ("rings", "C1#CCCC1", "triple bond in a small ring"),
        ("rings", "C1=CC1", "three-membered ring"),
        ("rings", "C1CC2=CC1CC2", "bridgehead"),
        ("rings", "C12C3C1C23", "three-membered rings fused"),
        ("sa_score", "OC1C2C3C4C1C1C2C3C41CC1(F)CC2(C1)CN2Br", "SA score .* is above 5.5"),
        ("alerts", "O=C1NC(=S)SC1=Cc1ccccc1", "structural alert .*(PAINS|Brenk|NIH)"),
        ("alerts", "CCCC=O", "structural alert aldehyde"),
        ("druglike", "C" * 20, "logP .* is above 7.5"),
    ],
)
def test_planted_defect(name: str, smiles: str, reason: str) -> None:
    bad, good = run(name, [smiles, IBUPROFEN])
    assert not bad.passed
    assert re.search(reason, bad.reason), bad.reason
    assert good.passed
    assert good.reason == ""


@pytest.mark.parametrize(
    "smiles",
    [
        IBUPROFEN,
        CELECOXIB,
        "CC1(C)C2CCC1(C)C(=O)C2",  # camphor: bridged, but no double bond at a bridgehead
        "C1CC2CCC1N2C",
        "FC(F)(F)C1CC1c1ccccc1",
        "N#Cc1ccccc1",
        "O=S1(=O)CCCC1",
    ],
)
def test_real_molecules_have_possible_rings(smiles: str) -> None:
    assert run("rings", [smiles])[0].passed, run("rings", [smiles])[0].reason


def test_alert_can_be_allowed_and_catalogue_chosen() -> None:
    refused = run("alerts", ["CCCC=O"], catalogues=["BRENK"])[0]
    assert not refused.passed
    assert run("alerts", ["CCCC=O"], catalogues=["BRENK"], allowed=[refused.value])[0].passed
    assert run("alerts", ["CCCC=O"], catalogues=["PAINS"])[0].passed
    with pytest.raises(SettingsError, match="catalogues"):
        run("alerts", ["C"], catalogues=["PAIN"])


def test_novelty_names_the_nearest() -> None:
    known = ("C[C@H](N)C(=O)O", IBUPROFEN)
    same, isomer, new = run(
        "novel", [IBUPROFEN, "C[C@@H](N)C(=O)O", "CC(C)Cc1ccc(C(C)C(N)=O)cc1"], known
    )
    assert (same.passed, same.reason) == (False, "is known")
    assert "stereoisomer of C[C@H](N)C(=O)O" in isomer.reason
    assert new.passed
    assert new.columns["nearest_known"] == IBUPROFEN
    assert 0.5 < new.columns["nearest_known_similarity"] < 1
    assert run("novel", ["C[C@@H](N)C(=O)O"], known, ignore_stereo=False)[0].passed
    near = run("novel", ["CC(C)Cc1ccc(C(C)C(N)=O)cc1"], known, maximum_similarity=0.5)[0]
    assert not near.passed
    assert "above 0.5" in near.reason


def test_diversity_prefers_the_better() -> None:
    indoles = [f"c1ccc2[nH]c({group})cc2c1" for group in ("CCO", "C#N", "C(F)(F)F")]
    verdicts = run("diverse", [IBUPROFEN, IBUPROFEN, CELECOXIB, *indoles], per_scaffold=2)
    assert [v.passed for v in verdicts] == [True, False, True, True, True, False]
    assert "same molecule" in verdicts[1].reason
    assert "2 better candidates have its scaffold" in verdicts[5].reason
    loose = run("diverse", [IBUPROFEN, "CCC(C)Cc1ccc(C(C)C(=O)O)cc1"], maximum_similarity=0.3)
    assert not loose[1].passed
    assert IBUPROFEN in loose[1].reason


def test_embedding_and_the_budget_before_it() -> None:
    verdicts = run("embedding", [IBUPROFEN, "C1#CC1", "nonsense"])
    assert [v.passed for v in verdicts] == [True, False, False]
    assert "no coordinates" in verdicts[1].reason
    assert verdicts[0].value == "MMFF94"
    assert 0 < verdicts[0].columns["strain_energy"] < 5
    assert verdicts[0].columns["shortest_contact"] > 2.5
    within, beyond = run("budget", [IBUPROFEN, CELECOXIB], limit=1)
    assert within.passed
    assert "only the best 1 " in beyond.reason


def test_funnel_never_raises_and_is_described() -> None:
    mess = ["", "nonsense", "[Na+].[Cl-]", "*", "[H][H]", "C" * 5000, IBUPROFEN]
    for name, check in MOLECULES.checks.own().items():
        verdicts = run(name, mess, known=("CCO", "nonsense"))
        assert len(verdicts) == len(mess)
        assert check.description
        assert all(v.passed or v.reason for v in verdicts)
        assert verdicts[-1].passed
