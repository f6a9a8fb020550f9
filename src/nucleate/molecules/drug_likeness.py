"""QED, the quantitative estimate of drug-likeness (Bickerton et al. 2012), as RDKit defines it."""

from __future__ import annotations

from functools import cache
from typing import Any

from rdkit import Chem
from rdkit.Chem import QED, rdfiltercatalog, rdMolDescriptors

from nucleate.molecules.chem import logp, weight


def qed(molecule: Any) -> float:
    """The value of `rdkit.Chem.QED.qed`, from 0 to 1, in about half of its time.

    Its structural alerts are looked for in one call instead of a hundred, and what RDKit remembers
    of the molecule (logP, polar surface) is not computed again.
    """
    if molecule.GetNumAtoms() != molecule.GetNumHeavyAtoms():
        return float(QED.qed(molecule))  # which removes hydrogens first
    aromatic = Chem.DeleteSubstructs(Chem.Mol(molecule), QED.AliphaticRings)
    found = QED.QEDproperties(
        MW=weight(molecule),
        ALOGP=logp(molecule),
        HBA=sum(len(molecule.GetSubstructMatches(pattern)) for pattern in QED.Acceptors),
        HBD=rdMolDescriptors.CalcNumHBD(molecule),
        PSA=rdMolDescriptors.CalcTPSA(molecule),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(
            molecule, rdMolDescriptors.NumRotatableBondsOptions.Strict
        ),
        AROM=len(Chem.GetSSSR(aromatic)),
        ALERTS=len(_alerts().GetMatches(molecule)),
    )
    return float(QED.qed(molecule, qedProperties=found))


@cache
def _alerts() -> Any:
    """RDKit's structural alerts, one entry each."""
    catalogue = rdfiltercatalog.FilterCatalog()
    for number, pattern in enumerate(QED.StructuralAlerts):
        matcher = rdfiltercatalog.SmartsMatcher(str(number), pattern)
        catalogue.AddEntry(rdfiltercatalog.FilterCatalogEntry(str(number), matcher))
    return catalogue
