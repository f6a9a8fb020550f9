"""Objectives learnt from a column of a person's own data.

The predictor and its interval are described in `predictor` and `conformal`. Whether a structure is
one that they may be asked about is stated by the model: how likely it rebuilds the structure from
the structure's own latent vector, against the labelled structures (see `vae.likelihood_of`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import SettingsError
from nucleate.core.progress import phase
from nucleate.matter.base import Matter
from nucleate.objectives.exchange import exchange_of
from nucleate.objectives.external.entry_points import load_function
from nucleate.objectives.external.labels import Labels, read_labels
from nucleate.objectives.property import Answer, ObjectiveProperty, answering
from nucleate.regression.predictor import Predictor, fit_predictor
from nucleate.settings.objectives import ColumnSource

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

Features = Callable[[Sequence[str]], NDArray[Any]]
"""List of n structure strings -> [n, D]; NaN rows where a structure has none."""


@dataclass(frozen=True)
class Points:
    """Structures as the predictor sees them.

    Attributes:
        vectors: float32 [n, D]; NaN rows where there is none.
        nats: reconstruction log-likelihood [n], NaN where unknown.
        reasons: why there is no vector, by position.
    """

    vectors: NDArray[np.float32]
    nats: NDArray[np.float64]
    reasons: dict[int, str]


def locate(
    structures: Sequence[str], model: LatentModel | None, features: Features | None
) -> Points:
    """Vectors and reconstruction log-likelihoods of structures.

    Args:
        model: gives the likelihoods, and the latent vectors where there are no features.

    Raises:
        SettingsError: the features are not one row of numbers per structure.
    """
    nats = np.full(len(structures), np.nan)
    reasons: dict[int, str] = {}
    vectors = np.zeros((len(structures), 0), np.float32)
    if model is not None:
        from nucleate.vae.inference import likelihood_of

        arrays, kept, refused = model.arrays(structures)
        vectors = np.full((len(structures), model.size), np.nan, np.float32)
        if kept:
            vectors[kept], nats[kept] = likelihood_of(model.model, arrays, model.device)
        reasons = {position: str(error) for position, error in refused.items()}
    if features is not None:
        vectors = np.asarray(features(list(structures)), np.float32)
        if vectors.ndim != 2 or len(vectors) != len(structures):
            raise SettingsError(
                f"objective: the features of {len(structures)} structures have the shape "
                f"{vectors.shape}, not ({len(structures)}, D)"
            )
        reasons = {}
    for position in np.flatnonzero(~np.isfinite(vectors).all(1)).tolist():
        reasons.setdefault(position, "no features")
    return Points(vectors, nats, reasons)


@dataclass(frozen=True)
class Estimate:
    """What is known of one structure: prediction, half width of its interval, nats, and why there
    is no prediction."""

    mean: float
    uncertainty: float
    nats: float
    reason: str = ""


class ColumnObjective:
    """A fitted predictor with its domain.

    Args:
        source: coverage, acquisition and so on.
        labels: to fit to.
        model: for latent vectors and the domain; the domain is not stated without it.
        features: to learn from instead of latent vectors.

    Raises:
        SettingsError: neither a model nor features.
        InputError: too few labels, or all are equal.
    """

    def __init__(
        self,
        source: ColumnSource,
        labels: Labels,
        model: LatentModel | None,
        features: Features | None = None,
    ):
        if model is None and features is None:
            raise SettingsError(f"objective: column {source.column!r} needs a trained model")
        self.source, self.model, self.features = source, model, features
        self.cells = labels.reading.column(source.column)
        self.name = source.column_name()
        with phase(f"learn {source.column}"):
            points = locate(labels.structures, model, features)
            self.predictor: Predictor = fit_predictor(
                source.column,
                points.vectors,
                labels.values,
                coverage=source.coverage,
                calibration=source.calibration,
                members=source.members,
                seed=source.seed,
            )
        known = points.nats[np.isfinite(points.nats)]
        self.threshold = (
            float(np.percentile(known, source.domain_percentile)) if len(known) else math.nan
        )
        """Nats below which a structure is outside the domain; NaN if no domain is stated."""
        self._known: dict[str, Estimate] = {}

    @property
    def description(self) -> str:
        """One line with the predictor's own measure of itself."""
        lost = f"; {self.cells}" if self.cells.unread else ""
        return f"predicted {self.source.column} ({self.predictor.quality}){lost}"

    def estimates(self, structures: Sequence[str]) -> list[Estimate]:
        """Estimates in the order of the structures, each computed once."""
        fresh = list(dict.fromkeys(s for s in structures if s not in self._known))
        if fresh:
            points = locate(fresh, self.model, self.features)
            safe = np.nan_to_num(points.vectors, posinf=0.0, neginf=0.0)
            means, widths = self.predictor.interval(safe)
            for position, structure in enumerate(fresh):
                nats = float(points.nats[position])
                reason = points.reasons.get(position, "")
                self._known[structure] = (
                    Estimate(math.nan, math.nan, nats, reason)
                    if reason
                    else Estimate(float(means[position]), float(widths[position]), nats)
                )
        return [self._known[structure] for structure in structures]

    def answers(self, structures: Sequence[str]) -> list[Answer]:
        """What is scored, as `acquisition` says."""
        sign = {"mean": 0.0, "lower": -1.0, "upper": 1.0}[self.source.acquisition]
        return [
            Answer.failed(one.reason) if one.reason else Answer(one.mean + sign * one.uncertainty)
            for one in self.estimates(structures)
        ]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of `columns`."""
        own = ["uncertainty"]
        own += ["mean"] if self.source.acquisition != "mean" else []
        own += ["in_domain", "reconstruction"] if math.isfinite(self.threshold) else []
        return tuple(f"{self.name}_{end}" for end in own)

    def columns(self, structures: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """`_uncertainty` (half width), `_mean` if that is not what is scored, and, with a model,
        `_in_domain` (bool) and `_reconstruction` (nats), each [n]."""
        found = self.estimates(structures)
        nats = np.array([one.nats for one in found], np.float64)
        values = {
            "uncertainty": np.array([one.uncertainty for one in found], np.float64),
            "mean": np.array([one.mean for one in found], np.float64),
            "in_domain": nats >= self.threshold,
            "reconstruction": nats,
        }
        return {name: values[name[len(self.name) + 1 :]] for name in self.column_names}


def column_property(
    source: ColumnSource,
    matter: Matter,
    model: LatentModel | None,
    folder: Path | None = None,
    features: Features | None = None,
) -> ObjectiveProperty:
    """Read the data, fit the predictor and make a property of it.

    Args:
        features: of structure strings, to learn from instead of latent vectors; else what the
            settings name.

    Raises:
        SettingsError: no model and no features, or no such function.
        InputError: the data cannot be read, lack the column or hold too few labels.
    """
    if features is None and source.features is not None:
        named = load_function(source.features, folder)
        features = exchange_of(matter, source).features(named)
    labels = read_labels(matter, source, folder)
    objective = ColumnObjective(source, labels, model, features)
    return answering(
        objective.name,
        source.unit,
        objective.description,
        objective.answers,
        columns=objective.columns,
        column_names=objective.column_names,
    )
