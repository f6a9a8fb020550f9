"""Training on without forgetting: weights held near the old ones, epochs judged by what is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.core.progress import bar
from nucleate.vae.model import VAE
from nucleate.vae.training.evaluation import evaluate
from nucleate.vae.training.trainer import Trainer
from nucleate.vae.training.transfer import interpolate

SHARES = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05)
"""Of the way from the old weights to the last ones, tried in this order."""


class Tuner(Trainer):
    """A training run that starts from trained weights and must not forget what they knew.

    After each step weights decay towards the old ones instead of nowhere (L2-SP, Li et al. 2018,
    decoupled from the gradient as in AdamW). After each epoch the memory of the averaged weights is
    measured; an epoch that has forgotten more than allowed is never the one that is kept.

    Args:
        recalled: measures a network's memory of what was known, 0 to 1.
        least: memory that must be left.
        pull: decay towards the old weights per unit of learning rate and step.
        remembering: seconds that a measurement of the memory takes, as far as known.
        others: as `Trainer` takes them.
    """

    def __init__(
        self,
        *arguments: Any,
        recalled: Callable[[VAE], float],
        least: float,
        pull: float,
        remembering: float = 0.0,
        **others: Any,
    ):
        super().__init__(*arguments, **others)
        self.recalled, self.least, self.pull = recalled, least, pull
        self.remembering = remembering
        self.start = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self._anchors = [self.start[name] for name, _ in self.model.named_parameters()]

    def _train_step(self, rows: NDArray[np.int64]) -> dict[str, float]:
        terms = super()._train_step(rows)
        with torch.no_grad():
            share = min(1.0, self.pull * self.learning_rate())
            torch._foreach_lerp_(self._parameters, self._anchors, share)
        return terms

    def _validation_seconds(self) -> float:
        seconds = super()._validation_seconds()
        return seconds if self.validating is not None else seconds + self.remembering

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

    def _close_epoch(self, epoch: int, training: dict[str, float]) -> None:
        super()._close_epoch(epoch, training)
        # Patience looks at the new set alone: weights beyond the bound are the far end of the way
        # on which `settle` looks for those to keep.
        state = self.state
        values = [
            super(Tuner, self).objective(
                {name: row[f"validation_{name}"] for name in ("distortion", "rate")}
            )
            for row in state.rows
        ]
        state.stale = len(values) - 1 - int(np.argmin(values))
        finished = self.progress() >= 1 or state.stale >= self.settings.patience
        if finished != state.finished:
            state.finished = finished
            self.save()

    def settle(self, seconds: float = math.inf) -> Settled:
        """After `run`: load the weights to keep, on the device.

        Args:
            seconds: after which the way is walked no further.

        Among the best epoch that remembers enough and the furthest point that does on the way from
        the old weights to the last ones (WiSE-FT, Wortsman et al. 2022), the one that is better on
        the new set's validation split is kept; the old weights where there is neither.
        """
        begun = time.monotonic()
        if math.isfinite(self.state.best):
            row = min(self.state.rows, key=lambda row: row["validation_objective"])
            memory = row["validation_recalled"]
            kept = Settled(1.0, int(row["epoch"]), memory, self.best, self.state.best)
        else:
            kept = Settled(0.0, 0, self._memory_of(self.start), self.start, math.inf)
        for share in bar(SHARES, description="choose weights"):
            if time.monotonic() - begun + self.remembering > seconds:
                break
            weights = interpolate(self.start, self.average, share)
            memory = self._memory_of(weights)
            if memory >= self.least:
                scores = evaluate(self.model, self.validation, self.device)
                value = super().objective(scores)
                if value < kept.objective:
                    kept = Settled(share, len(self.state.rows), memory, weights, value)
                break
        self.model.load_state_dict(kept.weights)
        self.model.eval()
        return kept

    def _memory_of(self, weights: dict[str, Tensor]) -> float:
        self.model.load_state_dict(weights)
        self.model.eval()
        return self.recalled(self.model)


@dataclass(frozen=True)
class Settled:
    """The weights that a fine-tuning run ends with.

    Attributes:
        share: of the way from the old weights to those of `epoch`; 1 is that epoch as it was, 0 the
            old weights.
        epoch: one-based; 0 where the old weights are kept.
        memory: what is left of what was known, 0 to 1.
        weights: by name.
        objective: on the new set's validation split, nats; infinite for the old weights.
    """

    share: float
    epoch: int
    memory: float
    weights: dict[str, Tensor]
    objective: float
