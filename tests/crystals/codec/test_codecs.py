"""The codecs' part of crystals: what it fits, loads and hands to training and decoding."""

from __future__ import annotations

import pytest

from nucleate.core.errors import CheckpointError
from nucleate.crystals.codec.augment import Augment
from nucleate.crystals.codec.codecs import CrystalCodecs
from nucleate.crystals.codec.legality import CrystalLegality
from nucleate.crystals.codec.overlap_relief import OverlapRefiner
from nucleate.matter.registry import get

SALT = "225 a:Na b:Cl | 5.6402"


def test_a_codec_survives_its_json() -> None:
    codecs = CrystalCodecs(get("crystals"))
    codec = codecs.fit([SALT], codecs.Options(), 0)
    again = codecs.load(codec.to_json())
    assert again.decode(again.encode(SALT)) == SALT
    assert again.seen == {11, 17}
    with pytest.raises(CheckpointError, match="not a codec of crystals"):
        codecs.load({"options": {}, "lattice_mean": [0.0], "lattice_spread": [1.0]})


def test_parts_belong_to_the_schema() -> None:
    codecs = CrystalCodecs(get("crystals"))
    schema = codecs.fit([SALT], codecs.Options(), 0).schema
    assert isinstance(codecs.legality(schema), CrystalLegality)
    assert isinstance(codecs.refiner(schema), OverlapRefiner)
    assert isinstance(codecs.augment(schema, {"relabel": 0.3}), Augment)
    assert codecs.augment(schema, {"enabled": False}) is None
