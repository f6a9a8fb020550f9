"""Properties predicted from latent vectors, corrected by what was decoded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucleate.latent.latent_model import LatentModel
from nucleate.matter.conditions import Guide
from nucleate.regression.kernel_regression import ridge_slope
from nucleate.regression.property_heads import PropertyHead, load_heads

Predict = Callable[[Tensor], Tensor]
"""Latent vectors [n, D] -> property [n], differentiable."""

_MEMORY = 6000
"""Decoded structures that a correction is fitted to at most, the latest."""
_RIDGE = 30.0
_TAILS = (0.02, 0.98)


def heads_of(model: LatentModel) -> dict[str, PropertyHead]:
    """Property heads that were fitted when the model was fine-tuned, by name."""
    return load_heads(model.folder, model.info)


def known_predictor(
    model: LatentModel, guide: Guide, name: str, heads: dict[str, PropertyHead]
) -> Predict | None:
    """What the model itself predicts a property with, or None."""
    if name in heads:
        return heads[name].predict
    target = guide.linear_targets(model.codec).get(name)
    if target is None or target.field not in model.model.auxiliary:
        return None
    head, found = model.model.auxiliary[target.field], target

    def predict(latent: Tensor) -> Tensor:
        standardised: Tensor = head(latent.to(model.device))[:, found.component].to(latent.device)
        return found.mean + found.standard_deviation * standardised

    return predict


class Corrected:
    """A prediction plus a linear correction, fitted to the structures decoded so far.

    The correction learns what the model's head leaves out: its bias, and that the decoder follows
    the latent vector only in part. Without a head it is all that there is.

    Args:
        base: the model's own prediction, or None.
        size: of the latent vector.
    """

    def __init__(self, base: Predict | None, size: int):
        self.base = base
        self.slope, self.offset = torch.zeros(size), torch.zeros(())
        self._latents = np.zeros((0, size), np.float32)
        self._values = np.zeros(0)

    def __call__(self, latent: Tensor) -> Tensor:
        """Latent vectors [n, D] -> property [n]."""
        linear = latent @ self.slope + self.offset
        return linear if self.base is None else self.base(latent) + linear

    def learn(self, latents: NDArray[np.float32], values: NDArray[np.float64]) -> None:
        """Take in decoded structures: latent vectors [n, D], their property [n], NaN if missing."""
        known = np.isfinite(values)
        self._latents = np.concatenate([self._latents, latents[known]])[-_MEMORY:]
        self._values = np.concatenate([self._values, values[known]])[-_MEMORY:]
        if len(self._values) < 10:
            return
        points, rest = self._latents.astype(np.float64), self._values
        if self.base is not None:
            with torch.no_grad():
                rest = rest - self.base(torch.from_numpy(self._latents)).numpy()
        # A few giants must not decide.
        rest = np.clip(rest, *np.quantile(rest, _TAILS))
        centre = points.mean(0)
        points = points - centre
        # Ridge regression; the ridge is in units of a latent dimension's variance, about 1.
        slope = ridge_slope(points, rest - rest.mean(), _RIDGE)
        self.slope = torch.from_numpy(slope.astype(np.float32))
        self.offset = torch.tensor(float(rest.mean() - centre @ slope), dtype=torch.float32)
