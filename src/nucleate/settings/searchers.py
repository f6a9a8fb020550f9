"""The registry of searchers: what each is called, what it is, what it can do, and who makes it.

Settings, help, docs, benchmarks and tests read it. A package of a person's own adds searchers by
an entry point of the group `nucleate.searchers` that names a `SearcherEntry`:

    [project.entry-points."nucleate.searchers"]
    annealing = "my_package:ANNEALING"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from nucleate.core.errors import SettingsError

GROUP = "nucleate.searchers"
_REGISTRY = "nucleate.search.factories"
_BOXES = "nucleate.search.latent_boxes.box_searcher:build_box_searcher"


@dataclass(frozen=True)
class SearcherEntry:
    """One searcher.

    Attributes:
        name: in settings.
        description: in one line.
        factory: `module:function` that makes the `Searcher` of a `SearchTask` (both of
            `nucleate.search.searcher`).
        options: given to it besides, by name.
        needs_model: whether it needs a trained model, beside its kind of matter.
        conditions: whether it can search around a lead, or among structures that keep a part.
        several: whether it can look for the front of several objectives.
        boxes: whether it proposes points of boxes in latent space (one of Optuna's samplers), and
            not structures.
    """

    name: str
    description: str
    factory: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs_model: bool = True
    conditions: bool = True
    several: bool = True
    boxes: bool = False


def _box(name: str, description: str, several: bool = True) -> SearcherEntry:
    return SearcherEntry(name, description, _BOXES, conditions=False, several=several, boxes=True)


def _evolution(name: str, description: str, **options: Any) -> SearcherEntry:
    return SearcherEntry(name, description, f"{_REGISTRY}:screened_evolution", options)


_EDITS, _TOKENS = ("graph", "gene", "token"), ("token",)
_BUILT_IN = (
    _evolution(
        "nucleate",
        "latent moves and edits, screened by a surrogate (the default)",
        latent=True,
        edits=_EDITS,
        plausible=True,
    ),
    _evolution(
        "nucleate+adaptation",
        "the same, and the model is fine-tuned on the best found so far",
        latent=True,
        edits=_EDITS,
        plausible=True,
        adapted=True,
    ),
    _evolution("latent", "latent moves alone, screened by a surrogate", latent=True),
    _evolution(
        "edits+screen",
        "control: edits of structures alone, screened by a surrogate; no network",
        edits=_EDITS,
    ),
    _evolution(
        "token-edits+screen",
        "control: edits of tokens alone, screened by a surrogate; no network",
        edits=_TOKENS,
    ),
    _evolution(
        "token-edits",
        "control: edits of tokens alone, unscreened: a genetic algorithm",
        edits=_TOKENS,
        screen=False,
    ),
    SearcherEntry(
        "random-prior",
        "control: draws of the prior",
        f"{_REGISTRY}:prior_screening",
        conditions=False,
    ),
    SearcherEntry(
        "best-of-data",
        "control: structures of the data in random order",
        f"{_REGISTRY}:data_screening",
        needs_model=False,
    ),
    _box("cmaes", "control: CMA-ES in every box", several=False),
    _box("tpe", "control: Optuna's tree-structured Parzen estimator over boxes"),
    _box("gp", "control: Optuna's Gaussian process over boxes; slow beyond some hundred calls"),
    _box("nsga2", "control: Optuna's NSGA-II over boxes"),
    _box("nsga3", "control: Optuna's NSGA-III over boxes"),
    _box("qmc", "control: a scrambled Sobol sequence over boxes"),
    _box("random", "control: random points of boxes"),
)


@cache
def searchers() -> dict[str, SearcherEntry]:
    """Return all searchers by name: Nucleate's own, then those that are installed.

    Raises:
        SettingsError: an entry point names no `SearcherEntry`, or one whose name is taken.
    """
    found = {entry.name: entry for entry in _BUILT_IN}
    for point in entry_points(group=GROUP):
        entry = point.load()
        if not isinstance(entry, SearcherEntry) or entry.name in found:
            said = "is taken" if isinstance(entry, SearcherEntry) else "is no SearcherEntry"
            raise SettingsError(f"entry point {point.name!r} of {GROUP}: {point.value} {said}")
        found[entry.name] = entry
    return found


def searcher_names(*, boxes: bool) -> list[str]:
    """Return the names of those that propose points of boxes, or of those that propose
    structures."""
    return [entry.name for entry in searchers().values() if entry.boxes == boxes]


def searcher_entry(name: str) -> SearcherEntry:
    """Return the searcher of that name.

    Raises:
        SettingsError: there is none; lists those that there are.
    """
    try:
        return searchers()[name]
    except KeyError:
        known = ", ".join(searchers())
        raise SettingsError(f"no searcher named {name!r}; known: {known}") from None
