"""Which part of a salt, solvate or mixture is kept, and that the rest is told."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from nucleate.core.errors import StructureError
from nucleate.core.settings import read_toml
from nucleate.matter.reader import Standardised
from nucleate.molecules import Molecules
from nucleate.molecules.io import salts
from nucleate.molecules.options import StandardiseOptions

READER = Molecules().reader
TABLE = read_toml(salts.Path(salts.__file__).with_name("salts.toml"))
SECTIONS = ("solvents", "reagents", "ions", "medicines")


def standard(smiles: str, **options: object) -> Standardised:
    return READER.standardise(smiles, READER.resolve(options, "test"))


AMINE = "CNCC(F)c1cccs1"
ACID = "O=C(O)C(F)c1cccs1"


@pytest.mark.parametrize(
    ("row", "parent", "notes"),
    [
        # A counter-ion larger than the molecule.
        (f"{AMINE}.OC(=O)c1cc2ccccc2c(Cc2c(O)c(C(=O)O)cc3ccccc23)c1O", AMINE, ["pamoate"]),
        (f"CCCCCCCCCCCCCCCCCC(=O)[O-].{AMINE.replace('N', '[NH2+]')}", AMINE, ["stearate"]),
        (f"{ACID}.CNC[C@H](O)[C@@H](O)[C@H](O)[C@H](O)CO", ACID, ["meglumine"]),
        (f"{ACID}.NC(CO)(CO)CO.O", ACID, ["tromethamine", "water"]),
        (f"{AMINE}.OC(=O)c1ccc2ccccc2c1O", AMINE, ["xinafoate"]),
        (f"{AMINE}.OS(=O)(=O)c1cccc2c(cccc12)S(O)(=O)=O", AMINE, ["napadisylate"]),
        (f"{ACID}.C(CNCc1ccccc1)NCc1ccccc1.{ACID}", ACID, ["benzathine", "1 more of the same"]),
        (f"{ACID}.NCCCC[C@H](N)C(=O)O", ACID, ["lysine"]),
        (f"{ACID}.N[C@@H](CCCNC(N)=N)C(O)=O", ACID, ["arginine"]),
        (f"{ACID}.[N+](C)(C)(C)CCO", ACID, ["choline"]),
        (f"{ACID}.C1CCCCC1NC1CCCCC1", ACID, ["dicyclohexylammonium"]),
        (f"{ACID}.CCN(CC)CCOC(=O)c1ccc(N)cc1", ACID, ["procaine"]),
        (f"{AMINE}.[B-](F)(F)(F)F", AMINE, ["tetrafluoroborate"]),
        (f"{AMINE}.F[P-](F)(F)(F)(F)F", AMINE, ["hexafluorophosphate"]),
        (f"{AMINE}.[O-]S(=O)(=O)C(F)(F)F", AMINE, ["triflate"]),
        (f"{AMINE}.[O-][Cl+3]([O-])([O-])[O-]", AMINE, ["perchlorate"]),
        (f"{AMINE}.[O-]Cl(=O)(=O)=O", AMINE, ["perchlorate"]),
        (f"{AMINE}.Oc1c([N+]([O-])=O)cc([N+]([O-])=O)cc1[N+]([O-])=O", AMINE, ["picrate"]),
        (f"{AMINE}.O=C1NS(=O)(=O)c2ccccc12", AMINE, ["saccharinate"]),
        (f"{AMINE}.Cl.O.CCO", AMINE, ["chloride", "ethanol", "water"]),
        (f"{AMINE}.Cl.Cl.O.O.O", AMINE, ["2 chloride", "3 water"]),
        (f"{AMINE}.[H+].[Cl-]", AMINE, ["chloride", "proton"]),
        ("[K+].[K+].[O-]C(=O)C(F)CCC([O-])=O", "O=C(O)CCC(F)C(=O)O", ["2 potassium"]),
        # Bonds drawn between ions.
        (f"{ACID.replace('(O)', '(O[Na])')}", ACID, ["sodium"]),
        ("O(C(=O)C(F)c1cccs1)[Ca]OC(=O)C(F)c1cccs1", ACID, ["calcium", "1 more of the same"]),
        ("[Na]N1C(=O)C(F)C1=O", "O=C1NC(=O)C1F", ["sodium"]),
        # Nothing but companions: the largest organic one, medicines before ions before reagents.
        ("[Na+].[O-]C(=O)c1ccccc1", "O=C(O)c1ccccc1", ["sodium"]),
        ("[Zn+2].CC(=O)[O-].CC(=O)[O-]", "CC(=O)O", ["zinc", "1 more of the same"]),
        ("C1CNCCN1.OC(=O)CC(O)(CC(=O)O)C(=O)O", "C1CNCCN1", ["citrate"]),
        (
            "CCCC[N+](CCCC)(CCCC)CCCC.[O-]C(=O)c1ccncc1",
            "O=C(O)c1ccncc1",
            ["tetrabutylammonium"],
        ),
        ("O.OCCNCCO", "OCCNCCO", ["water"]),
        # Other molecules that are much smaller, and stereoisomers.
        (f"{AMINE}.CI", AMINE, ["CI"]),
        ("C[C@H](F)CCl.C[C@@H](F)CCl", "C[C@H](F)CCl", ["1 of its stereoisomers"]),
    ],
)
def test_parent_and_what_is_left_out(row: str, parent: str, notes: list[str]) -> None:
    found = standard(row)
    assert Chem.CanonSmiles(parent) == found.structure
    told = [note for note in found.notes if note != "neutralised"]
    assert len(told) == len(notes)
    assert all(
        note.startswith(f"left out {part}") for note, part in zip(told, notes, strict=True)
    ), told
    shuffled = ".".join(reversed(row.split(".")))
    assert standard(shuffled) == found


def test_taking_charges_away_is_told() -> None:
    assert standard("C[NH2+]C.[Cl-]").notes == ("left out chloride", "neutralised")
    assert standard("C[N+](C)(C)CF.[Cl-]") == Standardised(
        "C[N+](C)(C)CF", "C[N+](C)(C)CF", ("left out chloride",)
    )
    assert standard("CC(=O)[O-]", neutralise="always").notes == ("neutralised",)
    assert standard("CCO").notes == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Nc1ccc(cc1)S(=O)(=O)Nc1noc(C)c1.COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC", "mixture"),
        ("[Na+].[Cl-]", "salt"),
        ("O.O", "salt"),
        ("[Pt+2].[Cl-].[Cl-].N.N", "element"),
        ("[Cu+2].CC(=O)[O-].CC(=O)[O-]", "element"),
        ("[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1", "element"),
        ("[Li+].CCC[CH2-]", "organometallic"),
        ("[Na+].c1cc[cH-]c1", "organometallic"),
        ("CCCC[Li]", "element"),
        ("C[Mg]Br", "element"),
        ("C1=CC2=NC1=CC1=CC=C(N1[Mg]Cl)C=C2", "element"),
    ],
)
def test_what_has_no_parent_is_refused(row: str, reason: str) -> None:
    with pytest.raises(StructureError) as caught:
        standard(row)
    assert caught.value.reason == reason


def test_carbanions_that_salts_have_are_no_organometallics() -> None:
    assert standard("[Na+].CC(=O)[CH-]C(C)=O").structure == "CC(=O)CC(C)=O"
    assert standard("[K+].N#C[CH-]C#N").structure == "N#CCC#N"


def test_mixtures_by_setting() -> None:
    row = "Nc1ccc(cc1)S(=O)(=O)Nc1noc(C)c1.COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC"
    found = standard(row, mixture="largest")
    assert found.structure == Chem.CanonSmiles("COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC")
    assert found.notes == ("left out Cc1cc(NS(=O)(=O)c2ccc(N)cc2)no1",)


def test_the_list_is_in_order() -> None:
    seen: dict[str, str] = {}
    for section in SECTIONS:
        for smiles, name in TABLE[section]["names"].items():
            molecule = Chem.MolFromSmiles(smiles)
            assert molecule is not None, smiles
            assert "." not in smiles
            assert seen.setdefault(Chem.MolToSmiles(molecule), name) == name
    assert all(Chem.GetPeriodicTable().GetAtomicNumber(s) for s in TABLE["metals"]["names"])


def formula(smiles: str) -> Counter[str]:
    return Counter(
        atom.GetSymbol()
        for atom in Chem.MolFromSmiles(smiles, sanitize=False).GetAtoms()
        if atom.GetAtomicNum() > 1
    )


def formulas_by_name() -> dict[str, list[Counter[str]]]:
    found: dict[str, list[Counter[str]]] = {}
    for section in SECTIONS:
        for smiles, name in TABLE[section]["names"].items():
            found.setdefault(name, []).append(formula(smiles))
    for symbol, name in TABLE["metals"]["names"].items():
        found.setdefault(name, []).append(Counter({symbol: 1}))
    return found


LISTED = formulas_by_name()


def told_formula(found: Standardised) -> Counter[str]:
    """Heavy atoms of the parent and of all that its notes say is left out."""
    total = formula(found.structure)
    for note in found.notes:
        match = re.fullmatch(r"left out (?:(\d+) )?(.+)", note)
        if match is None:
            continue
        count, name = int(match[1] or 1), match[2]
        own = name in ("more of the same molecule", "of its stereoisomers")
        part = formula(found.structure) if own else (LISTED.get(name) or [formula(name)])[0]
        for _ in range(count):
            total += part
    return total


PARENTS = [
    AMINE,
    ACID,
    "C[NH2+]CC(F)c1cccs1",
    "[O-]C(=O)C(F)c1cccs1",
    "C[C@H](F)CCl",
    "C[C@@H](F)CCl",
    "COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC",
    "C[N+](C)(C)CCc1ccc(F)cc1",
]
OTHERS = [
    *(smiles for section in SECTIONS for smiles in TABLE[section]["names"]),
    *(f"[{symbol}+]" for symbol in TABLE["metals"]["names"]),
    "[Cl-]",
    "[OH-]",
    "[O-]S(=O)(=O)[O-]",
    "[O-]C(=O)C(=O)O",
    "[Cu+2]",
    "[2H]O[2H]",
    "II",
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(PARENTS), max_size=3),
    st.lists(st.sampled_from(OTHERS), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from(["refuse", "largest"]),
)
def test_no_atom_is_lost_without_a_word(
    parents: list[str], others: list[str], random: object, mixture: str
) -> None:
    rows = parents + others
    random.shuffle(rows)  # type: ignore[attr-defined]
    row = ".".join(rows)
    options = StandardiseOptions(mixture=mixture)  # type: ignore[arg-type]
    try:
        found = READER.standardise(row, options)
    except StructureError:
        return
    assert told_formula(found) == formula(row)
    if parents:
        assert found.structure in {
            Chem.CanonSmiles(smiles) for smiles in [*PARENTS, "CNCC(F)c1cccs1", "O=C(O)C(F)c1cccs1"]
        }
