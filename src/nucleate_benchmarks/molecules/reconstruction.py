"""How exactly a model rebuilds molecules: greedily from the mean, and by JT-VAE's protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.latent.latent_model import LatentModel
from nucleate.vae.training.evaluation import encode_all
from nucleate_benchmarks.common.drawing import decode

DRAWS = 10
"""Posterior draws of a molecule, and decodes of each draw (Jin et al. 2018, section 3)."""


@dataclass(frozen=True)
class Encoded:
    """The molecules of a set that a model's codec holds, and their posteriors.

    Attributes:
        smiles: k of the n molecules.
        mean: float32 [k, D].
        log_variance: float32 [k, D].
        refused: by reason, the n - k others.
    """

    smiles: list[str]
    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32]
    refused: dict[str, int]

    @property
    def n(self) -> int:
        """Molecules asked for, those refused included."""
        return len(self.smiles) + sum(self.refused.values())

    def first(self, count: int) -> Encoded:
        """The first `count` molecules that were encoded."""
        return Encoded(
            self.smiles[:count], self.mean[:count], self.log_variance[:count], self.refused
        )


def encode(model: LatentModel, smiles: Sequence[str]) -> Encoded:
    """Posteriors of molecules."""
    arrays, kept, refused = model.arrays(smiles)
    reasons = dict(Counter(error.reason for error in refused.values()))
    if not kept:
        empty = np.zeros((0, model.size), np.float32)
        return Encoded([], empty, empty, reasons)
    mean, log_variance = encode_all(model.model, arrays, model.device)
    return Encoded([smiles[i] for i in kept], mean, log_variance, reasons)


def exact_reconstruction(
    model: LatentModel, encoded: Encoded, noise: float = 0.0
) -> tuple[dict[str, Any], list[str | None]]:
    """Share rebuilt exactly, stereo included, from the posterior mean by greedy decoding.

    Refused molecules count against it.

    Returns:
        `exact`, `control` (the rebuilt molecule against the next one in the list), `decoded` (share
        of those encoded that become a molecule), `n`; and what each was rebuilt as.
    """
    rebuilt = decode(model, encoded.mean, noise=noise)
    right = _equal(encoded.smiles, rebuilt)
    others = _equal(encoded.smiles, [*rebuilt[1:], *rebuilt[:1]]) if len(rebuilt) > 1 else 0
    return {
        "exact": right / max(1, encoded.n),
        "control": others / max(1, encoded.n),
        "decoded": sum(text is not None for text in rebuilt) / max(1, len(rebuilt)),
        "n": encoded.n,
        "refused": encoded.refused,
    }, rebuilt


def _equal(first: Sequence[str | None], second: Sequence[str | None]) -> int:
    return sum(a is not None and a == b for a, b in zip(first, second, strict=True))


def stochastic_reconstruction(
    model: LatentModel, encoded: Encoded, seed: int = 0, noise: float = 0.0
) -> dict[str, Any]:
    """JT-VAE's protocol: ten posterior draws, each decoded ten times at temperature 1.

    Returns:
        `exact`: share of the 100 decodes equal to the molecule, averaged over the molecules;
        `control`: share equal to the next molecule of the list instead; `standard_error` over the
        molecules; `n` molecules.
    """
    k, size = encoded.mean.shape
    rng = np.random.default_rng(seed)
    spread = np.exp(0.5 * encoded.log_variance)[:, None, :]
    noise_of_draws = rng.standard_normal((k, DRAWS, size), np.float32)
    latents = encoded.mean[:, None, :] + spread * noise_of_draws
    repeated = np.repeat(latents.reshape(k * DRAWS, size), DRAWS, axis=0)
    decoded = decode(model, repeated, temperature=1.0, seed=seed, noise=noise)
    every = DRAWS * DRAWS

    def shares(targets: Sequence[str]) -> NDArray[np.float64]:
        parts = [decoded[i * every : (i + 1) * every] for i in range(k)]
        return np.array([p.count(t) / every for p, t in zip(parts, targets, strict=True)])

    own = shares(encoded.smiles)
    others = shares([*encoded.smiles[1:], *encoded.smiles[:1]]) if k > 1 else np.zeros(k)
    return {
        "exact": float(own.mean()) if k else float("nan"),
        "control": float(others.mean()) if k else float("nan"),
        "standard_error": float(own.std(ddof=1) / np.sqrt(k)) if k > 1 else float("nan"),
        "n": k,
    }
