"""Expanded orbits and their distances agree with pymatgen's, and gradients with differences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.crystals.codec.expansion import reduce_basis
from nucleate.crystals.codec.overlap import OverlapMeasure
from nucleate.crystals.codec.schema import free_components, lattice_from_components
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.elements import radii
from nucleate.crystals.geometry.distances import covalent_radii, nearest
from nucleate.crystals.wyckoff.symmetry import lattice_matrix, space_group
from nucleate.crystals.wyckoff.wyckoff_string import expand, structure_from_wyckoff
from nucleate.vae.arrays import RaggedArrays

TEXTS = [
    "225 a:Na b:Cl | 5.6402",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "62 c:N(0.25,0.9) c:Zn(0.1,0.2) c:Zn(0.2,0.3) | 12 3.4 5.9",
    "1 a:H(0,0,0) a:C(0.2,0.3,0.4) a:O(0.5,0.6,0.7) | 5 6 7 80 95 100",
    "166 a:Li b:Co c:O(0.26) | 2.82 14.05",
    "12 a:Ni i:S(0.24,0.2) | 6.1 3.5 6.0 107",
]
CODEC = WyckoffCodec.fit(TEXTS, CodecOptions(maximum_atoms=52, maximum_sites=24))
MEASURE = OverlapMeasure(CODEC.schema)


def batch_of(texts, dtype=torch.float32):
    arrays = RaggedArrays.from_records(CODEC.schema, [CODEC.encode(text) for text in texts])
    batch = arrays.batch(np.arange(len(texts)))
    batch.once["lattice"] = batch.once["lattice"].to(dtype)
    for axis in "xyz":
        batch.steps[axis] = batch.steps[axis].to(dtype)
    return batch


def test_radii_are_those_of_the_check():
    assert np.allclose(radii(), covalent_radii()[1:95])


def test_rock_salt_by_hand():
    batch = batch_of(["225 a:Na b:Cl | 5.6402"])
    cells = MEASURE.expand(batch)
    assert cells.atoms.tolist() == [2]
    assert np.isclose(float(MEASURE.shortest(batch)), 5.6402 / 2 / (1.66 + 1.02), rtol=1e-5)
    # Both atoms have six neighbours at that distance; Na-Na contacts (3.988 A) are 1.20 away.
    expected = 6 * (1.1 - 5.6402 / 2 / 2.68) ** 2
    assert np.isclose(float(MEASURE.overlap(batch, 1.1)), expected, rtol=1e-4)


def test_atoms_are_those_of_the_structure():
    cells = MEASURE.expand(batch_of(TEXTS))
    positions = cells.cartesian().numpy()
    for row, text in enumerate(TEXTS):
        mine = np.flatnonzero(cells.crystal == row)
        structure = structure_from_wyckoff(CODEC._as_written(CODEC.encode(text)))
        assert np.array_equal(cells.element[mine] + 1, structure.atomic_numbers)
        points = structure.lattice.get_fractional_coords(positions[mine])
        apart = points - structure.frac_coords
        assert np.abs(apart - apart.round()).max() < 1e-4
        volume = abs(float(torch.linalg.det(cells.primitive()[row])))
        assert np.isclose(volume, structure.volume, rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_shortest_agrees_with_pymatgen(crystal, seed):
    record = CODEC.encode(crystal.packed(crystal.random_gene(seed)))
    arrays = RaggedArrays.from_records(CODEC.schema, [record])
    found = float(MEASURE.shortest(arrays.batch([0])))
    assert np.isclose(found, nearest(*expand(CODEC._as_written(record))).scaled, atol=1e-4)


def test_portions_change_nothing(crystal):
    texts = [crystal.packed(crystal.random_gene(seed)) for seed in range(30)]
    batch, few = batch_of(texts), OverlapMeasure(CODEC.schema, pairs=7)
    assert torch.equal(few.shortest(batch), MEASURE.shortest(batch))
    assert torch.allclose(few.overlap(batch), MEASURE.overlap(batch))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_nearest_image_in_a_skewed_cell(seed):
    rng = np.random.default_rng(seed)
    matrix = lattice_matrix((*rng.uniform(2, 20, 3), *rng.uniform(80, 100, 3)))
    while True:
        skew = rng.integers(-3, 4, (3, 3))
        if abs(round(float(np.linalg.det(skew)))) == 1:
            break
    lattice = torch.from_numpy(matrix)[None]
    basis = reduce_basis(torch.from_numpy(skew.astype(float))[None], lattice)
    assert np.isclose(abs(np.linalg.det(basis[0])), 1)
    small = (basis @ lattice)[0].numpy()
    point = rng.uniform(-0.5, 0.5, 3)
    near, far = (
        min(
            np.linalg.norm((point + shift) @ small) for shift in product(range(-n, n + 1), repeat=3)
        )
        for n in (1, 3)
    )
    assert np.isclose(near, far)
    # As short as the cell's own: Minkowski's minima do not depend on the description.
    assert np.linalg.norm(small, axis=1).sum() <= np.linalg.norm(matrix, axis=1).sum() + 1e-9


@settings(max_examples=100, deadline=None)
@given(
    number=st.integers(1, 230),
    values=st.lists(st.floats(-8, 8), min_size=6, max_size=6),
    atoms=st.integers(1, 20),
)
def test_lattices_are_the_codecs(number, values, atoms):
    order = len(space_group(number).general.linear) // (
        space_group(number).general.primitive_multiplicity
    )
    raw = np.array(values) * CODEC.spread + CODEC.mean
    fixed = [i for i in range(6) if i not in free_components(space_group(number).system)]
    raw[fixed] = np.nan
    parameters = lattice_from_components(raw, atoms * order, number)
    found = MEASURE.lattice(
        torch.tensor([values], dtype=torch.float64),
        torch.tensor([number - 1]),
        torch.tensor([atoms]),
    )
    assert np.allclose(found[0], lattice_matrix(parameters), rtol=1e-4, atol=1e-4)


def test_gradients_agree_with_differences(crystal):
    texts = [*TEXTS, *(crystal.packed(crystal.random_gene(seed)) for seed in range(2))]
    batch = batch_of(texts, torch.float64)
    inputs = [batch.once["lattice"], *(batch.steps[axis] for axis in "xyz")]
    inputs = [torch.nan_to_num(v, nan=0.3).requires_grad_() for v in inputs]

    def overlap(lattice, x, y, z):
        batch.once["lattice"] = lattice
        batch.steps |= {"x": x, "y": y, "z": z}
        return MEASURE.overlap(batch, 1.1)

    assert torch.autograd.gradcheck(overlap, inputs, eps=1e-6, atol=1e-5)


def test_what_symmetry_fixes_is_not_looked_at():
    batch = batch_of(TEXTS)
    wanted = MEASURE.overlap(batch, 1.0)
    free = MEASURE.tables(torch.device("cpu"), torch.float32).free[batch.steps["wyckoff_position"]]
    lattice = torch.nan_to_num(batch.once["lattice"], nan=7.0).requires_grad_()
    batch.once["lattice"] = lattice
    for i, axis in enumerate("xyz"):
        batch.steps[axis] = torch.where(free[..., i], batch.steps[axis], 0.37).requires_grad_()
    found = MEASURE.overlap(batch, 1.0)
    assert torch.allclose(found, wanted)
    found.sum().backward()
    assert not lattice.grad[0, 1:].any(), "a cubic cell has one free number"
    for i, axis in enumerate("xyz"):
        assert not batch.steps[axis].grad[~free[..., i]].any()


@pytest.mark.parametrize("apart", [0.0, 1e-9])
def test_two_atoms_on_one_point_leave_the_gradient_finite(apart):
    batch = batch_of([f"1 a:C(0.1,0.2,0.3) a:C({0.1 + apart},0.2,0.3) | 5 6 7 80 95 100"])
    batch.steps["x"].requires_grad_()
    MEASURE.overlap(batch).sum().backward()
    assert torch.isfinite(batch.steps["x"].grad[0, :2]).all()
    assert float(MEASURE.shortest(batch)) < 1e-5
