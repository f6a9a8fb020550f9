"""Searchers by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

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
from nucleate.search.evolution.screened_evolution import Accept, ScreenedEvolution
from nucleate.search.searcher import Searcher
from nucleate.settings.evolution import EvolutionSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

SEARCHERS = {
    "nucleate": "latent moves and edits, screened by a surrogate (the default)",
    "nucleate+adaptation": "the same, and the model is fine-tuned on the best found so far",
    "latent": "latent moves alone, screened by a surrogate",
    "edits+screen": "control: edits of structures alone, screened by a surrogate; no network",
    "token-edits+screen": "control: edits of tokens alone, screened by a surrogate; no network",
    "token-edits": "control: edits of tokens alone, unscreened: a genetic algorithm",
    "random-prior": "control: draws of the prior",
    "best-of-data": "control: structures of the data in random order",
}
EDITS = {
    "nucleate": ("graph", "gene", "token"),
    "nucleate+adaptation": ("graph", "gene", "token"),
    "edits+screen": ("graph", "gene", "token"),
    "token-edits+screen": ("token",),
    "token-edits": ("token",),
}
"""Kinds of edits of each searcher that makes any, as far as the kind of matter knows them."""
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


def build_searcher(
    name: str,
    *,
    model: LatentModel,
    data: Sequence[str],
    seed: int,
    settings: EvolutionSettings | None = None,
    starts: Sequence[str] = (),
    accept: Accept | None = None,
    group: Callable[[str], str] | None = None,
    quota: int = 0,
    near: Sequence[str] | None = None,
    initial: int | None = None,
    without: Collection[str] = (),
    aligned: bool = True,
) -> Searcher:
    """A searcher that knows nothing yet.

    Args:
        data: structures to start from, canonical.
        settings: of screened evolution.
        starts, accept, group: see `ScreenedEvolution`; a control that learns nothing heeds
            `accept` alone.
        quota: of parents of one group, if the settings do not say.
        near: those of the data that are accepted, if that is known.
        initial: structures of the data that are asked for first, if fewer than the settings say.
        without: names of operators that are left out; for ablations.
        aligned: see `LatentMaker`; for ablations.

    Raises:
        SettingsError: no such searcher.
    """
    if name not in SEARCHERS:
        raise SettingsError(f"no searcher named {name!r}; known: {', '.join(SEARCHERS)}")
    if name == "best-of-data":
        return Screening(name, from_data(data, seed), accept)
    if name == "random-prior":
        return Screening(name, from_prior(model, seed), accept)
    chosen = settings or EvolutionSettings()
    latents = Latents(model)
    comparison = model.matter.variations.comparison() or LatentComparison(latents)
    memory = Memory(comparison)
    with_latent = name in ("nucleate", "nucleate+adaptation", "latent")
    latent: list[LatentOperator] = latent_operators(model) if with_latent else []
    edits = edit_operators(model, EDITS.get(name, ()))
    operators = [one for one in (*latent, *edits) if one.name not in without]
    maker = LatentMaker(model, latents, TEMPERATURE, aligned) if latent else None
    adaptation = None
    if name == "nucleate+adaptation":
        rehearsed = [
            data[i] for i in np.random.default_rng(seed).permutation(len(data))[:REHEARSED]
        ]
        adaptation = Adaptation(model, rehearsed, AdaptationSettings(), seed)
    if group is not None and not chosen.quota:
        chosen = chosen.model_copy(update={"quota": quota})
    if name == "token-edits":
        chosen = chosen.model_copy(update={"screen": False})
    if initial is not None:
        chosen = chosen.model_copy(update={"initial": min(initial, chosen.initial)})
    plausibility = None
    if name in ("nucleate", "nucleate+adaptation") and chosen.plausible:
        plausibility = Plausibility(model, data, seed)
    return ScreenedEvolution(
        memory,
        operators,
        maker,
        data if near is None else near,
        seed,
        chosen,
        name,
        starts=starts,
        accept=accept,
        group=group,
        adaptation=adaptation,
        plausibility=plausibility,
    )
