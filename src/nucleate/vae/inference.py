"""Inference: how likely structures are, and latent vectors nearer the posterior's mode.

The encoder amortises inference: one pass for every structure, at the price of a gap between its
answer and the best one (Cremer et al. 2018). A few gradient steps on a structure's own latent
vector close it (Kim et al. 2018, semi-amortised variational autoencoders); the networks stay as
they are.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import ordered_batches

LEARNING_RATE = 0.03
PRIOR_WEIGHT = 0.02
"""Of the standard normal's log density: that of the KL divergence in training."""


def infer(
    model: VAE,
    arrays: RaggedArrays,
    latents: NDArray[np.float32],
    steps: int,
    device: torch.device,
    *,
    learning_rate: float = LEARNING_RATE,
    prior_weight: float = PRIOR_WEIGHT,
) -> NDArray[np.float32]:
    """Move each structure's latent vector towards those that tell the structure best.

    Adam on the negative log-likelihood of the structure under teacher forcing, plus the prior's
    weighted negative log density. Of all vectors on the way the best one is kept, so that no
    structure ends with a worse objective than it began with.

    Args:
        arrays: n structures.
        latents: where to start, float32 [n, D]; the encoder's means, as a rule.
        steps: gradient steps; each costs about as much as a step of training.

    Returns:
        float32 [n, D].
    """
    model.eval()
    inferred = np.array(latents, np.float32)
    # Gradients of the vectors alone: those of the weights would cost as much again.
    wanted = [p for p in model.parameters() if p.requires_grad]
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        for rows in ordered_batches(arrays, 256, "infer"):
            batch = arrays.batch(rows).to(device)
            walk = model.walk(batch)
            vector = torch.from_numpy(inferred[rows]).to(device).requires_grad_(True)
            optimiser = torch.optim.Adam([vector], lr=learning_rate)
            best = vector.detach().clone()
            lowest = torch.full((len(rows),), torch.inf, device=device)
            for step in range(steps + 1):
                nats = torch.stack(list(model.reconstruct(vector, batch, walk=walk).nats.values()))
                objective = nats.sum(0) + 0.5 * prior_weight * vector.square().sum(1)
                better = objective.detach() < lowest
                lowest = torch.where(better, objective.detach(), lowest)
                best[better] = vector.detach()[better]
                if step < steps:
                    optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
                    optimiser.zero_grad()
                    objective.sum().backward()
                    optimiser.step()
            inferred[rows] = best.cpu().numpy()
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)
    return inferred


@torch.no_grad()
def likelihood_of(
    model: VAE, arrays: RaggedArrays, device: torch.device
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the log-likelihood of each structure given the mean of its own posterior.

    A structure like those that the model was trained on is rebuilt nearly surely; one that the
    model has no words for is not, wherever its latent vector lies.
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
    for rows in ordered_batches(arrays, 256, "encode"):
        batch = arrays.batch(rows).to(device)
        walk = model.walk(batch)
        posterior = model.encode(batch, walk)
        fields = model.reconstruct(posterior.mean, batch, walk=walk, count=False).nats.values()
        mean[rows] = posterior.mean.cpu().numpy()
        nats[rows] = -torch.stack(list(fields)).sum(0).cpu().numpy()
    return mean, nats
