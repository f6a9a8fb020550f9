"""Scores of structures from what was measured and what is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.campaign.measurements import Measurements
from nucleate.core.errors import ResultsError
from nucleate.core.files import read_json, write_json
from nucleate.objectives.objective import Objective
from nucleate.objectives.scored import Scored
from nucleate.settings.objectives import MeasuredSource, source_of

CACHE = "computed.json"
"""Within the study's folder: values of computed objectives, which may cost hours."""


def measured_sources(objective: Objective) -> dict[str, MeasuredSource]:
    """What a person measures, by the name of the objective."""
    sources = {n: source_of(t) for n, t in zip(objective.names, objective.terms, strict=True)}
    return {n: s for n, s in sources.items() if isinstance(s, MeasuredSource)}


class Scoring:
    """The objective of a study whose values are told.

    A structure is complete when every measured objective has a value (computed ones always have
    one, if only a failure). Scales that the settings leave open rest on the reference and on what
    was measured, and so move as measurements come in; all scores are always on the scales of now.

    Args:
        reference: known structures for the scales of computed objectives; only asked for if one of
            those has an open scale.
        version: of what computes: values of another one are computed anew.

    Attributes:
        measured: columns that a person fills, by the name of the objective; `columns` once each.
        names: of computed objectives.
        standardise: options for structures that are told.
    """

    def __init__(
        self,
        objective: Objective,
        folder: Path,
        reference: Callable[[], Sequence[str]],
        version: str = "",
    ):
        self.objective, self.folder, self._reference = objective, folder, reference
        sources = measured_sources(objective)
        self.measured = {name: source.measured for name, source in sources.items()}
        self.standardise = {k: v for s in sources.values() for k, v in s.standardise.items()}
        self.columns = tuple(dict.fromkeys(self.measured.values()))
        self.names = [name for name in objective.names if name not in self.measured]
        self._values: dict[str, dict[str, float | None]] = {}
        self._known: list[str] = []
        self._version = version
        self._load()

    def _load(self) -> None:
        try:
            data = read_json(self.folder / CACHE)
            if data["version"] == self._version:
                self._values, self._known = data["values"], data["reference"]
        except (ResultsError, KeyError, TypeError):
            return  # only a saving

    def complete(self, measurements: Measurements) -> dict[str, str]:
        """Structures with nothing left to measure, in the order told; with why those failed that
        failed, else empty."""
        out = {}
        for structure, told in measurements.observed.items():
            failure = told.failure(self.columns)
            if failure or not told.missing(self.columns):
                out[structure] = failure
        return out

    def compute(self, structures: Sequence[str]) -> list[dict[str, float | None]]:
        """Values of computed objectives by name, each computed once."""
        if not self.names:
            return [{} for _ in structures]
        missing = [
            s
            for s in dict.fromkeys(structures)
            if any(name not in self._values.get(s, {}) for name in self.names)
        ]
        if missing:
            rows = self.objective.raw(missing)
            for structure, row in zip(missing, rows.tolist(), strict=True):
                values = dict(zip(self.objective.names, row, strict=True))
                self._values[structure] = {
                    name: values[name] if math.isfinite(values[name]) else None
                    for name in self.names
                }
            self._save()
        return [{name: self._values[s][name] for name in self.names} for s in structures]

    def _save(self) -> None:
        data: dict[str, Any] = {"version": self._version, "reference": self._known}
        write_json(self.folder / CACHE, {**data, "values": self._values})

    def fit(self, measurements: Measurements) -> None:
        """Fix the scales by what is known now, and remember all that was told."""
        done = [s for s, failure in self.complete(measurements).items() if not failure]
        reference: list[str] = []
        if self._open():
            if not self._known:
                self._known = list(self._reference())
                self.compute(self._known)
                self._save()
            reference = self._known
        self._remember(self.objective, reference, measurements)
        self._remember(self.objective, done, measurements)
        self.objective.fit([*(s for s in reference if s not in set(done)), *done])

    def _open(self) -> bool:
        """Whether the scale of a computed objective must be found."""
        return any(
            name in self.names
            and term.goal in ("maximise", "minimise")
            and (term.low is None or term.high is None)
            for name, term in zip(self.objective.names, self.objective.terms, strict=True)
        )

    def _remember(
        self, objective: Objective, structures: Sequence[str], measurements: Measurements
    ) -> None:
        for structure, computed in zip(structures, self.compute(structures), strict=True):
            told = measurements.of(structure)
            means = {name: told.mean(column) for name, column in self.measured.items()}
            objective.remember(structure, {**computed, **means})

    def score(
        self,
        structures: Sequence[str],
        measurements: Measurements,
        objective: Objective | None = None,
    ) -> list[Scored]:
        """Scores of complete structures.

        Args:
            objective: with other scales; else `fit` must have been called.
        """
        chosen = objective or self.objective
        self._remember(chosen, structures, measurements)
        return chosen.score(structures)

    def observations(self, measurements: Measurements) -> tuple[list[str], np.ndarray[Any, Any]]:
        """What a searcher is told: complete structures and their scores, NaN where they failed."""
        complete = self.complete(measurements)
        good = [structure for structure, failure in complete.items() if not failure]
        scores = dict(zip(good, self.score(good, measurements), strict=True))
        values = [scores[s].penalised_score if s in scores else math.nan for s in complete]
        return list(complete), np.array(values, np.float64)
