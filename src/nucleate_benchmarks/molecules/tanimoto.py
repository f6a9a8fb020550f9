"""Tanimoto similarities between whole sets of packed fingerprints, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

BLOCK = 2000


def _unpacked(packed: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.unpackbits(packed, axis=1)).to(device, torch.float32)


def _blocks(
    rows: NDArray[np.uint8], columns: NDArray[np.uint8], device: str
) -> Iterator[tuple[slice, slice, torch.Tensor]]:
    """Similarities of a block of `rows` against a block of `columns`; 1 for two empty ones."""
    place = torch.device(device)
    for start in range(0, len(rows), BLOCK):
        left = _unpacked(rows[start : start + BLOCK], place)
        for other in range(0, len(columns), BLOCK):
            right = _unpacked(columns[other : other + BLOCK], place)
            both = left @ right.T
            either = left.sum(1, keepdim=True) + right.sum(1)[None, :] - both
            similarity = torch.where(either > 0, both / either.clamp(min=1), 1.0)
            yield slice(start, start + len(left)), slice(other, other + len(right)), similarity


def nearest(
    samples: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    device: str = "cpu",
    exclude_self: bool = False,
) -> NDArray[np.float64]:
    """Similarity of each sample to its nearest neighbour in the reference, float64 [n].

    Args:
        samples: packed bits, uint8 [n, size / 8].
        reference: packed bits, uint8 [m, size / 8].
        exclude_self: the two sets are the same, and a molecule is not its own neighbour.
    """
    best = np.zeros(len(samples))
    for rows, columns, similarity in _blocks(samples, reference, device):
        if exclude_self and rows == columns:
            similarity.fill_diagonal_(0)
        best[rows] = np.maximum(best[rows], similarity.amax(1).cpu().numpy())
    return best


def internal_diversities(samples: NDArray[np.uint8], device: str = "cpu") -> tuple[float, float]:
    """MOSES' IntDiv and IntDiv2 over all ordered pairs, a molecule with itself included.

    IntDiv = 1 - mean T. IntDiv2 follows molsets' code, 1 - mean_i sqrt(mean_j T_ij^2); the paper
    takes the root of the mean over all pairs, which differs in the third digit.

    Returns:
        NaN, NaN for an empty set.
    """
    if not len(samples):
        return float("nan"), float("nan")
    total = np.zeros(len(samples))
    squared = np.zeros(len(samples))
    for rows, _, similarity in _blocks(samples, samples, device):
        exact = similarity.double()
        total[rows] += exact.sum(1).cpu().numpy()
        squared[rows] += exact.square().sum(1).cpu().numpy()
    n = len(samples)
    return float(1 - (total / n).mean()), float(1 - np.sqrt(squared / n).mean())
