"""All that the search benchmarks may set against each other: the registered searchers, and the
default one with each of its ideas left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nucleate.search import factories as registry
from nucleate.search.evolution.operators import (
    Extrapolation,
    Graft,
    Perturbation,
    Recombination,
    Regrowth,
    SparsePerturbation,
)
from nucleate.search.searcher import Searcher, SearchTask
from nucleate.settings.searchers import searchers

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
    f"{kind}_{change}"
    for kind in searchers()[WHOLE].options["edits"]
    for change in ("mutation", "crossover")
)
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
SEARCHERS = {name: entry.description for name, entry in searchers().items()} | ABLATIONS
WITHOUT_MODEL = tuple(name for name, entry in searchers().items() if not entry.needs_model)
"""Those of them that need no model: the edits of the others too are the model's matter's."""


def build_searcher(task: SearchTask) -> Searcher:
    """Return a searcher of `SEARCHERS`; see `nucleate.search.factories.build_searcher`.

    Raises:
        SettingsError: no such searcher.
    """
    if task.name not in ABLATIONS:
        return registry.build_searcher(task)
    changes = LEFT_OUT[task.name.removeprefix(_WITHOUT)][1]
    own = {key: value for key, value in changes.items() if key in ("without", "aligned")}
    others = {key: value for key, value in changes.items() if key not in own}
    settings = task.settings.model_copy(update=others)
    searcher = registry.build_searcher(replace(task, name=WHOLE, settings=settings, **own))
    searcher.name = task.name
    return searcher
