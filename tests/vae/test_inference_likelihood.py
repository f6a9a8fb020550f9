"""Reconstruction log-likelihoods of single structures."""

from __future__ import annotations

import numpy as np
import torch

from nucleate.testing.toy_schema import toy_arrays
from nucleate.vae.inference import likelihood_of
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import encode_all, evaluate

CPU = torch.device("cpu")


def test_they_average_to_the_distortion_and_keep_the_order(toy_model: VAE) -> None:
    arrays = toy_arrays(40)
    latents, nats = likelihood_of(toy_model, arrays, CPU)
    np.testing.assert_allclose(latents, encode_all(toy_model, arrays, CPU)[0], atol=1e-5)
    measured = evaluate(toy_model, arrays, CPU)
    np.testing.assert_allclose(-nats.mean(), measured["distortion"], rtol=1e-4)
    few = np.array([7, 3])
    _, alone = likelihood_of(toy_model, arrays.subset(few), CPU)
    np.testing.assert_allclose(alone, nats[few], rtol=1e-3, atol=1e-3)
