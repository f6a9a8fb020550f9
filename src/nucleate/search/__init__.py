"""Search for structures: searchers, an Optuna sampler around them, the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nucleate.search.study.evolution_sampler import ScreenedEvolutionSampler
    from nucleate.search.study.structure_sampler import StructureSampler, proposed_structure

__all__ = ["ScreenedEvolutionSampler", "StructureSampler", "proposed_structure"]


def __getattr__(name: str) -> Any:
    # Optuna and torch load when a sampler is asked for.
    if name == "ScreenedEvolutionSampler":
        from nucleate.search.study.evolution_sampler import ScreenedEvolutionSampler

        return ScreenedEvolutionSampler
    if name in __all__:
        from nucleate.search.study import structure_sampler

        return getattr(structure_sampler, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
