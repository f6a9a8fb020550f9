"""By what a molecule is known: its SMILES with and without stereo; and the known one nearest to it.

Nearness is Tanimoto similarity of Morgan bits (`chem.fingerprint`), computed for one molecule and
many known ones at a time on packed bits. Known bits lie word by word, [words, m], so that each step
is one pass over contiguous memory: 40 ns a pair on one core, where RDKit's bulk function takes 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, rdBase

from nucleate.molecules.chem import FINGERPRINT_BITS, fingerprint, parse
from nucleate.screening.reference import Identified, Identity, version_of

WORDS = FINGERPRINT_BITS // 64
BLOCK = 8192
"""Known molecules in a step: what it writes stays in the processor's cache."""
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

    def of(self, structure: str) -> Identified | None:
        found = parse(structure)
        if found is None:
            return None
        return Identified((structure, without_stereo(found)), packed_bits(found))

    def version(self) -> str:
        """RDKit's, whose canonical SMILES change now and then, and of our own reading of them."""
        own = ("chem", "lookup", "options", "standardise")
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
    values = np.zeros(len(bits))
    places = np.zeros(len(bits), np.int64)
    counts = bit_counts(known)

    def search(row: int) -> None:
        values[row], places[row] = _nearest(bits[row], known, counts)

    with ThreadPoolExecutor(max(1, processes)) as pool:
        list(pool.map(search, range(len(bits))))
    return values, places


def bit_counts(known: Bits) -> NDArray[np.uint16]:
    """Bits set in each column of [`WORDS`, m], [m]."""
    total = np.zeros(known.shape[1], np.uint16)
    for start in range(0, known.shape[1], BLOCK):
        block = np.bitwise_count(known[:, start : start + BLOCK])
        total[start : start + BLOCK] = block.sum(0, dtype=np.uint16)
    return total


def _nearest(bits: Bits, known: Bits, counts: NDArray[np.uint16]) -> tuple[float, int]:
    own = int(np.bitwise_count(bits).sum())
    best, place = -1.0, 0
    # A word without a bit adds nothing to what both have.
    words = [(word, bits[word]) for word in range(WORDS) if bits[word]]
    for start in range(0, known.shape[1], BLOCK):
        stop = min(start + BLOCK, known.shape[1])
        both = np.zeros(stop - start, np.uint16)
        for word, value in words:
            both += np.bitwise_count(known[word, start:stop] & value)
        either = (counts[start:stop] + np.uint16(own) - both).astype(np.float32)
        similarity = np.divide(both, either, out=np.ones_like(either), where=either > 0)
        at = int(similarity.argmax())
        if similarity[at] > best:
            # In full precision, so that it is the value that other programs give.
            value_here = float(both[at]) / float(either[at]) if either[at] else 1.0
            best, place = value_here, start + at
    return best, place
