"""Sizes that follow from the training set, and the molecules that a vocabulary is learnt from."""

from __future__ import annotations

from nucleate.molecules.codecs.base_codec import Sizes, brief, vocabulary_sample
from nucleate.molecules.options import CodecOptions


def test_sizes() -> None:
    small, large = (Sizes(CodecOptions(), molecules) for molecules in (49_999, 50_000))
    assert (small.vocabulary(10, 20), large.vocabulary(10, 20)) == (10, 20)
    assert (small.verify, large.verify) == (True, False)
    assert (small.steps(8), small.steps(40)) == (12, 50)
    given = Sizes(CodecOptions(vocabulary=99, maximum_steps=7, verify=True), 50_000)
    assert (given.vocabulary(10, 20), given.steps(40), given.verify) == (99, 7, True)


def test_rare_symbols_are_sampled() -> None:
    smiles = [f"C{'C' * i}" for i in range(500)]
    smiles[321] = "C[Se]C"
    sample = list(vocabulary_sample(smiles, 20, seed=0))
    assert "C[Se]C" in sample
    assert 20 < len(sample) < 200
    assert list(vocabulary_sample(smiles, 500, seed=0)) == smiles


def test_errors_are_told_in_a_line() -> None:
    assert brief(ValueError("first\nsecond")) == "ValueError: first"
