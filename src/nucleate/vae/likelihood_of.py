"""How likely a model finds a structure that it was shown itself.

A structure like those that the model was trained on is rebuilt nearly surely; one that the model
has no words for is not, wherever its latent vector lies.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import ordered_batches

BATCH = 256


@torch.no_grad()
def likelihood_of(
    model: VAE, arrays: RaggedArrays, device: torch.device
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Log-likelihood of each structure given the mean of its own posterior.

    Under teacher forcing, summed over fields and steps, auxiliary fields left out; the negative
    distortion of the evidence lower bound (Kingma & Welling 2014), without its expectation.

    Args:
        arrays: n structures.

    Returns:
        Posterior means [n, D], and nats [n], in the order of the structures.
    """
    model.eval()
    mean = np.zeros((len(arrays), model.latent_size), np.float32)
    nats = np.zeros(len(arrays))
    for rows in ordered_batches(arrays, BATCH):
        batch = arrays.batch(rows).to(device)
        walk = model.walk(batch)
        posterior = model.encode(batch, walk)
        fields = model.reconstruct(posterior.mean, batch, walk=walk, count=False).nats.values()
        mean[rows] = posterior.mean.cpu().numpy()
        nats[rows] = -torch.stack(list(fields)).sum(0).cpu().numpy()
    return mean, nats
