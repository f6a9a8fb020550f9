"""Edits of genes: canonical, legal, not their parents, the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleate.core.paths import data_folder
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.edits import (
    CLOSEST,
    FARTHEST,
    CrystalEdits,
    likeness,
    rescale,
    with_elements,
)
from nucleate.crystals.elements import NUMBERS, SYMBOLS, refusal
from nucleate.crystals.geometry.describe import composition
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import (
    expand,
    from_string,
    structure_from_wyckoff,
    to_string,
)
from nucleate.matter import registry

EMBEDDED: list[str] = pq.read_table(data_folder() / "prototypes.parquet").to_pydict()["crystal"]
CODEC = WyckoffCodec.fit(EMBEDDED[:200], CodecOptions())
EDITS = registry.get("crystals").variations.edits(CODEC)["gene"]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
PLACES = st.integers(0, len(EMBEDDED) - 1)
SEEDS = st.integers(0, 2**31 - 1)
SALT = "225 a:Na b:Cl | 5.6402"


def _check(child: str) -> None:
    gene = from_string(child)
    assert to_string(wyckoff_from_structure(structure_from_wyckoff(gene))) == child
    CODEC.encode(child)
    assert not any(refusal(site.number) for site in gene.sites)
    assert CLOSEST - 1e-3 <= nearest(*expand(gene)).scaled <= FARTHEST + 1e-3


@QUICK
@given(PLACES, SEEDS)
def test_mutants(place: int, seed: int) -> None:
    parent = EMBEDDED[place]
    (child,) = EDITS.mutate([parent], seed)
    assert EDITS.mutate([parent], seed) == [child]
    if child is not None:
        assert child != parent
        _check(child)
        new = set(composition(child)) - set(composition(parent))
        assert {NUMBERS[symbol] for symbol in new} <= CODEC.seen


@QUICK
@given(PLACES, PLACES, SEEDS)
def test_crosses(first: int, second: int, seed: int) -> None:
    pair = EMBEDDED[first], EMBEDDED[second]
    (child,) = EDITS.cross([pair], seed)
    assert EDITS.cross([pair], seed) == [child]
    if child is not None:
        assert child not in pair
        _check(child)
        assert set(composition(child)) <= set(composition(pair[0])) | set(composition(pair[1]))


def test_most_crystals_have_children() -> None:
    some = [EMBEDDED[i] for i in np.random.default_rng(0).permutation(len(EMBEDDED))[:40]]
    children = EDITS.mutate(some, 0)
    assert sum(child is not None for child in children) >= 36
    assert len({frozenset(composition(c)) for c in children if c is not None}) > 25
    crosses = EDITS.cross(list(pairwise(some)), 0)
    assert sum(child is not None for child in crosses) >= 30


def test_what_is_no_crystal_has_no_children() -> None:
    assert EDITS.mutate(["", "nonsense", "225 a:Lr b:Cl | 5.6"], 0) == [None] * 3
    assert EDITS.cross([(SALT, "nonsense"), ("1 a:H", SALT)], 0) == [None] * 2


def test_elements_take_the_places_of_their_like() -> None:
    weights = likeness()
    assert (weights >= 0).all()
    assert not weights.diagonal().any()

    def best(symbol: str) -> set[str]:
        row = weights[NUMBERS[symbol] - 1]
        return {SYMBOLS[i] for i in np.argsort(-row)[:4]}

    assert {"Li", "K"} <= best("Na")
    assert {"Br", "I"} <= best("Cl")
    assert {"S", "Se"} <= best("O")
    children = [c for c in CrystalEdits().mutate([SALT] * 60, 1) if c is not None]
    assert sum("Cl" in c or "Na" in c for c in children) > 45
    assert all(c.startswith(("225 ", "221 ")) for c in children)


@pytest.mark.parametrize(
    ("parent", "new", "edge"),
    [
        (SALT, {"Na": "K"}, 6.29),
        (SALT, {"Cl": "Br"}, 5.97),
        ("221 a:Ti b:Sr d:O | 3.905", {"Sr": "Ba"}, 4.0),
        ("216 a:Zn c:S | 5.41", {"S": "Se"}, 5.67),
    ],
)
def test_cells_grow_as_their_elements_do(parent: str, new: dict[str, str], edge: float) -> None:
    gene = from_string(parent)
    found = with_elements(gene, new)
    assert found.lattice[0] == pytest.approx(edge, rel=0.04)
    assert rescale(gene, gene).lattice == pytest.approx(gene.lattice)


def test_elements_are_exchanged_by_electronegativity() -> None:
    children = set(CrystalEdits().cross([(SALT, "221 a:F b:K | 3.2")] * 20, 0))
    assert any(c is not None and "a:F b:K" in c for c in children)
    whole = [c for c in children if c is not None and composition(c) == {"K": 1, "F": 1}]
    assert all(c.startswith("225 ") for c in whole)
