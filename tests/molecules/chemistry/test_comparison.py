"""Features by which a surrogate compares molecules."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import DataStructs

from nucleate.molecules.chemistry.chem import fingerprints, parse
from nucleate.molecules.chemistry.comparison import (
    BITS,
    ELEMENTS,
    NUMBERS,
    MoleculeComparison,
    unary,
)


def test_bits_in_unary_have_the_similarity_of_counts() -> None:
    counts = [{3: 2, 9: 1, 40: 5}, {3: 4, 40: 1, 77: 1}]
    first, second = (unary(one).astype(bool) for one in counts)
    assert first.sum() == 8  # no two of these fall on one bit
    common, total = 2 + 1, 4 + 1 + 5 + 1
    assert (first & second).sum() / (first | second).sum() == pytest.approx(common / total)
    assert unary({}).shape == (BITS,)


def test_groups_and_numbers() -> None:
    smiles = ["CCOc1ccccc1", "nonsense", "CCOc1ccccc1C"]
    found = MoleculeComparison().features(smiles)
    assert set(found) == {"morgan", "pharmacophores", "pairs", "numbers"}
    assert found["numbers"].shape == (3, NUMBERS)
    assert found["numbers"][0][ELEMENTS.index("C")] == 8
    assert found["numbers"][0][ELEMENTS.index("H")] == 10
    assert not any(group[1].any() for group in found.values())
    morgan = found["morgan"].astype(bool)
    count = fingerprints("ECFP4").GetSparseCountFingerprint
    expected = DataStructs.TanimotoSimilarity(count(parse(smiles[0])), count(parse(smiles[2])))
    similarity = (morgan[0] & morgan[2]).sum() / (morgan[0] | morgan[2]).sum()
    assert similarity == pytest.approx(expected, abs=0.05)  # but for folding
    assert list(MoleculeComparison().features(smiles, ["pairs"])) == ["pairs"]
    assert np.array_equal(MoleculeComparison().features(smiles, ["pairs"])["pairs"], found["pairs"])
