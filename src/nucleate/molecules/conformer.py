"""Three-dimensional coordinates by ETKDG version 3 (Wang et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

from nucleate.molecules.chem import parse

_MAXIMUM_ATOMS = 500  # with hydrogens; memory and time grow with the square, before any time limit


@dataclass(frozen=True)
class EmbedTask:
    """One molecule to embed, small and picklable.

    Attributes:
        smiles: the molecule.
        attempts: starts of the embedding at most.
        seconds: time after which it is given up.
        seed: of the coordinates.
    """

    smiles: str
    attempts: int = 5
    seconds: int = 5
    seed: int = 0


def embed(task: EmbedTask) -> Any | None:
    """The molecule with hydrogens and one conformer (angstrom), or None if none was found.

    Molecules of more than 500 atoms, hydrogens counted, are not tried.
    """
    found = parse(task.smiles)
    if found is None:
        return None
    with rdBase.BlockLogs():
        full = Chem.AddHs(found)
        if full.GetNumAtoms() > _MAXIMUM_ATOMS:
            return None
        settings: Any = rdDistGeom.ETKDGv3()
        settings.randomSeed = task.seed & 0x7FFFFFFF
        settings.maxIterations = task.attempts
        settings.timeout = task.seconds
        settings.numThreads = 1
        try:
            done = rdDistGeom.EmbedMolecule(full, settings)
        except (RuntimeError, ValueError):
            return None
    return full if done == 0 else None


def embeds(task: EmbedTask) -> bool:
    """Whether coordinates are found; the form that worker processes run."""
    return embed(task) is not None
