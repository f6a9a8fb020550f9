"""Wyckoff strings to arrays and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nucleate.core.errors import CheckpointError, StructureError
from nucleate.crystals import elements
from nucleate.crystals.codec.schema import free_components
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.wyckoff.canonical import canonical_wyckoff
from nucleate.crystals.wyckoff.symmetry import group_starts, space_group
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string, to_string
from nucleate.matter import registry as matter
from nucleate.vae.schema import Record

TRAINING = [
    "225 a:Na b:Cl | 5.6402",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "62 c:Ti(0.04303,0.11769) c:Tb(0.43021,0.9789) | 5.7134 7.7234 5.3656",
    "12 g:C(0.34154) | 4.9823 4.2428 3.6331 109.2489",
]
SEEDS = st.integers(0, 2**32 - 1)
CODEC = WyckoffCodec.fit(TRAINING, CodecOptions())


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_round_trip_is_exact(crystal, seed):
    try:
        text = to_string(canonical_wyckoff(*expand(crystal.random_gene(seed))))
        record = CODEC.encode(text)
    except StructureError as error:
        assume(error.reason not in ("overlapping_atoms", "extreme_lattice"))
        raise
    record.check(CODEC.schema)
    assert CODEC.decode(record) == text


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_round_trip_of_large_crystals(crystal, seed):
    codec = WyckoffCodec.fit(TRAINING, CodecOptions(maximum_atoms=52, maximum_sites=24))
    gene = crystal.random_gene(seed, maximum_atoms=52)
    try:
        text = to_string(canonical_wyckoff(*expand(gene)))
        record = codec.encode(text)
    except StructureError as error:
        assume(error.reason not in ("overlapping_atoms", "extreme_lattice"))
        raise
    record.check(codec.schema)
    assert codec.decode(record) == text


def test_the_largest_that_the_options_allow():
    sites = " ".join(f"a:H({i / 25:.2f},{i * i % 25 / 25:.2f},0.5)" for i in range(24))
    text = f"1 {sites} | 20 21 22 80 85 95"
    codec = WyckoffCodec.fit(TRAINING, CodecOptions(maximum_atoms=52, maximum_sites=24))
    assert len(codec.encode(text)) == 24
    with pytest.raises(StructureError, match="24, at most 20"):
        CODEC.encode(text)


def test_the_arrays_mean_what_the_schema_says():
    record = CODEC.encode(TRAINING[1])
    assert record.once["space_group"] == 135
    known = np.isfinite(record.once["lattice"])
    assert known.tolist() == [True, False, True, False, False, False]
    positions = record.steps["wyckoff_position"] - 1 - group_starts()[135]
    assert positions.tolist() == [0, 5]
    assert record.steps["element"].tolist() == [21, 7]
    assert record.steps["x"][1] == pytest.approx(0.30479)
    assert np.isnan(record.steps["x"][0])
    assert np.isnan(record.steps["y"]).all()
    numbers = np.array([CODEC.encode(text).once["lattice"][0] for text in TRAINING])
    assert numbers.mean() == pytest.approx(0, abs=1e-4)
    assert numbers.std() == pytest.approx(1, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_whatever_the_masks_allow_decodes(crystal, seed):
    """Lattice numbers far outside the training set, and coordinates anywhere."""
    rng = np.random.default_rng(seed)
    gene = crystal.random_gene(seed)
    group = gene.group
    lattice = np.full(6, np.nan, np.float32)
    lattice[list(free_components(group.system))] = rng.normal(
        scale=3, size=len(free_components(group.system))
    )
    sites = sorted(gene.sites, key=lambda s: (s.letter, s.number))
    coordinates = np.full((len(sites), 3), np.nan, np.float32)
    for row, site in enumerate(sites):
        coordinates[row, list(group.position(site.letter).free)] = rng.choice([0, 0.25, 0.3, 1.0])
    start = group_starts()[group.number - 1]
    places = [1 + start + group.positions.index(group.position(s.letter)) for s in sites]
    steps = {
        "wyckoff_position": np.array(places),
        "element": np.array([s.number - 1 for s in sites]),
        **{axis: coordinates[:, i] for i, axis in enumerate("xyz")},
    }
    text = CODEC.decode(Record({"space_group": group.number - 1, "lattice": lattice}, steps))
    lattice_rows, _, _ = expand(from_string(text))
    assert np.linalg.det(lattice_rows) > 0


def test_hidden_symmetry_is_found():
    record = CODEC.encode("221 a:Cs b:Cl | 4.12")
    record.steps["element"][:] = 10  # both sodium: body-centred
    assert from_string(CODEC.decode(record)).space_group == 229


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("225 a:Na b:Ar | 5.6", "unsupported_element"),
        ("225 a:Na b:Fr | 5.6", "unsupported_element"),
        ("225 a:Na l:Cl(0.1,0.2,0.3) | 15.6", "too_many_atoms"),
        ("1 " + "a:H(0.1,0.2,0.3) " * 21 + "| 9 9 9 80 80 80", "too_many_sites"),
        ("123 a:Na | 3 200", "extreme_lattice"),
        ("what?", "not_a_wyckoff_string"),
    ],
)
def test_what_the_schema_cannot_hold_is_refused(text, reason):
    with pytest.raises(StructureError) as caught:
        CODEC.encode(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("element", "why"),
    [("Xe", "Xe: a noble gas.*noble_gases"), ("Po", "Po: no data"), ("Am", "Am: .* beyond Pu")],
)
def test_a_refused_element_is_named_with_its_reason(element, why):
    with pytest.raises(StructureError, match=why):
        CODEC.encode(f"225 a:Na b:{element} | 5.6")
    codec = WyckoffCodec.fit(TRAINING, CodecOptions(noble_gases=True))
    if element == "Xe":
        codec.encode("225 a:Na b:Xe | 5.6")
    else:
        with pytest.raises(StructureError, match=why):
            codec.encode(f"225 a:Na b:{element} | 5.6")


def test_the_rule_of_elements_is_the_list_of_elements():
    for noble_gases in (False, True):
        accepted = [z for z in range(1, 104) if not elements.refusal(z, noble_gases)]
        assert tuple(accepted) == elements.supported(noble_gases)


def test_noble_gases_by_option():
    codec = WyckoffCodec.fit(TRAINING, CodecOptions(noble_gases=True))
    assert codec.decode(codec.encode("225 a:Ar | 5.26")) == "225 a:Ar | 5.26"


def test_illegal_arrays_are_refused():
    record = CODEC.encode(TRAINING[1])
    record.once["space_group"] = 1
    with pytest.raises(StructureError, match="illegal"):
        CODEC.decode(record)
    record = CODEC.encode(TRAINING[1])
    record.steps["x"][1] = np.nan
    with pytest.raises(StructureError, match="illegal"):
        CODEC.decode(record)


def test_json_rebuilds_the_codec():
    crystals = matter.get("crystals")
    again = crystals.codecs.load(json.loads(json.dumps(CODEC.to_json())))
    assert again.schema.to_json() == CODEC.schema.to_json()
    assert (
        again.encode(TRAINING[0]).once["lattice"][0] == CODEC.encode(TRAINING[0]).once["lattice"][0]
    )
    with pytest.raises(CheckpointError):
        crystals.codecs.load({"options": {}, "lattice_mean": [0]})


def test_features_have_a_row_per_category():
    for field in (*CODEC.schema.once, *CODEC.schema.step):
        if field.is_categorical:
            assert field.features is not None
            assert field.features.shape[0] == field.size
            assert np.isfinite(field.features).all()
    assert space_group(225).number == 225
