"""Tanimoto blocks and the Fréchet ChemNet distance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import DataStructs

from nucleate.molecules.chemistry.chem import parse
from nucleate_benchmarks.molecules import chemnet, features, tanimoto
from nucleate_benchmarks.molecules.chemnet import Statistics, frechet_distance

FIRST = [1, 1, 0, 0, 0, 0, 0, 0]
SECOND = [0, 1, 1, 0, 0, 0, 0, 0]
THIRD = [0, 0, 0, 0, 0, 0, 1, 1]


def _packed(*rows: list[int]) -> np.ndarray:
    return np.packbits(np.array(rows, np.uint8), axis=1)


def test_nearest_neighbours_by_hand() -> None:
    # One common bit of three; nothing in common; itself.
    near = tanimoto.nearest(_packed(FIRST, THIRD), _packed(SECOND, THIRD))
    assert near == pytest.approx([1 / 3, 1])
    rows = _packed(FIRST, SECOND, THIRD)
    assert tanimoto.nearest(rows, rows, exclude_self=True) == pytest.approx([1 / 3, 1 / 3, 0])


def test_internal_diversities_by_hand() -> None:
    # Similarities of all four ordered pairs: 1, 1/3, 1/3, 1.
    first, second = tanimoto.internal_diversities(_packed(FIRST, SECOND))
    assert first == pytest.approx(1 - (1 + 1 / 3) / 2)
    assert second == pytest.approx(1 - math.sqrt((1 + 1 / 9) / 2))
    # molsets takes the root before the mean over molecules: FIRST has squares 1 + 1/9 + 0,
    # as has SECOND; THIRD has 1.
    _, second = tanimoto.internal_diversities(_packed(FIRST, SECOND, THIRD))
    roots = [math.sqrt(10 / 27), math.sqrt(10 / 27), math.sqrt(1 / 3)]
    assert second == pytest.approx(1 - sum(roots) / 3)
    assert all(math.isnan(v) for v in tanimoto.internal_diversities(_packed(FIRST)[:0]))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_blocks_do_not_matter(n: int, m: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = (rng.integers(0, 256, (k, 2), np.uint8) for k in (n, m))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tanimoto, "BLOCK", block)
        parts = tanimoto.nearest(rows, columns)
        self_parts = tanimoto.nearest(rows, rows, exclude_self=True)
        diversities = tanimoto.internal_diversities(rows)
    assert parts == pytest.approx(tanimoto.nearest(rows, columns))
    assert self_parts == pytest.approx(tanimoto.nearest(rows, rows, exclude_self=True))
    assert diversities == pytest.approx(tanimoto.internal_diversities(rows))


def test_bits_are_those_of_rdkit(nci_smiles: list[str]) -> None:
    smiles = nci_smiles[:20]
    bits = features.packed(features.compute(smiles, ["morgan_1024"], 1)["morgan_1024"])
    write = features.morgan(1024).GetFingerprint
    prints = [write(parse(text)) for text in smiles]
    expected = [max(DataStructs.BulkTanimotoSimilarity(p, prints[:10])) for p in prints]
    assert tanimoto.nearest(bits, bits[:10]) == pytest.approx(expected)


def test_pair_similarity_of_what_cannot_be_read_is_not_a_number() -> None:
    found = features.pair_similarity(["CCO", None, "C1CC", "CCO"], ["CCO", "C", "C", "CCN"])
    assert found[0] == 1
    assert np.isnan(found[1:3]).all()
    # Three atoms each; in common the end carbon's and nothing else at radius 0 but the middle one.
    assert 0 < found[3] < 1


def test_frechet_distance_by_hand() -> None:
    # |(3, 4)|^2 + tr(I + 4 I - 2 * 2 I) = 25 + 2 * (1 + 4 - 4).
    one = Statistics(np.zeros(2), np.eye(2), 9)
    other = Statistics(np.array([3.0, 4.0]), 4 * np.eye(2), 9)
    assert frechet_distance(one, other) == pytest.approx(27)
    assert frechet_distance(other, one) == pytest.approx(27)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    # Covariances that do not commute: tr sqrt(A B) = sum of roots of the eigenvalues of A B,
    # with A = diag(1, 0), B all ones: A B has eigenvalues 1 and 0.
    flat = Statistics(np.zeros(2), np.diag([1.0, 0.0]), 9)
    full = Statistics(np.zeros(2), np.ones((2, 2)), 9)
    assert frechet_distance(flat, full) == pytest.approx(1 + 2 - 2)
    assert math.isnan(frechet_distance(one, Statistics(np.zeros(2), np.eye(2), 1)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_statistics_are_those_of_fcd_torch(nci_smiles: list[str]) -> None:
    smiles = nci_smiles[:12]
    theirs = chemnet._network().precalc(smiles)
    ours = chemnet.chemnet_statistics(smiles)
    assert ours.n == 12
    assert ours.mean == pytest.approx(theirs["mu"], abs=1e-6)
    assert ours.covariance == pytest.approx(theirs["sigma"], abs=1e-6)
    assert math.isnan(frechet_distance(ours, chemnet.chemnet_statistics(["CCO"])))
