"""Inferred latent vectors tell their structures better, and nothing else changes."""

from __future__ import annotations

import numpy as np
import torch

from nucleate.testing.toy_schema import toy_arrays
from nucleate.vae.inference import PRIOR_WEIGHT, infer
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import encode_all

CPU = torch.device("cpu")


def objective(model: VAE, latents: np.ndarray, count: int) -> torch.Tensor:
    vector = torch.from_numpy(latents)
    with torch.no_grad():
        nats = model.reconstruct(vector, toy_arrays(count).batch(range(count))).nats
    return torch.stack(list(nats.values())).sum(0) + 0.5 * PRIOR_WEIGHT * vector.square().sum(1)


def test_every_structure_is_told_better_or_as_well(toy_model: VAE) -> None:
    arrays = toy_arrays(12)
    before = {name: value.clone() for name, value in toy_model.state_dict().items()}
    mean, _ = encode_all(toy_model, arrays, CPU)
    inferred = infer(toy_model, arrays, mean, 20, CPU)
    started, ended = objective(toy_model, mean, 12), objective(toy_model, inferred, 12)
    assert (ended <= started + 1e-4).all()
    assert float(ended.mean()) < float(started.mean()) - 0.1
    for name, value in toy_model.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.requires_grad and p.grad is None for p in toy_model.parameters())


def test_no_steps_change_nothing_and_neighbours_do_not_matter(toy_model: VAE) -> None:
    arrays = toy_arrays(12)
    mean, _ = encode_all(toy_model, arrays, CPU)
    np.testing.assert_array_equal(infer(toy_model, arrays, mean, 0, CPU), mean)
    together = infer(toy_model, arrays, mean, 5, CPU)
    alone = infer(toy_model, arrays.subset([3]), mean[3:4], 5, CPU)
    np.testing.assert_allclose(alone[0], together[3], atol=1e-3)
