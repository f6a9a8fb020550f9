"""RDKit molecules in and out."""

from __future__ import annotations

from typing import Any

from rdkit import Chem, rdBase

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import molecule


def from_object(thing: Any) -> str | None:
    """Return the SMILES of an RDKit molecule, None of anything else."""
    if not isinstance(thing, Chem.Mol):
        return None
    with rdBase.BlockLogs():
        return Chem.MolToSmiles(thing)


def to_object(smiles: str, form: str) -> Any:
    """Return an RDKit molecule.

    Raises:
        StructureError: `unparsable`.
    """
    found = molecule(smiles)
    if found is None:
        raise StructureError("unparsable", f"{smiles[:80]} is not a SMILES")
    return Chem.Mol(found)
