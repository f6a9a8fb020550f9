"""Where in latent space to look: boxes around encoded good structures.

Plain search in one global latent box is no better than random screening, several trust regions
around good points are (Eriksson et al., "Scalable global optimization via local Bayesian
optimization", NeurIPS 2019). A region's axes are the leading principal directions of the encoded
training set, so that few coordinates carry most of the variation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import CheckpointError

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel
    from nucleate.settings.study import OptimizeSettings


@dataclass(frozen=True)
class SearchSpace:
    """Regions that share their axes. r regions, d search coordinates, D latent dimensions.

    Attributes:
        centres: latent vectors of the starts, float32 [r, D].
        parents: structure string of each start.
        axes: half-width vector of each coordinate, float32 [d, D]: unit direction times radius
            times the training set's standard deviation along it.
    """

    centres: NDArray[np.float32]
    parents: tuple[str, ...]
    axes: NDArray[np.float32]

    @property
    def regions(self) -> int:
        return len(self.parents)

    @property
    def dimensions(self) -> int:
        return len(self.axes)

    def latent(
        self, region: NDArray[np.int64], coordinates: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Latent vectors [n, D] of coordinates [n, d] in [-1, 1] within regions [n]."""
        offset = np.asarray(coordinates, dtype=np.float32) @ self.axes  # n x D
        return (self.centres[region] + offset).astype(np.float32)


def principal_axes(
    latents: NDArray[np.float32], dimensions: int, radius: float
) -> NDArray[np.float32]:
    """Leading principal directions, each as long as `radius` standard deviations.

    Args:
        latents: encoded training set [n, D]; rows with NaN are left out.

    Returns:
        [min(dimensions, D), D], the widest first.
    """
    rows = np.asarray(latents, dtype=np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    size = rows.shape[1]
    if len(rows) < 2:
        return (radius * np.eye(size)[:dimensions]).astype(np.float32)
    variance, vectors = np.linalg.eigh(np.atleast_2d(np.cov(rows, rowvar=False)))
    order = np.argsort(variance)[::-1][:dimensions]
    directions = vectors[:, order].T  # d x D
    # An eigenvector's sign is arbitrary; fix it so that every machine searches the same boxes.
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    directions = directions * np.where(largest < 0, -1.0, 1.0)
    deviation = np.sqrt(np.maximum(variance[order], 0.0))
    return (radius * deviation[:, None] * directions).astype(np.float32)


def sample_reference(structures: Sequence[str], count: int, seed: int) -> list[str]:
    """Known structures on which scales are fitted and among which starts are chosen; all, if there
    are fewer."""
    distinct = list(dict.fromkeys(structures))
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(distinct), size=min(len(distinct), count), replace=False)
    return [distinct[i] for i in chosen]


def choose_starts(
    structures: Sequence[str],
    scores: NDArray[np.float64],
    latents: NDArray[np.float32],
    count: int,
) -> list[int]:
    """Indices of the best-scoring structures that could be encoded, best first.

    Args:
        scores: [n].
        latents: [n, D], NaN rows where the codec refused.
    """
    usable = [bool(np.isfinite(row).all()) for row in latents]
    order = sorted(range(len(structures)), key=lambda i: (-scores[i], structures[i]))
    return [i for i in order if usable[i]][:count]


def space_around(
    model: LatentModel,
    structures: Sequence[str],
    scores: NDArray[np.float64],
    settings: OptimizeSettings,
    what: str,
) -> SearchSpace:
    """Regions around the best of some structures, as many and as large as the settings say.

    Args:
        scores: [n].
        what: the structures in words, for the error.

    Raises:
        CheckpointError: the model can encode none of them.
    """
    latents, _ = model.encode(structures)
    starts = choose_starts(structures, scores, latents, settings.starts)
    if not starts:
        raise CheckpointError(f"the model can encode none of the {what}")
    axes = principal_axes(model.training_latents(), settings.dimensions, settings.radius)
    return SearchSpace(latents[starts], tuple(structures[i] for i in starts), axes)
