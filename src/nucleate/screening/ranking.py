"""Scores and order of candidates, and what stands beside them so that a reader can judge both.

The score is the objective's, in [0, 1]. Where there is no objective it is the share of candidates
that the decoder found less likely; `score_basis` says which. Candidates may also be ordered by
Pareto layers, which need no weights: no candidate betters one of the first layer in every goal at
once. What breaks a constraint stands behind all that break none (Deb 2000, Comput. Methods Appl.
Mech. Eng. 186, 311).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nucleate.core.progress import phase
from nucleate.matter.checks import Candidate
from nucleate.objectives.desirability import Desirability, average, combine
from nucleate.objectives.objective import Objective
from nucleate.objectives.pareto import layers
from nucleate.screening.funnel import NOT_JUDGED

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

OBJECTIVE = "objective"
LIKELIHOOD = "log_likelihood"
Rank = Literal["score", "pareto"]
COLUMNS = (
    "rank_tied",
    "tied_with",
    "tie_break",
    "pareto_layer",
    "score_low",
    "score_high",
    "score_limited_by",
)
"""What `settle` adds."""
APPLICABILITY = ("reconstruction_log_likelihood", "in_applicability_domain")
"""What `add_applicability` adds."""
DECIMALS = 9
"""Of a score; a difference beyond them is of rounding, not of merit, and makes a tie."""
_STEPS = 9
"""Values of an interval at which a desirability is looked at: that of a range may have its best
inside."""


def order(candidates: Sequence[Candidate], by: Rank = "score") -> list[Candidate]:
    """Best first: those that break no constraint (then the less they break), by score, then (also
    where no score is known yet) by how few checks could not judge it, by log-likelihood, then by
    the structure's text.

    Args:
        by: `pareto` puts the column `pareto_layer` before the score (see `lay`).
    """

    def place(candidate: Candidate) -> tuple[float, float, float, int, float, str]:
        layer = candidate.columns.get("pareto_layer") if by == "pareto" else None
        return (
            _violation(candidate),
            math.inf if by == "pareto" and layer is None else float(layer or 0),
            -round(_number(candidate.columns.get("score")), DECIMALS),
            _unjudged(candidate),
            -_number(candidate.columns.get("log_likelihood")),
            candidate.structure,
        )

    return sorted(candidates, key=place)


def score(candidates: Sequence[Candidate], objective: Objective | None) -> None:
    """Give every candidate the score of its present structure.

    What the objective remembers is not computed again; a candidate whose structure a check has
    replaced gets the values of the new one.
    """
    if objective is None or not objective.terms:
        _score_by_likelihood(candidates)
        return
    with phase("score"):
        scores = objective.score([candidate.structure for candidate in candidates])
    for candidate, scored in zip(candidates, scores, strict=True):
        candidate.columns.update(scored.columns())
        candidate.columns["score_basis"] = OBJECTIVE


def _score_by_likelihood(candidates: Sequence[Candidate]) -> None:
    values = np.array([_number(c.columns.get("log_likelihood")) for c in candidates])
    if (values == -math.inf).all():
        return  # from a file: neither an objective nor a model says anything
    below = np.searchsorted(np.sort(values), values)
    for candidate, count in zip(candidates, below.tolist(), strict=True):
        candidate.columns["score"] = count / max(1, len(values) - 1)
        candidate.columns["score_basis"] = LIKELIHOOD


def lay(candidates: Sequence[Candidate], objective: Objective | None) -> None:
    """Give every scored candidate its `pareto_layer` over the objective's goals, from 1.

    Compared are desirabilities, so that a value beyond what is wanted is no better than one that is
    wanted. Candidates that break a constraint follow after the last layer of the others, in the
    order of what they break.
    """
    if objective is None or not objective.goals:
        return
    names = [f"{name}_desirability" for name in objective.goals]
    rated = [c for c in candidates if all(c.columns.get(name) is not None for name in names)]
    sound = [candidate for candidate in rated if not _violation(candidate)]
    points = [[float(c.columns[name]) for name in names] for c in sound]
    found = layers(np.array(points, np.float64).reshape(len(sound), len(names)))
    for candidate, layer in zip(sound, found.tolist(), strict=True):
        candidate.columns["pareto_layer"] = layer
    last = int(found.max()) if len(found) else 0
    broken = [candidate for candidate in rated if _violation(candidate)]
    excess = np.array([_violation(candidate) for candidate in broken])
    places = np.unique(excess, return_inverse=True)[1].ravel()
    for candidate, place in zip(broken, places.tolist(), strict=True):
        candidate.columns["pareto_layer"] = last + 1 + place


def settle(
    candidates: Sequence[Candidate], objective: Objective | None, by: Rank = "score"
) -> list[Candidate]:
    """The final order, with what a reader needs to judge it. `score` comes first.

    Adds `pareto_layer` (see `lay`), `score_limited_by` (the goal that lowers the score the most),
    `score_low` and `score_high` (see `add_intervals`), `rank_tied` (the rank that candidates of
    equal merit share, that of the first of them), `tied_with` (how many others share it) and
    `tie_break` (what put a tied candidate in its place: `log_likelihood` or `structure`).
    """
    lay(candidates, objective)
    if objective is not None and objective.goals:
        _add_limits(candidates, objective)
        add_intervals(candidates, objective)
    ordered = order(candidates, by)
    merits = [_merit(candidate, by) for candidate in ordered]
    shared = Counter(merits)
    likelihoods: dict[tuple[float, ...], set[float]] = {}
    for candidate, merit in zip(ordered, merits, strict=True):
        value = _number(candidate.columns.get("log_likelihood"))
        likelihoods.setdefault(merit, set()).add(value)
    first: dict[tuple[float, ...], int] = {}
    for rank, (candidate, merit) in enumerate(zip(ordered, merits, strict=True), 1):
        told = LIKELIHOOD if len(likelihoods[merit]) == shared[merit] else "structure"
        candidate.columns |= {
            "rank_tied": first.setdefault(merit, rank),
            "tied_with": shared[merit] - 1,
            "tie_break": told if shared[merit] > 1 else None,
        }
    return ordered


def _merit(candidate: Candidate, by: Rank) -> tuple[float, ...]:
    """What candidates are ranked by, without what breaks ties: of two with the same score the one
    that more checks have judged is the better."""
    value = _number(candidate.columns.get("score"))
    layer = candidate.columns.get("pareto_layer") if by == "pareto" else None
    return _violation(candidate), float(layer or 0), round(value, DECIMALS), _unjudged(candidate)


def _unjudged(candidate: Candidate) -> int:
    """How many checks could not judge a candidate."""
    names = str(candidate.columns.get(NOT_JUDGED) or "")
    return len(names.split(", ")) if names else 0


def _add_limits(candidates: Sequence[Candidate], objective: Objective) -> None:
    """`score_limited_by`; nothing where there is one goal, or none leaves anything to wish for."""
    if len(objective.goals) < 2:
        return
    for candidate in candidates:
        lost: dict[str, float] = {}
        for name, weight in zip(objective.goals, objective.weights, strict=True):
            wanted = float(candidate.columns.get(f"{name}_desirability") or 0.0)
            # In a geometric mean the logarithm counts.
            lost[name] = weight * (
                1 - wanted if objective.how == "mean" else -math.log(max(wanted, 1e-300))
            )
        worst = max(lost, key=lambda name: lost[name])
        candidate.columns["score_limited_by"] = worst if lost[worst] > 0 else None


def add_intervals(candidates: Sequence[Candidate], objective: Objective) -> None:
    """`score_low` and `score_high`: what the score may be, given the uncertainty of its terms.

    Every predicted goal may lie anywhere within its `<name>_uncertainty` of its mean, independently
    of the others; goals without an uncertainty are taken as they are. Nothing is added to
    candidates none of whose goals has one.
    """
    uncertain = [n for n in objective.goals if f"{n}_uncertainty" in objective.extra_names]
    if not uncertain:
        return
    scales = _scales(objective)
    mix = average if objective.how == "mean" else combine
    for candidate in candidates:
        if not any(_half_width(candidate, name) for name in uncertain):
            continue
        ends = {name: _ends(candidate, name, scales[name]) for name in objective.goals}
        low, high = (
            mix({name: np.array([pair[end]]) for name, pair in ends.items()}, objective.weights)
            for end in (0, 1)
        )
        candidate.columns |= {"score_low": float(low[0]), "score_high": float(high[0])}


def _half_width(candidate: Candidate, name: str) -> float:
    width = _number(candidate.columns.get(f"{name}_uncertainty"))
    return max(0.0, width)


def _ends(candidate: Candidate, name: str, scale: Desirability) -> tuple[float, float]:
    """Least and greatest desirability of a goal within its uncertainty."""
    value = _number(candidate.columns.get(name))
    if value == -math.inf:
        return 0.0, 0.0
    width = _half_width(candidate, name)
    mean = _number(candidate.columns.get(f"{name}_mean"))  # where the value itself is cautious
    middle = value if mean == -math.inf else mean
    if not width:
        middle = value
    found = scale(np.linspace(middle - width, middle + width, _STEPS))
    return float(found.min()), float(found.max())


def _scales(objective: Objective) -> dict[str, Desirability]:
    """The goals' scales by name, as the objective states them."""
    return {
        item["column"]: Desirability(**item["desirability"])
        for item in objective.to_json()
        if "desirability" in item
    }


def add_applicability(
    candidates: Sequence[Candidate], model: LatentModel, known: Sequence[str], seed: int
) -> None:
    """Say whether the model has words for each candidate, wherever it comes from.

    Adds `reconstruction_log_likelihood`, nats a step of the structure given its own latent vector
    (see `search.plausibility`), and `in_applicability_domain`: whether that is within what known
    structures reach. Neither is part of the score.

    Args:
        known: structures like those that the model was trained on; a thousand suffice. Without any
            the domain is not stated.
        seed: of the sample of them.
    """
    from nucleate.search.evolution.plausibility import Plausibility

    plausible = Plausibility(model, known, seed)
    values = plausible.of([candidate.structure for candidate in candidates])
    for candidate, value in zip(candidates, values.tolist(), strict=True):
        told = value if math.isfinite(value) else None
        inside = None if plausible.bound == -math.inf else bool(value >= plausible.bound)
        candidate.columns |= dict(zip(APPLICABILITY, (told, inside), strict=True))


def _violation(candidate: Candidate) -> float:
    """By how much a candidate breaks the constraints; 0 if it breaks none."""
    if candidate.columns.get("feasible") is not False:
        return 0.0
    value = _number(candidate.columns.get("violation"))
    return value if value > 0 else math.inf


def _number(value: Any) -> float:
    """The value, or minus infinity where it is missing or not a number."""
    if value is None or not math.isfinite(value):
        return -math.inf
    return float(value)
