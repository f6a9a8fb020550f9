"""The masks allow every real gene and nothing illegal."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from nucleate.crystals.codec.legality import CrystalLegality
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.wyckoff.symmetry import group_starts, space_group
from nucleate.crystals.wyckoff.wyckoff_string import from_string

CODEC = WyckoffCodec.fit(["225 a:Na b:Cl | 5.6402"], CodecOptions(maximum_sites=6))
LEGALITY = CrystalLegality(CODEC.schema)


def walk(text, check):
    """Feed a gene through the masks; `check(name, mask or presence, value)` at every field."""
    record = CODEC.encode(text)
    once = {
        "space_group": torch.tensor([record.once["space_group"]]),
        "lattice": torch.tensor(record.once["lattice"])[None],
    }
    check("space_group", LEGALITY.once_mask("space_group", {}, 1)[0], record.once["space_group"])
    present = LEGALITY.once_present("lattice", once, 1)[0]
    assert (present == ~torch.isnan(once["lattice"][0])).all()
    state = LEGALITY.start(once, 1, torch.device("cpu"))
    for t in range(len(record)):
        step = {}
        for field in CODEC.schema.step:
            value = torch.as_tensor(record.steps[field.name][t])[None]
            mask = LEGALITY.mask(field.name, state, once, step)
            exists = LEGALITY.present(field.name, state, once, step)
            check(field.name, mask[0] if mask is not None else exists[0], value[0])
            step[field.name] = value
        state = LEGALITY.advance(state, once, step)
    return LEGALITY.mask("wyckoff_position", state, once, {})[0]


@pytest.mark.parametrize(
    "text",
    [
        "225 a:Na b:Cl | 5.6402",
        "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
        "62 c:N(0.25,0.9) c:Zn(0.1,0.2) c:Zn(0.2,0.3) | 12 3.4 5.9",
        "2 a:H i:H(0.1,0.2,0.3) i:O(0.3,0.2,0.1) | 4 5 6 80 85 95",
    ],
)
def test_real_genes_are_legal(text):
    def check(name, mask, value):
        if name in "xyz":
            assert bool(mask) == bool(torch.isfinite(value))
        else:
            assert mask[value], name

    assert walk(text, check)[0], "may stop"


def last_mask(text):
    after = walk(text, lambda *_: None)
    group = from_string(text).group
    start = int(group_starts()[group.number - 1])
    letters = [p.letter for p in group.positions]
    assert not after[1 : 1 + start].any(), "positions of other groups"
    assert not after[1 + start + len(letters) :].any(), "positions of other groups"
    own = after[1 + start : 1 + start + len(letters)]
    return {letter for letter, legal in zip(letters, own.tolist(), strict=True) if legal}


def test_letters_do_not_fall_and_fixed_positions_are_used_once():
    assert last_mask("123 c:Na | 4 4") == set("defghijklmnopqrstu") - set()
    # h has a free z: it may be occupied again
    assert "h" in last_mask("123 h:Na(0.2) | 4 4")
    assert "g" not in last_mask("123 h:Na(0.2) | 4 4")


def test_the_number_of_atoms_is_bounded():
    # Fm-3m, 8 + 8 atoms of at most 20: positions of at most 4 atoms per primitive cell remain
    left = last_mask("225 f:Na(0.1) f:Na(0.2) | 15")
    sizes = {letter: space_group(225).position(letter).primitive_multiplicity for letter in left}
    assert sizes == {}
    left = last_mask("225 c:Na f:Na(0.2) | 15")
    assert left == {"f"}


def test_the_number_of_sites_is_bounded():
    text = "1 " + "a:H(0.1,0.2,0.3) " * 6 + "| 9 9 9 80 80 80"
    assert last_mask(text) == set()


def test_elements_rise_on_one_position():
    once = {"space_group": torch.tensor([0, 0])}
    state = LEGALITY.start(once, 2, torch.device("cpu"))
    step = {"wyckoff_position": torch.tensor([1, 1]), "element": torch.tensor([7, 25])}
    first = LEGALITY.mask("element", state, once, step)
    assert first[0, 0]
    assert not first[0, 1], "helium is refused"
    state = LEGALITY.advance(state, once, step)
    mask = LEGALITY.mask("element", state, once, {"wyckoff_position": torch.tensor([1, 1])})
    assert not mask[0, :7].any()
    assert mask[0, 7]
    assert not mask[1, :25].any()
    assert mask[1, 25]


def test_random_walks_end_in_legal_genes():
    """Choosing at random among legal values always gives arrays that decode and re-encode."""
    rng = torch.Generator().manual_seed(0)
    batch = 40
    groups = LEGALITY.once_mask("space_group", {}, batch)
    once = {"space_group": torch.multinomial(groups.float(), 1, generator=rng)[:, 0]}
    state = LEGALITY.start(once, batch, torch.device("cpu"))
    atoms = torch.zeros(batch, dtype=torch.long)
    alive = torch.ones(batch, dtype=torch.bool)
    for _ in range(CODEC.schema.maximum_steps + 1):
        step = {}
        for name in ("wyckoff_position", "element"):
            mask = LEGALITY.mask(name, state, once, step)
            assert mask.any(1).all()
            step[name] = torch.multinomial(mask.float(), 1, generator=rng)[:, 0]
        alive &= step["wyckoff_position"] != 0
        atoms += LEGALITY.tables(torch.device("cpu")).size[step["wyckoff_position"]] * alive
        state = LEGALITY.advance(state, once, step)
    assert not alive.any()
    assert (atoms > 0).all()
    assert (atoms <= 20).all()


def test_a_small_maximum_excludes_groups():
    codec = WyckoffCodec.fit([], CodecOptions(maximum_atoms=3))
    allowed = CrystalLegality(codec.schema).once_mask("space_group", {}, 1)[0]
    smallest = [
        min(p.primitive_multiplicity for p in space_group(n).positions) for n in range(1, 231)
    ]
    assert allowed.tolist() == (np.array(smallest) <= 3).tolist()


def test_training_needs_no_crystallographic_library():
    """A GPU node has torch and numpy: schema, masks and augmentation work without the rest."""
    script = (
        "import sys\n"
        "for name in ('pymatgen', 'moyopy', 'ase', 'smact', 'chgnet', 'spglib', 'pandas'):\n"
        "    sys.modules[name] = None\n"
        "from nucleate.matter import registry as matter\n"
        "crystals = matter.get('crystals')\n"
        "options = crystals.codecs.resolve({}, '')\n"
        "codec = crystals.codecs.fit(['225 a:Na b:Cl | 5.6402'], options, 0)\n"
        "codec.encode('225 a:Na b:Cl | 5.6402')\n"
        "crystals.codecs.legality(codec.schema).once_mask('space_group', {}, 1)\n"
        "crystals.codecs.augment(codec.schema, {})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
