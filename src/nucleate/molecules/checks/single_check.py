"""Base of the checks that look at one molecule at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from rdkit import rdBase

from nucleate.matter.checks import Candidate, EachCheck, Verdict
from nucleate.molecules.chemistry.chem import molecule


class SingleCheck(EachCheck):
    """Calls `judge` for each candidate; one that cannot be read fails."""

    @abstractmethod
    def judge(self, found: Any, smiles: str) -> Verdict:
        """The verdict on one RDKit molecule (shared: not to be changed) and its SMILES."""

    def one(self, candidate: Candidate) -> Verdict:
        smiles = candidate.structure
        found = molecule(smiles)
        if found is None or found.GetNumAtoms() == 0:
            return Verdict(False, None, f"{smiles[:60]!r} is not a valid SMILES")
        with rdBase.BlockLogs():
            return self.judge(found, smiles)


def window(value: float, low: float | None, high: float | None, what: str) -> tuple[bool, str]:
    """Whether a value lies between two bounds (None: no bound), and the sentence if not."""
    if low is not None and value < low:
        return False, f"{what} {value:.4g} is below {low:g}"
    if high is not None and value > high:
        return False, f"{what} {value:.4g} is above {high:g}"
    return True, ""
