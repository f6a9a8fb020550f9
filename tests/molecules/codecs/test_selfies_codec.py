"""The codec: what goes in comes out, and whatever comes out is a molecule."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import selfies
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, RDConfig

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.molecules import Molecules
from nucleate.molecules.codecs.selfies_codec import SelfiesCodec
from nucleate.settings.data import DatasetSettings
from nucleate.vae.schema import Record

MOLECULES = Molecules()


@cache
def reference() -> list[str]:
    """The first part of RDKit's NCI set, standardised; with hypervalent S, P and I."""
    path = Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"
    options = MOLECULES.reader.resolve({}, "test")
    found = {}
    for row in MOLECULES.reader.read_rows(path, DatasetSettings(source=str(path), limit=1000)):
        try:
            found[MOLECULES.reader.standardise(row.payload, options).structure] = None
        except StructureError:
            continue
    extra = ["CI(=O)=O", "O=[Cl+2]([O-])O", "CP(=O)(O)OC", "C[C@H](F)/C=C/c1ccccc1", "C[S@](=O)CC"]
    return [*found, *(Chem.CanonSmiles(s) for s in extra)]


@cache
def codec() -> SelfiesCodec:
    return SelfiesCodec.fit(
        reference(), MOLECULES.codecs.resolve({"kind": "selfies"}, "test"), seed=0
    )


def test_every_training_molecule_comes_back() -> None:
    c = codec()
    for smiles in reference():
        record = c.encode(smiles)
        assert c.decode(record) == smiles
    assert c.schema.step[0].size == 512
    assert not c.schema.once


@settings(max_examples=10, deadline=None)
@given(st.sets(st.integers(0, 800), min_size=5, max_size=40), st.integers(0, 2**31))
def test_codec_of_any_subset_holds_it(chosen: set[int], seed: int) -> None:
    smiles = [reference()[i] for i in sorted(chosen)]
    options = MOLECULES.codecs.resolve({"kind": "selfies", "vocabulary": 128}, "test")
    own = MOLECULES.codecs.load(
        json.loads(json.dumps(SelfiesCodec.fit(smiles, options, seed).to_json()))
    )
    for text in smiles:
        assert own.decode(own.encode(text)) == text


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_every_legal_sequence_is_a_molecule(data: st.DataObject) -> None:
    schema = codec().schema
    legality = MOLECULES.codecs.legality(schema)
    token = st.integers(0, schema.step[0].size - 1)
    state = legality.start({}, 1, torch.device("cpu"))
    tokens: list[int] = []
    while len(tokens) < 30:
        mask = legality.mask("token", state, {}, {})
        assert mask is not None
        chosen = data.draw(token)
        if not mask[0, chosen]:
            chosen = int(np.flatnonzero(mask[0].numpy())[chosen % int(mask.sum())])
        if chosen == schema.stop:
            break
        tokens.append(chosen)
        state = legality.advance(state, {}, {"token": torch.tensor([chosen])})
    smiles = codec().decode(Record({}, {"token": np.array(tokens)}))
    molecule = Chem.MolFromSmiles(smiles)
    assert molecule is not None
    assert Chem.MolToSmiles(molecule) == smiles
    assert molecule.GetNumAtoms() > 0
    assert all(a.GetNumRadicalElectrons() == 0 for a in molecule.GetAtoms())


def test_unknown_symbol_is_named() -> None:
    with pytest.raises(StructureError, match=r"unknown_symbol: \[Te\]") as caught:
        codec().encode("C[Te]C")
    assert caught.value.reason == "unknown_symbol"


def test_too_long_and_unencodable_are_refused() -> None:
    short = SelfiesCodec.fit(
        reference(), MOLECULES.codecs.resolve({"maximum_steps": 3}, "test"), seed=0
    )
    assert short.schema.maximum_steps == 3
    with pytest.raises(StructureError, match="too_long"):
        short.encode("CC(C)C[C@H](NC(=O)c1ccc2[nH]ccc2c1)C(=O)O")
    with pytest.raises(StructureError, match="not_in_selfies"):
        codec().encode("C[Pt](*)~C")


def test_lossy_molecule_is_refused_unless_told_otherwise() -> None:
    with pytest.raises(StructureError, match="not_round_trip"):
        codec().encode("OCC")  # not canonical: comes back as CCO
    blind = SelfiesCodec.fit(reference(), MOLECULES.codecs.resolve({"verify": False}, "test"), 0)
    assert blind.decode(blind.encode("OCC")) == "CCO"


def test_empty_and_foreign_tokens_are_refused() -> None:
    for tokens, reason in (([], "empty"), ([10_000], "not_in_schema"), ([0], "not_in_schema")):
        with pytest.raises(StructureError) as caught:
            codec().decode(Record({}, {"token": np.array(tokens, dtype=np.int64)}))
        assert caught.value.reason == reason


def test_global_constraints_of_the_library_do_not_matter() -> None:
    selfies.set_semantic_constraints("octet_rule")
    smiles = Chem.CanonSmiles("CS(=O)(=O)c1ccccc1")
    assert codec().decode(codec().encode(smiles)) == smiles


def test_damaged_json_is_refused() -> None:
    data = codec().to_json()
    for wrong in ({}, {**data, "format": 99}, {**data, "tokenizer": {"model": 1}}):
        with pytest.raises(CheckpointError):
            MOLECULES.codecs.load(wrong)


def test_fit_is_the_same_each_time() -> None:
    options = MOLECULES.codecs.resolve({"vocabulary": 200, "learn_from": 300}, "test")
    first, second = (SelfiesCodec.fit(reference(), options, 3).to_json() for _ in range(2))
    assert first == second


def test_sampled_fit_misses_no_symbol() -> None:
    options = MOLECULES.codecs.resolve({"learn_from": 100}, "test")
    small = SelfiesCodec.fit(reference(), options, 0)
    assert set(small.alphabet) == set(codec().alphabet)
