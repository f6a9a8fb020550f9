"""Single random edits of a molecular graph, each named as a chemist would call it.

An operator takes a `Graph` (one parent, kekulised, with free hydrogens) and gives a changed
`RWMol`, not yet sanitised; where it finds no place it gives None or raises `NoPlaceError`. It keeps
valences where that is cheap; `graph_edits` sanitises and judges. The moves are those of the
graph-based genetic algorithm (Jensen, Chem. Sci. 2019, 10, 3567, doi 10.1039/C8SC05372C), widened
by what medicinal chemists do by hand: groups and ring systems at once, positional isomers,
bioisosteric rings.

Kekulé structures make bond orders plain integers, so an edit needs no notion of aromaticity; the
two edits for which the alternative Kekulé structure could be the right one (`exchange_elements`,
`unfuse_ring`) work on the aromatic form and leave the choice to RDKit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from nucleate.molecules.edits.building_blocks import (
    attach_part,
    bridge,
    draw_part,
    insert_part,
    read_part,
)
from nucleate.molecules.edits.graph import (
    BONDS,
    CARBON,
    NITROGEN,
    OXYGEN,
    SULFUR,
    TETRAHEDRAL,
    VALENCE,
    Graph,
    Weighted,
    both_aromatic,
    cut_bond,
    cut_stereo,
    pick,
    remove_atoms,
    set_element,
)
from nucleate.molecules.edits.ring_operators import (
    change_ring_order,
    close_ring,
    fuse_ring,
    open_ring,
    resize_aromatic,
    unfuse_ring,
)

Operator = Callable[[Graph, np.random.Generator], Any]


def append_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Replace a hydrogen by an atom or small group; two by =O; oxidise a sulfide or sulfoxide."""
    if rng.random() < 0.07:
        return _add_oxo(graph, rng)
    return attach_part(graph, rng, 0.0)


def _add_oxo(graph: Graph, rng: np.random.Generator) -> Any:
    sites = []
    for atom, number in enumerate(graph.numbers):
        degree, used = len(graph.neighbours[atom]), graph.bond_orders(atom)
        methylene = number == CARBON and graph.hydrogens[atom] >= 2 and degree
        sulfide = number == SULFUR and (degree, used) in ((2, 2), (3, 4))
        if (methylene or sulfide) and not graph.aromatic[atom]:
            sites.append(atom)
    molecule = Chem.RWMol(graph.molecule)
    molecule.AddBond(pick(rng, sites), molecule.AddAtom(Chem.Atom(OXYGEN)), BONDS[2])
    return molecule


def attach_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Replace a hydrogen by a common ring system."""
    return attach_part(graph, rng, 1.0)


_LINKS = Weighted({"C": 10, "N": 4, "O": 4, "S": 1, "C=O": 2, "S(=O)=O": 0.5, "C(=O)N": 1.5})
_LINK_PARTS = {text: read_part(text) for text in _LINKS.items}


def insert_atom(graph: Graph, rng: np.random.Generator) -> Any:
    """Put an atom or a short link into a single bond, in a chain or in a ring."""
    bonds = [b for b in graph.bonds if b[2] == 1 and not both_aromatic(graph, b)]
    first, second, _ = pick(rng, bonds)
    if graph.charges[first] and graph.charges[second]:
        return None
    text = _LINKS.draw(rng)
    part, last = _LINK_PARTS[text], 2 if text == "C(=O)N" else 0
    molecule = Chem.RWMol(graph.molecule)
    cut_bond(graph, molecule, first, second)
    return molecule if bridge(graph, molecule, rng, (first, second), part, last) else None


def delete_atom(graph: Graph, rng: np.random.Generator) -> Any:
    """Remove an atom outside of aromatic rings; what hung on it is joined to one neighbour."""
    atoms = [
        atom
        for atom, around in enumerate(graph.neighbours)
        if not graph.aromatic[atom]
        and 0 < len(around) <= 3
        and not any(graph.charges[other] for other in around)
    ]
    if not atoms or len(graph) < 3:
        return None
    atom = pick(rng, atoms)
    around = graph.neighbours[atom]
    hub = pick(rng, list(around))
    rest = [other for other in around if other != hub]
    if any(
        other in graph.neighbours[hub] or not graph.joinable(hub, None, other) for other in rest
    ):
        return None
    if len(rest) > graph.hydrogens[hub] + around[hub]:
        return None
    molecule = Chem.RWMol(graph.molecule)
    for other in around:
        cut_stereo(graph, molecule, other, atom)
    order = min(around.values()) if len(rest) == 1 else 1
    for other in rest:
        molecule.AddBond(hub, other, BONDS.get(order, BONDS[1]))
    molecule.RemoveAtom(atom)
    return molecule


def delete_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Remove a whole substituent."""
    atom, first = pick(rng, graph.substituents)
    molecule = Chem.RWMol(graph.molecule)
    cut_bond(graph, molecule, atom, first)
    remove_atoms(molecule, graph.side(first, atom))
    return molecule


def replace_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Put another group, or now and then a ring system, in a substituent's place."""
    atom, first = pick(rng, graph.substituents)
    gone = graph.side(first, atom)
    rings = 0.15 if graph.ring_atoms.isdisjoint(gone) else 0.7
    part, start = draw_part(rng, rings)
    if not graph.joinable(atom, part, start):
        return None
    molecule = Chem.RWMol(graph.molecule)
    cut_bond(graph, molecule, atom, first)
    molecule.AddBond(atom, insert_part(molecule, part) + start, BONDS[1])
    remove_atoms(molecule, gone)
    return molecule


_ELEMENTS = Weighted({6: 8, 7: 8, 8: 4, 16: 1.5, 9: 1.5, 17: 1.5, 35: 0.5})


def change_element(graph: Graph, rng: np.random.Generator) -> Any:
    """Another element for an atom, where the bonds it has allow that; in aromatic rings as well."""
    number = _ELEMENTS.draw(rng)
    atoms = []
    for atom, old in enumerate(graph.numbers):
        around = graph.neighbours[atom]
        if old == number or graph.charges[atom] or graph.bond_orders(atom) > VALENCE[number]:
            continue
        if number != CARBON and any(
            graph.numbers[other] != CARBON and not graph.aromatic[atom] for other in around
        ):
            continue  # would make a bond between hetero atoms
        if not any(graph.charges[other] for other in around):
            atoms.append(atom)
    molecule = Chem.RWMol(graph.molecule)
    set_element(molecule, pick(rng, atoms), number)
    return molecule


def exchange_elements(graph: Graph, rng: np.random.Generator) -> Any:
    """Let a hetero atom and a carbon change places: 2- to 3-pyridyl, or neighbours."""
    heteros = [
        atom
        for atom, number in enumerate(graph.numbers)
        if number in (NITROGEN, OXYGEN, SULFUR)
        and not graph.charges[atom]
        and graph.bond_orders(atom) <= VALENCE[number]
    ]
    hetero = pick(rng, heteros)
    number = graph.numbers[hetero]
    near = graph.ring_system.get(hetero, frozenset()) | graph.neighbours[hetero].keys()
    partners = [
        other
        for other in sorted(near)
        if graph.numbers[other] == CARBON
        and graph.aromatic[other] == graph.aromatic[hetero]
        and (graph.aromatic[hetero] or graph.bond_orders(other) <= VALENCE[number])
    ]
    other = pick(rng, partners)
    if not graph.aromatic[hetero]:
        molecule = Chem.RWMol(graph.molecule)
        set_element(molecule, hetero, CARBON)
        set_element(molecule, other, number)
        return molecule
    return _exchange_aromatic(graph, hetero, other)


def _exchange_aromatic(graph: Graph, hetero: int, carbon: int) -> Any:
    """Exchange in the aromatic form: RDKit finds the Kekulé structure, or the edit fails."""
    number = graph.numbers[hetero]
    pyrrole = graph.bond_orders(hetero) == len(graph.neighbours[hetero])
    degree = len(graph.neighbours[carbon])
    if degree == 3 and not (number == NITROGEN and pyrrole):
        return None
    molecule = Chem.RWMol(graph.original)
    set_element(molecule, hetero, CARBON)
    set_element(molecule, carbon, number)
    old, new = molecule.GetAtomWithIdx(hetero), molecule.GetAtomWithIdx(carbon)
    old.SetNoImplicit(False)
    old.SetNumExplicitHs(0)
    new.SetNumExplicitHs(int(number == NITROGEN and pyrrole and degree == 2))
    new.SetNoImplicit(True)
    return molecule


def change_bond_order(graph: Graph, rng: np.random.Generator) -> Any:
    """Raise or lower a bond's order outside of aromatic rings."""
    choices = []
    for first, second, order in graph.bonds:
        if not order or both_aromatic(graph, (first, second, order)):
            continue
        if graph.charges[first] or graph.charges[second]:
            continue
        free = min(graph.hydrogens[first], graph.hydrogens[second])
        in_ring = frozenset((first, second)) in graph.ring_bonds
        highest = min(order + free, 2 if in_ring else 3)
        if SULFUR in (graph.numbers[first], graph.numbers[second]):
            highest = order
        choices += [(first, second, new) for new in range(1, highest + 1) if new != order]
    first, second, new = pick(rng, choices)
    molecule = Chem.RWMol(graph.molecule)
    molecule.GetBondBetweenAtoms(first, second).SetBondType(BONDS[new])
    return molecule


def move_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Move a substituent to another place of its ring system, or one atom along a chain."""
    atom, first = pick(rng, graph.substituents)
    system = graph.ring_system.get(atom, frozenset())
    near = system if system and rng.random() < 0.85 else graph.neighbours[atom].keys() - {first}
    places = [
        other
        for other in sorted(near)
        if other != atom and graph.hydrogens[other] and graph.joinable(other, None, first)
    ]
    return _rejoin(graph, [(atom, first)], [(pick(rng, places), first)])


def _rejoin(graph: Graph, cuts: Sequence[tuple[int, int]], bonds: Sequence[tuple[int, int]]) -> Any:
    """Cut some bonds and make as many single ones, if their atoms may be joined."""
    if not all(graph.joinable(first, None, second) for first, second in bonds):
        return None
    molecule = Chem.RWMol(graph.molecule)
    for first, second in cuts:
        cut_bond(graph, molecule, first, second)
    for first, second in bonds:
        molecule.AddBond(first, second, BONDS[1])
    return molecule


def swap_groups(graph: Graph, rng: np.random.Generator) -> Any:
    """Let two substituents change places."""
    cuts = graph.substituents
    if len(cuts) < 2:
        return None
    (one, first), (two, second) = pick(rng, cuts), pick(rng, cuts)
    if one == two or second == one or first == two:
        return None
    gone = graph.side(first, one)
    if two in gone or one in graph.side(second, two):
        return None
    return _rejoin(graph, [(one, first), (two, second)], [(one, second), (two, first)])


def reverse_link(graph: Graph, rng: np.random.Generator) -> Any:
    """Turn round a link of two atoms in a chain: an amide, an ester, a methoxy bridge."""
    links = []
    cuts = set(graph.cuts)
    for first, second, _ in graph.bonds:
        if frozenset((first, second)) in graph.ring_bonds:
            continue
        before = [n for n in graph.neighbours[first] if (first, n) in cuts and n != second]
        after = [n for n in graph.neighbours[second] if (second, n) in cuts and n != first]
        if before and after and graph.numbers[first] != graph.numbers[second]:
            links.append((pick(rng, before), first, second, pick(rng, after)))
    start, first, second, end = pick(rng, links)
    return _rejoin(graph, [(start, first), (second, end)], [(start, second), (first, end)])


def change_stereo(graph: Graph, rng: np.random.Generator) -> Any:
    """Invert, remove or set the label of a tetrahedral centre."""
    found = Chem.FindMolChiralCenters(
        graph.original, includeUnassigned=True, useLegacyImplementation=True
    )
    molecule = Chem.RWMol(graph.molecule)
    atom = molecule.GetAtomWithIdx(pick(rng, found)[0])
    if atom.GetChiralTag() not in TETRAHEDRAL:
        atom.SetChiralTag(pick(rng, TETRAHEDRAL))
    elif rng.random() < 0.8:
        atom.InvertChirality()
    else:
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return molecule


@dataclass(frozen=True)
class Edit:
    """An operator and how often it is tried.

    Attributes:
        keeps_aromatic: a child with fewer aromatic rings is an accident.
    """

    operator: Operator
    weight: float
    keeps_aromatic: bool = False


EDITS: dict[str, Edit] = {
    "append": Edit(append_group, 13, keeps_aromatic=True),
    "insert": Edit(insert_atom, 8),
    "delete": Edit(delete_atom, 10),
    "delete_group": Edit(delete_group, 5),
    "replace": Edit(replace_group, 12),
    "element": Edit(change_element, 12, keeps_aromatic=True),
    "exchange": Edit(exchange_elements, 7, keeps_aromatic=True),
    "order": Edit(change_bond_order, 6),
    "ring_order": Edit(change_ring_order, 2),
    "close_ring": Edit(close_ring, 6, keeps_aromatic=True),
    "open_ring": Edit(open_ring, 4),
    "attach_ring": Edit(attach_ring, 5, keeps_aromatic=True),
    "fuse": Edit(fuse_ring, 4, keeps_aromatic=True),
    "unfuse": Edit(unfuse_ring, 2),
    "move": Edit(move_group, 12, keeps_aromatic=True),
    "swap": Edit(swap_groups, 3, keeps_aromatic=True),
    "reverse": Edit(reverse_link, 3),
    "resize": Edit(resize_aromatic, 3, keeps_aromatic=True),
}
STEREO_EDITS = {"stereo": Edit(change_stereo, 8)}
