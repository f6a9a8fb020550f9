"""Searchers by name: the factories of those that `nucleate.settings.searchers` registers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.core.errors import SettingsError
from nucleate.search.baselines import Screening, from_data, from_prior
from nucleate.search.evolution.adaptation import Adaptation, AdaptationSettings
from nucleate.search.evolution.memory import LatentComparison, Latents, Memory
from nucleate.search.evolution.operators import (
    Crossover,
    EditOperator,
    Extrapolation,
    Graft,
    LatentMaker,
    LatentOperator,
    Mutation,
    Perturbation,
    Recombination,
    Regrowth,
    SparsePerturbation,
)
from nucleate.search.evolution.plausibility import Plausibility
from nucleate.search.evolution.screened_evolution import ScreenedEvolution
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.settings.searchers import searcher_entry

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

REHEARSED = 2000
"""Known structures that adaptation rehearses."""
TEMPERATURE = 0.7
"""Of the decoder in latent moves."""


def latent_operators(model: LatentModel) -> list[LatentOperator]:
    """All latent moves."""
    known = model.training_latents()
    known = known[np.isfinite(known).all(1)]
    regrows = model.matter.variations.regrowth(model.codec, [None], 0) is not None
    centre, spread = known.mean(0), known.std(0)
    return [
        Perturbation(),
        SparsePerturbation(centre.astype(np.float32), spread.astype(np.float32)),
        Recombination(),
        Extrapolation(),
        *([Regrowth(), Graft()] if regrows else []),
    ]


def edit_operators(model: LatentModel, kinds: Sequence[str]) -> list[EditOperator]:
    """Edits of some kinds, as far as the kind of matter knows them."""
    known = model.matter.variations.edits(model.codec)
    out: list[EditOperator] = []
    for kind in kinds:
        if kind in known:
            out += [Mutation(known[kind], kind), Crossover(known[kind], kind)]
    return out


def build_searcher(task: SearchTask) -> Searcher:
    """Return a searcher that knows nothing yet.

    Raises:
        SettingsError: no such searcher, its factory cannot be imported, or it needs a model.
    """
    entry = searcher_entry(task.name)
    module, _, function = entry.factory.partition(":")
    try:
        factory = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"searcher {task.name!r}: {entry.factory}: {error}") from None
    made: Searcher = factory(task, **entry.options)
    return made


def data_screening(task: SearchTask) -> Searcher:
    """Return the control that asks for structures of the data."""
    return Screening(task.name, from_data(task.data, task.seed), task.accept, task.take)


def prior_screening(task: SearchTask) -> Searcher:
    """Return the control that asks for draws of the prior."""
    return Screening(task.name, from_prior(_model(task), task.seed), task.accept, task.take)


def screened_evolution(
    task: SearchTask,
    *,
    latent: bool = False,
    edits: Sequence[str] = (),
    screen: bool = True,
    plausible: bool = False,
    adapted: bool = False,
) -> Searcher:
    """Return screened evolution in one of its kinds.

    Args:
        latent: with moves in latent space.
        edits: kinds of edits, as far as the kind of matter knows them.
        screen: whether a surrogate screens children.
        plausible: whether a part of the search is kept plausible, if the settings say so.
        adapted: whether the model is fine-tuned on the best now and then.
    """
    model, data, settings = _model(task), task.data, task.settings
    latents = Latents(model)
    moves = [*latent_operators(model)] if latent else []
    operators = [*moves, *edit_operators(model, edits)]
    changes: dict[str, Any] = {} if screen else {"screen": False}
    if task.group is not None and not settings.quota:
        changes["quota"] = task.quota
    if task.initial is not None:
        changes["initial"] = min(task.initial, settings.initial)
    adaptation = None
    if adapted:
        order = np.random.default_rng(task.seed).permutation(len(data))[:REHEARSED]
        rehearsed = [data[i] for i in order]
        adaptation = Adaptation(model, rehearsed, AdaptationSettings(), task.seed)
    return ScreenedEvolution(
        Memory(model.matter.variations.comparison() or LatentComparison(latents)),
        [one for one in operators if one.name not in task.without],
        LatentMaker(model, latents, TEMPERATURE, task.aligned) if latent else None,
        data if task.accepted is None else task.accepted,
        task.seed,
        settings.model_copy(update=changes),
        task.name,
        starts=task.starts,
        accept=task.accept,
        group=task.group,
        adaptation=adaptation,
        plausibility=(
            Plausibility(model, data, task.seed) if plausible and settings.plausible else None
        ),
        take=task.take,
    )


def _model(task: SearchTask) -> LatentModel:
    if task.model is None:
        raise SettingsError(f"{task.name}: needs a model")
    return task.model
