"""The parts that edits attach, fuse and insert."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from nucleate.molecules.edits.building_blocks import (
    AROMATIC_FUSES,
    GROUPS,
    RINGS,
    SATURATED_FUSES,
    SPIRO,
    attach_part,
    bridge,
    draw_part,
)
from nucleate.molecules.edits.graph import Graph


@pytest.mark.parametrize("table", [GROUPS, RINGS, AROMATIC_FUSES, SATURATED_FUSES, SPIRO])
def test_frequent_parts_are_drawn_more_often(table: object) -> None:
    rng = np.random.default_rng(0)
    drawn = [table.draw(rng) for _ in range(2000)]  # type: ignore[attr-defined]
    counts = [drawn.count(part) for part in table.items]  # type: ignore[attr-defined]
    assert counts[0] > 1.5 * sum(counts) / len(counts)


def test_groups_hang_on_their_first_atom_and_rings_on_a_free_one() -> None:
    rng = np.random.default_rng(1)
    assert all(draw_part(rng, 0.0)[1] == 0 for _ in range(50))
    for _ in range(50):
        ring, atom = draw_part(rng, 1.0)
        assert ring.hydrogens[atom]


def test_attached_and_bridging_parts() -> None:
    rng = np.random.default_rng(2)
    ethane = Graph(Chem.MolFromSmiles("CC"))
    grown = attach_part(ethane, rng, 0.0)
    assert grown.GetNumAtoms() > 2
    chain = Graph(Chem.MolFromSmiles("CCC"))
    molecule = Chem.RWMol(ethane.molecule)
    assert bridge(ethane, molecule, rng, (0, 1), chain, 2)
    assert Chem.MolToSmiles(molecule) == "C1CCCC1"
    water = Graph(Chem.MolFromSmiles("O"))
    assert not bridge(water, Chem.RWMol(water.molecule), rng, (0, 0), water, 0)  # O-O
