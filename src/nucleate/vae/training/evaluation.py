"""Evaluation of a trained autoencoder on a set: losses at the posterior mean, encodings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.errors import SettingsError
from nucleate.core.progress import bar
from nucleate.vae.arrays import RaggedArrays
from nucleate.vae.evidence_lower_bound import labels
from nucleate.vae.model import VAE


def choose_device(name: str) -> torch.device:
    """`auto` takes CUDA, then Apple's, then the processor.

    Raises:
        SettingsError: a device that is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name != "auto":
        if not there.get(name, True):
            raise SettingsError(
                f"device {name!r}: there is none here that PyTorch can use; give cpu or auto"
            )
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def ordered_batches(
    arrays: RaggedArrays, size: int, description: str
) -> Iterator[NDArray[np.int64]]:
    """All structures once, sorted by length; a bar of that description shows how far it is."""
    order = np.argsort(arrays.lengths, kind="stable")
    with bar(description=description, total=len(order), unit="structure") as shown:
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield rows
            shown.update(len(rows))


@torch.no_grad()
def evaluate(model: VAE, arrays: RaggedArrays, device: torch.device) -> dict[str, float]:
    """Loss terms at the posterior mean, nats per structure, averaged over a set.

    Returns:
        `distortion`, `rate`, each field's nats (an auxiliary field's as in `Loss`), and
        `token_accuracy`: the share of categorical values that are the mode under teacher forcing.
    """
    model.eval()
    sums: dict[str, float] = {}
    auxiliary: dict[str, tuple[Tensor, Tensor]] = {}
    right = counted = 0.0
    for rows in ordered_batches(arrays, 256, "evaluate"):
        batch = arrays.batch(rows).to(device)
        walk = model.walk(batch)
        posterior = model.encode(batch, walk)
        result = model.reconstruct(posterior.mean, batch, walk=walk)
        terms = {
            "rate": posterior.divergence().sum(),
            **{k: v.sum() for k, v in result.nats.items()},
        }
        for name, nats in model.predict_auxiliary(posterior.mean, batch).items():
            count = labels(batch.auxiliary[name], nats.shape[1])
            before = auxiliary.get(name, (0.0, 0))
            auxiliary[name] = (before[0] + nats.sum(0), before[1] + count)
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + float(value)
        right += float(sum(v.sum() for v in result.right.values()))
        counted += float(sum(v.sum() for v in result.counted.values()))
    means = {name: value / max(1, len(arrays)) for name, value in sums.items()}
    distortion = sum(v for k, v in means.items() if k != "rate")
    for name, (total, labelled) in auxiliary.items():
        means[name] = float((total / labelled.clamp(min=1)).sum())
    return {"distortion": distortion, **means, "token_accuracy": right / max(1.0, counted)}


@torch.no_grad()
def encode_all(
    model: VAE, arrays: RaggedArrays, device: torch.device
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Posterior means and log variances of a set, in its order, each float32 [n, D]."""
    model.eval()
    mean = np.zeros((len(arrays), model.latent_size), np.float32)
    log_variance = np.zeros_like(mean)
    for rows in ordered_batches(arrays, 256, "encode"):
        posterior = model.encode(arrays.batch(rows).to(device))
        mean[rows] = posterior.mean.cpu().numpy()
        log_variance[rows] = posterior.log_variance.cpu().numpy()
    return mean, log_variance


def active_units(mean: NDArray[np.float32], threshold: float = 0.01) -> int:
    """Latent dimensions whose posterior mean varies over the data (Burda et al. 2016)."""
    return int((mean.var(0) > threshold).sum())
