"""Random edits: what every child is, what each operator does, and what can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdCIPLabeler

from nucleate.molecules.chemistry.chem import canonical, has_radicals, parse
from nucleate.molecules.edits.edit_operators import EDITS, STEREO_EDITS
from nucleate.molecules.edits.graph_edits import (
    MAXIMUM_HEAVY,
    cross,
    mutate,
    read_parent,
    try_edit,
)

DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "CC(=O)Nc1ccc(O)cc1",
    "CN(C)CCCN1c2ccccc2CCc2ccccc21",
    "O=C1CN=C(c2ccccc2)c2cc(Cl)ccc2N1",
    "CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1",
    "Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F",
    "CN1[C@H]2CC[C@@H]1[C@H]([C@H](C2)OC(=O)c1ccccc1)C(=O)OC",
    "CN1CC[C@]23[C@@H]4[C@H]1Cc1ccc(O)c(O4)c1[C@@H]2CC=C[C@@H]3O",
    "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
    "OC(=O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
    "C[C@]12CC[C@H]3[C@@H](CC[C@H]4CC(=O)CC[C@]34C)[C@@H]1CC[C@@H]2O",
    "CNCC[C@@H](Oc1ccc(cc1)C(F)(F)F)c1ccccc1",
    "Clc1ccc(cc1)C(c1ccccc1)N1CCN(CC1)CCOCC(=O)O",
    "COc1ccc2[nH]c(nc2c1)S(=O)Cc1ncc(C)c(OC)c1C",
    "CC(C)NCC(O)COc1cccc2ccccc12",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(n1)-c1cccnc1",
    "COCCOc1cc2ncnc(Nc3cccc(c3)C#C)c2cc1OCCOC",
    "OC(Cn1cncn1)(Cn1cncn1)c1ccc(F)cc1F",
    "NC(=N)NC(=O)c1nc(Cl)c(N)nc1N",
    "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1",
    "CCOC(=O)C1=C(C)NC(C)=C(C1c1ccccc1[N+](=O)[O-])C(=O)OC",
    "C[NH+]1CCC(CC1)=C1c2ccccc2CCc2ccsc12",
    "O=C([O-])CCC(=O)N/N=C/c1ccc([N+](=O)[O-])o1",
    "CC1CCCCCCCCCCCCC(=O)C1",
    "C[n+]1cccc(O)c1",
    "CCOP(=O)(OCC)Oc1ccc(cc1)[N+](=O)[O-]",
    "c1ccc2c(c1)ccc1ccccc12",
    "FC(F)(F)C(Cl)Br",
    "C",
    "O",
]

drugs = st.sampled_from(DRUGS)
seeds = st.integers(0, 2**32 - 1)


def standard(smiles: str) -> str:
    found = parse(smiles)
    assert found is not None, smiles
    return canonical(found)


def check(child: str, *parents: str) -> None:
    found = parse(child)
    assert found is not None
    assert canonical(found) == child
    assert child not in {standard(parent) for parent in parents}
    assert "." not in child
    assert found.GetNumAtoms() <= MAXIMUM_HEAVY
    assert not has_radicals(found)
    assert largest_ring(child) <= max(8, *map(largest_ring, parents))


def largest_ring(smiles: str) -> int:
    found = parse(smiles)  # held by name: RDKit's ring information does not outlive its molecule
    return max(map(len, found.GetRingInfo().AtomRings()), default=0)


def children(operator: str, smiles: str, tries: int = 100) -> set[str]:
    """What one operator makes of a molecule."""
    parent = read_parent(smiles)
    assert parent is not None
    rng = np.random.default_rng(1)
    return {c for c in (try_edit(operator, parent, rng) for _ in range(tries)) if c is not None}


@given(drugs, seeds, st.booleans())
@settings(max_examples=200, deadline=None)
def test_mutants_are_canonical_and_new(smiles: str, seed: int, stereo: bool) -> None:
    child = mutate(smiles, np.random.default_rng(seed), stereo=stereo)
    if child is not None:
        check(child, smiles)
    again = mutate(smiles, np.random.default_rng(seed), stereo=stereo)
    assert child == again


@given(drugs, drugs, seeds)
@settings(max_examples=150, deadline=None)
def test_crossings_are_canonical_and_new(first: str, second: str, seed: int) -> None:
    child = cross(first, second, np.random.default_rng(seed))
    if child is not None:
        check(child, first, second)
    assert child == cross(first, second, np.random.default_rng(seed))


def test_few_tries_fail() -> None:
    rng = np.random.default_rng(0)
    larger = [smiles for smiles in DRUGS if len(smiles) > 5]
    assert sum(mutate(smiles, rng) is None for smiles in larger * 5) < 0.02 * len(larger * 5)
    pairs = list(pairwise(larger))
    assert sum(cross(*pair, rng) is None for pair in pairs * 5) < 0.15 * len(pairs * 5)


@pytest.mark.parametrize("name", [*EDITS, *STEREO_EDITS])
def test_every_operator_works_on_drugs(name: str) -> None:
    found = {child for smiles in DRUGS for child in children(name, standard(smiles), 8)}
    assert len(found) > 5


@pytest.mark.parametrize(
    ("operator", "parent", "expected"),
    [
        ("append", "c1ccccc1", {"Cc1ccccc1", "Oc1ccccc1", "Clc1ccccc1", "N#Cc1ccccc1"}),
        ("append", "CSC", {"CS(C)=O"}),
        ("append", "CS(C)=O", {"CS(C)(=O)=O"}),
        ("insert", "CCc1ccccc1", {"CCCc1ccccc1", "CNCc1ccccc1", "CCOc1ccccc1"}),
        ("insert", "C1CCCC1", {"C1CCCCC1", "C1CCNCC1"}),
        ("delete", "CCOCC", {"CCCC", "CCOC"}),
        ("delete", "CC(C)(C)O", {"CC(C)C", "CC(C)O"}),
        ("delete", "C1CCCCC1", {"C1CCCC1"}),
        ("delete_group", "O=C(O)c1ccccc1", {"c1ccccc1"}),
        ("replace", "Cc1ccccc1", {"Fc1ccccc1", "COc1ccccc1", "Nc1ccccc1"}),
        ("element", "c1ccccc1", {"c1ccncc1"}),
        ("element", "CCO", {"CCN", "CCC", "CCF"}),
        ("element", "c1cc[nH]c1", {"c1ccoc1", "c1ccsc1", "c1c[nH]cn1", "c1cn[nH]c1"}),
        ("exchange", "Cc1ccccn1", {"Cc1cccnc1", "Cc1ccncc1"}),
        ("exchange", "c1cn[nH]c1", {"c1c[nH]cn1"}),
        ("exchange", "CCOC", {"CCCO"}),
        ("order", "CC", {"C=C", "C#C"}),
        ("order", "CC=O", {"CCO"}),
        ("ring_order", "c1ccccc1", {"C1CCCCC1"}),
        ("ring_order", "C1CCNCC1", {"c1ccncc1"}),
        ("close_ring", "CCCCCC", {"C1CCCCC1", "CC1CCCC1"}),
        ("open_ring", "C1CCOCC1", {"CCCCCO", "CCCOCC", "CCCCOC"}),
        ("attach_ring", "C", {"Cc1ccccc1", "CC1CC1", "CN1CCOCC1", "Cc1cccnc1"}),
        ("fuse", "c1ccccc1", {"c1ccc2ccccc2c1", "c1ccc2[nH]ccc2c1", "c1ccc2c(c1)OCO2"}),
        ("fuse", "C1CCCC1", {"c1ccc2c(c1)CCC2"}),
        ("unfuse", "c1ccc2ncccc2c1", {"c1ccccc1", "c1ccncc1"}),
        ("unfuse", "c1ccc2[nH]ccc2c1", {"c1ccccc1", "c1cc[nH]c1"}),
        ("move", "Cc1ccccc1C", {"Cc1cccc(C)c1", "Cc1ccc(C)cc1"}),
        ("move", "CC(C)CC", {"CCCCC"}),
        ("swap", "Oc1cc(F)cc(C)c1Cl", {"Cc1cc(F)cc(Cl)c1O"}),
        ("reverse", "CCC(=O)NC", {"CCNC(C)=O"}),
        ("resize", "c1ccccc1", {"c1ccsc1", "c1ccoc1", "c1cc[nH]c1"}),
        ("resize", "c1ccsc1", {"c1ccccc1", "c1ccncc1"}),
        ("resize", "Cc1ccccc1", {"Cn1cccc1", "Cc1cccs1"}),
        ("resize", "Cn1cccn1", {"Cc1cccnn1", "Cc1ccccn1"}),
        ("stereo", "CC(O)F", {"C[C@H](O)F", "C[C@@H](O)F"}),
        ("stereo", "N[C@@H](C)C(=O)O", {"C[C@@H](N)C(=O)O", "CC(N)C(=O)O"}),
    ],
)
def test_operator_does_what_its_name_says(operator: str, parent: str, expected: set[str]) -> None:
    assert {standard(text) for text in expected} <= children(operator, parent, 500)


@pytest.mark.parametrize("operator", ["replace", "element", "move", "exchange", "resize"])
def test_local_edits_leave_the_rest(operator: str) -> None:
    for child in children(operator, "CCc1ccc(cc1)C(=O)Nc1ccccc1F"):
        assert abs(parse(child).GetNumHeavyAtoms() - 18) <= 15


def test_replacing_at_a_centre_keeps_its_shape() -> None:
    given = parse("C[C@H](F)c1ccccc1")
    spellings = set(Chem.MolToRandomSmilesVect(given, 40, randomSeed=3))
    assert len(spellings) > 10
    # All three halogens outrank the rest, so that the label stays where the shape does.
    for pair in [("F", "Cl"), ("F", "Br")]:
        expected = cip(canonical(given))
        for text in spellings:
            for child in children("replace", text, 60):
                if re.sub("@", "", child) == f"C[CH]({pair[1]})c1ccccc1":
                    assert cip(child) == expected


@pytest.mark.parametrize("operator", [name for name in EDITS if name not in ("unfuse", "fuse")])
@pytest.mark.parametrize("centre", ["F[C@H](Cl)", "F[C@@](Cl)(Br)"])
def test_edits_elsewhere_keep_a_centre(operator: str, centre: str) -> None:
    parent = centre + "CCC(=O)NC1CCOC(c2ccccc2C)C1"
    # The halogens outrank carbon and hydrogen, whatever hangs on them.
    same = Chem.MolFromSmarts("F[CX4](Cl)([Br,#1])[#6]" if "Br" in centre else "F[CX4;H1](Cl)[#6]")
    whole = [c for c in children(operator, parent, 60) if parse(c).HasSubstructMatch(same)]
    assert whole
    assert {cip(child) for child in whole} == {cip(parent)}


def cip(smiles: str) -> str:
    found = parse(smiles)
    rdCIPLabeler.AssignCIPLabels(found)
    codes = {a.GetIdx(): a.GetProp("_CIPCode") for a in found.GetAtoms() if a.HasProp("_CIPCode")}
    (atom,) = (
        a for a in codes if any(n.GetAtomicNum() in (9, 17, 35) for n in neighbours(found, a))
    )
    return str(codes[atom])


def neighbours(molecule: Chem.Mol, atom: int) -> list[Chem.Atom]:
    return list(molecule.GetAtomWithIdx(atom).GetNeighbors())


def test_crossing_keeps_centres_of_both() -> None:
    # Cut where the neighbour's rank cannot change: the halogens decide.
    first, second = "C[C@](F)(Cl)CCc1ccccc1", "C[C@@](F)(Cl)CCCCC(=O)N(C)C"
    labels = {cip(first), cip(second)}
    rng = np.random.default_rng(0)
    for _ in range(60):
        child = cross(first, second, rng)
        if child is not None and re.search(r"C\[C@+\]\(F\)\(Cl\)CC", child):
            found = parse(child)
            rdCIPLabeler.AssignCIPLabels(found)
            codes = {a.GetProp("_CIPCode") for a in found.GetAtoms() if a.HasProp("_CIPCode")}
            assert codes <= labels


def test_plain_edits_set_no_stereo() -> None:
    rng = np.random.default_rng(0)
    assert not any("@" in (mutate("CC(O)C(F)Cc1ccccc1", rng) or "") for _ in range(100))
    assert any("@" in (mutate("CC(O)C(F)Cc1ccccc1", rng, stereo=True) or "") for _ in range(100))


def walks(start: str, steps: int, count: int) -> Iterator[str]:
    rng = np.random.default_rng(5)
    for _ in range(count):
        smiles = start
        for _ in range(steps):
            smiles = mutate(smiles, rng) or smiles
            yield smiles


def test_neighbours_are_reached() -> None:
    wanted = {"Cc1cccc(C)c1", "Nc1ccccc1", "OCc1ccccc1", "Cc1cccnc1", "Cc1cccs1", "CC1CCCCC1"}
    wanted |= {"Cc1ccc2ccccc2c1", "Cc1ccccc1Cl", "COc1ccccc1", "c1ccccc1", "CCc1ccccc1"}
    assert wanted <= set(walks("Cc1ccccc1", 3, 700))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CCC", "CCCO"),
        ("CCC", "CCN"),
        ("C1CCCCC1", "CCCCCC"),
        ("C1CCCCC1", "c1ccccc1"),
        ("c1ccc2ccccc2c1", "c1ccccc1"),
        ("Cc1ccccc1F", "Cc1cccc(F)c1"),
        ("c1ccsc1", "c1ccccc1"),
        ("CC=O", "CCO"),
    ],
)
def test_edits_can_be_undone(first: str, second: str) -> None:
    assert second in set(walks(first, 1, 600))
    assert first in set(walks(second, 1, 600))


def test_ring_crossing_takes_halves() -> None:
    rng = np.random.default_rng(0)
    found = {cross("Cc1ccccc1", "Fc1ccccn1", rng) for _ in range(300)}
    assert "Cc1cccc(F)c1" in found or "Cc1ccccc1F" in found


def test_crossing_takes_sides() -> None:
    rng = np.random.default_rng(0)
    found = {cross("OCc1ccccc1", "CC(=O)NC1CCNCC1", rng) for _ in range(100)}
    assert "CC(=O)Cc1ccccc1" in found or "CC(=O)NCc1ccccc1" in found


UNWANTED = {
    "peroxide": "[O;!a]-[O;!a]",
    "nitrogen chain": "N~N~[#7]",
    "halogen on hetero atom": "[F,Cl,Br,I]-[#7,#8]",
    "allene": "C=C=C",
    "ring alkyne": "[R]#[R]",
    "cyclopropene": "[r3]=[r3]",
    "acid that lost a group": "[#16;!H0;!v2]",
}


def test_nothing_silly_is_made() -> None:
    patterns = {name: Chem.MolFromSmarts(text) for name, text in UNWANTED.items()}
    for smiles in walks("NS(=O)(=O)c1cc2c(cc1Cl)OCC2NCCO", 6, 40):
        found = parse(smiles)
        bad = [name for name, pattern in patterns.items() if found.HasSubstructMatch(pattern)]
        assert not bad, smiles


def test_a_parents_own_oddity_may_stay() -> None:
    artemisinin = "CC1CCC2C(C)C(=O)OC3OC4(C)CCC1C23OO4"
    found = [mutate(artemisinin, np.random.default_rng(seed)) for seed in range(20)]
    assert sum(child is not None and "OO" in child for child in found) > 10


BAD = ["", "not a molecule", "C1CC", "CC.O", "*CC", "[13CH4]", "C[CH2]", "[CH3:1]O", "[Na+]"]
BAD += ["[Fe]", "[H][H]", "C" * 300, "C" * 5000, "C(C)(C)(C)(C)C"]


@pytest.mark.parametrize("smiles", BAD)
def test_bad_input_gives_none(smiles: str, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    assert mutate(smiles, rng) is None
    assert cross(smiles, "CCO", rng) is None
    assert cross("CCO", smiles, rng) is None
    assert capfd.readouterr().err == ""  # RDKit keeps silent


def test_size_limit() -> None:
    rng = np.random.default_rng(0)
    found = [mutate("CCCCCCCCCC", rng, maximum_heavy=10) for _ in range(50)]
    assert all(parse(child).GetNumHeavyAtoms() <= 10 for child in found if child is not None)


def test_children_of_a_population() -> None:
    parents = [standard(smiles) for smiles in DRUGS[:10]]

    def children(seed: int) -> list[str | None]:
        rng = np.random.default_rng(seed)
        mutants = [mutate(smiles, rng) for smiles in parents]
        return mutants + [cross(*pair, rng) for pair in zip(parents, parents[::-1], strict=True)]

    found = children(3)
    assert found == children(3)
    assert found != children(4)
    assert sum(child is not None for child in found) > 15
    families = [(smiles,) for smiles in parents] + list(zip(parents, parents[::-1], strict=True))
    for child, family in zip(found, families, strict=True):
        if child is not None:
            check(child, *family)
