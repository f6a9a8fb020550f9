"""The score of one structure, with what it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nucleate.objectives.constraints import penalise, violation


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
    def penalised_score(self) -> float:
        """One number that ranks any two structures: the score, negative if not feasible."""
        return penalise(self.score, self.violation)

    @property
    def observed(self) -> tuple[float, ...]:
        """Values of the trial: the penalised score, or every desirability (then Optuna's own
        constraints say what is not feasible)."""
        return tuple(self.desirability.values()) if self.several else (self.penalised_score,)

    def columns(self) -> dict[str, Any]:
        """Table columns: `<name>`, `<name>_desirability`, `score`, `violation` and `feasible` if
        there are constraints, and the further ones."""
        transformed = {f"{name}_desirability": v for name, v in self.desirability.items()}
        kept = {"violation": self.violation, "feasible": self.feasible} if self.excess else {}
        return {**self.raw, **transformed, "score": self.score, **kept, **self.extra}
