"""The objective: what is wanted of a structure, computed at most once per structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import NucleateError, SettingsError, StructureError
from nucleate.core.settings import validate
from nucleate.matter.base import Matter
from nucleate.matter.properties import Property
from nucleate.objectives.build import build
from nucleate.objectives.constraints import Limit, penalised, resolve_limit, violation
from nucleate.objectives.desirability import Desirability, average, combine, resolve
from nucleate.objectives.property import ObjectiveProperty
from nucleate.settings.objectives import PropertySettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

REFERENCE, REFERENCE_SLOW = 256, 64
"""Known structures that scales rest on, where all terms are cheap and where any is not."""
MIN_FAILURES_TO_ABORT = 10
"""Known structures from which an objective that fails on every one of them ends the run."""


@dataclass(frozen=True)
class Scored:
    """What the objective says of one structure.

    Attributes:
        raw: property values by column name, NaN where they failed.
        desirability: the same, transformed to [0, 1].
        score: what the desirabilities come to, in [0, 1]: their weighted geometric mean, unless
            the settings ask for another.
        extra: further columns of the properties, e.g. `<name>_uncertainty`.
        excess: by constraint, how far outside the value is (see `constraints.Limit`).
        several: whether a search is told the desirabilities one by one.
    """

    raw: dict[str, float]
    desirability: dict[str, float]
    score: float
    extra: dict[str, Any] = field(default_factory=dict)
    excess: dict[str, float] = field(default_factory=dict)
    several: bool = False

    @property
    def violation(self) -> float:
        """Sum over the constraints of what is outside; 0 if there are none."""
        return violation(self.excess.values())

    @property
    def feasible(self) -> bool:
        """Whether no constraint is broken."""
        return self.violation <= 0

    @property
    def merit(self) -> float:
        """One number that ranks any two structures: the score, negative if not feasible."""
        return penalised(self.score, self.violation)

    @property
    def told(self) -> tuple[float, ...]:
        """Values of the trial: the merit, or every desirability (then Optuna's own constraints say
        what is not feasible)."""
        return tuple(self.desirability.values()) if self.several else (self.merit,)

    def columns(self) -> dict[str, Any]:
        """Table columns: `<name>`, `<name>_desirability`, `score`, `violation` and `feasible` if
        there are constraints, and the further ones."""
        transformed = {f"{name}_desirability": v for name, v in self.desirability.items()}
        kept = {"violation": self.violation, "feasible": self.feasible} if self.excess else {}
        return {**self.raw, **transformed, "score": self.score, **kept, **self.extra}


def completed(matter: Matter, terms: Sequence[PropertySettings]) -> tuple[PropertySettings, ...]:
    """The terms, and the default ones before them where none of them states a goal."""
    if any(not term.constraint for term in terms):
        return tuple(terms)
    return (*matter.properties.default_objectives(), *terms)


class Objective:
    """Weighted mix of properties with a memory of all structures that were ever scored.

    Call `fit` before `score` (or rebuild with `from_json`): it fixes the scale of terms whose
    `low` and `high` are not given.

    Args:
        matter: builds the properties.
        terms: of the settings; the default objectives are added if none of them states a goal.
        model: for terms that predict (`column`, `head`); see `objectives.build`.
        folder: of the settings file, for relative paths in the terms.
        how: `config.OptimizeSettings.combine`. A Pareto study shows the geometric mean as score.

    Raises:
        SettingsError: unknown property, argument, function, program or head.
        InputError: labelled data of a term that cannot be used.

    Attributes:
        terms: the terms in use; may be empty if the matter has no default.
        names: column name by term (a repeated property gets a number).
        goals: those of them that are wanted, not only constrained.
        limited: the others.
        computed: structures whose properties were computed by this object.
    """

    def __init__(
        self,
        matter: Matter,
        terms: Sequence[PropertySettings] = (),
        model: LatentModel | None = None,
        folder: Path | None = None,
        how: str = "desirability",
    ):
        self.matter, self.how = matter, how
        self.terms = completed(matter, terms)
        self.properties: list[Property] = []
        self.names: list[str] = []
        for term in self.terms:
            built = build(matter, model, term, folder)
            self.properties.append(built)
            taken = sum(p.name == built.name for p in self.properties)
            self.names.append(built.name if taken == 1 else f"{built.name}_{taken}")
        if matter.structure_column in self.names:
            raise SettingsError(f"objective: {matter.structure_column} is the structures' column")
        named = list(zip(self.names, self.terms, strict=True))
        self.goals = [name for name, term in named if not term.constraint]
        self.limited = [name for name, term in named if term.constraint]
        self.weights = [term.weight for term in self.terms if not term.constraint]
        self.computed = 0
        self._raw: dict[str, tuple[float, ...]] = {}
        self._extra: dict[str, dict[str, Any]] = {}
        self._reasons: dict[str, dict[str, str]] = {}  # by structure and name
        self._scales: list[Desirability | Limit] | None = None

    @property
    def is_cheap(self) -> bool:
        """Whether all terms are built-in properties that take milliseconds at most."""
        return bool(self.properties) and all(built.is_cheap for built in self.properties)

    @property
    def reference_size(self) -> int:
        """How many known structures are worth scoring for the sake of scales and of a start."""
        return REFERENCE if self.is_cheap else REFERENCE_SLOW

    @property
    def fitted(self) -> bool:
        """Whether the scales are fixed."""
        return self._scales is not None

    def fit(self, reference: Sequence[str]) -> None:
        """Fix the desirability scales, once, on the values of known structures.

        Raises:
            SettingsError: as `check` does.
        """
        raw = self.check(reference)
        self._scales = [
            (resolve_limit if term.constraint else resolve)(term, raw[:, column])
            for column, term in enumerate(self.terms)
        ]

    def check(self, reference: Sequence[str]) -> NDArray[np.float64]:
        """Raw values [n, terms] of known structures.

        Raises:
            SettingsError: what a person brought fails on every one of them, if they are many.
        """
        raw = self.raw(reference)
        for column, (name, built) in enumerate(zip(self.names, self.properties, strict=True)):
            hopeless = (
                len(reference) >= MIN_FAILURES_TO_ABORT and not np.isfinite(raw[:, column]).any()
            )
            if hopeless and isinstance(built, ObjectiveProperty):
                reasons = Counter(self._reasons.get(s, {}).get(name, "") for s in reference)
                reason, count = reasons.most_common(1)[0]
                raise SettingsError(
                    f"objective {name!r} ({built.description}): no value for any of "
                    f"{len(reference)} known structures; for {count} of them: "
                    + (reason or "no reason given")
                )
        return raw

    def raw(self, structures: Sequence[str]) -> NDArray[np.float64]:
        """Raw values [n, terms]; computed for those that are not remembered."""
        missing = list(dict.fromkeys(s for s in structures if s not in self._raw))
        if missing and self.terms:
            missing = self._allowed(missing)
        if missing and self.terms:
            values = np.stack(
                [
                    self._values(n, p, missing)
                    for n, p in zip(self.names, self.properties, strict=True)
                ],
                axis=1,
            )
            for structure, row in zip(missing, values.tolist(), strict=True):
                self._raw[structure] = tuple(row)
            self.computed += len(missing)
        if not self.terms:
            return np.zeros((len(structures), 0))
        rows = [self._raw[s] for s in structures]
        return np.array(rows, dtype=np.float64).reshape(len(structures), len(self.terms))

    def _allowed(self, structures: Sequence[str]) -> list[str]:
        """Structures whose properties may be computed. The others have no value in anything, so
        that no search is ever paid for them (`Checks.reasons_to_forbid`)."""
        allowed = []
        for structure, why in zip(
            structures, self.matter.checks.reasons_to_forbid(structures), strict=True
        ):
            if why:
                self._raw[structure] = (float("nan"),) * len(self.terms)
                self._reasons[structure] = dict.fromkeys(self.names, why)
            else:
                allowed.append(structure)
        return allowed

    def _values(self, name: str, built: Property, structures: Sequence[str]) -> NDArray[np.float64]:
        """Values [n] of one property; reasons of those that failed are kept."""
        reasons: dict[str, str] = {}
        values = _compute(built, structures, reasons)
        if isinstance(built, ObjectiveProperty):
            reasons.update({s: built.failures[s] for s in structures if s in built.failures})
        for structure, reason in reasons.items():
            self._reasons.setdefault(structure, {})[name] = reason
        return values

    def remember(
        self, structure: str, raw: Mapping[str, float | None], reasons: Mapping[str, str] = {}
    ) -> None:
        """Keep raw values, and reasons of those that failed, that an earlier process computed."""
        values = [raw.get(name) for name in self.names]
        self._raw[structure] = tuple(float("nan") if v is None else float(v) for v in values)
        if reasons:
            self._reasons[structure] = dict(reasons)

    @property
    def extra_names(self) -> list[str]:
        """Names of the columns of `extra`."""
        return [
            f"{name}{column.removeprefix(built.name)}"
            for name, built in zip(self.names, self.properties, strict=True)
            if isinstance(built, ObjectiveProperty)
            for column in built.column_names
        ]

    def extra(self, structure: str) -> dict[str, Any]:
        """Further columns of a structure: uncertainty, whether it is in the domain."""
        self._add_extra([structure])
        return self._extra.get(structure, {})

    def _add_extra(self, structures: Sequence[str]) -> None:
        """Compute `extra` of those structures that lack it."""
        missing = list(dict.fromkeys(s for s in structures if s not in self._extra))
        for name, built in zip(self.names, self.properties, strict=True):
            if not missing or not isinstance(built, ObjectiveProperty) or not built.column_names:
                continue
            for column, values in built.columns(missing).items():
                shown = f"{name}{column.removeprefix(built.name)}"
                for structure, value in zip(missing, values.tolist(), strict=True):
                    self._extra.setdefault(structure, {})[shown] = value

    def reasons(self, structure: str) -> dict[str, str]:
        """Why a structure has no value, by name; for `remember`."""
        values = self._raw.get(structure, ())
        known = self._reasons.get(structure, {})
        return {
            name: known.get(name, "no value")
            for name, value in zip(self.names, values, strict=False)
            if not np.isfinite(value)
        }

    def reason(self, structure: str) -> str:
        """Why a structure has no value, in one line; empty if it has all of them."""
        found = self.reasons(structure)
        if 1 < len(found) == len(self.names) and len(set(found.values())) == 1:
            return next(iter(found.values()))  # e.g. a hazard, whatever the objective
        return "; ".join(f"{name}: {why}" for name, why in found.items())

    def failures(self) -> dict[str, dict[str, int]]:
        """How many structures have no value, by name and reason, most frequent first."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in self.names}
        for structure in self._raw:
            for name, why in self.reasons(structure).items():
                counts[name][why] += 1
        return {name: dict(counted.most_common()) for name, counted in counts.items() if counted}

    def close(self) -> None:
        """End the worker processes of properties that have some; they start again when needed."""
        for built in self.properties:
            if isinstance(built, ObjectiveProperty):
                built.close()

    def score(self, structures: Sequence[str]) -> list[Scored]:
        """Scores in the order of the structures.

        Raises:
            ValueError: neither `fit` nor `from_json` was called, or there are no terms.
        """
        if self._scales is None or not self.goals:
            raise ValueError("Objective.score needs fit() first and at least one goal")
        if not structures:
            return []
        raw = self.raw(structures)
        self._add_extra(structures)
        values = {
            name: scale(raw[:, column])
            for column, (name, scale) in enumerate(zip(self.names, self._scales, strict=True))
        }
        wanted = {name: values[name] for name in self.goals}
        total = (average if self.how == "mean" else combine)(wanted, self.weights)
        return [
            Scored(
                dict(zip(self.names, raw[row].tolist(), strict=True)),
                {name: float(column[row]) for name, column in wanted.items()},
                float(total[row]),
                self._extra.get(structure, {}),
                {name: float(values[name][row]) for name in self.limited},
                several=self.several,
            )
            for row, structure in enumerate(structures)
        ]

    @property
    def several(self) -> bool:
        """Whether a search is told more than one value."""
        return self.how == "pareto"

    def nothing(self) -> Scored:
        """What a trial is told that decoded to nothing, or to what is not worth a question."""
        scales = dict(zip(self.names, self._scales or (), strict=True))
        limits = {name: scale for name, scale in scales.items() if isinstance(scale, Limit)}
        return Scored(
            dict.fromkeys(self.names, float("nan")),
            dict.fromkeys(self.goals, 0.0),
            0.0,
            excess={name: limit.missing for name, limit in limits.items()},
            several=self.several,
        )

    def to_json(self) -> list[dict[str, Any]]:
        """The terms with their resolved scales (`desirability` or `constraint`), for `from_json`
        and for the report."""
        scales = self._scales or []
        return [
            {
                "column": name,
                "unit": built.unit,
                "description": built.description,
                "settings": term.model_dump(mode="json"),
                ("constraint" if isinstance(scale, Limit) else "desirability"): scale.to_json(),
            }
            for name, built, term, scale in zip(
                self.names, self.properties, self.terms, scales, strict=True
            )
        ]

    @classmethod
    def from_json(
        cls,
        matter: Matter,
        data: Sequence[Mapping[str, Any]],
        model: LatentModel | None = None,
        folder: Path | None = None,
        how: str = "desirability",
    ) -> Objective:
        """An objective with the scales of an earlier one, so that scores can be compared."""
        terms = [validate(PropertySettings, item["settings"], "objective") for item in data]
        objective = cls(matter, terms, model, folder, how)
        objective._scales = [
            Limit(**item["constraint"])
            if "constraint" in item
            else Desirability(**item["desirability"])
            for item in data
        ]
        return objective


def _compute(
    built: Property, structures: Sequence[str], reasons: dict[str, str]
) -> NDArray[np.float64]:
    """Values [n]; a structure on which the property raises against its promise gives NaN.

    Args:
        reasons: gets why, by structure.
    """
    why = "the property gave another number of values"
    try:
        values = np.asarray(built.compute(structures), dtype=np.float64)
        if values.shape == (len(structures),):
            return values
    except NucleateError as error:
        if not isinstance(error, StructureError):
            raise
        why = str(error)
    except Exception as error:
        # Find the culprit below: a search of hours must not end for one structure.
        why = f"{type(error).__name__}: {error}"
    if len(structures) == 1:
        reasons[structures[0]] = why
        return np.array([np.nan])
    return np.concatenate([_compute(built, [s], reasons) for s in structures])
