"""By what crystals are looked up: composition, prototype, sketch."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.crystals.geometry.crystal_distance import distances
from nucleate.crystals.geometry.describe import fractions_of
from nucleate.crystals.geometry.lookup import (
    CrystalIdentity,
    composition_distances,
    features,
    prototype,
    reduced_composition,
)
from nucleate.matter.registry import get

SALT, POTASSIUM = "225 a:Na b:Cl | 5.6402", "225 a:Cl b:K | 6.3"


def test_prototypes_know_no_elements() -> None:
    assert prototype(SALT) == prototype(POTASSIUM) == "225 a|b"
    assert reduced_composition("136 a:Ti f:O(0.30479) | 4.5937 2.9581") == "O2 Ti1"


def test_features_add_up_to_the_distance() -> None:
    apart = float(np.abs(features(SALT) - features(POTASSIUM)).sum())
    assert apart == pytest.approx(float(distances([POTASSIUM], SALT)["distance"][0]), abs=1e-5)


def test_identity_has_keys_and_a_sketch() -> None:
    identity = CrystalIdentity(get("crystals"))
    found = identity.of(SALT)
    assert found is not None
    assert found.keys == (SALT, "Na1 Cl1", "225 a|b")
    assert found.sketch is not None
    own = fractions_of(POTASSIUM)
    assert composition_distances(own, found.sketch[:, None])[0] == pytest.approx(0.5, abs=0.01)
    assert identity.of("nonsense") is None
    assert identity.split_key(SALT, "formula") == "NaCl"
    assert identity.split_key(SALT, "random") == SALT
    assert identity.groups()["prototype"](SALT) == "225 a:0 b:1"
    assert identity.version().startswith("moyopy ")
