"""Importance weights: how much latent vectors tell of what every structure shall keep."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.latent.latent_model import DECODE_BATCH, LatentModel
from nucleate.matter.conditions import Constraint
from nucleate.vae.decoding import decode

_SHARE_KEPT = 8
"""Of so many vectors, the one that tells most is taken."""


_FORGIVING = 5.0
"""Nats by which evidence may fall short before a vector is taken e times less often: what a single
structure tells is noisy, and the likeliest few alone would be too few."""


def resampling_weights(evidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """How often to take each vector, [n], summing to 1: importance resampling, tempered."""
    weights = np.exp((evidence.astype(np.float64) - evidence.max()) / _FORGIVING)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


def best_candidates(evidence: NDArray[np.float32]) -> NDArray[np.int64]:
    """Numbers of the candidates of which evidence tells most."""
    return np.argsort(-evidence, kind="stable")[: max(1, len(evidence) // _SHARE_KEPT)]


class ConstraintEvidence:
    """How likely the decoder, left alone, keeps what it is made to keep.

    One structure is written under the constraint's masks from each latent vector. What its
    likelihood loses where the masks are lifted is the log-probability, under the decoder, of the
    choices that the masks left open, summed along that structure.
    """

    def __init__(self, model: LatentModel, constraint: Constraint):
        self.model, self.constraint = model, constraint

    @torch.no_grad()
    def __call__(
        self, latents: NDArray[np.float32], ways: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        """Log-probability of each vector [n, D] and way [n], nats, [n]; at most 0."""
        network, device = self.model.model, self.model.device
        legality = self.constraint.legality(ways)
        generator = torch.Generator(device).manual_seed(seed)
        out = []
        for start in range(0, len(latents), DECODE_BATCH):
            part = torch.from_numpy(latents[start : start + DECODE_BATCH]).to(device)
            masks = legality.rows(start, start + len(part))
            arrays, forced = decode(network, part, 1.0, generator, legality=masks)
            batch = arrays.batch(np.arange(len(arrays))).to(device)
            nats = network.reconstruct(part, batch).nats
            out.append(-torch.stack(list(nats.values())).sum(0) - forced)
        return torch.cat(out).cpu().numpy()


def likely_ways(
    model: LatentModel, constraint: Constraint, latents: NDArray[np.float32], seed: int
) -> NDArray[np.int64]:
    """Ways to meet a constraint, those more often that suit the latent vectors [n, D]."""
    ways = constraint.ways(len(latents), np.random.default_rng(seed))
    if (ways == ways[0]).all():
        return ways[:1]
    weights = resampling_weights(ConstraintEvidence(model, constraint)(latents, ways, seed))
    return np.random.default_rng(seed).choice(ways, size=len(ways), p=weights)


class PartEvidence:
    """How much latent vectors tell of a part, by the model's linear heads of yes/no fields.

    Args:
        bits: by field, which components the part has, float32 [size].
    """

    def __init__(self, model: LatentModel, bits: dict[str, Tensor]):
        self.model, self.bits = model, bits

    @torch.no_grad()
    def __call__(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-likelihood that the part's components are all present, nats, [n]."""
        vectors = torch.from_numpy(latents).to(self.model.device)
        total = torch.zeros(len(vectors), device=vectors.device)
        for name, bits in self.bits.items():
            logits = self.model.model.auxiliary[name](vectors)
            total += torch.nn.functional.logsigmoid(logits) @ bits.to(logits)
        return total.cpu().numpy()


def part_evidence(model: LatentModel, part: str) -> PartEvidence | None:
    """Evidence of a part, or None where the model predicts no yes/no fields."""
    values = model.codec.auxiliary(part)
    names = [
        f.name
        for f in model.model.schema.auxiliary
        if f.likelihood == "bernoulli" and f.name in values
    ]
    if not names:
        return None
    return PartEvidence(model, {n: torch.from_numpy(values[n].astype(np.float32)) for n in names})
