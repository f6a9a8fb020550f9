"""Trees of fragments: what goes in comes out, and whatever comes out is a molecule."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.molecules.chemistry.chem import random_spellings
from nucleate.molecules.codecs.assembly import Node, assemble
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.codecs.fragments import fragments, open_template
from nucleate.molecules.codecs.legality import PreorderLegality
from nucleate.molecules.codecs.preorder import CLOSURES
from nucleate.molecules.codecs.smiles_tree import parse_tree
from nucleate.molecules.codecs.templates import arity, canonical_template
from nucleate.testing.fragment_examples import MOLECULES, STEREO, codec, reference
from nucleate.vae.schema import Record


@cache
def small() -> FragmentCodec:
    """A vocabulary so small that most rings have to be opened."""
    options = MOLECULES.codecs.resolve({"vocabulary": 16}, "test")
    return FragmentCodec.fit(reference(), options, seed=0)


def _comes_back(own: FragmentCodec, smiles: str) -> bool:
    return own.decode(own.encode_spelling(smiles)) == smiles


def test_every_training_molecule_comes_back() -> None:
    assert [s for s in reference() if not _comes_back(codec(), s)] == []


def test_molecules_come_back_from_opened_rings() -> None:
    lost = [s for s in reference() if not _comes_back(small(), s)]
    # A mark on a ring closure that joins two stereo double bonds can be lost.
    assert len(lost) <= 0.002 * len(reference())
    assert all("/" in s or "\\" in s for s in lost)
    used = {int(t) for s in reference() for t in small().encode_spelling(s).steps["fragment"]}
    assert used & set(range(1, CLOSURES + 1))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 2**31 - 1))
def test_any_spelling_means_the_same_molecule(index: int, seed: int) -> None:
    smiles = reference()[index]
    for text in random_spellings(smiles, 3, seed):
        for own in (codec(), small()):
            try:
                record = own.encode_spelling(text)
            except StructureError as error:
                reason = error.reason
            else:
                reason = ""
                assert own.decode(record) == smiles
            # Another order of branches may make a piece that training did not show.
            assert reason in ("", "unknown_symbol", "too_long")


def test_canonical_record_does_not_depend_on_the_spelling_given() -> None:
    for smiles in STEREO:
        canonical = Chem.CanonSmiles(smiles)
        expected = codec().encode(canonical).steps["fragment"]
        for text in random_spellings(canonical, 5, 0):
            found = codec().encode(Chem.CanonSmiles(text)).steps["fragment"]
            np.testing.assert_array_equal(found, expected)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**31 - 1), st.booleans())
def test_every_legal_sequence_is_a_molecule(seed: int, opened: bool) -> None:
    own = small() if opened else codec()
    legality = MOLECULES.codecs.legality(own.schema)
    assert isinstance(legality, PreorderLegality)
    generator = torch.Generator().manual_seed(seed)
    state = legality.start({}, 1, torch.device("cpu"))
    tokens: list[int] = []
    while True:
        mask = legality.mask("fragment", state, {}, {})
        assert mask is not None
        assert mask.any()
        token = int(torch.multinomial(mask.float(), 1, generator=generator))
        if token == own.schema.stop:
            break
        tokens.append(token)
        state = legality.advance(state, {}, {"fragment": torch.tensor([token])})
    assert len(tokens) <= own.schema.maximum_steps
    smiles = own.decode(Record({}, {"fragment": np.array(tokens)}))
    assert Chem.MolFromSmiles(smiles) is not None


def test_legality_allows_every_encoded_molecule_and_knows_the_parents() -> None:
    own = codec()
    legality = MOLECULES.codecs.legality(own.schema)
    symbols = own.symbols()
    for smiles in reference()[:100]:
        tokens = own.encode(smiles).steps["fragment"]
        state = legality.start({}, 1, torch.device("cpu"))
        waiting: list[tuple[int, int]] = [(0, 0)]
        for token in tokens:
            mask = legality.mask("fragment", state, {}, {})
            assert mask is not None
            assert mask[0, token]
            context = legality.context(state)
            assert context is not None
            assert (int(context[0]), int(context[1])) == waiting.pop()
            places = arity(symbols[token]) if token > CLOSURES else 0
            waiting += [(int(token), place) for place in range(places, 0, -1)]
            state = legality.advance(state, {}, {"fragment": torch.tensor([int(token)])})
        mask = legality.mask("fragment", state, {}, {})
        assert mask is not None
        assert mask[0].nonzero().ravel().tolist() == [own.schema.stop]


def test_codec_survives_json() -> None:
    again = MOLECULES.codecs.load(json.loads(json.dumps(codec().to_json())))
    for smiles in reference()[:50]:
        np.testing.assert_array_equal(
            again.encode(smiles).steps["fragment"], codec().encode(smiles).steps["fragment"]
        )
        first, second = again.auxiliary(smiles), codec().auxiliary(smiles)
        np.testing.assert_array_equal(first["fingerprint"], second["fingerprint"])
        np.testing.assert_allclose(first["descriptors"], second["descriptors"], rtol=1e-6)


@pytest.mark.parametrize("key", ["templates", "maximum_steps", "scales", "format"])
def test_damaged_codec_is_refused(key: str) -> None:
    data = codec().to_json()
    del data[key]
    with pytest.raises(CheckpointError):
        FragmentCodec.load(data)


def test_unknown_pieces_are_named_and_can_be_added() -> None:
    options = MOLECULES.codecs.resolve({}, "test")
    own = FragmentCodec.fit(["CCO", "CCN", "CCCO"], options, seed=0)
    with pytest.raises(StructureError, match=r"unknown_symbol.*Br"):
        own.encode("CCBr")
    wider = own.extended(["CCBr", "c1ccccc1CBr"])
    assert wider.symbols()[: len(own.symbols())] == own.symbols()
    assert wider.decode(wider.encode("CCBr")) == "CCBr"
    assert wider.decode(wider.encode("BrCc1ccccc1")) == "BrCc1ccccc1"


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [([], "empty"), ([0], "not_in_schema"), ([10**6], "not_in_schema")],
)
def test_sequences_outside_the_schema_are_refused(tokens: list[int], reason: str) -> None:
    with pytest.raises(StructureError) as caught:
        codec().decode(Record({}, {"fragment": np.array(tokens, np.int64)}))
    assert caught.value.reason == reason


def test_a_child_cannot_start_and_a_root_cannot_follow() -> None:
    methyl = codec().symbols().index("C*")
    child = codec().symbols().index("*C")
    for tokens in ([child], [methyl, methyl], [methyl, child, child]):
        with pytest.raises(StructureError, match="not_in_schema"):
            codec().decode(Record({}, {"fragment": np.array(tokens)}))


def test_open_places_become_hydrogen() -> None:
    methyl = codec().symbols().index("C*")
    assert codec().decode(Record({}, {"fragment": np.array([methyl])})) == "C"


def test_fragments_of_a_drug() -> None:
    """Celecoxib, cut by hand at its acyclic single bonds."""
    found = fragments("Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1")
    templates = sorted(f.template for f in found)
    assert templates == sorted(
        [
            "C*",
            "*c1ccc(*)cc1",
            "*c1ccc(*)cc1",
            "*c1cc(*)nn1*",
            "*C(*)(*)*",
            "*F",
            "*F",
            "*F",
            "*S(*)(=O)=O",
            "*N",
        ]
    )


def test_template_is_one_for_all_spellings() -> None:
    assert canonical_template("*c1cc(*)ccc1").text == canonical_template("*c1cccc(*)c1").text
    mirrored = canonical_template("*[C@H](*)C"), canonical_template("*[C@@H](*)C")
    assert mirrored[0].text != mirrored[1].text


def test_opened_benzene() -> None:
    """Kekulé benzene: three C=C, one ring closure between the first and the last; the first one
    also holds the place of the parent."""
    pieces = open_template("*c1ccccc1")
    assert sorted(p.template for p in pieces) == ["*C(*)=C*", "*C=C*", "*C=C*"]
    closures = [link for p in pieces for link in p.links if link < 0]
    assert len(closures) == 2
    assert closures[0] == closures[1]


def test_closures_without_a_partner_or_on_one_atom_stay_open() -> None:
    one = Node("C*", children=[Node("*C(*)*", children=[Node(None, 1), Node("*O")])])
    assert Chem.CanonSmiles(assemble(one)) == "CCO"
    same = Node("C*", children=[Node("*C(*)*", children=[Node(None, 1), Node(None, 1)])])
    assert Chem.MolFromSmiles(assemble(same, closures=False)) is not None


@pytest.mark.parametrize("text", ["C1CC", "C(C", "CC)", "C.C", "", "?", "1CC"])
def test_texts_that_are_not_one_molecule_are_refused(text: str) -> None:
    with pytest.raises(StructureError, match="unparsable"):
        parse_tree(text)
