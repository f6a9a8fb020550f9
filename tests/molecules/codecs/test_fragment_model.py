"""The autoencoder on trees of fragments: places, binding and the decoder's noise."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from nucleate.settings.model import NetworkSettings, ObjectiveSettings
from nucleate.testing.fragment_examples import MOLECULES, codec, reference
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.decoding import decode
from nucleate.vae.evidence_lower_bound import evidence_loss, misalignment
from nucleate.vae.model import VAE
from nucleate.vae.posterior import add_noise


@cache
def arrays() -> RaggedArrays:
    records = []
    for smiles in reference()[:60]:
        record = codec().encode(smiles)
        record.auxiliary = codec().auxiliary(smiles)
        records.append(record)
    return RaggedArrays.from_records(codec().schema, records)


@pytest.fixture(params=[False, True])
def model(request: pytest.FixtureRequest) -> VAE:
    torch.manual_seed(0)
    schema = codec().schema
    settings = NetworkSettings(width=32, latent=8, binding=request.param)
    return VAE(schema, MOLECULES.codecs.legality(schema), settings).eval()


def test_padding_changes_nothing(model: VAE) -> None:
    batch = arrays().batch(range(30))
    together = model.encode(batch).mean
    nats = model.reconstruct(together, batch).nats["fragment"]
    for row in range(0, 30, 5):
        single = arrays().batch([row])
        alone = model.encode(single).mean
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)
        own = model.reconstruct(alone, single).nats["fragment"]
        torch.testing.assert_close(own[0], nats[row], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("noise", [0.0, 0.6])
def test_decoding_agrees_with_training_at_every_noise(model: VAE, noise: float) -> None:
    latent = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(2)
    decoded, likelihood = decode(model, latent, 1.0, generator, noise)
    batch = decoded.batch(range(20))
    nats = model.reconstruct(latent, batch, noise=torch.full((20,), noise)).nats["fragment"]
    torch.testing.assert_close(-nats, likelihood, atol=1e-3, rtol=1e-4)
    other = model.reconstruct(latent, batch, noise=torch.full((20,), 0.3)).nats["fragment"]
    assert float((other - nats).detach().abs().max()) > 1e-4  # the decoder does hear of the noise


def test_noise_keeps_the_variance_and_ends_in_noise_alone() -> None:
    latent = torch.randn(4000, 5, generator=torch.Generator().manual_seed(0))
    noisy = add_noise(latent, torch.full((4000,), 0.6), torch.Generator().manual_seed(1))
    assert float(noisy.var()) == pytest.approx(1.0, abs=0.03)
    correlation = torch.corrcoef(torch.stack([latent.ravel(), noisy.ravel()]))[0, 1]
    assert float(correlation) == pytest.approx(0.8, abs=0.02)  # sqrt(1 - .6^2)
    ones = add_noise(latent, torch.ones(4000), torch.Generator().manual_seed(1))
    fresh = torch.randn(4000, 5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ones, fresh)


def test_misalignment_is_none_where_distances_agree() -> None:
    """Disjoint bits: the Tanimoto distance of two sets is 1 - shared / union, by hand."""
    bits = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]])
    # 1 - 2/3, 1 - 0, 1 - 1/2, 1 - 0, 1 - 1/3, 1 - 0
    wanted = torch.tensor([1 / 3, 1, 1 / 2, 1, 2 / 3, 1])
    mean = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    i, j = torch.triu_indices(4, 4, 1)
    apart = (mean[i] - mean[j]).norm(dim=-1)
    expected = 1 - torch.corrcoef(torch.stack([wanted, apart]))[0, 1]
    torch.testing.assert_close(misalignment(mean, bits), expected, atol=1e-4, rtol=1e-4)


def test_loss_counts_the_map_terms_and_missing_labels_do_not(model: VAE) -> None:
    batch = arrays().batch(range(20))
    settings = ObjectiveSettings(auxiliary_weight=0.1, alignment_weight=2.0)
    loss = evidence_loss(model, batch, batch, settings, 0.0, sample=False)
    nats = loss.nats
    expected = (
        loss.distortion
        + 0.1 * (nats["descriptors"] + nats["fingerprint"])
        + 2.0 * nats["misalignment"]
    )
    torch.testing.assert_close(loss.total, expected)
    own = settings.model_copy(update={"auxiliary_weights": {"descriptors": 0.7}})
    heavier = evidence_loss(model, batch, batch, own, 0.0, sample=False).total
    torch.testing.assert_close(heavier, loss.total + 0.6 * nats["descriptors"])
    for values in batch.auxiliary.values():
        values[:] = float("nan")
    bare = evidence_loss(model, batch, batch, settings, 0.0, sample=False)
    torch.testing.assert_close(bare.total, bare.distortion)


def test_training_with_noise_reaches_every_parameter(model: VAE) -> None:
    model.train()
    batch = arrays().batch(range(20))
    settings = ObjectiveSettings(noise=0.5, alignment_weight=1.0, word_dropout=0.3)
    torch.manual_seed(0)
    evidence_loss(model, batch, batch, settings, 0.1).total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
