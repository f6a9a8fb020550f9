"""Single random edits of a molecular graph, each named as a chemist would call it.

An operator takes a `Graph` (one parent, kekulised, with free hydrogens) and gives a changed
`RWMol`, not yet sanitised, or None where it finds no place. It keeps valences where that is cheap;
`nucleate.molecules.edits` sanitises and judges. The moves are those of the graph-based genetic
algorithm (Jensen, Chem. Sci. 2019, 10, 3567, doi 10.1039/C8SC05372C), widened by what medicinal
chemists do by hand: groups and ring systems at once, positional isomers, bioisosteric rings.

Kekulé structures make bond orders plain integers, so an edit needs no notion of aromaticity; the
two edits for which the alternative Kekulé structure could be the right one (`exchange_elements`,
`unfuse_ring`) work on the aromatic form and leave the choice to RDKit.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Generic, TypeVar

import numpy as np
from rdkit import Chem

T = TypeVar("T")

BONDS = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_ORDERS = {kind: order for order, kind in BONDS.items()}
_TETRAHEDRAL = (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW)

CARBON, NITROGEN, OXYGEN, SULFUR = 6, 7, 8, 16
_VALENCE = {6: 4, 7: 3, 8: 2, 9: 1, 16: 2, 17: 1, 35: 1, 53: 1}
_LARGEST_GROUP = 6  # heavy atoms of what counts as a substituent, without rings
_LARGEST_RING_GROUP = 12  # and with rings


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of the items, all alike. Quicker than `Generator.choice`, which makes an array."""
    return items[int(rng.random() * len(items))]


class Weighted(Generic[T]):
    """A table to draw from, with weights that need not add up to one."""

    def __init__(self, weights: Mapping[T, float]):
        self.items = tuple(weights)
        self._sums = tuple(accumulate(weights.values()))

    def draw(self, rng: np.random.Generator) -> T:
        """One item."""
        return self.items[min(bisect(self._sums, rng.random() * self._sums[-1]), len(self) - 1)]

    def __len__(self) -> int:
        return len(self.items)


def relaxed(molecule: Any) -> Any:
    """A kekulised copy whose hydrogens follow from valence, as edits need it.

    Atoms written in brackets for their stereo or their hydrogen (`[C@@H]`, `[nH]`) have fixed
    hydrogens in RDKit, which an edit would have to count; those that need no fixing are freed.
    """
    out = Chem.RWMol(molecule)
    Chem.Kekulize(out, clearAromaticFlags=True)
    atoms = map(out.GetAtomWithIdx, range(out.GetNumAtoms()))
    fixed = [atom for atom in atoms if atom.GetNoImplicit()]
    before = [atom.GetNumExplicitHs() for atom in fixed]
    for atom in fixed:
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
    out.UpdatePropertyCache(False)
    for atom, count in zip(fixed, before, strict=True):
        if atom.GetTotalNumHs() != count:
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs(count)
    return out


class Graph:
    """One molecule, read once and edited often; never changed.

    Attributes:
        molecule: kekulised, hydrogens free (`relaxed`).
        original: as parsed, with aromatic bonds.
        numbers, hydrogens, charges: atomic number, hydrogens and formal charge of each atom.
        labels: number of atoms with an isotope or a map number.
        aromatic: whether each atom is, in the original.
        neighbours: of each atom, neighbour -> bond order in the Kekulé structure.
        bonds: (first, second, order) of each bond.
        rings: atoms of each ring of the SSSR, in order around it.
    """

    def __init__(self, original: Any):
        self.original = original
        self.molecule = relaxed(original)
        # By index: iterating over `GetAtoms` takes three times as long.
        atoms = list(map(self.molecule.GetAtomWithIdx, range(self.molecule.GetNumAtoms())))
        self.numbers = [atom.GetAtomicNum() for atom in atoms]
        self.hydrogens = [atom.GetTotalNumHs() for atom in atoms]
        self.charges = [atom.GetFormalCharge() for atom in atoms]
        self.chiral = {i for i, a in enumerate(atoms) if a.GetChiralTag() in _TETRAHEDRAL}
        self.labels = sum(bool(a.GetIsotope() or a.GetAtomMapNum()) for a in atoms)
        self.aromatic = [original.GetAtomWithIdx(i).GetIsAromatic() for i in range(len(atoms))]
        self.neighbours: list[dict[int, int]] = [{} for _ in atoms]
        self.bonds: list[tuple[int, int, int]] = []
        for bond in map(self.molecule.GetBondWithIdx, range(self.molecule.GetNumBonds())):
            first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            order = _ORDERS.get(bond.GetBondType(), 0)
            self.neighbours[first][second] = self.neighbours[second][first] = order
            self.bonds.append((first, second, order))
        info = original.GetRingInfo()
        self.rings: list[tuple[int, ...]] = [tuple(ring) for ring in info.AtomRings()]
        self.ring_bonds = {
            frozenset((ring[i - 1], atom)) for ring in self.rings for i, atom in enumerate(ring)
        }
        self.ring_atoms = {atom for ring in self.rings for atom in ring}

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def distances(self) -> Any:
        """Bonds between each two atoms, [atoms, atoms]."""
        return Chem.GetDistanceMatrix(self.molecule)

    @cached_property
    def open_sites(self) -> list[int]:
        """Atoms with a hydrogen to replace."""
        return [i for i, count in enumerate(self.hydrogens) if count and self.charges[i] >= 0]

    @cached_property
    def cuts(self) -> list[tuple[int, int]]:
        """Single bonds outside of rings, in both directions."""
        out = []
        for first, second, order in self.bonds:
            if order == 1 and frozenset((first, second)) not in self.ring_bonds:
                pair = not self.charges[first] or not self.charges[second]  # `N+`-`O-` stays
                out += [(first, second), (second, first)] if pair else []
        return out

    @cached_property
    def substituents(self) -> list[tuple[int, int]]:
        """(atom, first atom of a small group on it): cuts whose far side is a substituent."""
        out = []
        for atom, first in self.cuts:
            group = self.side(first, atom)
            ring = not self.ring_atoms.isdisjoint(group)
            most = min(_LARGEST_RING_GROUP if ring else _LARGEST_GROUP, len(self) // 2)
            if len(group) <= most:
                out.append((atom, first))
        return out

    @cached_property
    def ring_system(self) -> dict[int, frozenset[int]]:
        """Of each ring atom, the atoms of the rings that hang together by shared atoms."""
        systems: list[set[int]] = []
        for ring in self.rings:
            touching = [s for s in systems if not s.isdisjoint(ring)]
            systems = [s for s in systems if s.isdisjoint(ring)]
            systems.append(set(ring).union(*touching))
        return {atom: frozenset(system) for system in systems for atom in system}

    def side(self, start: int, blocked: int) -> set[int]:
        """Atoms reached from `start` without its bond to `blocked`."""
        found, edge = {start}, [start]
        while edge:
            atom = edge.pop()
            for other in self.neighbours[atom]:
                if other not in found and not (atom == start and other == blocked):
                    found.add(other)
                    edge.append(other)
        return found

    def used(self, atom: int) -> int:
        """Sum of bond orders to heavy atoms."""
        return sum(self.neighbours[atom].values())

    def joinable(self, first: int, other: Graph | None = None, second: int = 0) -> bool:
        """Whether a bond between the two is no bond between two hetero atoms (sulfonyl-N is)."""
        return _joinable(self.kind(first), (other or self).kind(second))

    def kind(self, atom: int) -> tuple[int, bool]:
        """Atomic number, and whether it is the centre of an acid: S(=O), P(=O)."""
        number = self.numbers[atom]
        return number, number in (15, SULFUR) and self.used(atom) > 2


Operator = Callable[[Graph, np.random.Generator], Any]
"""Gives an `RWMol` to sanitise, or None."""


def _joinable(first: tuple[int, bool], second: tuple[int, bool]) -> bool:
    if CARBON in (first[0], second[0]):
        return True
    one, two = (first, second) if first[1] else (second, first)
    return one[1] and not two[1] and two[0] in (NITROGEN, OXYGEN)


def cut_stereo(graph: Graph, molecule: Any, atom: int, gone: int, offset: int = 0) -> None:
    """Keep a stereocentre's shape when its bond to `gone` goes and another one comes last.

    RDKit's tag refers to the order of an atom's bonds, implicit hydrogen last: moving the place of
    one neighbour to the end is an even or an odd permutation.
    """
    if atom in graph.chiral:
        around = list(molecule.GetAtomWithIdx(atom + offset).GetBonds())
        order = [bond.GetOtherAtomIdx(atom + offset) for bond in around]
        if (len(order) - 1 - order.index(gone + offset)) % 2:
            molecule.GetAtomWithIdx(atom + offset).InvertChirality()


def remove_atoms(molecule: Any, atoms: Iterable[int]) -> None:
    """Remove atoms at once; the numbers of the others change only then."""
    molecule.BeginBatchEdit()
    for atom in atoms:
        molecule.RemoveAtom(atom)
    molecule.CommitBatchEdit()


# --- what is attached -----------------------------------------------------------------------------

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


def _part(smiles: str) -> Graph:
    return Graph(Chem.MolFromSmiles(smiles))


def _parts(weights: Mapping[str, float]) -> Weighted[Graph]:
    return Weighted({_part(smiles): weight for smiles, weight in weights.items()})


GROUPS, RINGS = _parts(_GROUPS), _parts(_RINGS)
AROMATIC_FUSES, SATURATED_FUSES = _parts(_AROMATIC_FUSES), _parts(_SATURATED_FUSES)
SPIRO = _parts(_SPIRO)


def _insert(molecule: Any, part: Graph) -> int:
    """Put a part beside the molecule; the number of its first atom."""
    offset = int(molecule.GetNumAtoms())
    molecule.InsertMol(part.molecule)
    return offset


def _new_part(rng: np.random.Generator, rings: float) -> tuple[Graph, int]:
    """A group or, by that chance, a ring system; and the atom to attach it by."""
    if rng.random() >= rings:
        return GROUPS.draw(rng), 0
    ring = RINGS.draw(rng)
    amines = [i for i in ring.open_sites if ring.numbers[i] == NITROGEN and not ring.aromatic[i]]
    # Saturated amines hang mostly on their nitrogen: the easiest bond to make.
    return ring, pick(rng, amines if amines and rng.random() < 0.6 else ring.open_sites)


def _attach(graph: Graph, rng: np.random.Generator, site: int, rings: float) -> Any:
    part, first = _new_part(rng, rings)
    if not graph.joinable(site, part, first):
        return None
    molecule = Chem.RWMol(graph.molecule)
    molecule.AddBond(site, _insert(molecule, part) + first, BONDS[1])
    return molecule


# --- operators ------------------------------------------------------------------------------------


def append_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Replace a hydrogen by an atom or small group; two by =O; oxidise a sulfide or sulfoxide."""
    if rng.random() < 0.07:
        return _add_oxo(graph, rng)
    return _attach(graph, rng, pick(rng, graph.open_sites), 0.0) if graph.open_sites else None


def _add_oxo(graph: Graph, rng: np.random.Generator) -> Any:
    sites = []
    for atom, number in enumerate(graph.numbers):
        degree, used = len(graph.neighbours[atom]), graph.used(atom)
        methylene = number == CARBON and graph.hydrogens[atom] >= 2 and degree
        sulfide = number == SULFUR and (degree, used) in ((2, 2), (3, 4))
        if (methylene or sulfide) and not graph.aromatic[atom]:
            sites.append(atom)
    if not sites:
        return None
    molecule = Chem.RWMol(graph.molecule)
    molecule.AddBond(pick(rng, sites), molecule.AddAtom(Chem.Atom(OXYGEN)), BONDS[2])
    return molecule


def attach_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Replace a hydrogen by a common ring system."""
    return _attach(graph, rng, pick(rng, graph.open_sites), 1.0) if graph.open_sites else None


_LINKS = Weighted({"C": 10, "N": 4, "O": 4, "S": 1, "C=O": 2, "S(=O)=O": 0.5, "C(=O)N": 1.5})
_LINK_PARTS = {text: _part(text) for text in _LINKS.items}


def insert_atom(graph: Graph, rng: np.random.Generator) -> Any:
    """Put an atom or a short link into a single bond, in a chain or in a ring."""
    bonds = [b for b in graph.bonds if b[2] == 1 and not _both_aromatic(graph, b)]
    if not bonds:
        return None
    first, second, _ = pick(rng, bonds)
    if graph.charges[first] and graph.charges[second]:
        return None
    text = _LINKS.draw(rng)
    part, last = _LINK_PARTS[text], 2 if text == "C(=O)N" else 0
    if rng.random() < 0.5:
        first, second = second, first
    if not (graph.joinable(first, part, 0) and graph.joinable(second, part, last)):
        return None
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, first, second)
    offset = _insert(molecule, part)
    molecule.AddBond(first, offset, BONDS[1])
    molecule.AddBond(offset + last, second, BONDS[1])
    return molecule


def _both_aromatic(graph: Graph, bond: tuple[int, int, int]) -> bool:
    first, second, _ = bond
    if not (graph.aromatic[first] and graph.aromatic[second]):
        return False
    return frozenset((first, second)) in graph.ring_bonds


def _cut(graph: Graph, molecule: Any, first: int, second: int) -> None:
    cut_stereo(graph, molecule, first, second)
    cut_stereo(graph, molecule, second, first)
    molecule.RemoveBond(first, second)


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
    if not graph.substituents:
        return None
    atom, first = pick(rng, graph.substituents)
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, atom, first)
    remove_atoms(molecule, graph.side(first, atom))
    return molecule


def replace_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Put another group, or now and then a ring system, in a substituent's place."""
    if not graph.substituents:
        return None
    atom, first = pick(rng, graph.substituents)
    gone = graph.side(first, atom)
    rings = 0.15 if graph.ring_atoms.isdisjoint(gone) else 0.7
    part, start = _new_part(rng, rings)
    if not graph.joinable(atom, part, start):
        return None
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, atom, first)
    molecule.AddBond(atom, _insert(molecule, part) + start, BONDS[1])
    remove_atoms(molecule, gone)
    return molecule


_ELEMENTS = Weighted({6: 8, 7: 8, 8: 4, 16: 1.5, 9: 1.5, 17: 1.5, 35: 0.5})


def change_element(graph: Graph, rng: np.random.Generator) -> Any:
    """Another element for an atom, where the bonds it has allow that; in aromatic rings as well."""
    number = _ELEMENTS.draw(rng)
    atoms = []
    for atom, old in enumerate(graph.numbers):
        around = graph.neighbours[atom]
        if old == number or graph.charges[atom] or graph.used(atom) > _VALENCE[number]:
            continue
        if number != CARBON and any(
            graph.numbers[other] != CARBON and not graph.aromatic[atom] for other in around
        ):
            continue  # would make a bond between hetero atoms
        if not any(graph.charges[other] for other in around):
            atoms.append(atom)
    if not atoms:
        return None
    molecule = Chem.RWMol(graph.molecule)
    _set_element(molecule, pick(rng, atoms), number)
    return molecule


def _set_element(molecule: Any, atom: int, number: int) -> None:
    changed = molecule.GetAtomWithIdx(atom)
    changed.SetAtomicNum(number)
    if number != CARBON:
        changed.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)


def exchange_elements(graph: Graph, rng: np.random.Generator) -> Any:
    """Let a hetero atom and a carbon change places: 2- to 3-pyridyl, or neighbours."""
    heteros = [
        atom
        for atom, number in enumerate(graph.numbers)
        if number in (NITROGEN, OXYGEN, SULFUR)
        and not graph.charges[atom]
        and graph.used(atom) <= _VALENCE[number]
    ]
    if not heteros:
        return None
    hetero = pick(rng, heteros)
    number = graph.numbers[hetero]
    near = graph.ring_system.get(hetero, frozenset()) | graph.neighbours[hetero].keys()
    partners = [
        other
        for other in sorted(near)
        if graph.numbers[other] == CARBON
        and graph.aromatic[other] == graph.aromatic[hetero]
        and (graph.aromatic[hetero] or graph.used(other) <= _VALENCE[number])
    ]
    if not partners:
        return None
    other = pick(rng, partners)
    if not graph.aromatic[hetero]:
        molecule = Chem.RWMol(graph.molecule)
        _set_element(molecule, hetero, CARBON)
        _set_element(molecule, other, number)
        return molecule
    return _exchange_aromatic(graph, hetero, other)


def _exchange_aromatic(graph: Graph, hetero: int, carbon: int) -> Any:
    """Exchange in the aromatic form: RDKit finds the Kekulé structure, or the edit fails."""
    number = graph.numbers[hetero]
    pyrrole = graph.used(hetero) == len(graph.neighbours[hetero])
    degree = len(graph.neighbours[carbon])
    if degree == 3 and not (number == NITROGEN and pyrrole):
        return None
    molecule = Chem.RWMol(graph.original)
    _set_element(molecule, hetero, CARBON)
    _set_element(molecule, carbon, number)
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
        if not order or _both_aromatic(graph, (first, second, order)):
            continue
        if graph.charges[first] or graph.charges[second]:
            continue
        free = min(graph.hydrogens[first], graph.hydrogens[second])
        in_ring = frozenset((first, second)) in graph.ring_bonds
        highest = min(order + free, 2 if in_ring else 3)
        if SULFUR in (graph.numbers[first], graph.numbers[second]):
            highest = order
        choices += [(first, second, new) for new in range(1, highest + 1) if new != order]
    if not choices:
        return None
    first, second, new = pick(rng, choices)
    molecule = Chem.RWMol(graph.molecule)
    molecule.GetBondBetweenAtoms(first, second).SetBondType(BONDS[new])
    return molecule


def change_ring_order(graph: Graph, rng: np.random.Generator) -> Any:
    """Hydrogenate an aromatic ring, or make a saturated ring of six aromatic."""
    if not graph.rings:
        return None
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
    if not partners:
        return None
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
        and not _both_aromatic(graph, (first, second, order))
    ]
    if not bonds:
        return None
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, *pick(rng, bonds))
    return molecule


def fuse_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Close a ring over a bond (benzo, pyrrolo, methylenedioxy, cyclopenta) or on one atom."""
    bonds = [b for b in graph.bonds if b[2] in (1, 2) and _free(graph, b[0]) and _free(graph, b[1])]
    if rng.random() < 0.12 or not bonds:
        return _add_spiro(graph, rng)
    first, second, order = pick(rng, bonds)
    conjugated = _both_aromatic(graph, (first, second, order)) or order == 2
    if not conjugated and min(graph.hydrogens[first], graph.hydrogens[second]) >= 2:
        conjugated = rng.random() < 0.4  # benzo: the shared bond becomes double
        order = 2 if conjugated else 1
    part = (AROMATIC_FUSES if conjugated and rng.random() < 0.8 else SATURATED_FUSES).draw(rng)
    if conjugated and len(part) < 3:
        return None
    molecule = Chem.RWMol(graph.molecule)
    if not _bridge(graph, molecule, rng, first, second, part):
        return None
    molecule.GetBondBetweenAtoms(first, second).SetBondType(BONDS[order])
    return molecule


def _free(graph: Graph, atom: int) -> bool:
    return graph.hydrogens[atom] > 0 and graph.charges[atom] == 0


def _bridge(
    graph: Graph, molecule: Any, rng: np.random.Generator, first: int, second: int, part: Graph
) -> bool:
    if rng.random() < 0.5:
        first, second = second, first
    last = len(part) - 1
    if not (graph.joinable(first, part, 0) and graph.joinable(second, part, last)):
        return False
    offset = _insert(molecule, part)
    molecule.AddBond(first, offset, BONDS[1])
    molecule.AddBond(second, offset + last, BONDS[1])
    return True


def _add_spiro(graph: Graph, rng: np.random.Generator) -> Any:
    atoms = [i for i in graph.open_sites if graph.hydrogens[i] >= 2 and graph.numbers[i] == CARBON]
    if not atoms:
        return None
    atom = pick(rng, atoms)
    molecule = Chem.RWMol(graph.molecule)
    return molecule if _bridge(graph, molecule, rng, atom, atom, SPIRO.draw(rng)) else None


def unfuse_ring(graph: Graph, rng: np.random.Generator) -> Any:
    """Remove the atoms that only one ring of a fused system has, with what hangs on them."""
    fused = [ring for ring in graph.rings if len(graph.ring_system[ring[0]]) > len(ring)]
    if not fused:
        return None
    ring = pick(rng, fused)
    kept = {atom for other in graph.rings if other != ring for atom in other}
    own = [atom for atom in ring if atom not in kept]
    gone = set(own)
    for atom in own:
        for other in graph.neighbours[atom]:
            if other not in ring:
                gone |= graph.side(other, atom)
    if not own or len(gone) > min(_LARGEST_RING_GROUP, len(graph) // 2) or gone & kept:
        return None
    molecule = Chem.RWMol(graph.original)
    remove_atoms(molecule, gone)
    return molecule


def move_group(graph: Graph, rng: np.random.Generator) -> Any:
    """Move a substituent to another place of its ring system, or one atom along a chain."""
    if not graph.substituents:
        return None
    atom, first = pick(rng, graph.substituents)
    system = graph.ring_system.get(atom, frozenset())
    near = system if system and rng.random() < 0.85 else graph.neighbours[atom].keys() - {first}
    places = [
        other
        for other in sorted(near)
        if other != atom and graph.hydrogens[other] and graph.joinable(other, None, first)
    ]
    if not places:
        return None
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, atom, first)
    molecule.AddBond(pick(rng, places), first, BONDS[1])
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
    if not (graph.joinable(one, None, second) and graph.joinable(two, None, first)):
        return None
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, one, first)
    _cut(graph, molecule, two, second)
    molecule.AddBond(one, second, BONDS[1])
    molecule.AddBond(two, first, BONDS[1])
    return molecule


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
    if not links:
        return None
    start, first, second, end = pick(rng, links)
    if not (graph.joinable(start, None, second) and graph.joinable(first, None, end)):
        return None
    molecule = Chem.RWMol(graph.molecule)
    _cut(graph, molecule, start, first)
    _cut(graph, molecule, second, end)
    molecule.AddBond(start, second, BONDS[1])
    molecule.AddBond(first, end, BONDS[1])
    return molecule


def resize_aromatic(graph: Graph, rng: np.random.Generator) -> Any:
    """Phenyl to thienyl, furyl, pyrrolyl and back: -CH=CH- and -S-, -O-, -NR- change places."""
    grown = [
        (atom, neighbour)
        for ring in graph.rings
        if len(ring) == 5 and graph.aromatic[ring[0]]
        for atom in ring
        if graph.numbers[atom] != CARBON and graph.used(atom) == len(graph.neighbours[atom])
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
        return _grown(graph, rng, *pick(rng, grown))
    return _shrunk(graph, rng, *pick(rng, shrunk)) if shrunk else None


def _grown(graph: Graph, rng: np.random.Generator, atom: int, neighbour: int) -> Any:
    molecule = Chem.RWMol(graph.molecule)
    _set_element(molecule, atom, CARBON)
    new = molecule.AddAtom(Chem.Atom(NITROGEN if rng.random() < 0.25 else CARBON))
    molecule.RemoveBond(atom, neighbour)
    molecule.AddBond(atom, new, BONDS[2])
    molecule.AddBond(new, neighbour, BONDS[1])
    return molecule


def _shrunk(graph: Graph, rng: np.random.Generator, kept: int, gone: int) -> Any:
    bare = len(graph.neighbours[kept]) == 2
    molecule = Chem.RWMol(graph.molecule)
    _set_element(molecule, kept, pick(rng, (SULFUR, OXYGEN, NITROGEN)) if bare else NITROGEN)
    molecule.GetBondBetweenAtoms(kept, gone).SetBondType(BONDS[1])
    for after in graph.neighbours[gone].keys() - {kept}:
        molecule.AddBond(kept, after, BONDS[1])
    molecule.RemoveAtom(gone)
    return molecule


def change_stereo(graph: Graph, rng: np.random.Generator) -> Any:
    """Invert, remove or set the label of a tetrahedral centre."""
    found = Chem.FindMolChiralCenters(
        graph.original, includeUnassigned=True, useLegacyImplementation=True
    )
    if not found:
        return None
    molecule = Chem.RWMol(graph.molecule)
    atom = molecule.GetAtomWithIdx(pick(rng, found)[0])
    if atom.GetChiralTag() not in _TETRAHEDRAL:
        atom.SetChiralTag(pick(rng, _TETRAHEDRAL))
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
"""By name, for molecules of any kind."""

STEREO_EDITS = {"stereo": Edit(change_stereo, 8)}
"""Beside `EDITS` only where labels of stereocentres may change."""
