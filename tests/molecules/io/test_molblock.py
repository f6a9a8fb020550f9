"""MOL blocks: what is more than atoms and bonds is honoured or refused by name."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from nucleate.core.errors import StructureError
from nucleate.matter.reader import Standardised
from nucleate.molecules import Molecules

READER = Molecules().reader


def standard(block: str) -> Standardised:
    return READER.standardise(block, READER.resolve({}, "test"))


def v2000(
    atoms: Sequence[str] = "CCC",
    bonds: Sequence[str] = ("  1  2  1  0", "  2  3  1  0"),
    lines: str = "",
    counts: str = "",
    tails: dict[int, str] | None = None,
) -> str:
    tails = tails or {}
    counts = counts or f"{len(atoms):3d}{len(bonds):3d}  0  0  0  0            999 V2000"
    drawn = [
        f"{1.3 * i:10.4f}{0.7 * (i % 2):10.4f}{0:10.4f} {atom:<3}{tails.get(i, ' 0  0')}"
        for i, atom in enumerate(atoms)
    ]
    return "\n".join(["title", "  made", "", counts, *drawn, *bonds, f"{lines}M  END", ""])


def v3000(
    atoms: Sequence[str] = "CCC", bonds: Sequence[str] = ("1 1 2", "1 2 3"), more: str = ""
) -> str:
    groups = more.count("ATOMS=") if "SGROUP" in more else 0
    drawn = [
        f"{i + 1} {atom.split()[0]} {1.3 * i} {0.7 * (i % 2)} 0 0 {' '.join(atom.split()[1:])}"
        for i, atom in enumerate(atoms)
    ]
    tied = [f"{i + 1} {bond}" for i, bond in enumerate(bonds)]
    lines = [
        "BEGIN CTAB",
        f"COUNTS {len(atoms)} {len(bonds)} {groups} 0 0",
        *["BEGIN ATOM", *drawn, "END ATOM", "BEGIN BOND", *tied, "END BOND"],
        *filter(None, more.split("\n")),
        "END CTAB",
    ]
    head = ["title", "  made", "", "  0  0  0     0  0            999 V3000"]
    return "\n".join([*head, *(f"M  V30 {line}" for line in lines), "M  END", ""])


def group(kind: str, more: str = "") -> str:
    return f"M  STY  1   1 {kind}\nM  SAL   1  1   2\n{more}"


SRU = group("SRU", "M  SBL   1  2   1   2\nM  SMT   1 n\nM  SCN  1   1 HT \n")
SGROUP = "BEGIN SGROUP\n1 {} 1 ATOMS=(1 2)\nEND SGROUP\n"

REFUSED = [
    (v2000(lines="A    3\nOMe\n"), "alias", "OMe"),
    (v2000(atoms="CCH", lines="A    3\nR\n"), "alias", "R"),
    (v2000(lines="A    3\nCO2Et\n"), "alias", "CO2Et"),
    (v2000(lines="G    3  2\nOMe\n"), "alias", "OMe"),
    (v2000(["C", "R#", "C"], lines="M  RGP  1   2   1\n"), "attachment_point", "R1"),
    (v2000(["C", "R", "C"]), "attachment_point", "R"),
    (v2000(["C", "R1", "C"]), "attachment_point", "R1"),
    (v2000(lines="M  APO  1   1   1\n"), "attachment_point", "attachment"),
    (v2000(atoms="CCH", lines="M  APO  1   3   1\n"), "attachment_point", "attachment"),
    (v2000(["C", "LP", "C"]), "attachment_point", "no element"),
    (v2000(["C", "Pol", "C"]), "attachment_point", "Pol"),
    (v2000(["C", "Mod", "C"]), "attachment_point", "Mod"),
    *((v2000(["C", a, "C"]), "query", a) for a in ("A", "Q", "X", "M", "*", "AH", "QH", "XH")),
    (v2000(["C", "L", "C"], lines="M  ALS   2  2 F N   O   \n"), "query", "#7"),
    (v2000(bonds=["  1  2  1  0", "  2  3  1  0", "  2 F    2   7   8"]), "unparsable", ""),
    *((v2000(bonds=[f"  1  2{t:3d}  0", "  2  3  1  0"]), "query", "order") for t in (5, 6, 7, 8)),
    (v2000(bonds=["  1  2  1  0  0  1", "  2  3  1  0"]), "query", "order"),
    (v2000(bonds=["  1  2  9  0", "  2  3  1  0"]), "bond", "dative"),
    (v2000(bonds=["  1  2  4  0", "  2  3  1  0"]), "bond", "aromatic"),
    (v2000(tails={1: " 0  0  0  2  0  0"}), "query", "atom"),
    (v2000(lines="M  SUB  1   2  -2\n"), "query", "atom"),
    (v2000(lines="M  UNS  1   2   1\n"), "query", "atom"),
    (v2000(lines="M  RBC  1   2  -2\n"), "query", "atom"),
    (v2000(lines="M  LIN  1   2   3   1   3\n"), "polymer", "link node"),
    (v2000(lines="M  ZBO  1   1   0\n"), "bond", "zero"),
    (v2000(lines="M  $3D  1  1\n"), "query", "geometry"),
    (v2000(lines="M  FOO  1   1   0\n"), "unparsable", "FOO"),
    (v2000(lines=SRU), "polymer", "SRU"),
    *(
        (v2000(lines=group(k)), "polymer", k)
        for k in ("MON", "MER", "COP", "CRO", "MOD", "GRA", "ANY")
    ),
    *((v2000(lines=group(k)), "mixture", k) for k in ("COM", "MIX", "FOR")),
    (v2000(lines=group("GEN")), "generic_group", "GEN"),
    (v2000(lines=group("MUL", "M  SPA   1  1   2\nM  SMT   1 4\n")), "generic_group", "4 times"),
    (v2000(lines="M  RAD  1   3   2\n"), "radical", "C"),
    (v2000(tails={2: " 0  4"}), "radical", "unpaired"),
    (v2000(lines="M  ISO  1   3  13\n"), "isotope", "13C"),
    (v2000(["C", "C", "D"]), "isotope", "2H"),
    (v2000(tails={2: " 1  0"}), "isotope", "13C"),
    (v2000(["C", "Xx", "C"]), "unparsable", "'Xx'"),
    (v2000(["C", "Ph", "C"]), "unparsable", "'Ph'"),
    (v2000([], []), "empty", "no atoms"),
    (v2000("HH", ["  1  2  1  0"]), "too_small", "0 heavy"),
    (v2000().replace("    1.3000", "\t1.3000"), "unparsable", "tabs"),
    (v2000("CCCCCC", [f"  1{i:3d}  1  0" for i in range(2, 7)]), "unparsable", "valence"),
    *(
        (v2000(counts=f"{c}  0  0  0  0            999 V2000"), "unparsable", "SD record")
        for c in ("  3  1", "  2  2", "  4  2", "  3  3", "  2  1")
    ),
    (v3000(["C", "R# RGROUPS=(1 1)", "C"]), "attachment_point", "R-group"),
    (v3000(["C", "C ATTCHPT=1", "C"]), "attachment_point", "attachment"),
    (v3000(["C", "Pol", "C"]), "attachment_point", "Pol"),
    *((v3000(["C", a, "C"]), "query", "atom") for a in ("A", "Q", "*", "[N,O]", "NOT[N,O]")),
    *(
        (v3000(["C", f"C {a}", "C"]), "query", "atom")
        for a in ("HCOUNT=2", "SUBST=2", "UNSAT=1", "RBCNT=-1")
    ),
    (v3000(["C", "C RAD=2", "C"]), "radical", "C"),
    (v3000(["C", "C MASS=13", "C"]), "isotope", "13C"),
    (v3000(bonds=["8 1 2", "1 2 3"]), "query", "order"),
    (v3000(bonds=["9 1 2", "1 2 3"]), "bond", "dative"),
    (v3000(bonds=["10 1 2", "1 2 3"]), "bond", "hydrogen"),
    (v3000(bonds=["1 1 2", "1 2 3 ENDPTS=(2 1 3) ATTACH=ANY"]), "position_variation", "any"),
    (v3000(more="LINKNODE 1 3 2 2 1 2 3"), "polymer", "link node"),
    (v3000(more=SGROUP.format("SRU")), "polymer", "SRU"),
    (v3000(more=SGROUP.format("MIX")), "mixture", "MIX"),
    (v3000(more=SGROUP.format("GEN")), "generic_group", "GEN"),
]


@pytest.mark.parametrize(("block", "reason", "named"), REFUSED)
def test_refused_by_name(
    block: str, reason: str, named: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StructureError) as caught:
        standard(block)
    assert caught.value.reason == reason, caught.value
    assert named in caught.value.detail
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("block", "structure"),
    [
        (v2000(), "CCC"),
        (v2000(counts="  3  2"), "CCC"),
        (v2000("CCO", lines="A    3\nOH\n"), "CCO"),
        (v2000("CCO", lines="A    1\nH3C\n"), "CCO"),
        (v2000("CCO", lines="A    3\n\n"), "CCO"),
        (v2000("CCO", lines="V    3 a note\n"), "CCO"),
        (v2000("CCO", lines="M  CHG  1   3  -1\n"), "CC[O-]"),
        (v2000(["C", "C", "CL"]), "CCCl"),
        (v2000(lines=group("SUP", "M  SBL   1  1   1\nM  SMT   1 Et\n")), "CCC"),
        (v2000(lines=group("DAT", "M  SDT   1 field\nM  SED   1 value\n")), "CCC"),
        (v2000(lines=group("MUL", "M  SPA   1  1   2\nM  SMT   1 1\n")), "CCC"),
        (v3000(), "CCC"),
        (v3000(["C", "N CHG=1", "C"]), "C[NH2+]C"),
        (v3000().replace("2 1 2 3", "2 1 2 -\nM  V30 3"), "CCC"),
        (v3000(more=SGROUP.format("SUP")), "CCC"),
    ],
)
def test_read(block: str, structure: str) -> None:
    assert standard(block) == Standardised(structure, structure)


def test_groups_of_stereocentres_are_noted() -> None:
    block = v3000(
        ["C", "C", "O", "N"],
        ["1 2 1", "1 2 3 CFG=1", "1 2 4"],
        "BEGIN COLLECTION\nMDLV30/STERAC1 ATOMS=(1 2)\nEND COLLECTION\n",
    ).replace("4 N 3.9", "4 N 0.4")
    assert "@" in standard(block).structure
    assert standard(block).notes == ("racemic centres: the drawn isomer kept",)


@pytest.mark.parametrize("lost", ["title\n", "title\n  made\n", "title\n  made\n\n"])
def test_lines_of_the_header_may_be_lost(lost: str) -> None:
    assert standard(v2000().removeprefix(lost)).structure == "CCC"
    assert standard(v3000().removeprefix(lost)).structure == "CCC"


def test_stereo_is_what_coordinates_tell() -> None:
    flat = Chem.MolFromSmiles("C[C@H](N)CF")
    AllChem.Compute2DCoords(flat)
    block = Chem.MolToMolBlock(flat)
    assert standard(block).structure == "C[C@H](N)CF"
    nowhere = re.sub(r"^(?: *-?\d+\.\d{4}){3}", f"{0:10.4f}" * 3, block, flags=re.MULTILINE)
    assert standard(nowhere) == Standardised(
        "CC(N)CF", "CC(N)CF", ("left out stereo, for want of coordinates",)
    )
    assert standard(v2000().replace("    0.7000", "    0.0000")).notes == ()


def test_a_protonated_amine_in_space_has_no_configuration() -> None:
    molecule = Chem.AddHs(Chem.MolFromSmiles("CC[NH+](C)C[C@H](F)Cl"))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    assert standard(Chem.MolToMolBlock(molecule)).structure == "CC[NH+](C)C[C@H](F)Cl"


def test_salts_in_records_are_told() -> None:
    block = v2000(["C", "C", "O", "Na"], lines="M  CHG  2   3  -1   4   1\n")
    assert standard(block) == Standardised("CCO", "CCO", ("left out sodium", "neutralised"))
