"""Groups and rings that edits attach, fuse and insert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rdkit import Chem

from nucleate.molecules.edits.graph import BONDS, NITROGEN, Graph, Weighted, pick

# By the frequency of substituents in drug-like sets (Ertl, J. Chem. Inf. Comput. Sci. 2003, 43,
# 374), rounded, so that the frequent ones do not crowd out the rest. Attached by their first atom.
_GROUPS = {
    "C": 24, "F": 8, "Cl": 8, "OC": 8, "O": 8, "N": 6, "CC": 4, "C(F)(F)F": 4, "Br": 3, "C#N": 3,
    "C(C)C": 3, "N(C)C": 3, "C(N)=O": 3, "NC(C)=O": 3, "C(=O)O": 3, "C(C)=O": 2, "CO": 3,
    "S(C)(=O)=O": 2, "S(N)(=O)=O": 2, "NC": 2, "C(=O)NC": 2, "[N+](=O)[O-]": 1.5, "OCC": 1.5,
    "C(=O)OC": 1.5, "CN": 1.5, "C(C)(C)C": 1.5, "OC(F)(F)F": 1, "NS(C)(=O)=O": 1, "CCO": 1,
    "C(F)F": 1, "SC": 1, "C=C": 1, "CCC": 1, "COC": 1, "C#C": 0.5, "I": 0.5, "C=O": 0.5, "S": 0.3,
}  # fmt: skip
# Ring systems by their rank in drugs (Taylor, MacCoss and Lawson, J. Med. Chem. 2014, 57, 5845).
_RINGS = {
    "c1ccccc1": 24, "c1ccncc1": 8, "C1CCNCC1": 7, "C1CNCCN1": 6, "C1COCCN1": 5, "C1CC1": 5,
    "C1CCCCC1": 4, "C1CCNC1": 4, "c1cn[nH]c1": 4, "c1ccsc1": 3, "c1c[nH]cn1": 3, "c1cncnc1": 3,
    "C1CCCC1": 2, "c1cscn1": 2, "c1ccoc1": 2, "c1nc[nH]n1": 2, "C1COCC1": 1.5, "C1CCOCC1": 1.5,
    "c1ccc2[nH]ccc2c1": 2, "c1ccc2[nH]cnc2c1": 1.5, "c1cnoc1": 1.5, "c1cocn1": 1, "C1CNC1": 1,
    "c1cnccn1": 1, "c1ccnnc1": 1, "c1ccc2ncccc2c1": 1, "c1nnn[nH]1": 1, "c1nnco1": 1, "c1nncs1": 1,
    "c1ncno1": 1, "c1ccc2c(c1)OCO2": 1, "c1ccc2ccccc2c1": 1, "C1CCC1": 1, "c1cc[nH]c1": 1,
    "c1ccc2n[nH]cc2c1": 1,
}  # fmt: skip
# Chains whose two ends close a ring on a bond; as written, or the other way round.
_AROMATIC_FUSES = {
    "C=CC=C": 10, "N=CC=C": 3, "C=NC=C": 2, "N=CC=N": 1, "N=CN=C": 1.5, "NC=C": 3, "NC=N": 2.5,
    "NN=C": 1.5, "SC=C": 1.5, "OC=C": 1.5, "SC=N": 1, "OC=N": 1,
}  # fmt: skip
_SATURATED_FUSES = {
    "CCCC": 4, "CCC": 4, "OCO": 2, "OCCO": 1.5, "CCNC": 2, "CNC": 2, "CCO": 1.5, "COC": 1, "C": 1,
    "CCN": 1.5, "CCCN": 1.5, "CCCO": 1.5,
}  # fmt: skip
_SPIRO = {"CC": 3, "CCC": 2, "CCCC": 3, "CCCCC": 3, "CCNCC": 2, "COC": 1, "CNC": 1, "CCOCC": 1}


def read_part(smiles: str) -> Graph:
    return Graph(Chem.MolFromSmiles(smiles))


def _parts(weights: Mapping[str, float]) -> Weighted[Graph]:
    return Weighted({read_part(smiles): weight for smiles, weight in weights.items()})


GROUPS, RINGS = _parts(_GROUPS), _parts(_RINGS)
AROMATIC_FUSES, SATURATED_FUSES = _parts(_AROMATIC_FUSES), _parts(_SATURATED_FUSES)
SPIRO = _parts(_SPIRO)


def insert_part(molecule: Any, part: Graph) -> int:
    """Put a part beside the molecule; the number of its first atom."""
    offset = int(molecule.GetNumAtoms())
    molecule.InsertMol(part.molecule)
    return offset


def drawn_part(rng: np.random.Generator, rings: float) -> tuple[Graph, int]:
    """A group or, by that chance, a ring system; and the atom to attach it by."""
    if rng.random() >= rings:
        return GROUPS.draw(rng), 0
    ring = RINGS.draw(rng)
    amines = [i for i in ring.open_sites if ring.numbers[i] == NITROGEN and not ring.aromatic[i]]
    # Saturated amines hang mostly on their nitrogen: the easiest bond to make.
    return ring, pick(rng, amines if amines and rng.random() < 0.6 else ring.open_sites)


def attach_part(graph: Graph, rng: np.random.Generator, site: int, rings: float) -> Any:
    part, first = drawn_part(rng, rings)
    if not graph.joinable(site, part, first):
        return None
    molecule = Chem.RWMol(graph.molecule)
    molecule.AddBond(site, insert_part(molecule, part) + first, BONDS[1])
    return molecule
