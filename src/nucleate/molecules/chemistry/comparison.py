"""Counted fragments and a few whole-molecule numbers, by which a surrogate compares molecules.

Two vectors of counts are compared by min-max similarity (the Tanimoto similarity of counts).
Written in unary, count c of a fragment as bits 1 to c, it is the Tanimoto similarity of bits, a
product of matrices (Tripp et al., arXiv:2306.14809, section 2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdMolDescriptors

from nucleate.matter.variation import Comparison
from nucleate.molecules.chemistry.chem import Fingerprint, fingerprints, molecule

BITS = 2048
NUMBERED = "numbers"
MOST = 16
"""Counts beyond it are not told apart."""
ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
NUMBERS = len(ELEMENTS) + 7
_ATOMS = re.compile(r"([A-Z][a-z]?)(\d*)")


GROUPS: dict[str, Fingerprint] = {"morgan": "ECFP4", "pharmacophores": "FCFP4", "pairs": "AP"}


def unary(counts: dict[int, int]) -> NDArray[np.uint8]:
    """Bits [BITS] of counts by fragment number, folded by a hash."""
    out = np.zeros(BITS, np.uint8)
    if not counts:
        return out
    keys = np.fromiter(counts.keys(), np.uint64, len(counts))
    values = np.minimum(np.fromiter(counts.values(), np.int64, len(counts)), MOST)
    each = np.repeat(keys, values)
    level = np.arange(len(each)) - np.repeat(np.cumsum(values) - values, values)
    # Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4).
    mixed = (each + level.astype(np.uint64) * np.uint64(0x9E3779B1)) * np.uint64(0x9E3779B97F4A7C15)
    out[(mixed >> np.uint64(53)).astype(np.int64)] = 1
    return out


def numbers(found: Any) -> list[float]:
    """Atoms by element, and descriptors, `NUMBERS` of them, of an RDKit molecule."""
    # From the formula, hydrogen included: much quicker than a walk over the atoms.
    formula = rdMolDescriptors.CalcMolFormula(found)
    atoms = {symbol: int(count or 1) for symbol, count in _ATOMS.findall(formula)}
    partition, refractivity = rdMolDescriptors.CalcCrippenDescriptors(found)
    return [
        *(float(atoms.get(symbol, 0)) for symbol in ELEMENTS),
        partition,
        refractivity / 10,
        rdMolDescriptors.CalcTPSA(found) / 10,
        rdMolDescriptors.CalcNumRings(found),
        rdMolDescriptors.CalcNumAromaticRings(found),
        rdMolDescriptors.CalcNumHBD(found),
        rdMolDescriptors.CalcNumHBA(found),
    ]


class MoleculeComparison(Comparison):
    """Morgan counts of radius 2 (ECFP4; FCFP4), atom pairs (Carhart et al. 1985), and numbers."""

    def features(
        self, structures: Sequence[str], groups: Sequence[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        wanted = [name for name in GROUPS if groups is None or name in groups]
        numbered = groups is None or NUMBERED in groups
        bits = {name: np.zeros((len(structures), BITS), np.uint8) for name in wanted}
        values = np.zeros((len(structures), NUMBERS), np.float32)
        for row, text in enumerate(structures):
            found = molecule(text)
            if found is None:
                continue
            for name in wanted:
                counts = (
                    fingerprints(GROUPS[name]).GetSparseCountFingerprint(found).GetNonzeroElements()
                )
                bits[name][row] = unary(counts)
            if numbered:
                values[row] = numbers(found)
        return {**bits, NUMBERED: values} if numbered else bits
