"""The rewritten CHGNet: its graphs and energies are those of `chgnet`."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Structure

from nucleate.core.quiet import silenced
from nucleate.crystals.energy.chgnet import Chgnet
from nucleate.crystals.energy.chgnet_network import build_graph, model
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff

CRYSTALS = [
    "225 a:Na b:Cl | 5.64",  # self-images as neighbours
    "229 a:W | 3.165",  # one atom
    "225 a:Cs | 6.6",  # no bond below 3 A, so no angles
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "167 a:C b:Ca e:O(0.2568) | 4.99 17.06",
    "12 a:K d:K g:K(0.34526) i:Br(0.23,0.7) i:O(0.12,0.31) | 13.1 6.5 7.2 105",
]


def crystal(string: str) -> Structure:
    return structure_from_wyckoff(from_string(string))


@pytest.mark.parametrize("string", CRYSTALS[:5])
def test_graphs_are_as_large_as_chgnets(string: str) -> None:
    structure = crystal(string)
    numbers = np.array(structure.atomic_numbers)
    graph = build_graph(structure.lattice.matrix, structure.frac_coords, numbers)
    with silenced():
        theirs = model().graph_converter(structure)
    assert graph is not None
    assert len(graph.edges) == len(theirs.atom_graph) == 2 * (graph.undirected.max() + 1)
    assert len(graph.angles) == len(theirs.bond_graph)
    assert (np.bincount(graph.undirected) == 2).all()


def test_energies_forces_and_stresses_are_chgnets_in_one_batch() -> None:
    structures = [crystal(string) for string in CRYSTALS]
    for seed, structure in enumerate(structures):
        if len(structure) > 1:
            structure.translate_sites([seed % len(structure)], [0.01, -0.013, 0.007])
    allowed = [s for s in structures if not Chgnet().refuse(s)]
    assert len(allowed) >= 5
    mine = Chgnet().predict(allowed)
    for row, structure in enumerate(allowed):
        with silenced():
            theirs = model().predict_structure(structure, task="efs")
        assert mine.per_atom[row] == pytest.approx(float(theirs["e"]), abs=5e-6)
        np.testing.assert_allclose(mine.forces[mine.rows(row)], theirs["f"], atol=3e-4)
        np.testing.assert_allclose(mine.stresses[row] * 160.21766, theirs["s"], atol=5e-3)


@pytest.mark.parametrize(
    ("structure", "word"),
    [
        (crystal("221 a:Na | 1.7") * (14, 14, 14), "edges"),
        (crystal("221 a:Na | 0.9"), "volume"),
        (Structure(np.diag([900.0, 900.0, 0.4]), ["Na"], [[0, 0, 0]]), "clash"),
    ],
    ids=["large", "dense", "flat"],
)
def test_graphs_that_would_explode_are_refused(structure: Structure, word: str) -> None:
    assert word in Chgnet().refuse(structure)
    assert Chgnet().predict([structure]).energies.tolist() == pytest.approx([np.nan], nan_ok=True)
