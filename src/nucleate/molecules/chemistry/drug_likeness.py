"""QED, the quantitative estimate of drug-likeness (Bickerton et al. 2012), as RDKit defines it."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors

from nucleate.molecules.chemistry.chem import logp, weight
from nucleate.molecules.chemistry.smarts import Group, Patterns


def qed(molecule: Any) -> float:
    """The value of `rdkit.Chem.QED.qed`, from 0 to 1, in about half of its time."""
    return float(QED.qed(molecule, qedProperties=qed_properties(molecule)))


@lru_cache(maxsize=256)
def qed_properties(molecule: Any) -> Any:
    """What QED is made of: `MW`, `ALOGP`, `HBA`, `HBD`, `PSA`, `ROTB`, `AROM` and `ALERTS`.

    Its structural alerts are looked for in one go instead of one by one, and what RDKit remembers
    of the molecule (logP, polar surface) is not computed again. All of it is remembered by the
    object, which is not to be changed: a check and the score ask in turn.
    """
    if molecule.GetNumAtoms() != molecule.GetNumHeavyAtoms():
        return QED.properties(molecule)  # which removes hydrogens first
    aromatic = Chem.DeleteSubstructs(Chem.Mol(molecule), QED.AliphaticRings)
    return QED.QEDproperties(
        MW=weight(molecule),
        ALOGP=logp(molecule),
        HBA=sum(len(molecule.GetSubstructMatches(pattern)) for pattern in QED.Acceptors),
        HBD=rdMolDescriptors.CalcNumHBD(molecule),
        PSA=rdMolDescriptors.CalcTPSA(molecule),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(
            molecule, rdMolDescriptors.NumRotatableBondsOptions.Strict
        ),
        AROM=len(Chem.GetSSSR(aromatic)),
        ALERTS=len(_alerts().matches(molecule)),
    )


@cache
def _alerts() -> Patterns:
    """RDKit's structural alerts, one group each."""
    queries = enumerate(QED.StructuralAlerts)
    return Patterns([Group(str(number), Chem.MolToSmarts(query), "") for number, query in queries])
