"""The loop: propose, decode, test; learn from what was met and what was not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.progress import bar
from nucleate.datasets.draws import Draw
from nucleate.generation.latent_sources import Proposal
from nucleate.generation.task import Task, make_task
from nucleate.latent.latent_model import Decoded, LatentModel
from nucleate.novelty.representatives import Representatives
from nucleate.settings.sample import SampleSettings
from nucleate.vae.legality import Legality

_DRAWS_EACH = 50
_LEAST_BUDGET = 5000
_SMALLEST_ROUND, _LARGEST_ROUND = 128, 2048
_FEW_FRESH = 0.5
"""Share of structures in a round that were never seen below which the decoder gets warmer."""
_WARMER = 0.25
_REPEATED = "repeated"


@dataclass
class _Judgement:
    """What is known of a decoded structure."""

    reason: str
    columns: dict[str, float]


@dataclass
class _State:
    """What was found so far; `kept` tells what is the same as a row."""

    kept: Representatives
    rows: list[dict[str, Any]] = field(default_factory=list)
    judged: dict[str, _Judgement] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    draws: int = 0
    decoded: int = 0
    warmth: float = 0.0


def generate(
    model: LatentModel, settings: SampleSettings, seed: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Sample `settings.count` different structures that meet `settings.conditions`.

    Every row meets every condition, tested on the structure itself. Fewer rows come back if the
    budget of draws ends before.

    Returns:
        Rows as `nucleate.stages.sample.draw_samples` makes them with `noise` and the conditions'
        columns besides, and a summary with counts and, by reason, what was refused.

    Raises:
        SettingsError: conditions that nothing can meet, or that the model cannot work with.
    """
    started = time.perf_counter()
    task = make_task(model, settings, seed)
    kept = Representatives(model.matter.identity)
    state, generator = _State(kept), np.random.default_rng(seed)
    budget = settings.conditions.budget or max(_LEAST_BUDGET, _DRAWS_EACH * settings.count)
    wanted = settings.count * task.source.surplus
    with bar(total=wanted, description="found", unit="structures") as progress:
        while len(state.rows) < wanted and state.draws < budget:
            size = min(_round_size(state, wanted), budget - state.draws)
            _round(model, task, state, size, generator)
            progress.update(min(len(state.rows), wanted) - progress.n)
    rows = task.source.choose(state.rows, settings.count)
    summary = _summary(settings, state, rows, budget, seed, time.perf_counter() - started)
    if task.constraint is not None:
        summary |= task.constraint.figures(rows)
    return rows, summary


def _round_size(state: _State, wanted: int) -> int:
    """Draws that are likely to yield what is still missing, at the rate so far."""
    rate = (len(state.rows) + 1) / (state.draws + 2)
    missing = wanted - len(state.rows)
    return int(min(_LARGEST_ROUND, max(_SMALLEST_ROUND, 1.2 * missing / rate)))


def _round(
    model: LatentModel,
    task: Task,
    state: _State,
    size: int,
    generator: np.random.Generator,
) -> None:
    proposal = task.source.propose(size, generator)
    latents = proposal.latents
    if task.steering is not None:
        latents = task.steering.steer(latents, generator)
    noise = task.source.noise(proposal)
    legality = _legality(task, proposal, generator)
    decoded = model.decode(
        latents,
        task.temperature + state.warmth,
        int(generator.integers(2**31)),
        noise,
        legality,
        refine=task.how,
    )
    if task.constraint is not None and legality is not None:
        proposal.columns |= task.constraint.columns(legality, [d.structure for d in decoded])
    state.draws += size
    fresh = _judge(task, state, decoded)
    kept = np.zeros(size, dtype=bool)
    for row, item in enumerate(decoded):
        if item.structure is None:
            state.refused[item.reason] += 1
            continue
        state.decoded += 1
        judged = state.judged[item.structure]
        if judged.reason:
            state.refused[judged.reason] += 1
            continue
        judged.reason = _REPEATED  # from the second time on
        if state.kept.add(item.structure) != item.structure:
            state.refused[_REPEATED] += 1
            continue
        kept[row] = True
        state.rows.append(_row(task, proposal, latents, noise, decoded, row, judged))
    task.source.bandit.learn(proposal.level, kept)
    if task.warming and fresh < _FEW_FRESH * size:
        state.warmth = min(state.warmth + _WARMER, max(0.0, 1.0 - task.temperature))
    _learn(task, state, latents, decoded, kept)


def _legality(task: Task, proposal: Proposal, generator: np.random.Generator) -> Legality | None:
    """Masks stricter than the model's own, or None."""
    size = len(proposal.latents)
    if task.growth is not None:
        return task.growth.legality(size, generator)
    if task.constraint is None:
        return proposal.legality
    ways = proposal.ways
    if ways is None:
        ways = task.ways[generator.integers(len(task.ways), size=size)]
    return task.constraint.legality(ways)


def _judge(task: Task, state: _State, decoded: Sequence[Decoded]) -> int:
    """Test the structures that were not seen before; returns how many there are."""
    written = dict.fromkeys(d.structure for d in decoded if d.structure is not None)
    fresh = [s for s in written if s not in state.judged]
    if not fresh:
        return 0
    columns: list[dict[str, float]] = [{} for _ in fresh]
    reasons = [""] * len(fresh)
    tested = np.arange(len(fresh))
    for requirement in task.requirements:
        values, failed = requirement.judge([fresh[i] for i in tested])
        for place, (i, reason) in enumerate(zip(tested.tolist(), failed, strict=True)):
            columns[i] |= {name: float(column[place]) for name, column in values.items()}
            reasons[i] = reasons[i] or reason
        if requirement.first:
            tested = tested[[not reasons[i] for i in tested]]
        if not len(tested):
            break
    for structure, reason, numbers in zip(fresh, reasons, columns, strict=True):
        state.judged[structure] = _Judgement(reason, numbers)
    return len(fresh)


def _row(
    task: Task,
    proposal: Proposal,
    latents: NDArray[np.float32],
    noise: NDArray[np.float32],
    decoded: Sequence[Decoded],
    row: int,
    judged: _Judgement,
) -> dict[str, Any]:
    item = decoded[row]
    if item.structure is None:
        raise ValueError("a draw without a structure is no row")
    origin = task.source.origin if proposal.origin is None else str(proposal.origin[row])
    drawn = Draw(item.structure, latents[row], origin, item.log_likelihood, task.source.parent)
    return {
        **drawn.row(),
        "noise": round(float(noise[row]), 4),
        **{name: float(values[row]) for name, values in proposal.columns.items()},
        **judged.columns,
    }


def _learn(
    task: Task,
    state: _State,
    latents: NDArray[np.float32],
    decoded: Sequence[Decoded],
    kept: NDArray[np.bool_],
) -> None:
    if task.steering is None:
        return
    names = list(task.steering.windows)
    values = {name: np.full(len(decoded), np.nan) for name in names}
    for row, item in enumerate(decoded):
        if item.structure is not None:
            known = state.judged[item.structure].columns
            for name in names:
                values[name][row] = known.get(name, np.nan)
    task.steering.learn(latents, values, kept)


def _summary(
    settings: SampleSettings,
    state: _State,
    rows: list[dict[str, Any]],
    budget: int,
    seed: int,
    seconds: float,
) -> dict[str, Any]:
    wanted = settings.count
    summary: dict[str, Any] = {
        "requested": wanted,
        "found": len(rows),
        "draws": state.draws,
        "decoded": state.decoded,
        "valid_share": state.decoded / max(1, state.draws),
        "unique": len(rows),
        "refused": dict(state.refused.most_common()),
        "conditions": settings.conditions.model_dump(
            mode="json", exclude_none=True, exclude_defaults=True
        ),
        "seed": seed,
        "seconds": round(seconds, 3),
    }
    if len(rows) < wanted:
        often = ", ".join(f"{reason} ({n})" for reason, n in state.refused.most_common(3))
        summary["note"] = (
            f"only {len(rows)} of {wanted} were found within the budget of {budget} draws; "
            f"most often refused: {often or 'nothing'}"
        )
    return summary
