"""Edits of rings: closed, opened, fused, split, resized (see `operators`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from rdkit import Chem

from nucleate.molecules.edits.building_blocks import AROMATIC_FUSES, SATURATED_FUSES, SPIRO, bridge
from nucleate.molecules.edits.graph import (
    BONDS,
    CARBON,
    LARGEST_RING_GROUP,
    NITROGEN,
    OXYGEN,
    SULFUR,
    Graph,
    Weighted,
    both_aromatic,
    cut_bond,
    pick,
    remove_atoms,
    set_element,
)


def change_ring_order(graph: Graph, rng: np.random.Generator) -> Any:
    """Hydrogenate an aromatic ring, or make a saturated ring of six aromatic."""
    ring = pick(rng, graph.rings)
    pairs = [(ring[i - 1], atom) for i, atom in enumerate(ring)]
    molecule = Chem.RWMol(graph.molecule)
    if all(graph.aromatic[atom] for atom in ring):
        others = [set(r) for r in graph.rings if r != ring]
        for first, second in pairs:
            if not any(first in other and second in other for other in others):
                molecule.GetBondBetweenAtoms(first, second).SetBondType(BONDS[1])
        return molecule
    free = all(graph.hydrogens[atom] and not graph.charges[atom] for atom in ring)
    single = all(graph.neighbours[first][second] == 1 for first, second in pairs)
    if len(ring) != 6 or not free or not single:
        return None
    for first, second in pairs[::2]:
        molecule.GetBondBetweenAtoms(first, second).SetBondType(BONDS[2])
    return molecule


_CLOSURES = Weighted({3: 1.0, 4: 0.7, 5: 6.0, 6: 8.0, 7: 1.5})


def close_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Join two atoms by a bond that closes a ring of three to seven."""
    if not graph.open_sites:
        return None
    size, first = _CLOSURES.draw(rng), pick(rng, graph.open_sites)
    row = graph.distances[first]
    partners = [
        other
        for other in graph.open_sites
        if row[other] == size - 1 and graph.joinable(first, None, other)
    ]
    second = pick(rng, partners)
    path = set(Chem.GetShortestPath(graph.molecule, first, second))
    for ring in graph.rings:
        shared = path.intersection(ring)
        if shared and graph.aromatic[ring[0]] and (len(shared) > 2 or size < 5):
            return None  # a bridge over an aromatic ring, or a strained ring on it
    molecule = Chem.RWMol(graph.molecule)
    molecule.AddBond(first, second, BONDS[1])
    return molecule


def open_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Remove a single bond of a ring that is not aromatic."""
    bonds = [
        (first, second)
        for first, second, order in graph.bonds
        if order == 1
        and frozenset((first, second)) in graph.ring_bonds
        and not both_aromatic(graph, (first, second, order))
    ]
    molecule = Chem.RWMol(graph.molecule)
    cut_bond(graph, molecule, *pick(rng, bonds))
    return molecule


def fuse_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Close a ring over a bond (benzo, pyrrolo, methylenedioxy, cyclopenta) or on one atom."""
    bonds = [b for b in graph.bonds if b[2] in (1, 2) and _free(graph, b[0]) and _free(graph, b[1])]
    if rng.random() < 0.12 or not bonds:
        return _add_spiro(graph, rng)
    first, second, order = pick(rng, bonds)
    conjugated = both_aromatic(graph, (first, second, order)) or order == 2
    if not conjugated and min(graph.hydrogens[first], graph.hydrogens[second]) >= 2:
        conjugated = rng.random() < 0.4  # benzo: the shared bond becomes double
        order = 2 if conjugated else 1
    part = (AROMATIC_FUSES if conjugated and rng.random() < 0.8 else SATURATED_FUSES).draw(rng)
    if conjugated and len(part) < 3:
        return None
    molecule = Chem.RWMol(graph.molecule)
    if not bridge(graph, molecule, rng, (first, second), part, len(part) - 1):
        return None
    molecule.GetBondBetweenAtoms(first, second).SetBondType(BONDS[order])
    return molecule


def _free(graph: Graph, atom: int) -> bool:
    return graph.hydrogens[atom] > 0 and graph.charges[atom] == 0


def _add_spiro(graph: Graph, rng: np.random.Generator) -> Any:
    atoms = [i for i in graph.open_sites if graph.hydrogens[i] >= 2 and graph.numbers[i] == CARBON]
    atom, part = pick(rng, atoms), SPIRO.draw(rng)
    molecule = Chem.RWMol(graph.molecule)
    joined = bridge(graph, molecule, rng, (atom, atom), part, len(part) - 1)
    return molecule if joined else None


def unfuse_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Remove the atoms that only one ring of a fused system has, with what hangs on them."""
    fused = [ring for ring in graph.rings if len(graph.ring_system[ring[0]]) > len(ring)]
    ring = pick(rng, fused)
    kept = {atom for other in graph.rings if other != ring for atom in other}
    own = [atom for atom in ring if atom not in kept]
    gone = set(own)
    for atom in own:
        for other in graph.neighbours[atom]:
            if other not in ring:
                gone |= graph.side(other, atom)
    if not own or len(gone) > min(LARGEST_RING_GROUP, len(graph) // 2) or gone & kept:
        return None
    molecule = Chem.RWMol(graph.original)
    remove_atoms(molecule, gone)
    return molecule


def resize_aromatic(graph: Graph, rng: np.random.Generator) -> Any:
    """Phenyl to thienyl, furyl, pyrrolyl and back: -CH=CH- and -S-, -O-, -NR- change places."""
    grown = [
        (atom, neighbour)
        for ring in graph.rings
        if len(ring) == 5 and graph.aromatic[ring[0]]
        for atom in ring
        if graph.numbers[atom] != CARBON and graph.bond_orders(atom) == len(graph.neighbours[atom])
        for neighbour in graph.neighbours[atom]
        if neighbour in ring
    ]
    shrunk = [
        (kept, gone)
        for first, second, order in graph.bonds
        if order == 2 and graph.aromatic[first] and graph.aromatic[second]
        for kept, gone in ((first, second), (second, first))
        if len(graph.neighbours[gone]) == 2
        and any(len(ring) == 6 and kept in ring and gone in ring for ring in graph.rings)
    ]
    if grown and (not shrunk or rng.random() < 0.5):
        return _enlarge(graph, rng, *pick(rng, grown))
    return _shrink(graph, rng, *pick(rng, shrunk)) if shrunk else None


def _enlarge(graph: Graph, rng: np.random.Generator, atom: int, neighbour: int) -> Any:
    molecule = Chem.RWMol(graph.molecule)
    set_element(molecule, atom, CARBON)
    new = molecule.AddAtom(Chem.Atom(NITROGEN if rng.random() < 0.25 else CARBON))
    molecule.RemoveBond(atom, neighbour)
    molecule.AddBond(atom, new, BONDS[2])
    molecule.AddBond(new, neighbour, BONDS[1])
    return molecule


def _shrink(graph: Graph, rng: np.random.Generator, kept: int, gone: int) -> Any:
    bare = len(graph.neighbours[kept]) == 2
    molecule = Chem.RWMol(graph.molecule)
    set_element(molecule, kept, pick(rng, (SULFUR, OXYGEN, NITROGEN)) if bare else NITROGEN)
    molecule.GetBondBetweenAtoms(kept, gone).SetBondType(BONDS[1])
    for after in graph.neighbours[gone].keys() - {kept}:
        molecule.AddBond(kept, after, BONDS[1])
    molecule.RemoveAtom(gone)
    return molecule
