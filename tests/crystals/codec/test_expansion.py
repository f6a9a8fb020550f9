"""Atoms from batches of the schema: those that expanding the string gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.crystals.codec.expansion import Expansion, reduce_basis
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string
from nucleate.vae.arrays import RaggedArrays

CRYSTALS = [
    "225 a:Na b:Cl | 5.6402",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "167 a:C b:Ca e:O(0.2568) | 4.99 17.06",
    "12 a:K d:K g:K(0.34526) i:Br(0.23,0.7) | 13.1 6.5 7.2 105",
]


def test_cells_are_those_of_the_strings() -> None:
    codec = WyckoffCodec.fit(CRYSTALS, CodecOptions())
    records = [codec.encode(text) for text in CRYSTALS]
    batch = RaggedArrays.from_records(codec.schema, records).batch(np.arange(len(records)))
    cells = Expansion(codec.schema).expand(batch)
    assert len(cells) == len(CRYSTALS)
    volumes = torch.linalg.det(cells.primitive()).abs()
    for row, text in enumerate(CRYSTALS):
        lattice, _, numbers = expand(from_string(text))
        own = cells.crystal == row
        assert sorted((cells.element[own] + 1).tolist()) == sorted(numbers.tolist())
        assert float(volumes[row]) == pytest.approx(abs(np.linalg.det(lattice)), rel=1e-4)
    assert cells.cartesian().shape == (int(cells.atoms.sum()), 3)


def test_a_skewed_basis_is_reduced() -> None:
    skewed = torch.tensor([[[1.0, 0, 0], [5, 1, 0], [-3, 4, 1]]])
    reduced = reduce_basis(skewed, torch.eye(3)[None])
    assert reduced.square().sum() == 3
    assert abs(float(torch.linalg.det(reduced[0]))) == pytest.approx(1)
