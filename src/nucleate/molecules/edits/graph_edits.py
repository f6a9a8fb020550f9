"""Random edits of molecules for evolutionary search: mutation and crossover of SMILES.

The moves are those of the graph-based genetic algorithm (Jensen, Chem. Sci. 2019, 10, 3567,
doi 10.1039/C8SC05372C), in the role that mol_ga (Tripp and Hernandez-Lobato 2023,
arXiv:2310.09267) gives them, written anew on a Kekulé graph read once for each parent; see
`nucleate.molecules.edits.edit_operators`. A child is sanitised, judged against its parents and
written as the project's canonical SMILES; what does not come back from that text as itself is
refused.

Example:
    >>> rng = np.random.default_rng(0)
    >>> mutate("Cc1ccccc1", rng) != "Cc1ccccc1"
    True
"""

from __future__ import annotations

from collections import Counter
from functools import cache, cached_property, lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors

from nucleate.molecules.chemistry.chem import canonical, has_radicals, molecule
from nucleate.molecules.chemistry.smarts import read_groups
from nucleate.molecules.edits.edit_operators import EDITS, STEREO_EDITS
from nucleate.molecules.edits.graph import BONDS, Graph, Weighted, cut_stereo, pick, remove_atoms
from nucleate.molecules.options import DEFAULT_ELEMENTS

MAXIMUM_HEAVY = 60
"""Heavy atoms of a child at most, as `StandardiseOptions` has it."""

_TRIES = 12  # draws of an operator, or of cuts, before giving up
_LARGEST_RING = 8
_LARGEST_PARENT = 200  # heavy atoms; larger ones are not read
_NUMBERS = frozenset(Chem.GetPeriodicTable().GetAtomicNumber(s) for s in DEFAULT_ELEMENTS)
_FLAGS = (
    Chem.SanitizeFlags.SANITIZE_PROPERTIES
    | Chem.SanitizeFlags.SANITIZE_SYMMRINGS
    | Chem.SanitizeFlags.SANITIZE_KEKULIZE
    | Chem.SanitizeFlags.SANITIZE_FINDRADICALS
    | Chem.SanitizeFlags.SANITIZE_SETAROMATICITY
    | Chem.SanitizeFlags.SANITIZE_ADJUSTHS  # the hydrogen of `[nH]`, which its text must hold
)


@cache
def _unwanted_patterns() -> tuple[tuple[Any, tuple[Any, ...]], ...]:
    """The patterns of `unwanted.toml` by their wider one, as queries."""
    by_wider: dict[str, list[Any]] = {}
    for group in read_groups(Path(__file__).with_name("unwanted.toml")):
        by_wider.setdefault(group.wider, []).append(Chem.MolFromSmarts(group.smarts))
    return tuple((Chem.MolFromSmarts(wide), tuple(found)) for wide, found in by_wider.items())


class Parent(Graph):
    """A molecule as parent: what an edit needs, and what its child may share with it."""

    def __init__(self, smiles: str, original: Any):
        super().__init__(original)
        self.smiles = smiles
        self.unwanted = [
            tuple(len(original.GetSubstructMatches(pattern)) for pattern in patterns)
            if original.HasSubstructMatch(wide)
            else (0,) * len(patterns)
            for wide, patterns in _unwanted_patterns()
        ]
        self.strained = _count_strained_bridgeheads(original)
        self.largest_ring = max(map(len, self.rings), default=0)
        self.aromatic_rings = rdMolDescriptors.CalcNumAromaticRings(original)

    @cached_property
    def cut_rings(self) -> list[tuple[tuple[int, ...], list[int]]]:
        """Rings that two cuts divide: their atoms, and the places of bonds that are theirs alone.

        Place i is the bond before atom i. Without two bonds of exactly one and the same ring of the
        SSSR, the molecule is in two pieces.
        """
        shared = Counter(
            frozenset((r[i - 1], atom)) for r in self.rings for i, atom in enumerate(r)
        )
        out = []
        for ring in self.rings:
            own = [i for i, atom in enumerate(ring) if shared[frozenset((ring[i - 1], atom))] == 1]
            if len(own) > 1 and len(ring) <= _LARGEST_RING:
                out.append((ring, own))
        return out


@lru_cache(maxsize=8192)
def read_parent(smiles: str) -> Parent | None:
    """The parent of a SMILES; None for one that an edit has no business with."""
    original = molecule(smiles) if isinstance(smiles, str) else None
    if original is None or not 0 < original.GetNumHeavyAtoms() <= _LARGEST_PARENT:
        return None
    text = canonical(original)
    if "." in text or has_radicals(original):
        return None
    try:
        parent = Parent(text, original)
    except (ValueError, RuntimeError):
        return None
    return parent if parent.labels == 0 and _NUMBERS.issuperset(parent.numbers) else None


_PLAIN = Weighted({name: edit.weight for name, edit in EDITS.items()})
_ALL = {**EDITS, **STEREO_EDITS}
_WITH_STEREO = Weighted({name: edit.weight for name, edit in _ALL.items()})


def mutate(
    smiles: str,
    rng: np.random.Generator,
    *,
    stereo: bool = False,
    maximum_heavy: int = MAXIMUM_HEAVY,
) -> str | None:
    """One random local change of a molecule.

    Args:
        smiles: the parent, in any spelling.
        rng: where randomness comes from; the same state gives the same child.
        stereo: whether labels of stereocentres may be set, inverted and removed. Existing ones
            stay in any case where their centre does.
        maximum_heavy: heavy atoms of the child at most.

    Returns:
        Canonical SMILES unlike the parent's, or None if a few tries gave none or the parent is no
        single ordinary molecule.
    """
    parent = read_parent(smiles)
    table = _WITH_STEREO if stereo else _PLAIN
    with rdBase.BlockLogs():
        for _ in range(0 if parent is None else _TRIES):
            child = try_edit(table.draw(rng), parent, rng, maximum_heavy)
            if child is not None:
                return child
    return None


def try_edit(
    name: str, parent: Any, rng: np.random.Generator, maximum_heavy: int = MAXIMUM_HEAVY
) -> str | None:
    """One try of one operator by name."""
    edit = _ALL[name]
    try:
        changed = edit.operator(parent, rng)
    except (ValueError, RuntimeError):  # RDKit's: a graph that no operator foresaw
        return None
    if changed is None:
        return None
    rings = parent.aromatic_rings if edit.keeps_aromatic else 0
    return _finish(changed, (parent,), maximum_heavy, rings)


def cross(first: str, second: str, rng: np.random.Generator) -> str | None:
    """A molecule of one part of each parent, as `mutate` gives it.

    Each parent is cut at a single bond outside of rings or, half of the time where both have
    rings, at two bonds of a ring, which the child closes anew.
    """
    one, two = read_parent(first), read_parent(second)
    if one is None or two is None:
        return None
    rings = bool(one.cut_rings and two.cut_rings) and rng.random() < 0.5
    ways = (_join, _ring_join)
    with rdBase.BlockLogs():
        for attempt in range(2 * _TRIES):
            # A pair that gives nothing one way may give something the other way.
            way = ways[rings if attempt < _TRIES else not rings]
            try:
                joined = way(one, two, rng)
            except (ValueError, RuntimeError):
                continue
            child = None if joined is None else _finish(joined, (one, two))
            if child is not None:
                return child
    return None


def _fair(size: int, one: Parent, two: Parent) -> bool:
    """Whether a child's size is near its parents'; sizes would drift apart otherwise."""
    small, large = sorted((len(one), len(two)))
    return 0.5 * small <= size <= min(MAXIMUM_HEAVY, 1.3 * large + 2)


def _join(one: Parent, two: Parent, rng: np.random.Generator) -> Any:
    """Join a side of a cut bond of each parent."""
    if not one.cuts or not two.cuts:
        return None
    (first, gone), (second, lost) = pick(rng, one.cuts), pick(rng, two.cuts)
    if not one.joinable(first, two, second):
        return None
    left, right = one.side(first, gone), two.side(second, lost)
    if not _fair(len(left) + len(right), one, two):
        return None
    return _join_sides(one, left, two, right, [(first, gone, second, lost, 1)])


def _join_sides(
    one: Parent,
    left: set[int],
    two: Parent,
    right: set[int],
    joints: list[tuple[int, int, int, int, int]],
) -> Any:
    """Keep `left` and `right` and bond them.

    Args:
        joints: (atom of `left`, the neighbour that it loses, the same two in the second parent,
            order of the new bond).
    """
    built = Chem.RWMol(one.molecule)
    built.InsertMol(two.molecule)
    shift = len(one)
    for first, gone, second, lost, order in joints:
        cut_stereo(one, built, first, gone)
        cut_stereo(two, built, second, lost, shift)
        built.RemoveBond(first, gone)
        built.RemoveBond(second + shift, lost + shift)
        built.AddBond(first, second + shift, BONDS[order])
    remove_atoms(
        built,
        [i for i in range(shift) if i not in left]
        + [i + shift for i in range(len(two)) if i not in right],
    )
    return built


class _RingCut(NamedTuple):
    """One side of a molecule cut at two bonds of a ring.

    Attributes:
        ring: atoms of the ring.
        size: how many of them stay.
        kept: the atom at each cut that stays.
        gone: its neighbour that does not.
        orders: of the bonds cut.
    """

    ring: tuple[int, ...]
    size: int
    kept: tuple[int, int]
    gone: tuple[int, int]
    orders: tuple[int, int]

    def side(self, parent: Parent) -> set[int]:
        """Atoms that stay."""
        return parent.reach(self.kept, tuple(zip(self.kept, self.gone, strict=True)))


def _ring_cut(parent: Parent, rng: np.random.Generator) -> _RingCut:
    ring, own = pick(rng, parent.cut_rings)
    first, second = pick(rng, own), pick(rng, own)
    while first == second:
        second = pick(rng, own)
    # From the first bond on around the ring up to the second one; may pass the end of the tuple.
    size = (second - first) % len(ring)
    kept = ring[first], ring[second - 1]
    gone = ring[first - 1], ring[second]
    near, far = parent.neighbours[kept[0]][gone[0]], parent.neighbours[kept[1]][gone[1]]
    return _RingCut(ring, size, kept, gone, (near, far))


def _ring_join(one: Parent, two: Parent, rng: np.random.Generator) -> Any:
    """Join a side of two cut bonds of a ring of each parent, which closes a ring of the child."""
    if not one.cut_rings or not two.cut_rings:
        return None
    for _ in range(_TRIES):
        first, second = _ring_cut(one, rng), _ring_cut(two, rng)
        size = first.size + second.size
        if 5 <= size <= 6 or size in (len(first.ring), len(second.ring)):
            break
    else:
        return None
    if rng.random() < 0.5:
        kept, gone = second.kept[::-1], second.gone[::-1]  # the same, told from its other end
        second = second._replace(kept=kept, gone=gone, orders=second.orders[::-1])
    ends = tuple(zip(first.kept, second.kept, strict=True))
    if not all(one.joinable(atom, two, other) for atom, other in ends):
        return None
    left, right = first.side(one), second.side(two)
    if not _fair(len(left) + len(right), one, two):
        return None
    half = _half_aromatic(one, left, first), _half_aromatic(two, right, second)
    if half[0] != half[1] or (half[0] and first.orders != second.orders):
        return None  # neither Kekulé structure would go on
    orders = [a if a == b else 1 for a, b in zip(first.orders, second.orders, strict=True)]
    joints = list(zip(first.kept, first.gone, second.kept, second.gone, orders, strict=True))
    return _join_sides(one, left, two, right, joints)


def _half_aromatic(parent: Parent, side: set[int], cut: _RingCut) -> bool:
    """Whether the side has atoms that were aromatic by the cut ring alone."""
    if not all(parent.aromatic[atom] for atom in cut.ring):
        return False
    whole = {a for ring in parent.rings if ring != cut.ring and side.issuperset(ring) for a in ring}
    return not whole.issuperset(side.intersection(cut.ring))


def _finish(
    changed: Any,
    parents: tuple[Parent, ...],
    maximum_heavy: int = MAXIMUM_HEAVY,
    aromatic_rings: int = 0,
) -> str | None:
    """Sanitise and judge; canonical SMILES or None.

    Args:
        aromatic_rings: how many the child has to have.
    """
    if not 0 < changed.GetNumAtoms() <= maximum_heavy:
        return None
    try:
        if Chem.SanitizeMol(changed, _FLAGS, catchErrors=True):
            return None
        if aromatic_rings and rdMolDescriptors.CalcNumAromaticRings(changed) < aromatic_rings:
            return None
        if not _acceptable(changed, parents):
            return None
        text = canonical(changed)
        return None if "." in text else _stable_text(text, {parent.smiles for parent in parents})
    except (ValueError, RuntimeError):
        return None


def _stable_text(text: str, parents: set[str]) -> str | None:
    """The text that its own reading gives back, once stereo marks that lost meaning are gone.

    The molecule read stays in `chem.molecule`'s memory, where its scores look for it.
    """
    for _ in range(3):
        found = None if text in parents else molecule(text)
        if found is None:
            return None
        again = canonical(found)
        if again == text:
            return text
        text = again
    return None


def _acceptable(child: Any, parents: tuple[Parent, ...]) -> bool:
    """Whether the child has nothing silly that its parents did not have."""
    largest = max(map(len, child.GetRingInfo().AtomRings()), default=0)
    if largest > max(_LARGEST_RING, *(parent.largest_ring for parent in parents)):
        return False
    if _count_strained_bridgeheads(child) > sum(parent.strained for parent in parents):
        return False
    for i, (wide, patterns) in enumerate(_unwanted_patterns()):
        if not child.HasSubstructMatch(wide):
            continue
        for j, pattern in enumerate(patterns):
            inherited = sum(parent.unwanted[i][j] for parent in parents)
            if len(child.GetSubstructMatches(pattern)) > inherited:
                return False
    return not has_radicals(child)


def _count_strained_bridgeheads(found: Any) -> int:
    """Bridged pairs of rings with a double or aromatic bond at a bridgehead (Bredt's rule)."""
    count = 0
    rings = found.GetRingInfo().AtomRings()
    for one, two in combinations(rings, 2):
        shared = set(one).intersection(two)
        if len(shared) < 3:
            continue
        both = set(one).union(two)
        for atom in map(found.GetAtomWithIdx, sorted(shared)):
            bonds = [b for b in atom.GetBonds() if b.GetOtherAtomIdx(atom.GetIdx()) in both]
            if len(bonds) > 2 and any(b.GetBondType() != BONDS[1] for b in bonds):
                count += 1
    return count
