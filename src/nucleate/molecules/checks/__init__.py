"""The funnel of molecules, cheapest first; hazards early, so that none goes unreported."""

from collections.abc import Sequence

from nucleate.matter.checks import Check, Checks
from nucleate.molecules.alerts.hazards import forbidden
from nucleate.molecules.checks.basic import (
    ChargeCheck,
    ElementsCheck,
    ParsesCheck,
    SaltCheck,
    SizeCheck,
)
from nucleate.molecules.checks.duplicates import DoublesCheck, IdentityCheck
from nucleate.molecules.checks.embedding import BudgetCheck, EmbeddingCheck
from nucleate.molecules.checks.groups import AlertsCheck, HazardsCheck, StabilityCheck
from nucleate.molecules.checks.likeness import DruglikeCheck, SpacialCheck, SyntheticAccessCheck
from nucleate.molecules.checks.novelty import (
    DiverseCheck,
    NearestKnownCheck,
    NovelCheck,
    PicksCheck,
)
from nucleate.molecules.checks.structure import RingsCheck, StereoCheck

CHECKS: tuple[type[Check], ...] = (
    ParsesCheck,
    SaltCheck,
    HazardsCheck,
    ElementsCheck,
    ChargeCheck,
    SizeCheck,
    RingsCheck,
    StabilityCheck,
    StereoCheck,
    SyntheticAccessCheck,
    AlertsCheck,
    DruglikeCheck,
    SpacialCheck,
    NovelCheck,
    BudgetCheck,
    IdentityCheck,
    DoublesCheck,
    EmbeddingCheck,
    DiverseCheck,
    PicksCheck,
    NearestKnownCheck,
)


class MoleculeChecks(Checks):
    """The funnel of molecules, and the safety filter of searches."""

    def own(self) -> dict[str, type[Check]]:
        return {check.name: check for check in CHECKS}

    def reasons_to_forbid(self, structures: Sequence[str]) -> list[str]:
        """Explosives, organophosphorus agents and their like: see `molecules.alerts.hazards`."""
        return [forbidden(structure) for structure in structures]
