"""Groups and rings that edits attach, fuse and insert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from nucleate.core.settings import Settings, read_toml, validate
from nucleate.molecules.edits.graph import BONDS, NITROGEN, Graph, Weighted, pick


class _Parts(Settings):
    source: str
    weights: dict[str, float]


class _Table(Settings):
    groups: _Parts
    rings: _Parts
    aromatic_fuses: _Parts
    saturated_fuses: _Parts
    spiro: _Parts


def read_part(smiles: str) -> Graph:
    return Graph(Chem.MolFromSmiles(smiles))


def _weigh(parts: _Parts) -> Weighted[Graph]:
    return Weighted({read_part(smiles): weight for smiles, weight in parts.weights.items()})


_PATH = Path(__file__).with_name("building_blocks.toml")
_TABLE = validate(_Table, read_toml(_PATH), str(_PATH))
GROUPS, RINGS = _weigh(_TABLE.groups), _weigh(_TABLE.rings)
AROMATIC_FUSES = _weigh(_TABLE.aromatic_fuses)
SATURATED_FUSES = _weigh(_TABLE.saturated_fuses)
SPIRO = _weigh(_TABLE.spiro)


def insert_part(molecule: Any, part: Graph) -> int:
    """Put a part beside the molecule; the number of its first atom."""
    offset = int(molecule.GetNumAtoms())
    molecule.InsertMol(part.molecule)
    return offset


def bridge(
    graph: Graph,
    molecule: Any,
    rng: np.random.Generator,
    ends: tuple[int, int],
    part: Graph,
    last: int,
) -> bool:
    """Bond both ends of a part to two atoms, in either direction; False where none may be."""
    first, second = ends if rng.random() >= 0.5 else ends[::-1]
    if not (graph.joinable(first, part, 0) and graph.joinable(second, part, last)):
        return False
    offset = insert_part(molecule, part)
    molecule.AddBond(first, offset, BONDS[1])
    molecule.AddBond(second, offset + last, BONDS[1])
    return True


def draw_part(rng: np.random.Generator, rings: float) -> tuple[Graph, int]:
    """A group or, by that chance, a ring system; and the atom to attach it by."""
    if rng.random() >= rings:
        return GROUPS.draw(rng), 0
    ring = RINGS.draw(rng)
    amines = [i for i in ring.open_sites if ring.numbers[i] == NITROGEN and not ring.aromatic[i]]
    # Saturated amines hang mostly on their nitrogen: the easiest bond to make.
    return ring, pick(rng, amines if amines and rng.random() < 0.6 else ring.open_sites)


def attach_part(graph: Graph, rng: np.random.Generator, rings: float) -> Any:
    """Replace a hydrogen by a group or, by the chance `rings`, a ring system."""
    site = pick(rng, graph.open_sites)
    part, first = draw_part(rng, rings)
    if not graph.joinable(site, part, first):
        return None
    molecule = Chem.RWMol(graph.molecule)
    molecule.AddBond(site, insert_part(molecule, part) + first, BONDS[1])
    return molecule
