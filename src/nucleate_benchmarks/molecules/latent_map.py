"""Whether a latent space is a map: are neighbours in it neighbours in chemistry?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.generation.latent_sources import arc_points
from nucleate.latent.latent_model import LatentModel
from nucleate_benchmarks.common.drawing import decode
from nucleate_benchmarks.molecules.features import pair_similarity

Latents = NDArray[np.float32]
STEPS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0)
"""Grid of steps, in standard deviations of the encoded training set per dimension."""
REPEATS = 3
"""Perturbations of each molecule at the step where half of them change."""


def step_to_change(shares: Sequence[float], steps: Sequence[float] = STEPS) -> float | None:
    """The step at which half the decodes change, linearly between the grid's steps.

    Below the first step the share is taken to rise from nothing. None if it stays below a half.
    """
    before_step, before = 0.0, 0.0
    for step, share in zip(steps, shares, strict=True):
        if share >= 0.5:
            return before_step + (step - before_step) * (0.5 - before) / (share - before)
        before_step, before = step, share
    return None


def neighbourhood(
    model: LatentModel,
    mean: Latents,
    spread: Latents,
    seed: int = 0,
    noise: float = 0.0,
) -> dict[str, Any]:
    """What small steps in latent space do to molecules.

    Each molecule's mean z is decoded greedily (its *parent*), then z + step * spread * normal noise
    over a grid of steps; a decode *changes* if it is another molecule than the parent. At the step
    where half of them change (found by interpolation), the decodes are made anew.

    Args:
        mean: of n test molecules, [n, D].
        spread: standard deviation of the encoded training set by dimension, [D].

    Returns:
        `step`, and there `changed` (share), `bits` and `counts`: mean Tanimoto similarity of the
        changed molecules to their parents (Morgan radius 2, 2,048), None if no step of the grid
        changes half; `random_bits`, `random_counts` of random pairs of parents; `grid` rows; `n`.
    """
    rng = np.random.default_rng(seed)
    parents = decode(model, mean, noise=noise)
    grid = []
    for step in STEPS:
        row = _perturbed(model, mean, parents, step * spread, rng, noise)
        grid.append({"step": step, **row})
    shuffled = [parents[i] for i in _derangement(len(parents), rng)]
    out: dict[str, Any] = {
        "n": len(mean),
        "grid": grid,
        "step": step_to_change([row["changed"] for row in grid]),
        "random_bits": _mean(pair_similarity(parents, shuffled)),
        "random_counts": _mean(pair_similarity(parents, shuffled, counts=True)),
    }
    if out["step"] is None:
        return {**out, "changed": None, "bits": None, "counts": None}
    at_half = _perturbed(
        model,
        np.repeat(mean, REPEATS, axis=0),
        [parent for parent in parents for _ in range(REPEATS)],
        out["step"] * spread,
        rng,
        noise,
    )
    return {**out, **at_half}


def _perturbed(
    model: LatentModel,
    mean: Latents,
    parents: Sequence[str | None],
    step: Latents,
    rng: np.random.Generator,
    noise: float,
) -> dict[str, float]:
    moved = mean + step * rng.standard_normal(mean.shape, np.float32)
    children = decode(model, moved.astype(np.float32), noise=noise)
    pairs = [(c, p) for c, p in zip(children, parents, strict=True) if c != p]
    first, second = [c for c, _ in pairs], [p for _, p in pairs]
    return {
        "changed": len(pairs) / max(1, len(parents)),
        "bits": _mean(pair_similarity(first, second)),
        "counts": _mean(pair_similarity(first, second, counts=True)),
    }


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _derangement(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random permutation without fixed points (of two or more): a cycle in random order."""
    order = rng.permutation(n)
    out = np.empty(n, np.int64)
    out[order] = np.roll(order, 1)
    return out


def midpoints(
    model: LatentModel,
    smiles: Sequence[str],
    mean: Latents,
    count: int,
    seed: int = 0,
    noise: float = 0.0,
) -> dict[str, Any]:
    """What lies half way between two molecules, on the arc that `sample --between` follows.

    The mean of two vectors of a Gaussian latent space is shorter than either and so unlike any that
    the decoder has learnt to read (White 2016, "Sampling generative networks").

    Returns:
        `bits`, `counts`: mean Tanimoto similarity of the decoded midpoint to each of its two
        parents; `straight_bits`: the same of the plain mean of their vectors; `lower_bits`: to the
        less similar parent; `parent`: share of midpoints that are one of the parents;
        `control_bits`, `control_counts`, `control_lower_bits`: the same of a random third molecule;
        `n` pairs.
    """
    rng = np.random.default_rng(seed)
    if len(smiles) < 3:
        return {"n": 0}
    picks = np.array([rng.choice(len(smiles), 3, replace=False) for _ in range(count)])
    first, second, third = ([smiles[i] for i in picks[:, column]] for column in range(3))
    ends = mean[picks[:, 0]], mean[picks[:, 1]]
    found = decode(model, arc_points(*ends, np.full(count, 0.5, np.float32)), noise=noise)
    plain = decode(model, ((ends[0] + ends[1]) / 2).astype(np.float32), noise=noise)
    out: dict[str, Any] = {
        "n": count,
        "straight_bits": _mean(
            np.concatenate([pair_similarity(plain, other, False) for other in (first, second)])
        ),
    }
    for name, middle in (("", found), ("control_", third)):
        for kind in ("bits", "counts"):
            pairs = [pair_similarity(middle, other, kind == "counts") for other in (first, second)]
            out[f"{name}{kind}"] = _mean(np.concatenate(pairs))
            if kind == "bits":
                out[f"{name}lower_bits"] = _mean(np.minimum(*pairs))
    equal = [m in (a, b) for m, a, b in zip(found, first, second, strict=True)]
    out["parent"] = float(np.mean(equal))
    return out


def _spearman(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> float:
    """Rank correlation over the pairs known in both; NaN where either is constant."""
    from scipy.stats import spearmanr

    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    # Within rounding of one value there is nothing but rounding to rank.
    if any(len(side) < 2 or np.ptp(side) < 1e-6 for side in (first, second)):
        return float("nan")
    return float(spearmanr(first, second)[0])


def rank_correlations(
    smiles: Sequence[str], mean: Latents, spread: Latents, pairs: int, seed: int = 0
) -> dict[str, float]:
    """Spearman's correlation of latent and Tanimoto distance over random pairs of molecules.

    Returns:
        `euclidean`, `scaled` (each dimension divided by `spread`) and `cosine` against 1 - Tanimoto
        of ECFP4 bits; `euclidean_counts` against counts; `control`: Euclidean distances of
        molecules with each other's latents; `n` pairs.
    """
    if len(smiles) < 3:
        return {"n": 0}
    rng = np.random.default_rng(seed)
    first = rng.integers(len(smiles), size=pairs)
    second = (first + rng.integers(1, len(smiles), size=pairs)) % len(smiles)
    left, right = ([smiles[i] for i in side] for side in (first, second))
    bits = 1 - pair_similarity(left, right)
    counts = 1 - pair_similarity(left, right, counts=True)

    def distance(latents: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        return np.linalg.norm(latents[first] - latents[second], axis=1)

    lengths = np.linalg.norm(mean, axis=1, keepdims=True)
    return {
        "n": pairs,
        "euclidean": _spearman(distance(mean), bits),
        "scaled": _spearman(distance(mean / np.maximum(spread, 1e-9)), bits),
        "cosine": _spearman(distance(mean / np.maximum(lengths, 1e-9)), bits),
        "euclidean_counts": _spearman(distance(mean), counts),
        "control": _spearman(distance(mean[rng.permutation(len(mean))]), bits),
    }
