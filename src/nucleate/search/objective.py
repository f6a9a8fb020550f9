"""The objective: what is wanted of a structure, computed at most once per structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.config import PropertySettings, validate
from nucleate.errors import NucleateError, StructureError
from nucleate.matter import Matter, Property
from nucleate.search.desirability import Desirability, combine, resolve

USUAL_TERMS = (
    PropertySettings(property="qed"),
    PropertySettings(property="sa_score", goal="minimise", low=2.0, high=6.0),
    PropertySettings(property="energy_above_hull", goal="minimise", low=0.0, high=1.0),
)
"""Fallback for a matter that states no `default_objectives`: those of these that it offers."""


@dataclass(frozen=True)
class Scored:
    """What the objective says of one structure.

    Attributes:
        raw: property values by column name, NaN where they failed.
        desirability: the same, transformed to [0, 1].
        score: weighted geometric mean of the desirabilities, in [0, 1].
    """

    raw: dict[str, float]
    desirability: dict[str, float]
    score: float

    def columns(self) -> dict[str, float]:
        """Table columns: `<name>`, `<name>_desirability` and `score`."""
        transformed = {f"{name}_desirability": v for name, v in self.desirability.items()}
        return {**self.raw, **transformed, "score": self.score}


def default_terms(matter: Matter) -> tuple[PropertySettings, ...]:
    """The matter's own `default_objectives()`, else `USUAL_TERMS` as far as it offers them."""
    stated = matter.default_objectives()
    if stated:
        return stated
    offered = matter.properties()
    return tuple(term for term in USUAL_TERMS if term.property in offered)


class Objective:
    """Weighted mix of properties with a memory of all structures that were ever scored.

    Call `fit` before `score` (or rebuild with `from_json`): it fixes the scale of terms whose
    `low` and `high` are not given.

    Args:
        matter: builds the properties.
        terms: of the settings; empty means `default_terms`.

    Raises:
        SettingsError: unknown property or argument.

    Attributes:
        terms: the terms in use; may be empty if the matter has no default.
        names: column name by term (a repeated property gets a number).
        computed: structures whose properties were computed by this object.
    """

    def __init__(self, matter: Matter, terms: Sequence[PropertySettings] = ()):
        self.terms = tuple(terms) or default_terms(matter)
        self.properties: list[Property] = []
        self.names: list[str] = []
        for term in self.terms:
            built = matter.property(term.property, term.arguments)
            self.properties.append(built)
            taken = sum(p.name == built.name for p in self.properties)
            self.names.append(built.name if taken == 1 else f"{built.name}_{taken}")
        self.computed = 0
        self._raw: dict[str, tuple[float, ...]] = {}
        self._desirabilities: list[Desirability] | None = None

    @property
    def fitted(self) -> bool:
        """Whether the scales are fixed."""
        return self._desirabilities is not None

    def fit(self, reference: Sequence[str]) -> None:
        """Fix the desirability scales, once, on the values of known structures."""
        raw = self.raw(reference)
        self._desirabilities = [
            resolve(term, raw[:, column]) for column, term in enumerate(self.terms)
        ]

    def raw(self, structures: Sequence[str]) -> NDArray[np.float64]:
        """Raw values [n, terms]; computed for those that are not remembered."""
        missing = list(dict.fromkeys(s for s in structures if s not in self._raw))
        if missing and self.terms:
            values = np.stack([_compute(p, missing) for p in self.properties], axis=1)
            for structure, row in zip(missing, values.tolist(), strict=True):
                self._raw[structure] = tuple(row)
            self.computed += len(missing)
        if not self.terms:
            return np.zeros((len(structures), 0))
        rows = [self._raw[s] for s in structures]
        return np.array(rows, dtype=np.float64).reshape(len(structures), len(self.terms))

    def remember(self, structure: str, raw: Mapping[str, float | None]) -> None:
        """Keep raw values that an earlier process computed."""
        values = [raw.get(name) for name in self.names]
        self._raw[structure] = tuple(float("nan") if v is None else float(v) for v in values)

    def score(self, structures: Sequence[str]) -> list[Scored]:
        """Scores in the order of the structures.

        Raises:
            ValueError: neither `fit` nor `from_json` was called, or there are no terms.
        """
        if self._desirabilities is None or not self.terms:
            raise ValueError("Objective.score needs fit() first and at least one term")
        if not structures:
            return []
        raw = self.raw(structures)
        wanted = {
            name: transform(raw[:, column])
            for column, (name, transform) in enumerate(
                zip(self.names, self._desirabilities, strict=True)
            )
        }
        total = combine(wanted, [term.weight for term in self.terms])
        return [
            Scored(
                dict(zip(self.names, raw[row].tolist(), strict=True)),
                {name: float(values[row]) for name, values in wanted.items()},
                float(total[row]),
            )
            for row in range(len(structures))
        ]

    def to_json(self) -> list[dict[str, Any]]:
        """The terms with their resolved scales, for `from_json` and for the report."""
        scales = self._desirabilities or []
        return [
            {
                "column": name,
                "unit": built.unit,
                "description": built.description,
                "settings": term.model_dump(mode="json"),
                "desirability": scale.to_json(),
            }
            for name, built, term, scale in zip(
                self.names, self.properties, self.terms, scales, strict=True
            )
        ]

    @classmethod
    def from_json(cls, matter: Matter, data: Sequence[Mapping[str, Any]]) -> Objective:
        """An objective with the scales of an earlier one, so that scores can be compared."""
        terms = [validate(PropertySettings, item["settings"], "objective") for item in data]
        objective = cls(matter, terms)
        objective._desirabilities = [Desirability(**item["desirability"]) for item in data]
        return objective


def _compute(built: Property, structures: Sequence[str]) -> NDArray[np.float64]:
    """Values [n]; a structure on which the property raises against its promise gives NaN."""
    try:
        values = np.asarray(built.compute(structures), dtype=np.float64)
        if values.shape == (len(structures),):
            return values
    except NucleateError as error:
        if not isinstance(error, StructureError):
            raise
    except Exception:
        pass  # find the culprit below: a search of hours must not end for one structure
    if len(structures) == 1:
        return np.array([np.nan])
    return np.concatenate([_compute(built, [s]) for s in structures])
