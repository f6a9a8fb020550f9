"""Training on without forgetting: weights held near the old ones, epochs judged by what is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nucleate.vae.model import VAE
from nucleate.vae.objective import Loss
from nucleate.vae.training import Trainer
from nucleate.vae.transfer import interpolated

SHARES = (0.9, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05)
"""Of the way from the old weights to the new ones that are tried where no epoch may be kept."""


class Tuner(Trainer):
    """A training run that starts from trained weights and must not forget what they knew.

    After each step weights decay towards the old ones instead of nowhere (L2-SP, Li et al. 2018,
    decoupled from the gradient as in AdamW). After each epoch the memory of the averaged weights is
    measured; an epoch that has forgotten more than allowed is never the one that is kept.

    Args:
        recalled: measures a network's memory of what was known, 0 to 1.
        least: memory that must be left.
        pull: decay towards the old weights per unit of learning rate and step.
        others: as `Trainer` takes them.
    """

    def __init__(
        self,
        *arguments: Any,
        recalled: Callable[[VAE], float],
        least: float,
        pull: float,
        **others: Any,
    ):
        super().__init__(*arguments, **others)
        self.recalled, self.least, self.pull = recalled, least, pull
        self.start = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self._anchors = [self.start[name] for name, _ in self.model.named_parameters()]

    def _train_step(self, rows: NDArray[np.int64]) -> Loss:
        loss = super()._train_step(rows)
        with torch.no_grad():
            share = min(1.0, self.pull * self.learning_rate())
            torch._foreach_lerp_(self._parameters, self._anchors, share)
        return loss

    def _validate(self) -> dict[str, float]:
        scores = super()._validate()
        current = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        scores["recalled"] = self.recalled(self.model)
        self.model.load_state_dict(current)
        return scores

    def objective(self, scores: dict[str, float]) -> float:
        """As of any training run; infinite where too much was forgotten."""
        return super().objective(scores) if scores["recalled"] >= self.least else math.inf

    def settle(self) -> tuple[float, float]:
        """After `run`: load the weights to keep.

        They are those of the best epoch that remembers enough; where there is none, the furthest
        point on the way from the old weights to the last ones that does (WiSE-FT, Wortsman et al.
        2022), at worst the old weights.

        Returns:
            Share of the way to the new weights (1 is an epoch as it was), and the memory left.
        """
        share = 1.0
        memory = self.recalled(self.model) if math.isfinite(self.state.best) else -math.inf
        for share_tried in (*SHARES, 0.0) if memory < self.least else ():
            share = share_tried
            self.model.load_state_dict(interpolated(self.start, self.average, share))
            memory = self.recalled(self.model)
            if memory >= self.least:
                break
        self.model.eval()
        return share, memory
