"""Molecular graphs as edits need them: read once, edited often.

Kekulé structures make bond orders plain integers, so an edit needs no notion of aromaticity.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, Generic, TypeVar

import numpy as np
from rdkit import Chem

T = TypeVar("T")
BONDS = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}
_ORDERS = {kind: order for order, kind in BONDS.items()}
TETRAHEDRAL = (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW)
CARBON, NITROGEN, OXYGEN, SULFUR = 6, 7, 8, 16
VALENCE = {6: 4, 7: 3, 8: 2, 9: 1, 16: 2, 17: 1, 35: 1, 53: 1}
_LARGEST_GROUP = 6  # heavy atoms of what counts as a substituent, without rings
LARGEST_RING_GROUP = 12  # and with rings


class NoPlaceError(ValueError):
    """An edit finds nothing in a molecule that it could change."""


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of the items, all alike. Quicker than `Generator.choice`, which makes an array.

    Raises:
        NoPlaceError: there are none.
    """
    if not items:
        raise NoPlaceError
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


def free_hydrogens(molecule: Any) -> Any:
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
        molecule: kekulised, hydrogens free (`free_hydrogens`).
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
        self.molecule = free_hydrogens(original)
        # By index: iterating over `GetAtoms` takes three times as long.
        atoms = list(map(self.molecule.GetAtomWithIdx, range(self.molecule.GetNumAtoms())))
        self.numbers = [atom.GetAtomicNum() for atom in atoms]
        self.hydrogens = [atom.GetTotalNumHs() for atom in atoms]
        self.charges = [atom.GetFormalCharge() for atom in atoms]
        self.chiral = {i for i, a in enumerate(atoms) if a.GetChiralTag() in TETRAHEDRAL}
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
            most = min(LARGEST_RING_GROUP if ring else _LARGEST_GROUP, len(self) // 2)
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
        return self.reach((start,), ((start, blocked),))

    def reach(self, starts: Sequence[int], cuts: Sequence[tuple[int, int]]) -> set[int]:
        """Atoms reached from `starts` without the bonds of `cuts`, from their first atoms."""
        found, edge = set(starts), list(starts)
        while edge:
            atom = edge.pop()
            for other in self.neighbours[atom]:
                if other not in found and (atom, other) not in cuts:
                    found.add(other)
                    edge.append(other)
        return found

    def bond_orders(self, atom: int) -> int:
        """Sum of bond orders to heavy atoms."""
        return sum(self.neighbours[atom].values())

    def joinable(self, first: int, other: Graph | None = None, second: int = 0) -> bool:
        """Whether a bond between the two is no bond between two hetero atoms (sulfonyl-N is)."""
        one, two = self.kind(first), (other or self).kind(second)
        if CARBON in (one[0], two[0]):
            return True
        if not one[1]:
            one, two = two, one
        return one[1] and not two[1] and two[0] in (NITROGEN, OXYGEN)

    def kind(self, atom: int) -> tuple[int, bool]:
        """Atomic number, and whether it is the centre of an acid: S(=O), P(=O)."""
        number = self.numbers[atom]
        return number, number in (15, SULFUR) and self.bond_orders(atom) > 2


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


def both_aromatic(graph: Graph, bond: tuple[int, int, int]) -> bool:
    first, second, _ = bond
    if not (graph.aromatic[first] and graph.aromatic[second]):
        return False
    return frozenset((first, second)) in graph.ring_bonds


def cut_bond(graph: Graph, molecule: Any, first: int, second: int) -> None:
    cut_stereo(graph, molecule, first, second)
    cut_stereo(graph, molecule, second, first)
    molecule.RemoveBond(first, second)


def set_element(molecule: Any, atom: int, number: int) -> None:
    changed = molecule.GetAtomWithIdx(atom)
    changed.SetAtomicNum(number)
    if number != CARBON:
        changed.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
