"""What a cell or line with a SMILES, CXSMILES or InChI means."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.core.errors import StructureError
from nucleate.matter.reader import Standardised
from nucleate.molecules import Molecules
from nucleate.molecules.io.smiles_text import SmilesText, split_text
from nucleate.settings.data import DatasetSettings

READER = Molecules().reader


def standard(text: str) -> Standardised:
    return READER.standardise(text, READER.resolve({}, "test"))


@pytest.mark.parametrize(
    ("text", "smiles", "extension", "rest"),
    [
        ("CCO", "CCO", "", ""),
        ("CCO ethanol", "CCO", "", "ethanol"),
        ("CCO\tethyl alcohol", "CCO", "", "ethyl alcohol"),
        ("CCO,2,4-name", "CCO", "", "2,4-name"),
        ("CCO;ethanol", "CCO", "", "ethanol"),
        ("CCO,", "CCO", "", ""),
        ('"CCO"', "CCO", "", ""),
        ('"CCO","ethanol"', "CCO", "", "ethanol"),
        ("'CCO' ethanol", "CCO", "", "ethanol"),
        ("C[C@H](O)F |&1:1| mol 2", "C[C@H](O)F", "&1:1", "mol 2"),
        ("C[C@H](O)F |&1:1|", "C[C@H](O)F", "&1:1", ""),
        ('"C[C@H](O)F |&1:1|" name', "C[C@H](O)F", "&1:1", "name"),
        ("CCO |$a b;;$| x | y", "CCO", "$a b;;$", "x | y"),
        ("\ufeffC\u200bC\u00a0name", "CC", "", "name"),
        ("[NH3\u2212]", "[NH3-]", "", ""),
        ("\u201cCC[O\u2013]\u201d", "CC[O-]", "", ""),
        ("InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3 x", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", "", "x"),
        ("", "", "", ""),
        (" \t ", "", "", ""),
    ],
)
def test_taken_apart(text: str, smiles: str, extension: str, rest: str) -> None:
    assert split_text(text)[:3] == (smiles, extension, rest)


@given(st.text())
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        found = split_text(text)
    except StructureError:
        return
    assert isinstance(found, SmilesText)
    assert not set(found.smiles) & set(" \t\n")


@pytest.mark.parametrize(
    ("text", "structure", "notes"),
    [
        ("C[C@H](O)CF |&1:1|", "C[C@H](O)CF", ["racemic centres: the drawn isomer kept"]),
        ("C[C@H](O)CF |o1:1|", "C[C@H](O)CF", ["one of two isomers, unknown which: the drawn one"]),
        ("C[C@H](O)CF |a:1|", "C[C@H](O)CF", []),
        ("CCO |$C1;C2;O1$|", "CCO", ["left out the CXSMILES labels of atoms"]),
        ("CCO |(0,0,;1,0,;2,0,),wU:1.0|", "CCO", ["coordinates", "wedged bonds"]),
        ("C1CCCCCC=CC1 |t:6|", "C1=C/CCCCCCC/1", []),
        ("CC.C |f:0.1|", None, []),
        ("CCO |r,lp:2:2|", "CCO", ["mark of relative stereo", "lone pairs"]),
        ("CCO |SgD:1:field:value:::|", "CCO", ["data of groups"]),
        ("CCO |atomProp:0.a.b|", "CCO", ["data of atoms"]),
        ("Oc1ccc2ccccc2c1-c1c(O)ccc2ccccc12 |wU:10.10|", None, ["wedged bonds", "axial chirality"]),
        ("InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", "CCO", ["read from InChI"]),
        ("InChI=1S/CH4/h1H4", "C", ["read from InChI"]),
        ("CCO CCN", "CCO", ["left out the text behind the SMILES"]),
        ("[cH]1:c:c:c:c:[cH]:1", "c1ccccc1", []),
    ],
)
def test_honoured_or_noted(text: str, structure: str | None, notes: list[str]) -> None:
    if text.startswith("CC.C"):
        with pytest.raises(StructureError, match="mixture"):
            standard(text)
        return
    found = standard(text)
    assert structure in (None, found.structure)
    assert len(found.notes) == len(notes)
    assert all(part in note for part, note in zip(notes, found.notes, strict=True)), found.notes


@pytest.mark.parametrize(
    ("text", "reason", "named"),
    [
        ("*CC", "attachment_point", "*"),
        ("[*:1]CC", "attachment_point", "*:1"),
        ("[2*]CC", "attachment_point", "2*"),
        ("[R1]CC", "attachment_point", "R1"),
        ("[R]CC", "attachment_point", "R"),
        ("*CC.Cl", "attachment_point", "*"),
        ("*c1ccccc1 |$_R1;;;;;;$|", "attachment_point", "R1"),
        ("CCC |$_AP1;;$|", "attachment_point", "AP1"),
        ("*C* |$star_e;;star_e$,Sg:n:1::ht|", "attachment_point", "star_e"),
        ("C* |$;Pol_p$|", "attachment_point", "Pol_p"),
        ("C* |$;Q_e$|", "query", "Q_e"),
        ("CCC |$;;OMe$|", "alias", "OMe"),
        ("CCC |$;;COOH$|", "alias", "COOH"),
        ("NCCO |Sg:n:1,2:n:ht|", "polymer", "SRU"),
        ("NCCO |Sg:any:1:|", "polymer", "ANY"),
        ("NCCO |Sg:mix:1:|", "mixture", "MIX"),
        ("NCCO |Sg:gen:1:|", "generic_group", "GEN"),
        ("CCC |LN:1:1.3|", "polymer", "LN"),
        ("CCC.Cl |m:3:0.1|", "position_variation", "m"),
        ("C[CH2] |^1:1|", "radical", "C"),
        ("C[CH2]", "radical", "C"),
        ("CC |^2:0|", "radical", "C"),
        ("CN(C)C |C:1.0|", "bond", "coordinate"),
        ("OO |H:0.0|", "bond", "hydrogen"),
        ("CCC |rb:1:2|", "query", "ring bonds"),
        ("CCC |s:1:2|", "query", "neighbours"),
        ("CCC |u:1|", "query", "unsaturated"),
        ("CCC |RG:_R1={C}|", "attachment_point", "R-group"),
        ("CCC |L:1:N.O|", "query", "elements"),
        ("CCC |zz:1|", "unparsable", "zz"),
        ("CCC |(0,0|", "unparsable", "damaged"),
        ("CCC |&1:1", "unparsable", "not closed"),
        ('"CCC', "unparsable", "never closed"),
        ("C~CC", "query", "order"),
        ("C:CC", "bond", "aromatic"),
        ("CC(=O)O->N", "bond", "dative"),
        ("C$C", "bond", "quadruple"),
        ("CC>>CO", "reaction", "CC>>CO"),
        ("CC.O>[Pd]>CO", "reaction", "reaction"),
        ("CC>O>", "reaction", "reaction"),
        ("[C,N]C", "query", "SMARTS"),
        ("[C;H3]C", "query", "SMARTS"),
        ("C!@C", "query", "SMARTS"),
        ("LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "unparsable", "InChIKey"),
        ("InChI=1S/C2H6O/c1-2", "unparsable", "InChI"),
        ("#NAME?", "unparsable", "spreadsheet"),
        ("aspirin", "unparsable", "aspirin"),
    ],
)
def test_refused_by_name(
    text: str, reason: str, named: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StructureError) as caught:
        standard(text)
    assert (caught.value.reason, named in caught.value.detail) == (reason, True), caught.value
    assert capfd.readouterr().err == ""


def rows(path: Path) -> list[tuple[str, str, str]]:
    found = READER.read_rows(path, DatasetSettings(source=str(path)))
    return [(row.id, row.payload, row.error) for row in found]


def test_lists_of_smiles(tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_bytes(
        b"# a comment\nC[C@H](O)F |&1:1|\n// another\nCCO |r| mol 2\nCCO,2-name\n"
        b'"CCN"\tamine\t7.1\nC |oops\nCC nam\xe9\nC\xe9 x\n'
    )
    assert rows(path) == [
        ("1", "C[C@H](O)F |&1:1|", ""),
        ("mol 2", "CCO |r|", ""),
        ("2-name", "CCO", ""),
        ("amine", "CCN", ""),
        ("5", "C |oops", ""),
        ("nam\xe9", "CC", ""),
        ("x", "C\xe9", ""),
    ]
    path.write_text("smiles name\nC[C@H](O)F |&1:1,o2:3| b\nCCN |r|\nCCO d\nC\n")
    assert rows(path) == [
        ("b", "C[C@H](O)F |&1:1,o2:3|", ""),
        ("2", "CCN |r|", ""),
        ("d", "CCO", ""),
        ("4", "C", ""),
    ]
    path.write_text("// made by hand\nsmiles\tname\nCCO |$a b;;$| \tethyl alcohol\n")
    assert rows(path) == [("ethyl alcohol", "CCO |$a b;;$|", "")]


def test_differs_where_another_molecule_is_stated() -> None:
    assert READER.differs("CCN.Cl", "CCN")
    assert READER.differs("InChI=1S/CH5N.ClH/c1-2;/h2H2,1H3;1H", "CN")
    assert not READER.differs("OCC |r| ethanol", "CCO")
    assert not READER.differs("no molecule", "CCO")


@pytest.mark.parametrize("text", ["[" * 90_000, "C" * 90_000, '"' + "," * 90_000, "C |" * 30_000])
def test_long_nonsense_takes_no_time(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_text(f"{text}\nCCO b\n")
    first, second = rows(path)
    assert second == ("b", "CCO", "")
    assert len(first[1]) < 10_000
    with pytest.raises(StructureError, match="too_long_text"):
        standard(first[1])
    with pytest.raises(StructureError):
        standard(text[:8_000])


def test_columns_of_usual_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("CID,CanonicalSMILES,IsomericSMILES\n7,CC(O)F,C[C@H](O)F\n")
    assert rows(path) == [("7", "C[C@H](O)F", "")]
    path.write_text('id,InChI\na,"InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"\n')
    ((identity, text, error),) = rows(path)
    assert (identity, standard(text).structure, error) == ("a", "CCO", "")
