"""Checks on substructures: unstable groups, hazards, catalogued alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from nucleate.core.settings import Settings
from nucleate.matter.checks import CheckContext, Verdict
from nucleate.molecules.alerts.catalogues import TOLERATED, AlertSets, Catalogue, read_smarts
from nucleate.molecules.alerts.hazards import hazards
from nucleate.molecules.alerts.unstable import unstable
from nucleate.molecules.checks.single_check import SingleCheck


class StabilityOptions(Settings):
    allowed: tuple[str, ...] = ()
    """Groups to overlook, by the name that verdicts give: `epoxide`, say, or `aziridine`."""


class StabilityCheck(SingleCheck):
    """No group that falls apart or reacts on its own. The value names the groups found.

    The groups, each with its reason, are `nucleate.molecules.alerts.unstable`.
    """

    name = "stability"
    description = "no group that falls apart, rearranges or reacts with water, air or amines"
    Options = StabilityOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        groups = [g for g in unstable().matches(found) if g.name not in self.options.allowed]
        if not groups:
            return Verdict(True, "")
        first = groups[0]
        more = f" (and {len(groups) - 1} more)" if len(groups) > 1 else ""
        value = "; ".join(group.name for group in groups)
        return Verdict(False, value, f"{first.name}: {first.explanation}{more}")


class HazardsCheck(SingleCheck):
    """Not of a class known to be dangerous. The value names the classes.

    Explosophores, peroxides, toxic organophosphorus compounds, mustards and a few more; see
    `nucleate.molecules.alerts.hazards`. What it rejects is reported apart.
    """

    name = "hazards"
    description = "no explosophore, peroxide, organophosphorus agent, mustard or the like"
    apart = True

    def judge(self, found: Any, smiles: str) -> Verdict:
        flags = hazards(found)
        return Verdict(not flags, "; ".join(flags), f"hazard: {flags[0]}" if flags else "")


class AlertsOptions(Settings):
    catalogues: tuple[Catalogue, ...] = ("PAINS_A", "PAINS_B", "BRENK")
    """Of RDKit's FilterCatalog. NIH and those of ChEMBL each cost as much as all other checks."""
    allowed: tuple[str, ...] = TOLERATED
    """Alerts to overlook, by the name that verdicts give. They are still listed in the column."""
    own: dict[str, str] = Field(default_factory=dict)
    """SMARTS of your own, by name."""
    own_file: Path | None = None
    """File of further SMARTS: a SMARTS and its name on each line."""


class AlertsCheck(SingleCheck):
    """No catalogued structural alert. The value names the first alert that rejects.

    Column: `structural_alerts`, all alerts with their catalogue, those overlooked among them.

    PAINS: Baell and Holloway 2010. BRENK: Brenk et al. 2008. NIH: Jadhav et al. 2010 and Doveston
    et al. 2015. CHEMBL: the rules of BMS, Dundee, Glaxo, Inpharmatica, LINT, MLSMR and SureChEMBL.

    The catalogues were drawn up to choose compounds for screening libraries, and each alone
    turns away many medicines. By default PAINS reject, which spoil assays, and of Brenk's alerts
    those that name a reactive or labile group (acid halides, aldehydes, quinones, thiols,
    hydrazines, disulphides, esters of HOBt ...). Those on stable groups, which are there for
    toxicity, solubility or taste (nitro, aniline, long chains, cycloheptanes), and those so wide
    that the check `stability` does better (imines, Michael acceptors) are listed and do not reject.
    PAINS_C are left out: each of them rests on fewer than 15 compounds.
    """

    name = "alerts"
    description = "no structural alert of the chosen catalogues (PAINS, Brenk's reactive groups)"
    Options = AlertsOptions

    def __init__(self, options: Any, context: CheckContext):
        super().__init__(options, context)
        own = dict(options.own)
        if options.own_file is not None:
            own |= read_smarts(options.own_file)
        self._sets = AlertSets(options.catalogues, own)

    def judge(self, found: Any, smiles: str) -> Verdict:
        alerts = self._sets.matches(found)
        columns = {"structural_alerts": "; ".join(f"{a.family}: {a.name}" for a in alerts)}
        refused = [alert for alert in alerts if alert.name not in self.options.allowed]
        if not refused:
            return Verdict(True, "", columns=columns)
        name, family = refused[0]
        return Verdict(False, name, f"structural alert {name} ({family})", columns)
