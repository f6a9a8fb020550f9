"""Scaffolds: forced tokens keep them whatever the decoder chooses, and the check sees it if not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem, RDConfig

from nucleate.core.errors import SettingsError, StructureError
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.codecs.preorder import CLOSURES
from nucleate.molecules.conditions.forced_tokens import (
    FREE,
    OPEN_SLOT,
    ForcedLegality,
    ForcedTokens,
)
from nucleate.molecules.conditions.regrowth import Regrowth, _cores
from nucleate.molecules.conditions.scaffold_growth import ScaffoldGrowth
from nucleate.molecules.io.standardise import standardise
from nucleate.molecules.options import CodecOptions, StandardiseOptions
from nucleate.vae.schema import Record

STEREO = [
    "C[C@H](O)c1ccccc1",
    "C[C@@H](O)c1ccccc1",
    "CC[C@H](C)N",
    "C/C=C/C(=O)O",
    "CC(C)[C@@H](N)C(=O)O",
    "O=C(O)[C@@H]1CCCN1C",
    "O=C(O)[C@H]1CCCN1",
]


@cache
def codec() -> FragmentCodec:
    path = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
    found = {}
    for line in path.read_text().splitlines()[:300]:
        try:
            found[standardise(line, StandardiseOptions()).structure] = None
        except StructureError:
            continue
    options = CodecOptions(vocabulary=400, maximum_steps=40)
    return FragmentCodec.fit([*found, *map(Chem.CanonSmiles, STEREO)], options, seed=0)


def walk(legality: ForcedLegality, rows: int, seed: int) -> Iterator[list[int]]:
    """Sequences of random legal tokens."""
    generator = torch.Generator().manual_seed(seed)
    state = legality.start({}, rows, torch.device("cpu"))
    steps = []
    for _ in range(legality.schema.maximum_steps + 1):
        legal = legality.mask("fragment", state, {}, {})
        assert legal is not None
        stopped = ~legal.any(1)
        # Small molecules are likelier, as from a trained decoder.
        weights = (legal | stopped[:, None]) / (1.0 + legality.arity[None])
        token = torch.multinomial(weights, 1, generator=generator)[:, 0]
        assert legal[torch.arange(rows), token][~stopped].all()
        steps.append(token)
        state = legality.advance(state, {}, {"fragment": token})
    for row in torch.stack(steps, 1).tolist():
        assert 0 in row, "longer than the longest sequence"
        yield row[: row.index(0)]


def grown(growth: ScaffoldGrowth, rows: int = 60, seed: int = 0) -> list[str]:
    legality = growth.legality(rows, np.random.default_rng(seed))
    records = [Record({}, {"fragment": np.array(t)}) for t in walk(legality, rows, seed)]
    return [codec().decode(record) for record in records]


@pytest.mark.parametrize(
    "scaffold",
    [
        "c1ccccc1",
        "C1CCCCC1",
        "CCO",
        "O=C(N)c1ccccc1",
        "C[C@H](O)c1ccccc1",
        "C/C=C/C(=O)O",
        "c1ccc2ccccc2c1",
        "O=C(O)[C@@H]1CCCN1",
    ],
)
def test_random_sequences_hold_the_scaffold(scaffold: str) -> None:
    growth = ScaffoldGrowth(scaffold, codec())
    query = Chem.MolFromSmiles(scaffold)
    made = grown(growth)
    kept = 0
    for smiles in made:
        molecule = Chem.MolFromSmiles(smiles)
        assert molecule.HasSubstructMatch(query)
        assert molecule.GetNumHeavyAtoms() > query.GetNumAtoms()
        kept += molecule.HasSubstructMatch(query, useChirality=True)
    # A centre stops being one where equal groups grow.
    assert kept >= 0.9 * len(made)
    assert growth.holds(made).sum() == kept
    assert len(set(made)) > 0.5 * len(made)


@pytest.mark.parametrize(
    ("scaffold", "sites"),
    [
        ("*c1ccccc1", 1),
        ("*c1ccc(*)cc1", 2),
        ("[*:1]N1CCCCC1", 1),
        ("*N(*)C(=O)c1ccccc1", 2),
        ("O=C(O)[C@@H]1CCCN1*", 1),
        ("*OC(=O)/C=C/*", 2),
    ],
)
def test_marked_scaffold_grows_there_and_only_there(scaffold: str, sites: int) -> None:
    growth = ScaffoldGrowth(scaffold, codec())
    assert len(growth.marks) == sites
    # Built by hand, apart from `holds`: hydrogens of every atom that has no mark are kept.
    marked = Chem.MolFromSmiles(scaffold)
    bare = Chem.DeleteSubstructs(marked, Chem.MolFromSmarts("[#0]"))
    hydrogens = [a.GetTotalNumHs() for a in marked.GetAtoms() if a.GetAtomicNum() > 0]
    for smiles in grown(growth):
        molecule = Chem.MolFromSmiles(smiles)
        matches = molecule.GetSubstructMatches(bare, uniquify=False, maxMatches=1000)
        assert any(
            [molecule.GetAtomWithIdx(i).GetTotalNumHs() for i in match] == hydrogens
            for match in matches
        ), smiles
    assert growth.holds(grown(growth)).mean() > 0.9


def test_holds_sees_what_is_not_kept() -> None:
    marked = ScaffoldGrowth("*c1ccccc1", None)
    assert marked.holds(["Cc1ccccc1", "c1ccc(Oc2ccccc2)cc1"]).all()
    assert not marked.holds(["Cc1ccc(C)cc1", "c1ccccc1", "C1CCCCC1", "Cc1ccccn1"]).any()
    alanine = ScaffoldGrowth("C[C@H](N)C(=O)O", None)
    assert alanine.holds(["C[C@H](NC)C(=O)O"]).all()
    assert not alanine.holds(["C[C@@H](NC)C(=O)O", "CC(NC)C(=O)O"]).any()
    assert not ScaffoldGrowth("C/C=C/*", None).holds(["C/C=C\\F"]).any()


def test_known_template_is_forced_as_such() -> None:
    token = codec().symbols().index("*c1ccccc1")
    drawn = ScaffoldGrowth("*c1ccccc1", codec()).draw(np.random.default_rng(0))
    assert (drawn.tokens, drawn.headed) == ((token,), True)


def test_unknown_template_is_forced_in_pieces() -> None:
    assert not codec().knows("*N1CCc2ccccc2C1")
    growth = ScaffoldGrowth("*N1CCc2ccccc2C1", codec())
    assert any(0 < t <= CLOSURES for t in growth.draw(np.random.default_rng(0)).tokens)
    assert growth.holds(grown(growth)).all()


def test_smallest_size() -> None:
    assert ScaffoldGrowth("*c1ccc(*)cc1", None).minimum_size == 8
    assert ScaffoldGrowth("c1ccccc1", None).minimum_size == 7


@pytest.mark.parametrize(
    ("scaffold", "words"),
    [
        ("c1ccc", "not a valid SMILES"),
        ("", "not a valid SMILES"),
        ("*", "not a valid SMILES of a molecule"),
        ("CC.O", "more than one molecule"),
        ("*=C", "single bond"),
        ("C*C", "single bond"),
        ("FC(F)(F)F", "no hydrogen"),
        ("[2H]c1ccccc1[As]", "cannot write"),
        ("*" + "C" * 60, "too_long"),
    ],
)
def test_impossible_scaffold_says_why(scaffold: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        ScaffoldGrowth(scaffold, codec())


def test_program_must_be_one_tree() -> None:
    token = codec().symbols().index("*c1ccccc1")
    for tokens in ((token, token), (codec().symbols().index("*C*"),)):
        with pytest.raises(ValueError, match="program"):
            ForcedLegality(codec().schema, [ForcedTokens(tokens, True)], CLOSURES)


def test_rows_are_those_of_the_whole() -> None:
    growth = ScaffoldGrowth("CCO", codec())
    whole = growth.legality(10, np.random.default_rng(0))
    part = whole.rows(4, 7)
    assert part.programs == whole.programs[4:7]
    assert torch.equal(part.token[:, :3], whole.token[4:7, :3])


def test_free_rows_are_not_bound() -> None:
    legality = ForcedLegality(codec().schema, [FREE] * 40, CLOSURES)
    made = {codec().decode(Record({}, {"fragment": np.array(t)})) for t in walk(legality, 40, 0)}
    assert len(made) > 20
    assert FREE.tokens == (OPEN_SLOT,)


def test_closures_in_a_hole_do_not_meet_those_of_the_scaffold() -> None:
    growth = ScaffoldGrowth("*N1CCc2ccccc2C1", codec())
    drawn = growth.draw(np.random.default_rng(0))
    used = {t for t in drawn.tokens if 0 < t <= CLOSURES}
    legality = growth.legality(50, np.random.default_rng(1))
    for tokens in walk(legality, 50, 3):
        assert sum(t in used for t in tokens) == sum(t in used for t in drawn.tokens)


def test_cores_of_a_lead_are_most_of_it() -> None:
    # Paracetamol: from the acetyl's methyl and the hydroxyl group to the whole acetyl amide.
    cores = set(_cores("CC(=O)Nc1ccc(O)cc1"))
    assert Chem.CanonSmiles("*C(=O)Nc1ccc(O)cc1") in cores
    assert Chem.CanonSmiles("CC(=O)Nc1ccc(*)cc1") in cores
    assert Chem.CanonSmiles("*C(=O)Nc1ccc(*)cc1") in cores
    assert Chem.CanonSmiles("*c1ccc(O)cc1") in cores
    assert Chem.CanonSmiles("*Nc1ccc(*)cc1") in cores
    assert all(Chem.MolFromSmiles(c).GetNumHeavyAtoms() >= 11 / 2 for c in cores)


def test_core_keeps_the_stereo_of_the_lead() -> None:
    cores = list(_cores("C[C@H](O)c1ccccc1"))
    assert Chem.CanonSmiles("*[C@H](O)c1ccccc1") in cores


def test_regrown_rows_keep_a_core_and_others_are_free() -> None:
    lead = "CC(=O)Nc1ccc(O)cc1"
    regrowth = Regrowth(lead, codec())
    kept = np.arange(60) % 2 == 0
    legality = regrowth.legality(kept, np.random.default_rng(0))
    assert all((p is FREE) != k for p, k in zip(legality.programs, kept, strict=True))
    growths = [ScaffoldGrowth(core, None) for core in (*_cores(lead), lead)]
    made = [codec().decode(Record({}, {"fragment": np.array(t)})) for t in walk(legality, 60, 1)]
    held = np.any([g.holds(made) for g in growths], axis=0)
    assert held[kept].all()
    assert not held[~kept].all()


def test_lead_without_branches_grows_at_its_hydrogens() -> None:
    legality = Regrowth("c1ccccc1", codec()).legality(np.ones(8, bool), np.random.default_rng(0))
    made = [
        codec().decode(Record({}, {"fragment": np.array(t)}))
        for t in islice(walk(legality, 8, 0), 8)
    ]
    ring = Chem.MolFromSmiles("c1ccccc1")
    assert all(Chem.MolFromSmiles(s).HasSubstructMatch(ring) for s in made)
