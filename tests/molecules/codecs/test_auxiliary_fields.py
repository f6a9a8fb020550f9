"""Descriptors and fingerprint that the latent vector shall tell."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit.Chem import Crippen

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import fingerprint, parse
from nucleate.molecules.codecs.auxiliary_fields import (
    BITS,
    DESCRIPTORS,
    auxiliary_values,
    fields,
    scales,
)

SMILES = ["CCO", "c1ccccc1C(=O)O", "CCN(CC)CC", "O=C(O)CCc1ccncc1"]


def test_values_are_standardised() -> None:
    scale = scales(SMILES, seed=0)
    assert list(scale) == list(DESCRIPTORS)
    mean, spread = scale["logp"]
    logp = [Crippen.MolLogP(parse(text)) for text in SMILES]
    assert mean == pytest.approx(np.mean(logp))
    assert spread == pytest.approx(np.std(logp))
    values = auxiliary_values(SMILES, scale)
    column = list(DESCRIPTORS).index("logp")
    assert [one["descriptors"][column] for one in values] == pytest.approx(
        [(value - mean) / spread for value in logp], abs=1e-5
    )
    sizes = {field.name: field.size for field in fields()}
    for text, one in zip(SMILES, values, strict=True):
        assert {name: len(value) for name, value in one.items()} == sizes
        assert one["fingerprint"].tolist() == list(fingerprint(parse(text)))
    assert sizes["fingerprint"] == BITS


def test_unreadable_molecules_are_named() -> None:
    with pytest.raises(StructureError, match="unparsable: C1"):
        auxiliary_values(["C", "C1"], {})
