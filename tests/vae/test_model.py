"""The autoencoder: padding never matters, decoding is legal and agrees with training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nucleate.settings.model import NetworkSettings, ObjectiveSettings
from nucleate.testing.toy_schema import SortedLegality, toy_arrays, toy_schema
from nucleate.vae import evidence_lower_bound as objective
from nucleate.vae.decoding import decode
from nucleate.vae.evidence_lower_bound import beta_at, evidence_loss
from nucleate.vae.model import VAE
from nucleate.vae.training.workers import pack, unpack


def test_padding_changes_nothing(toy_model: VAE) -> None:
    arrays = toy_arrays(12)
    batch = arrays.batch(range(12))
    together = toy_model.encode(batch).mean
    nats = toy_model.reconstruct(together, batch).nats
    for row in range(12):
        single = arrays.batch([row])
        alone = toy_model.encode(single).mean
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)
        for name, value in toy_model.reconstruct(alone, single).nats.items():
            torch.testing.assert_close(value[0], nats[name][row], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_decoded_sequences_are_legal_and_their_likelihood_is_the_training_one(
    toy_model: VAE, temperature: float
) -> None:
    latent = torch.randn(40, toy_model.latent_size, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(2)
    arrays, likelihood = decode(toy_model, latent, temperature, generator)
    assert len(arrays) == 40
    for index in range(40):
        record = arrays.record(index)
        record.check(toy_schema())
        letters = record.steps["letter"]
        assert (np.diff(letters) >= 0).all()
        assert (record.steps["colour"] >= record.once["group"]).all()
        np.testing.assert_array_equal(np.isnan(record.steps["angle"]), letters % 2 == 0)
    batch = arrays.batch(range(40))
    batch.auxiliary["weight"] = torch.full((40, 1), float("nan"))
    nats = toy_model.reconstruct(latent, batch).nats
    torch.testing.assert_close(
        -torch.stack([nats[f.name] for f in (*toy_schema().once, *toy_schema().step)]).sum(0),
        likelihood,
        atol=1e-3,
        rtol=1e-4,
    )


def test_decoding_is_reproducible(toy_model: VAE) -> None:
    latent = torch.zeros(5, toy_model.latent_size)
    draws = [
        decode(toy_model, latent, 1.0, torch.Generator().manual_seed(seed))[0].arrays()
        for seed in (7, 7, 8)
    ]
    assert all(np.array_equal(draws[0][k], draws[1][k], equal_nan=True) for k in draws[0])
    assert any(
        draws[0][k].shape != draws[2][k].shape
        or not np.array_equal(draws[0][k], draws[2][k], equal_nan=True)
        for k in draws[0]
    )


def test_every_parameter_learns_and_gradients_are_finite(toy_model: VAE) -> None:
    batch = toy_arrays(30).batch(range(30))
    toy_model.train()
    loss = evidence_loss(toy_model, batch, batch, ObjectiveSettings(word_dropout=0.5), 1.0)
    loss.total.backward()
    for name, parameter in toy_model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name


def test_loss_terms_add_up() -> None:
    schema = toy_schema()
    torch.manual_seed(0)
    model = VAE(schema, SortedLegality(schema), NetworkSettings(width=32, latent=8)).eval()
    batch = toy_arrays(30).batch(range(30))
    settings = ObjectiveSettings(free_bits=0.0, auxiliary_weight=2.0)
    loss = evidence_loss(model, batch, batch, settings, 0.3, sample=False)
    fields = sum(v for k, v in loss.nats.items() if k != "weight")
    torch.testing.assert_close(loss.distortion, fields)
    expected = loss.distortion + 0.3 * loss.rate + 2.0 * loss.nats["weight"]
    torch.testing.assert_close(loss.total, expected)
    spared = evidence_loss(
        model, batch, batch, ObjectiveSettings(free_bits=100.0), 0.3, sample=False
    )
    spared.total.backward()
    head = model.posterior.weight.grad
    assert head is not None
    # With all the rate free, only the distortion pulls: log variances get no gradient.
    assert float(head[8:].abs().max()) == 0.0


def test_divergence_is_that_of_torch() -> None:
    schema = toy_schema()
    torch.manual_seed(0)
    model = VAE(schema, SortedLegality(schema), NetworkSettings(width=32, latent=8)).eval()
    posterior = model.encode(toy_arrays(5).batch(range(5)))
    ours = posterior.divergence()
    theirs = torch.distributions.kl_divergence(
        torch.distributions.Normal(posterior.mean, (0.5 * posterior.log_variance).exp()),
        torch.distributions.Normal(torch.zeros(()), torch.ones(())),
    )
    torch.testing.assert_close(ours, theirs)


def test_beta_warms_up_linearly() -> None:
    settings = ObjectiveSettings(beta=0.4, warm_up=0.5)
    assert [beta_at(settings, p) for p in (0, 0.25, 0.5, 1)] == pytest.approx([0, 0.2, 0.4, 0.4])


def test_invented_rows_are_told_and_get_no_noise(toy_model: VAE) -> None:
    batch = toy_arrays(8).batch(range(8))
    marked = replace(batch, invented=torch.arange(8) < 4)
    latent = toy_model.encode(batch).mean
    told = [toy_model.reconstruct(latent, one).nats["letter"] for one in (batch, marked)]
    assert not torch.isclose(told[0][:4], told[1][:4], atol=1e-6).any()
    torch.testing.assert_close(told[0][4:], told[1][4:])
    settings = ObjectiveSettings(noise=1.0, word_dropout=0.0)
    seen = []

    def watched(latent: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        seen.append(noise)
        return latent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective, "add_noise", watched)
        evidence_loss(toy_model, marked, marked, settings, 0.1)
    assert (seen[0][:4] == 0).all()
    assert (seen[0][4:] > 0).all()
    part = marked.subset(torch.tensor([0, 5])).to("cpu")
    assert part.invented is not None
    assert part.invented.tolist() == [True, False]
    again = unpack(pack(marked, 0, 0.1)).invented
    assert again is not None
    assert torch.equal(again, marked.invented)


def test_continuous_fields_may_be_colder(toy_model: VAE) -> None:
    latent = torch.randn(40, toy_model.latent_size, generator=torch.Generator().manual_seed(1))
    arrays, _ = decode(
        toy_model, latent, 1.0, torch.Generator().manual_seed(2), continuous_temperature=0.0
    )
    modes, _ = decode(toy_model, latent, 0.0, given=arrays)
    warm, _ = decode(toy_model, latent, 1.0, torch.Generator().manual_seed(2))
    for row in range(40):
        drawn, mode = arrays.record(row), modes.record(row)
        np.testing.assert_allclose(drawn.steps["angle"], mode.steps["angle"], atol=1e-5)
    angles = [
        np.concatenate([a.record(r).steps["angle"] for r in range(40)]) for a in (arrays, warm)
    ]
    assert not np.array_equal(*angles, equal_nan=True)


def test_amplitudes_of_noise_follow_the_schedule() -> None:
    latent = torch.zeros(20_000, 1)
    torch.manual_seed(0)
    plain = objective.noise_levels(ObjectiveSettings(noise=0.5), latent)
    curved = objective.noise_levels(ObjectiveSettings(noise=0.5, noise_schedule="cosine"), latent)
    for levels, share in ((plain, 0.1), (curved, 0.5 * 2 / np.pi * np.arccos(0.8))):
        assert float((levels > 0).float().mean()) == pytest.approx(0.5, abs=0.02)
        assert float((levels > 0.8).float().mean()) == pytest.approx(share, abs=0.02)
        assert float(levels.max()) <= 1
