"""Relabelled copies are legal crystals of the same arrangement."""

from __future__ import annotations

import numpy as np
import torch

from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.elements import SYMBOLS, supported, volumes
from nucleate.crystals.wyckoff.wyckoff_string import from_string
from nucleate.matter import registry as matter
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.schema import Record, stack

TEXTS = [
    "225 a:Na b:Cl | 5.6402",
    "62 c:N(0.25,0.9) c:Zn(0.1,0.2) c:Zn(0.2,0.3) | 12 3.4 5.9",
    "1 a:H(0,0,0) a:C(0.2,0.3,0.4) a:O(0.5,0.6,0.7) | 5 6 7 80 95 100",
] * 8
CODEC = WyckoffCodec.fit(TEXTS, CodecOptions())


def batch():
    stacked = stack(CODEC.schema, [CODEC.encode(text) for text in TEXTS])
    offsets = np.concatenate([[0], np.cumsum(stacked.lengths)])
    auxiliary = {"energy": np.zeros((len(TEXTS), 1), np.float32)}
    arrays = RaggedArrays(CODEC.schema, stacked.once, stacked.steps, offsets, auxiliary)
    return arrays.batch(np.arange(len(TEXTS)))


def relabelled(options, seed=0):
    transform = matter.get("crystals").codecs.augment(CODEC.schema, options)
    return transform(batch(), torch.Generator().manual_seed(seed))


def gene_of(made, row):
    length = int(made.length[row])
    once = {name: values[row].numpy() for name, values in made.once.items()}
    steps = {name: values[row, :length].numpy() for name, values in made.steps.items()}
    return CODEC._as_written(Record(once, steps))


def test_elements_are_mapped_one_to_one_and_sites_stay_in_order():
    made, plain = relabelled({"relabel": 1.0}), batch()
    changed = 0
    for row, text in enumerate(TEXTS):
        before, after = from_string(text), gene_of(made, row)
        by_place = {(s.letter, tuple(round(p, 5) for p in s.parameters)): s for s in after.sites}
        mapping = {}
        for site in before.sites:
            image = by_place[site.letter, site.parameters].element
            assert mapping.setdefault(site.element, image) == image
            assert SYMBOLS.index(image) + 1 in supported()
        assert len(set(mapping.values())) == len(mapping)
        keys = [(s.letter, s.number) for s in after.sites]
        assert keys == sorted(keys)
        changed += mapping != {e: e for e in mapping}
    assert changed == len(TEXTS)
    assert torch.equal(made.steps["wyckoff_position"], plain.steps["wyckoff_position"])
    assert torch.isnan(made.auxiliary["energy"]).all(), "a copy has no measured properties"


def test_the_volume_follows_the_elements():
    made = relabelled({"relabel": 1.0})
    before, after = from_string(TEXTS[0]), gene_of(made, 0)
    size = [sum(volumes()[s.number - 1] for s in gene.sites) for gene in (before, after)]
    ratio = (after.lattice[0] / before.lattice[0]) ** 3
    assert np.isclose(ratio, size[1] / size[0], rtol=1e-4)


def test_the_share_and_the_seed():
    first, again = relabelled({"relabel": 0.5}, 3), relabelled({"relabel": 0.5}, 3)
    assert torch.equal(first.steps["element"], again.steps["element"])
    changed = (first.steps["element"] != batch().steps["element"]).any(1)
    assert torch.equal(first.invented, changed)
    assert 3 < int(changed.sum()) < 21
    kept = ~torch.isnan(first.auxiliary["energy"][:, 0])
    assert torch.equal(kept, ~changed)
    untouched = relabelled({"relabel": 0.0})
    assert torch.equal(untouched.steps["element"], batch().steps["element"])


def test_noise_keeps_absent_values_absent():
    noise = {"coordinate_noise": 0.02, "lattice_noise": 0.1}
    made, plain = relabelled({"relabel": 1.0, **noise}), relabelled({"relabel": 1.0})
    for axis in "xyz":
        assert torch.equal(torch.isnan(made.steps[axis]), torch.isnan(plain.steps[axis]))
        known = made.steps[axis][~torch.isnan(made.steps[axis])]
        assert ((known >= 0) & (known <= 1)).all()
        assert not torch.equal(known, plain.steps[axis][~torch.isnan(plain.steps[axis])])
    assert torch.equal(torch.isnan(made.once["lattice"]), torch.isnan(plain.once["lattice"]))
    blurred = relabelled({"relabel": 0.0, "blur": 1.0, **noise})
    assert torch.equal(blurred.steps["element"], batch().steps["element"])
    assert not torch.equal(blurred.steps["x"].nan_to_num(), batch().steps["x"].nan_to_num())
    assert torch.isnan(blurred.auxiliary["energy"]).all()
    untouched = relabelled({"relabel": 0.0, **noise})
    for axis in "xyz":
        assert torch.allclose(untouched.steps[axis], batch().steps[axis], atol=1e-6, equal_nan=True)


def test_it_can_be_switched_off():
    assert matter.get("crystals").codecs.augment(CODEC.schema, {"enabled": False}) is None
