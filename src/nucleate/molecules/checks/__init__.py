"""The funnel of molecules, cheapest first; hazards early, so that none goes unreported."""

from collections.abc import Sequence

from nucleate.matter.checks import Check, Checks
from nucleate.molecules.alerts.hazards import reason_to_forbid
from nucleate.molecules.checks import basic, duplicates, likeness, novelty, structure
from nucleate.molecules.checks import conformers as embedding
from nucleate.molecules.checks import substructures as groups

CHECKS: tuple[type[Check], ...] = (
    basic.ParsesCheck,
    basic.SaltCheck,
    groups.HazardsCheck,
    basic.ElementsCheck,
    basic.ChargeCheck,
    basic.SizeCheck,
    structure.RingsCheck,
    groups.StabilityCheck,
    structure.StereoCheck,
    likeness.SyntheticAccessCheck,
    groups.AlertsCheck,
    likeness.DruglikeCheck,
    likeness.SpacialCheck,
    novelty.NovelCheck,
    embedding.BudgetCheck,
    duplicates.IdentityCheck,
    duplicates.DoublesCheck,
    embedding.EmbeddingCheck,
    novelty.DiverseCheck,
    novelty.PicksCheck,
    novelty.NearestKnownCheck,
)


class MoleculeChecks(Checks):
    """The funnel of molecules, and the safety filter of searches."""

    def own(self) -> dict[str, type[Check]]:
        return {check.name: check for check in CHECKS}

    def reasons_to_forbid(self, structures: Sequence[str]) -> list[str]:
        """Explosives, organophosphorus agents and their like: see `molecules.alerts.hazards`."""
        return [reason_to_forbid(structure) for structure in structures]
