"""Checks on substructures: catalogued alerts, and rings and bonds too strained to exist."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Annotated, Any, Literal

from pydantic import Field
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from nucleate.config import Settings
from nucleate.matter import Verdict
from nucleate.molecules.checks.single import SingleCheck

Catalogue = Literal[
    "PAINS", "PAINS_A", "PAINS_B", "PAINS_C", "BRENK", "NIH", "ZINC", "CHEMBL", "CHEMBL_BMS"
]


@cache
def _catalogue(names: tuple[str, ...]) -> Any:
    parameters = FilterCatalogParams()
    for name in names:
        parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(parameters)


class AlertsOptions(Settings):
    catalogues: Annotated[tuple[Catalogue, ...], Field(min_length=1)] = ("PAINS", "BRENK", "NIH")
    """Of RDKit's FilterCatalog."""
    allowed: tuple[str, ...] = ()
    """Alerts to overlook, by the name that verdicts give."""


class AlertsCheck(SingleCheck):
    """No catalogued structural alert. The value names the alert.

    PAINS: Baell and Holloway 2010. BRENK: Brenk et al. 2008. NIH: Jadhav et al. 2010 and Doveston
    et al. 2015.
    """

    name = "alerts"
    description = "no structural alert of RDKit's catalogues (PAINS, BRENK and NIH if not chosen)"
    Options = AlertsOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        catalogue = _catalogue(self.options.catalogues)
        if self.options.allowed:
            entries = [
                e
                for e in catalogue.GetMatches(found)
                if e.GetDescription() not in self.options.allowed
            ]
            entry = entries[0] if entries else None
        else:
            entry = catalogue.GetFirstMatch(found)
        if entry is None:
            return Verdict(True, "")
        family = entry.GetProp("FilterSet") if "FilterSet" in entry.GetPropList() else "catalogue"
        alert = entry.GetDescription()
        return Verdict(False, alert, f"structural alert {alert} ({family})")


class RingsOptions(Settings):
    maximum_ring: Annotated[int, Field(ge=3)] = 8
    """Largest ring, in atoms."""
    maximum_rings: Annotated[int, Field(ge=0)] = 8
    """Most rings of the smallest set."""


class RingsCheck(SingleCheck):
    """No macrocycle, no bond arrangement too strained to exist. The value is the largest ring."""

    name = "rings"
    description = (
        "no macrocycle, cumulated double bonds, alkyne or allene in a small ring, cyclopropene, "
        "bridgehead double bond (Bredt's rule) or small rings fused to each other"
    )
    Options = RingsOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        rings = [frozenset(r) for r in found.GetRingInfo().AtomRings()]
        largest = max(map(len, rings), default=0)
        if largest > self.options.maximum_ring:
            return Verdict(False, largest, f"a ring of {largest} atoms")
        if len(rings) > self.options.maximum_rings:
            return Verdict(False, largest, f"{len(rings)} rings")
        reason = (
            _cumulated(found) or _in_small_rings(found) or _bredt(found, rings) or _fused(rings)
        )
        return Verdict(not reason, largest, reason)


@cache
def _pattern(smarts: str) -> Any:
    return Chem.MolFromSmarts(smarts)


def _cumulated(found: Any) -> str:
    """Allenes and ketenes; isocyanates and their like are left to the alerts."""
    return "cumulated double bonds" if found.HasSubstructMatch(_pattern("[#6]=[#6]=*")) else ""


def _in_small_rings(found: Any) -> str:
    if found.HasSubstructMatch(_pattern("[#6;r3,r4,r5,r6,r7]#;@[*]")):
        return "a triple bond in a small ring"
    if found.HasSubstructMatch(_pattern("*=;@[#6;R]=;@*")):
        return "an allene in a ring"
    if _three_ring_double(found):
        return "a double bond within a three-membered ring"
    return ""


def _three_ring_double(found: Any) -> bool:
    info = found.GetRingInfo()
    return any(
        len(ring) == 3 and any(found.GetBondWithIdx(b).GetBondTypeAsDouble() > 1 for b in ring)
        for ring in info.BondRings()
    )


def _bredt(found: Any, rings: list[frozenset[int]]) -> str:
    """Bredt's rule: no double (or aromatic) bond at a bridgehead of small rings."""
    heads: Any = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(found, heads)
    for index in heads:
        small = all(len(r) < 8 for r in rings if index in r)
        bonds = found.GetAtomWithIdx(index).GetBonds()
        # Sulfur and phosphorus carry double bonds without flattening.
        flat = found.GetAtomWithIdx(index).GetAtomicNum() in (6, 7)
        if small and flat and any(b.GetBondTypeAsDouble() > 1 for b in bonds):
            return "a double bond at a bridgehead"
    return ""


def _fused(rings: list[frozenset[int]]) -> str:
    """Three-membered rings that share a bond with another ring of three or four atoms."""
    small = [r for r in rings if len(r) <= 4]
    for first, second in combinations(small, 2):
        if min(len(first), len(second)) == 3 and len(first & second) > 1:
            return "three-membered rings fused to small rings"
    return ""
