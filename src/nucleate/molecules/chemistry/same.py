"""Whether two drawings show one molecule, as the funnel's doubles are found: by InChIKey or by
standard tautomer; and what is cheap to know of a SMILES beforehand.

Both names take milliseconds, up to tens of them. They are only made of molecules that have the same
skeleton: heavy atoms and their neighbours, whatever the bonds, charges and hydrogens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rdkit import Chem, rdBase

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import molecule
from nucleate.molecules.chemistry.tautomers import inchikey, standard_tautomer

_BRACKET = re.compile(r"\[\d*([A-Za-z*][a-gi-z]?)[^]]*\]")
_NOT_ATOMS = str.maketrans("", "", "0123456789()[]=#-+/\\%.:@$~H")


def heavy_atoms(smiles: str) -> str:
    """Symbols of a SMILES' heavy atoms in alphabetical order, read off the text: 2 us.

    A key and no formula (`h` and `H` are left out of every symbol), which drawings of one molecule
    share whatever their bonds, charges and hydrogens.
    """
    bare = _BRACKET.sub(lambda found: found[1], smiles)
    return "".join(sorted(bare.translate(_NOT_ATOMS).upper()))


@lru_cache(maxsize=200_000)
def skeleton(smiles: str) -> tuple[tuple[int, int], ...]:
    """Atomic number and heavy neighbours of each heavy atom, sorted; 50 us.

    Raises:
        StructureError: no SMILES.
    """
    with rdBase.BlockLogs():
        found = Chem.MolFromSmiles(smiles, sanitize=False)
    if found is None:
        raise StructureError("unreadable", f"{smiles[:60]!r} is not a valid SMILES")
    atoms = [atom for atom in found.GetAtoms() if atom.GetAtomicNum() != 1]
    pairs = (
        (atom.GetAtomicNum(), sum(n.GetAtomicNum() != 1 for n in atom.GetNeighbors()))
        for atom in atoms
    )
    return tuple(sorted(pairs))


@lru_cache(maxsize=20_000)
def names(smiles: str) -> frozenset[str]:
    """InChIKey and standard tautomer; molecules that share one are the same."""
    found = molecule(smiles)
    if found is None:
        return frozenset((smiles,))
    return frozenset(filter(None, (inchikey(found), standard_tautomer(found))))


def first_same(smiles: str, others: Sequence[str]) -> int | None:
    """Place of the first of the others that is the same molecule; None if none is.

    Raises:
        StructureError: one of them is no SMILES.
    """
    own = skeleton(smiles)
    alike = (place for place, other in enumerate(others) if skeleton(other) == own)
    return next((place for place in alike if names(smiles) & names(others[place])), None)
