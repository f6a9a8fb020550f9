"""RDKit molecules in and out."""

from __future__ import annotations

from typing import Any

from rdkit import Chem, rdBase

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import molecule
from nucleate.molecules.io.features import refuse_features
from nucleate.molecules.io.molblock import refuse_alias

_FIELDS: Any = int(Chem.CXSmilesFields.CX_ENHANCEDSTEREO) | int(
    Chem.CXSmilesFields.CX_BOND_ATROPISOMER
)


def from_object(thing: Any) -> str | None:
    """Return the SMILES of an RDKit molecule, with groups of stereocentres as CXSMILES; None of
    anything else.

    Raises:
        StructureError: `alias`, `position_variation`, and what `refuse_features` raises.
    """
    if not isinstance(thing, Chem.Mol):
        return None
    with rdBase.BlockLogs():
        for atom in thing.GetAtoms():
            if atom.HasProp("molFileAlias"):
                refuse_alias(thing, atom.GetIdx() + 1, atom.GetProp("molFileAlias"))
        if any(bond.HasProp("_MolFileBondEndPts") for bond in thing.GetBonds()):
            raise StructureError("position_variation", "a bond to any of several atoms")
        refuse_features(thing)
        return str(Chem.MolToCXSmiles(thing, Chem.SmilesWriteParams(), _FIELDS))


def to_object(smiles: str, form: str) -> Any:
    """Return an RDKit molecule.

    Raises:
        StructureError: `unparsable`.
    """
    found = molecule(smiles)
    if found is None:
        raise StructureError("unparsable", f"{smiles[:80]} is not a SMILES")
    return Chem.Mol(found)
