"""OverlapRelief ends overlaps, keeps the gene, and leaves alone what is fine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleate.crystals.codec.overlap import OverlapMeasure
from nucleate.crystals.codec.overlap_relief import OverlapRelief, OverlapReliefOptions
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.wyckoff_string import expand
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.schema import Record

FINE = [
    "225 a:Na b:Cl | 5.6402",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "166 a:Li b:Co c:O(0.26) | 2.82 14.05",
]
CODEC = WyckoffCodec.fit(FINE, CodecOptions(maximum_atoms=52, maximum_sites=24))
MEASURE = OverlapMeasure(CODEC.schema)
RELIEF = OverlapRelief(MEASURE)
CATEGORIES = ("wyckoff_position", "element")


def batch_of(texts):
    records = [CODEC.encode(text) for text in texts]
    return RaggedArrays.from_records(CODEC.schema, records).batch(np.arange(len(records)))


def scaled(batch, row):
    """The shortest scaled distance by pymatgen."""
    length = int(batch.length[row])
    record = Record(
        {name: values[row].numpy() for name, values in batch.once.items()},
        {name: values[row, :length].numpy() for name, values in batch.steps.items()},
    )
    return nearest(*expand(CODEC._as_written(record))).scaled


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), volume=st.floats(3, 30))
def test_the_gene_stays_and_distances_never_shrink(crystal, seed, volume):
    texts = [crystal.packed(crystal.random_gene(seed + i), volume) for i in range(8)]
    batch = batch_of(texts)
    before = MEASURE.shortest(batch)
    relieved, after = RELIEF(batch)
    assert torch.equal(relieved.once["space_group"], batch.once["space_group"])
    assert torch.equal(relieved.length, batch.length)
    for name in CATEGORIES:
        assert torch.equal(relieved.steps[name], batch.steps[name])
    for name in "xyz":
        assert torch.equal(torch.isnan(relieved.steps[name]), torch.isnan(batch.steps[name]))
        known = torch.nan_to_num(relieved.steps[name])
        assert ((known >= 0) & (known <= 1)).all()
    new, old = relieved.once["lattice"], batch.once["lattice"]
    assert torch.equal(torch.isnan(new), torch.isnan(old))
    swelling = (new[:, 0] - old[:, 0]) * float(CODEC.spread[0])
    assert (swelling <= RELIEF.options.swelling + 1e-5).all()
    assert (after >= before - 1e-6).all()
    for row in range(len(texts)):
        assert np.isclose(scaled(relieved, row), float(after[row]), atol=1e-3)
    for row in (before >= RELIEF.options.threshold).nonzero()[:, 0].tolist():
        assert np.array_equal(new[row], old[row], equal_nan=True)
        for name in "xyz":
            assert np.array_equal(relieved.steps[name][row], batch.steps[name][row], equal_nan=True)


def test_nearly_all_overlaps_end(crystal):
    texts = [crystal.packed(crystal.random_gene(seed), 14.0) for seed in range(300)]
    batch = batch_of(texts)
    before = MEASURE.shortest(batch) < 0.75
    after = RELIEF(batch)[1] < 0.75
    assert int(before.sum()) > 50
    assert int(after.sum()) < 0.05 * int(before.sum())


def test_what_is_fine_stays_as_it_is():
    batch = batch_of(FINE)
    relieved, after = RELIEF(batch)
    assert (after > 0.75).all()
    for name in ("x", "y", "z"):
        assert relieved.steps[name] is batch.steps[name]
    assert relieved.once["lattice"] is batch.once["lattice"]


def test_chosen_crystals_are_relieved_to_the_target():
    batch = batch_of(["1 a:C(0,0,0) a:C(0.2,0.02,0.05) | 6 6 6 90 90 90", FINE[1]])
    assert 0.75 < float(MEASURE.shortest(batch)[0]) < 0.85
    untouched, _ = RELIEF(batch)
    assert untouched is batch
    relieved, after = RELIEF(batch, torch.tensor([True, False]))
    assert float(after[0]) >= 0.9
    assert torch.equal(relieved.steps["x"][1].nan_to_num(), batch.steps["x"][1].nan_to_num())


def test_positions_without_freedom_leave_the_cell():
    """Rock salt at two thirds of its length can only grow, towards the target and no further."""
    batch = batch_of(["225 a:Na b:Cl | 3.7", FINE[1]])
    relieved, after = RELIEF(batch)
    assert 0.85 <= float(after[0]) < 0.92
    assert torch.equal(relieved.steps["x"][1].nan_to_num(), batch.steps["x"][1].nan_to_num())
    edge = float(MEASURE.expand(relieved).lattice[0, 0, 0])
    assert np.isclose(edge, 2 * 2.68 * float(after[0]), rtol=1e-4)


def test_atoms_move_before_the_cell():
    """Two atoms too near each other in a wide cell part without changing it much."""
    batch = batch_of(["1 a:C(0,0,0) a:C(0.1,0.02,0.05) | 6 6 6 90 90 90"])
    relieved, after = RELIEF(batch)
    assert float(after[0]) >= 0.75
    growth = (relieved.once["lattice"] - batch.once["lattice"])[0, 0] * float(CODEC.spread[0])
    assert abs(float(growth)) < 0.01


@pytest.mark.parametrize("points", ["0.1,0.2,0.3", "0,0,0"])
def test_atoms_on_one_point_part(points):
    batch = batch_of([f"1 a:C({points}) a:O({points}) | 6 6 6 90 90 90"])
    assert float(RELIEF(batch)[1][0]) >= 0.75


def test_it_gives_up_at_the_limit_of_swelling():
    tight = OverlapRelief(MEASURE, OverlapReliefOptions(swelling=0.1))
    batch = batch_of(["225 a:Na b:Cl | 3.7"])
    relieved, after = tight(batch)
    growth = float((relieved.once["lattice"] - batch.once["lattice"])[0, 0]) * CODEC.spread[0]
    assert np.isclose(growth, 0.1, atol=1e-4)
    assert np.isclose(float(after[0]), 3.7 / 2 / 2.68 * np.exp(0.1 / 3), rtol=1e-4)


def test_the_same_input_gives_the_same_output(crystal):
    texts = [crystal.packed(crystal.random_gene(seed), 6.0) for seed in range(40)]
    first, again = RELIEF(batch_of(texts))[0], RELIEF(batch_of(texts))[0]
    assert torch.equal(first.once["lattice"].nan_to_num(), again.once["lattice"].nan_to_num())
    alone = RELIEF(batch_of(texts[3:4]))[0]
    assert np.allclose(
        alone.once["lattice"][0], first.once["lattice"][3], atol=1e-3, equal_nan=True
    )
