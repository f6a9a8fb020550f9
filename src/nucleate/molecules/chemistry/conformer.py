"""Three-dimensional coordinates by ETKDG version 3 (Wang et al. 2020), and what a force field says
of them: MMFF94 (Halgren 1996), or UFF (Rappe et al. 1992) where it has no parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from nucleate.molecules.chemistry.chem import parse

MAXIMUM_ATOMS = 500
"""With hydrogens; memory and time grow with the square, before any time limit."""
_APART = 4  # bonds between two atoms from which on their distance counts as a contact


@dataclass(frozen=True)
class Relaxation:
    """What a force field makes of a conformer.

    Attributes:
        force_field: `MMFF94` or `UFF`.
        strain: energy of the relaxed conformer without electrostatics, kcal/mol per heavy atom.
        contact: shortest distance of two heavy atoms four or more bonds apart, angstrom; None if
            there are no such atoms.
        converged: whether the relaxation came to its end.
    """

    force_field: str
    strain: float
    contact: float | None
    converged: bool


def embed(smiles: str, attempts: int = 10, seconds: int = 5, seed: int = 0) -> Any | None:
    """The molecule with hydrogens and one conformer (angstrom), or None if none was found.

    Molecules of more than 500 atoms, hydrogens counted, are not tried.

    Args:
        attempts: starts of the embedding at most.
        seconds: time after which it is given up.
        seed: of the coordinates.
    """
    found = parse(smiles)
    if found is None:
        return None
    with rdBase.BlockLogs():
        full = Chem.AddHs(found)
        if full.GetNumAtoms() > MAXIMUM_ATOMS:
            return None
        settings: Any = rdDistGeom.ETKDGv3()
        settings.randomSeed = seed & 0x7FFFFFFF
        settings.maxIterations = attempts
        settings.timeout = seconds
        settings.numThreads = 1
        for anywhere in (False, True):  # random starts find a few that the usual ones miss
            settings.useRandomCoords = anywhere
            try:
                if rdDistGeom.EmbedMolecule(full, settings) == 0:
                    return full
            except (RuntimeError, ValueError):
                return None
    return None


def relax(embedded: Any, steps: int = 500) -> Relaxation | None:
    """Relax the conformer of an embedded molecule in place; None where no force field knows it.

    Args:
        embedded: with hydrogens and a conformer, as `embed` gives it.
        steps: of the minimiser, in rounds until it converges.
    """
    with rdBase.BlockLogs():
        field, name = _force_field(embedded)
        if field is None:
            return None
        field.Initialize()
        converged = field.Minimize(maxIts=steps) == 0
        heavy = max(1, embedded.GetNumHeavyAtoms())
        return Relaxation(name, field.CalcEnergy() / heavy, _contact(embedded), converged)


def _force_field(embedded: Any) -> tuple[Any, str]:
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(embedded):
        settings = rdForceFieldHelpers.MMFFGetMoleculeProperties(embedded)
        # Charges attract or repel by far more than any bond is bent, and say nothing of strain.
        settings.SetMMFFEleTerm(False)
        return rdForceFieldHelpers.MMFFGetMoleculeForceField(embedded, settings), "MMFF94"
    if rdForceFieldHelpers.UFFHasAllMoleculeParams(embedded):
        return rdForceFieldHelpers.UFFGetMoleculeForceField(embedded), "UFF"
    return None, ""


def _contact(embedded: Any) -> float | None:
    heavy = [a.GetIdx() for a in embedded.GetAtoms() if a.GetAtomicNum() > 1]
    bonds = np.asarray(Chem.GetDistanceMatrix(embedded))[np.ix_(heavy, heavy)]
    places = np.asarray(embedded.GetConformer().GetPositions())[heavy]
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    far = distances[bonds >= _APART]
    return float(far.min()) if far.size else None
