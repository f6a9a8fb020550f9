"""Crystals decoded by a model and refined: no overlaps, the same genes, fine ones as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.core.errors import CheckpointError
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.geometry.distances import nearest
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string
from nucleate.latent.latent_model import LatentModel
from nucleate.matter import registry as matter
from nucleate.settings.model import DrawSettings, NetworkSettings, PriorSettings
from nucleate.settings.sample import SampleSettings
from nucleate.vae.model import VAE
from nucleate.vae.prior import StandardNormal

TEXTS = ["225 a:Na b:Cl | 5.6402", "1 a:H(0,0,0) a:C(0.2,0.3,0.4) | 5 6 7 80 95 100"]
LATENTS = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)


def untrained(info):
    """A model of random weights: whatever it writes overlaps more often than not."""
    codec, crystals = WyckoffCodec.fit(TEXTS, CodecOptions()), matter.get("crystals")
    torch.manual_seed(0)
    settings = NetworkSettings(encoder="gru", decoder="gru", width=16, layers=1, latent=8)
    model = VAE(codec.schema, crystals.codecs.legality(codec.schema), settings).eval()
    prior = StandardNormal(8, PriorSettings())
    return LatentModel(Path("none"), crystals, codec, model, prior, info, torch.device("cpu"))


@pytest.fixture(scope="module")
def model():
    return untrained({})


def shortest(decoded):
    return np.array([nearest(*expand(from_string(d.structure))).scaled for d in decoded])


def elements(text):
    return set(expand(from_string(text))[2].tolist())


def test_overlaps_end_and_fine_crystals_stay(model):
    plain = model.decode(LATENTS)
    refined = model.decode(LATENTS, refine=model.sampling())
    before, after = shortest(plain), shortest(refined)
    poor = before < 0.75
    assert 10 < poor.sum() < 60
    assert (after[poor] < 0.75).sum() <= 0.05 * poor.sum()
    assert [d for d, bad in zip(refined, poor, strict=True) if not bad] == [
        d for d, bad in zip(plain, poor, strict=True) if not bad
    ]
    for one, two in zip(plain, refined, strict=True):
        assert elements(one.structure) == elements(two.structure)


def test_relief_alone_keeps_the_likelihood(model):
    plain = model.decode(LATENTS)
    relieved = model.decode(LATENTS, refine=DrawSettings(resample=0))
    assert [d.log_likelihood for d in plain] == [d.log_likelihood for d in relieved]
    assert shortest(relieved).mean() > shortest(plain).mean()


def test_resampling_alone_is_reproducible(model):
    how = DrawSettings(resample=3, relief=False)
    first, again, other = (model.decode(LATENTS, seed=s, refine=how) for s in (1, 1, 2))
    assert first == again
    assert first != other
    assert (shortest(first) >= 0.75).sum() >= (shortest(model.decode(LATENTS)) >= 0.75).sum()


def test_refinement_draws_nothing_from_the_decoder_s_stream(model):
    plain = model.decode(LATENTS, 1.0, seed=3)
    refined = model.decode(LATENTS, 1.0, seed=3, refine=DrawSettings())
    fine = shortest(plain) >= 0.75
    assert fine.any()
    for one, two, same in zip(plain, refined, fine, strict=True):
        if same:
            assert one == two


def test_settings_come_from_the_model_unless_given():
    assert untrained({}).sampling().relief
    assert untrained({}).sampling().resample > 0
    own = untrained({"sampling": {"relief": False, "resample": 3}})
    assert (own.sampling().relief, own.sampling().resample) == (False, 3)
    asked = own.sampling(SampleSettings(relief=True, resample=0))
    assert (asked.relief, asked.resample) == (True, 0)
    with pytest.raises(CheckpointError, match="sampling"):
        untrained({"sampling": {"resample": -1}}).sampling()
