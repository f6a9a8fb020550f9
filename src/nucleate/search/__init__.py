"""Search for structures: searchers, an Optuna sampler around them, the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nucleate.search.study.structure_sampler import (
        ScreenedEvolutionSampler,
        StructureSampler,
        proposed_structure,
    )

__all__ = ["ScreenedEvolutionSampler", "StructureSampler", "proposed_structure"]


def __getattr__(name: str) -> Any:
    # Optuna and torch load when a sampler is asked for.
    if name in __all__:
        from nucleate.search.study import structure_sampler as sampler

        return getattr(sampler, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
