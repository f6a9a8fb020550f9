"""Codecs by the kind that options and JSON name."""

from __future__ import annotations

import pytest

from nucleate.core.errors import CheckpointError
from nucleate.molecules import Molecules
from nucleate.molecules.codecs.molecule_codecs import MoleculeCodecs
from nucleate.molecules.options import CodecOptions

SMILES = ["CCO", "CCN", "c1ccccc1O", "CC(=O)Nc1ccccc1"]


@pytest.mark.parametrize("kind", ["fragments", "selfies"])
def test_codecs_come_back_from_json(kind: str) -> None:
    codecs = Molecules().codecs
    assert isinstance(codecs, MoleculeCodecs)
    codec = codecs.fit(SMILES, CodecOptions.model_validate({"kind": kind}), seed=0)
    data = codec.to_json()
    again = codecs.load(data)
    assert type(again) is type(codec)
    assert again.to_json() == data
    assert again.decode(codec.encode("CCO")) == "CCO"
    legality = codecs.legality(codec.schema)
    assert type(legality).__name__ == {
        "fragments": "PreorderLegality",
        "selfies": "SelfiesLegality",
    }.get(kind)
    with pytest.raises(CheckpointError, match="another format"):
        codecs.load(data | {"format": 99})
    with pytest.raises(CheckpointError, match="damaged"):
        codecs.load({"kind": data["kind"]})


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(CheckpointError, match="unknown kind: 'graphs'"):
        Molecules().codecs.load({"kind": "graphs"})
