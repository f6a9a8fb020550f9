"""The objective: what is wanted of a structure, computed at most once per structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.matter.base import Matter
from nucleate.objectives.build_objectives import build
from nucleate.objectives.constraints import Limit, resolve_limit
from nucleate.objectives.desirability import Desirability, average, combine, resolve
from nucleate.objectives.property_values import PropertyValues
from nucleate.objectives.scored import Scored
from nucleate.settings.objectives import PropertySettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel


def complete_terms(
    matter: Matter, terms: Sequence[PropertySettings]
) -> tuple[PropertySettings, ...]:
    """The terms, and the default ones before them where none of them states a goal."""
    if any(not term.constraint for term in terms):
        return tuple(terms)
    return (*matter.properties.default_objectives(), *terms)


class Objective(PropertyValues):
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
        goals: names of those that are wanted, not only constrained.
        limited: the others.
    """

    def __init__(
        self,
        matter: Matter,
        terms: Sequence[PropertySettings] = (),
        model: LatentModel | None = None,
        folder: Path | None = None,
        how: str = "desirability",
    ):
        self.how = how
        self.terms = complete_terms(matter, terms)
        super().__init__(matter, [build(matter, model, term, folder) for term in self.terms])
        if matter.structure_column in self.names:
            raise SettingsError(f"objective: {matter.structure_column} is the structures' column")
        named = list(zip(self.names, self.terms, strict=True))
        self.goals = [name for name, term in named if not term.constraint]
        self.limited = [name for name, term in named if term.constraint]
        self.weights = [term.weight for term in self.terms if not term.constraint]
        self._scales: list[Desirability | Limit] | None = None

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
