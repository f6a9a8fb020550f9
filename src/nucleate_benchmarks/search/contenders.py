"""All that the search benchmarks may set against each other: our searchers, the default one with
each of its ideas left out, and Optuna's samplers.

A stock sampler knows coordinates and values, no structures. `BoxSearcher` gives it what the study
gives it (`nucleate.search.latent_boxes.box_searcher`): boxes around the best of the first
structures, whose axes are
the leading principal directions of the encoded training set; what is scored is what they decode to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nucleate.search import registry as build
from nucleate.search.evolution.operators import (
    Extrapolation,
    Graft,
    Perturbation,
    Recombination,
    Regrowth,
    SparsePerturbation,
)
from nucleate.search.latent_boxes.box_searcher import BoxSearcher
from nucleate.search.searcher import Searcher
from nucleate.settings.evolution import EvolutionSettings

if TYPE_CHECKING:
    from nucleate.latent.latent_model import LatentModel

WHOLE = "nucleate"
"""The searcher that ablations are made of."""
LATENT_NAMES = tuple(
    operator.name
    for operator in (
        Perturbation,
        SparsePerturbation,
        Recombination,
        Extrapolation,
        Regrowth,
        Graft,
    )
)
EDIT_NAMES = tuple(
    f"{kind}_{change}" for kind in build.EDITS[WHOLE] for change in ("mutation", "crossover")
)
STOCK = {
    "cmaes": "control: CMA-ES in every box",
    "tpe": "control: Optuna's tree-structured Parzen estimator over boxes",
    "gp": "control: Optuna's Gaussian process over boxes; slow beyond some hundred calls",
    "nsga2": "control: Optuna's NSGA-II over boxes",
    "nsga3": "control: Optuna's NSGA-III over boxes",
    "qmc": "control: a scrambled Sobol sequence over boxes",
    "random": "control: random points of boxes",
}
LEFT_OUT: dict[str, tuple[str, dict[str, Any]]] = {
    "screen": ("the surrogate", {"screen": False}),
    "generations": ("generations between two questions", {"generations": 1, "breeding": 0.0}),
    "draws": ("draws of the posterior: the highest means are asked", {"sampling_temperature": 0.0}),
    "data": ("screening of the data", {"pool": 0}),
    "niches": ("parents by niches", {"niching": 0.0}),
    "families": ("retiring of exhausted families", {"stagnation_limit": 0}),
    "restless": (
        "exploration that grows while nothing better is found",
        {"exploration_growth": 1.0},
    ),
    "plausible": ("the half that is kept plausible", {"plausible": 0.0}),
    "reencoding": ("re-encoding of children (alignment)", {"aligned": False}),
    "edits": ("all edits of structures", {"without": EDIT_NAMES}),
    "latent": ("all latent moves", {"without": LATENT_NAMES}),
    "perturbation": ("noise on latent vectors", {"without": ("latent_perturbation",)}),
    "sparse": ("changes of few latent dimensions", {"without": ("latent_sparse",)}),
    "recombination": (
        "crossover and differences of latent vectors",
        {"without": ("latent_crossover", "latent_difference")},
    ),
    "regrowth": ("parts grown anew", {"without": ("latent_regrowth", "latent_graft")}),
}
"""Ideas of `nucleate` by name: what they are, and how to leave them out."""
_WITHOUT = f"{WHOLE}-without-"
ABLATIONS = {
    f"{_WITHOUT}{name}": f"ablation: without {what}" for name, (what, _) in LEFT_OUT.items()
}
SEARCHERS = build.SEARCHERS | STOCK | ABLATIONS
WITHOUT_MODEL = ("best-of-data",)
"""Those of them that need no model: the edits of the others too are the model's matter's."""


def build_searcher(
    name: str,
    *,
    model: LatentModel,
    data: Sequence[str],
    seed: int,
    settings: EvolutionSettings | None = None,
) -> Searcher:
    """A searcher of `SEARCHERS`; see `nucleate.search.registry.build_searcher`.

    Raises:
        SettingsError: no such searcher.
    """
    if name in STOCK:
        initial = (settings or EvolutionSettings()).initial
        return BoxSearcher(name, model, data, seed, initial)
    if name in ABLATIONS:
        return _ablated(name, model, data, seed, settings or EvolutionSettings())
    return build.build_searcher(name, model=model, data=data, seed=seed, settings=settings)


def _ablated(
    name: str, model: LatentModel, data: Sequence[str], seed: int, settings: EvolutionSettings
) -> Searcher:
    changes = LEFT_OUT[name.removeprefix(_WITHOUT)][1]
    arguments = {key: value for key, value in changes.items() if key in ("without", "aligned")}
    own = {key: value for key, value in changes.items() if key not in arguments}
    searcher = build.build_searcher(
        WHOLE,
        model=model,
        data=data,
        seed=seed,
        settings=settings.model_copy(update=own),
        **arguments,
    )
    searcher.name = name
    return searcher
