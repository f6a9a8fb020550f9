"""Names that different drawings of one molecule share: the InChIKey and the standard tautomer."""

from __future__ import annotations

from functools import cache
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from nucleate.molecules.chemistry.chem import canonical

_TAUTOMERS = 50  # that are collected at most
MAXIMUM_ATOMS = 100
"""Heavy atoms beyond which no tautomers are looked for."""


def inchikey(molecule: Any) -> str:
    """The standard InChIKey, 27 letters; empty where InChI has none (undefined atoms)."""
    with rdBase.BlockLogs():
        return str(Chem.MolToInchiKey(molecule))


@cache
def _enumerator(transforms: int) -> Any:
    parameters: Any = rdMolStandardize.CleanupParameters()
    parameters.maxTransforms = transforms
    parameters.maxTautomers = _TAUTOMERS
    return rdMolStandardize.TautomerEnumerator(parameters)


def standard_tautomer(molecule: Any, transforms: int = 100) -> str:
    """Canonical SMILES of RDKit's standard tautomer (rules of Sitzmann et al. 2010).

    Where the bounds are reached it is the best of those seen so far, and two drawings of one
    molecule may end with different ones: they are then not recognised as the same. Stereo marks on
    centres that take part in tautomerism are dropped.

    Args:
        transforms: most hydrogen shifts that are tried; bounds the time, about 0.1 ms each.
    """
    if molecule.GetNumHeavyAtoms() > MAXIMUM_ATOMS:
        return canonical(molecule)
    with rdBase.BlockLogs():
        return canonical(_enumerator(transforms).Canonicalize(molecule))
