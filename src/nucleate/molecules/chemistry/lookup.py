"""Keys of a molecule, its SMILES with and without stereo; and the known molecule nearest to it.

Nearness is Tanimoto similarity of Morgan bits (`chem.fingerprint`), computed for one molecule and
many known ones at a time on packed bits. Known bits lie word by word, [words, m], so that each step
is one pass over contiguous memory: some 15 ns a pair on one core, where RDKit's bulk function, on a
list of its own objects, takes 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, rdBase

from nucleate.matter.identity import Identified, Identity, version_of
from nucleate.molecules.chemistry.chem import FINGERPRINT_BITS, fingerprint, parse, scaffold
from nucleate.molecules.chemistry.same import first_same, heavy_atoms

WORDS = FINGERPRINT_BITS // 64
BLOCK = 16_384
"""Known molecules in a step: they stay in the processor's cache while candidates pass."""
TOGETHER = 64
"""Molecules that pass a block one after the other."""
Bits = NDArray[np.uint64]


def without_stereo(molecule: Any) -> str:
    """Canonical SMILES in which stereoisomers and geometric isomers are the same."""
    with rdBase.BlockLogs():
        return str(Chem.MolToSmiles(molecule, isomericSmiles=False))


def packed_bits(molecule: Any) -> Bits:
    """The fingerprint as 64-bit words, [`WORDS`]."""
    return np.frombuffer(DataStructs.BitVectToBinaryText(fingerprint(molecule)), np.uint64)


class MoleculeIdentity(Identity):
    """Keys `structure` (canonical isomeric SMILES) and `without_stereo`; Morgan bits as sketch."""

    kinds = ("structure", "without_stereo")
    sketch_size = WORDS
    sketch_type = np.uint64
    split_kinds = ("random", "scaffold")

    def bucket(self, structure: str) -> str:
        """The heavy atoms."""
        return heavy_atoms(structure)

    def first_same(self, structure: str, others: Sequence[str]) -> int | None:
        """The first that shares the InChIKey or the standard tautomer."""
        return first_same(structure, others)

    def split_key(self, structure: str, kind: str) -> str:
        """The structure itself, or its Bemis-Murcko scaffold (acyclic molecules stay apart)."""
        return (scaffold(structure) or structure) if kind == "scaffold" else structure

    def of(self, structure: str) -> Identified | None:
        found = parse(structure)
        if found is None:
            return None
        return Identified((structure, without_stereo(found)), packed_bits(found))

    def version(self) -> str:
        """RDKit's, whose canonical SMILES change now and then, and of our own reading of them."""
        own = ("chemistry.chem", "chemistry.lookup", "options", "io.standardise")
        return version_of("rdkit", *(f"nucleate.molecules.{name}" for name in own))


def nearest(
    bits: Sequence[Bits], known: Bits, processes: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The known molecule most similar to each of n molecules.

    Args:
        bits: [`WORDS`] each.
        known: [`WORDS`, m], m > 0.
        processes: threads that share the work.

    Returns:
        Tanimoto similarities [n], 1 for two empty fingerprints; and columns of `known` [n].
    """
    counts = bit_counts(known)
    number = max(min(processes, len(bits)), -(-len(bits) // TOGETHER))
    order = [row for group in range(number) for row in range(group, len(bits), number)]
    groups = [bits[group::number] for group in range(number)]
    values, places = np.zeros(len(bits)), np.zeros(len(bits), np.int64)
    # Threads, not processes: NumPy lets go of the interpreter, and the known bits are shared.
    with ThreadPoolExecutor(max(1, processes)) as pool:
        found = list(pool.map(lambda group: _nearest(group, known, counts), groups))
    if found:
        values[order] = np.concatenate([one[0] for one in found])
        places[order] = np.concatenate([one[1] for one in found])
    return values, places


def bit_counts(known: Bits) -> NDArray[np.uint16]:
    """Bits set in each column of [`WORDS`, m], [m]."""
    total = np.zeros(known.shape[1], np.uint16)
    for start in range(0, known.shape[1], BLOCK):
        block = np.bitwise_count(known[:, start : start + BLOCK])
        total[start : start + BLOCK] = block.sum(0, dtype=np.uint16)
    return total


def _nearest(
    bits: Sequence[Bits], known: Bits, counts: NDArray[np.uint16]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    own = [int(np.bitwise_count(one).sum()) for one in bits]
    # A word without a bit adds nothing to what both have.
    words = [[(word, one[word]) for word in range(WORDS) if one[word]] for one in bits]
    values, places = np.full(len(bits), -1.0), np.zeros(len(bits), np.int64)
    # No more than a molecule's own bits can be common: nearly always a byte holds them.
    common: NDArray[Any] = np.empty(BLOCK, np.uint8 if max(own, default=0) < 256 else np.uint16)
    anded, counted = np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint8)
    for start in range(0, known.shape[1], BLOCK):
        block = np.ascontiguousarray(known[:, start : start + BLOCK])
        size = block.shape[1]
        total = counts[start : start + BLOCK].astype(np.float64)
        both, conjunction, count = common[:size], anded[:size], counted[:size]
        for row, count_own in enumerate(own):
            both[:] = 0
            for word, value in words[row]:
                np.bitwise_and(block[word], value, out=conjunction)
                np.bitwise_count(conjunction, out=count)
                np.add(both, count, out=both)
            either = total + count_own - both
            similarity = np.divide(both, either, out=np.ones(size), where=either > 0)
            at = int(similarity.argmax())
            if similarity[at] > values[row]:
                values[row], places[row] = similarity[at], start + at
    return values, places
