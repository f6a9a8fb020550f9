"""Fréchet ChemNet distance (Preuer et al., J. Chem. Inf. Model. 58 (2018) 1736).

Network, weights and encoding of SMILES are those of `fcd_torch`, the one that MOSES uses. Only the
closing formula is written here, by symmetric eigendecompositions: it agrees with `fcd_torch`'s to
rounding, is exact where covariances are singular, and needs no argument that SciPy 1.18 drops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError
from nucleate.core.parallel import map_ordered

CHUNK = 500
POOL_FROM = 2000
WIDTH = 512
"""Length of ChemNet's activations."""


@dataclass(frozen=True)
class Statistics:
    """Mean [512] and covariance [512, 512] of ChemNet's activations over n molecules."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n: int


@cache
def _network() -> Any:
    try:
        from fcd_torch import FCD
    except ModuleNotFoundError as error:
        raise NucleateError(f"{error}: pip install 'nucleate[benchmarks]'") from None

    return FCD(device="cpu", n_jobs=1)


def _activations(smiles: list[str], device: str = "cpu") -> NDArray[np.float64]:
    import torch
    from fcd_torch.utils import SmilesDataset

    # Read as text once more: fcd_torch writes its own canonical SMILES before encoding.
    encoded = SmilesDataset(smiles, canonize=True)
    batch = torch.from_numpy(np.stack([encoded[i] for i in range(len(encoded))])).float()
    network = _network().model.to(device)
    with torch.no_grad():
        out: NDArray[np.float64] = network(batch.transpose(1, 2).to(device)).cpu().double().numpy()
    return out


def chemnet_statistics(
    smiles: Sequence[str], processes: int = 1, device: str = "cpu"
) -> Statistics:
    """Statistics of valid SMILES, repetitions counted.

    Args:
        processes: workers, on the processor only.
        device: torch device; one process if it is not the processor.
    """
    chunks = [list(smiles[i : i + CHUNK]) for i in range(0, len(smiles), CHUNK)]
    if device != "cpu":
        parts = [_activations(chunk, device) for chunk in chunks]
    else:
        workers = 1 if len(smiles) < POOL_FROM else processes
        parts = list(map_ordered(_activations, chunks, processes=workers))
    if len(smiles) < 2:
        return Statistics(np.full(WIDTH, math.nan), np.full((WIDTH, WIDTH), math.nan), len(smiles))
    values = np.concatenate(parts)
    return Statistics(values.mean(0), np.cov(values.T), len(smiles))


def frechet_distance(first: Statistics, second: Statistics) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2); NaN for fewer than two molecules."""
    if min(first.n, second.n) < 2:
        return math.nan
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ second.covariance @ root)
    cross = float(np.sqrt(np.clip(inner, 0, None)).sum())
    shift = float(((first.mean - second.mean) ** 2).sum())
    return shift + float(np.trace(first.covariance) + np.trace(second.covariance)) - 2 * cross
