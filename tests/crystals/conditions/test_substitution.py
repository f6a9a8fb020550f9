"""Variations of a crystal: its arrangement, with one or two of its elements replaced."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.core.errors import StructureError
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.substitution import FREE, Substitution, SubstitutionLegality
from nucleate.matter import registry
from nucleate.settings.model import NetworkSettings
from nucleate.vae.decoding import decode
from nucleate.vae.model import VAE

LEADS = [
    "225 a:Na b:Cl | 5.6402",
    "221 a:Ti b:Sr d:O | 3.905",
    # Four elements on one position, in the order of their atomic numbers.
    "216 a:Li b:Mg c:Al d:S | 6.0",
    "62 c:O(0.1,0.2) c:S(0.3,0.4) c:Fe(0.2,0.6) c:Ba(0.4,0.8) | 9.0 4.0 7.0",
    "139 a:Cu | 3.0 4.0",
]
CODEC = WyckoffCodec.fit(LEADS, CodecOptions(maximum_sites=6, maximum_atoms=24))
torch.manual_seed(0)
MODEL = VAE(
    CODEC.schema,
    registry.get("crystals").codecs.legality(CODEC.schema),
    NetworkSettings(width=16, latent=4),
).eval()


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_kept_rows_keep_the_arrangement_and_most_elements(lead: str, temperature: float) -> None:
    count = 60
    kept = np.arange(count) % 3 > 0
    rules = Substitution(lead, CODEC).legality(kept, np.random.default_rng(1))
    wanted = rules.wanted.numpy()
    latent = 3 * torch.randn(count, 4, generator=torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(3)
    arrays, likelihood = decode(MODEL, latent, temperature, generator, legality=rules)
    assert torch.isfinite(likelihood).all()
    own = CODEC.encode(lead)
    species = len(set(own.steps["element"].tolist()))
    replaced = []
    for row in np.flatnonzero(kept):
        record = arrays.record(int(row))
        record.check(CODEC.schema)
        assert record.once["space_group"] == own.once["space_group"]
        np.testing.assert_array_equal(
            record.steps["wyckoff_position"], own.steps["wyckoff_position"]
        )
        fixed = wanted[row] != FREE
        elements = record.steps["element"]
        np.testing.assert_array_equal(elements[fixed], wanted[row][fixed])
        order = np.lexsort((elements, record.steps["wyckoff_position"]))
        np.testing.assert_array_equal(order, np.arange(len(order)))
        freed = len(set(own.steps["element"][~fixed].tolist()))
        assert freed in ((1,) if species < 3 else (1, 2))
        replaced.append(bool((elements != own.steps["element"]).any()))
    assert any(replaced)
    groups = {int(arrays.record(int(row)).once["space_group"]) for row in np.flatnonzero(~kept)}
    assert groups != {int(own.once["space_group"])}


def test_rows_of_a_batch_are_a_part_of_it() -> None:
    kept = np.array([True, False, True, True])
    rules = Substitution(LEADS[1], CODEC).legality(kept, np.random.default_rng(0))
    part = rules.rows(2, 4)
    assert part.kept.tolist() == [True, True]
    assert torch.equal(part.wanted, rules.wanted[2:])


def test_a_lead_beyond_the_codec_is_refused() -> None:
    with pytest.raises(StructureError):
        Substitution("221 a:Ti b:Xe d:O | 3.905", CODEC)
    guide = registry.get("crystals").guide
    assert guide.variation("221 a:Ti b:Xe d:O | 3.905", CODEC) is None


def test_rows_of_different_leads_keep_their_own_arrangements() -> None:
    refused = "221 a:Ti b:Xe d:O | 3.905"
    rows = [LEADS[i % len(LEADS)] for i in range(40)]
    asked = [None if i % 7 == 3 else refused if i % 7 == 5 else s for i, s in enumerate(rows)]
    rules = registry.get("crystals").variations.regrowth(CODEC, asked, 0)
    again = registry.get("crystals").variations.regrowth(CODEC, asked, 0)
    assert isinstance(rules, SubstitutionLegality)
    assert isinstance(again, SubstitutionLegality)
    assert torch.equal(rules.wanted, again.wanted)
    latent = 3 * torch.randn(40, 4, generator=torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(3)
    parts = []
    for start in (0, 15):  # decoding is in batches
        stop = 15 if start == 0 else 40
        part = rules.rows(start, stop)
        parts.append(decode(MODEL, latent[start:stop], 1.0, generator, legality=part)[0])
    replaced = 0
    for row, lead in enumerate(asked):
        record = parts[row >= 15].record(row if row < 15 else row - 15)
        record.check(CODEC.schema)
        if lead is None or lead == refused:
            assert not rules.kept[row]
            continue
        own = CODEC.encode(lead)
        assert record.once["space_group"] == own.once["space_group"]
        positions = own.steps["wyckoff_position"]
        np.testing.assert_array_equal(record.steps["wyckoff_position"], positions)
        wanted = rules.wanted[row, : len(positions)].numpy()
        fixed = wanted != FREE
        assert not fixed.all()
        np.testing.assert_array_equal(record.steps["element"][fixed], wanted[fixed])
        replaced += bool((record.steps["element"] != own.steps["element"]).any())
    assert replaced > 20


def test_without_a_lead_every_row_is_free() -> None:
    rules = registry.get("crystals").variations.regrowth(CODEC, [None], 0)
    assert isinstance(rules, SubstitutionLegality)
    assert not rules.kept.any()
