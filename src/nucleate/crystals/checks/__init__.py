"""The funnel of crystals, cheapest first."""

from nucleate.crystals.checks.bonding import (
    BondValenceCheck,
    CoordinationCheck,
    DimensionalityCheck,
    VacuumCheck,
)
from nucleate.crystals.checks.chemistry import SmactCheck
from nucleate.crystals.checks.energy import AboveHullCheck
from nucleate.crystals.checks.geometry import DensityCheck, DistancesCheck, LegalCheck
from nucleate.crystals.checks.novelty import DiverseCheck, NovelCheck, PicksCheck, StillNovelCheck
from nucleate.crystals.checks.relaxation import BudgetCheck, RelaxationCheck
from nucleate.crystals.checks.stability import ElasticCheck, RattleCheck
from nucleate.matter.checks import Check, Checks

CHECKS: tuple[type[Check], ...] = (
    LegalCheck,
    DensityCheck,
    DistancesCheck,
    CoordinationCheck,
    VacuumCheck,
    SmactCheck,
    BondValenceCheck,
    DimensionalityCheck,
    NovelCheck,
    BudgetCheck,
    RelaxationCheck,
    AboveHullCheck,
    ElasticCheck,
    RattleCheck,
    StillNovelCheck,
    DiverseCheck,
    PicksCheck,
)


class CrystalChecks(Checks):
    """The funnel of crystals."""

    def own(self) -> dict[str, type[Check]]:
        return {check.name: check for check in CHECKS}
