"""Fine-tuning the model on the best structures found so far, while the search goes on.

Weighted retraining (Tripp, Daxberger and Hernandez-Lobato, "Sample-efficient optimization in the
latent space of deep generative models via weighted retraining", NeurIPS 2020): the latent space
gives more room to what scores well, structures beyond the training set come to be reconstructed,
and the latent vectors of everything are encoded anew. A share of known structures is rehearsed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.settings.model import ObjectiveSettings
from nucleate.vae.evidence_lower_bound import evidence_loss

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.vae.arrays import RaggedArrays

CLIP = 1.0
"""Largest norm of a gradient."""


@dataclass(frozen=True)
class AdaptationSettings:
    """How the model is fine-tuned.

    Attributes:
        every: questions between two times.
        best: structures that are trained on, the best.
        steps: of the optimiser each time.
        batch: structures of a step.
        rehearsal: share of a batch that is drawn from the known structures.
        sharpness: k of the weights 1 / (k n + rank) of Tripp et al., equation 5.
        learning_rate: of AdamW.
    """

    every: int = 500
    best: int = 1000
    steps: int = 30
    batch: int = 64
    rehearsal: float = 0.25
    sharpness: float = 0.01
    learning_rate: float = 1e-4


class Adaptation:
    """Fine-tunes a copy of a model's network; the model given then holds the copy.

    Args:
        model: whose network is replaced by the copy, so that all who hold the model see it.
        known: structures to rehearse.
        seed: of all randomness.
    """

    def __init__(
        self, model: LatentModel, known: Sequence[str], settings: AdaptationSettings, seed: int
    ):
        self.model, self.settings, self.seed = model, settings, seed
        model.model = copy.deepcopy(model.model)
        self.known, _, _ = model.arrays(known)
        self.times = 0

    def train(self, ranked: Sequence[str]) -> float:
        """Train on structures, best first; mean distortion of the last step, nats a structure.

        Those that the codec refuses are left out; nothing is done if it refuses all.
        """
        s, network = self.settings, self.model.model
        found, _, _ = self.model.arrays(ranked[: s.best])
        if not len(found):
            return float("nan")
        stream = np.random.default_rng([self.seed, self.times])
        torch.manual_seed(int(stream.integers(2**31)))
        self.times += 1
        optimiser = torch.optim.AdamW(network.parameters(), lr=s.learning_rate, weight_decay=0.0)
        objective = objective_of(self.model)
        weights = 1.0 / (s.sharpness * len(found) + np.arange(len(found), dtype=np.float64))
        weights /= weights.sum()
        network.train()
        distortion = float("nan")
        for _ in range(s.steps):
            loss = evidence_losses(self.model, self._batches(found, weights, stream), objective)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimiser.step()
            distortion = float(loss.detach())
        network.eval()
        return distortion

    def _batches(
        self, found: RaggedArrays, weights: NDArray[np.float64], stream: np.random.Generator
    ) -> list[tuple[RaggedArrays, NDArray[np.int64]]]:
        rehearsed = round(self.settings.rehearsal * self.settings.batch)
        rehearsed = rehearsed if len(self.known) else 0
        best = stream.choice(len(found), self.settings.batch - rehearsed, p=weights)
        out = [(found, best.astype(np.int64))]
        if rehearsed:
            out.append((self.known, stream.integers(len(self.known), size=rehearsed)))
        return out


def evidence_losses(
    model: LatentModel,
    batches: Sequence[tuple[RaggedArrays, NDArray[np.int64]]],
    objective: ObjectiveSettings,
) -> torch.Tensor:
    """Evidence loss of some rows of several sets, each structure counting alike."""
    total = sum(len(rows) for _, rows in batches)
    losses = []
    for arrays, rows in batches:
        batch = arrays.batch(rows).to(model.device)
        loss = evidence_loss(model.model, batch, batch, objective, objective.beta)
        losses.append(len(rows) / total * loss.total)
    return torch.stack(losses).sum()


def objective_of(model: LatentModel) -> ObjectiveSettings:
    """The objective that the model was trained with, without its auxiliary terms: a structure that
    was found has no labels."""
    trained = (model.info.get("train") or {}).get("objective") or {}
    known = {k: v for k, v in trained.items() if k in ObjectiveSettings.model_fields}
    return ObjectiveSettings(**(known | {"auxiliary_weight": 0.0, "alignment_weight": 0.0}))
