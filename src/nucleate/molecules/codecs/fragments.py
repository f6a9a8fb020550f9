"""Molecules as trees of fragments: the alphabet of the molecules' codec.

A canonical SMILES is cut at its acyclic single bonds. Each fragment becomes a *template*: its
canonical SMILES, written from the atom where it hangs on its parent, with `*` for the parent
(first) and for each child. Preorder (Polish) notation of the tree is a sequence of templates;
since every cut bond is single, every sequence that fills all places is a molecule. A fragment
that the vocabulary lacks is opened: kekulised, cut at every single bond, rings included, into
atoms and multiply bonded groups; a cut ring bond becomes a pair of *closures*.

The tree is that of junction trees (Jin et al. 2018) and principal subgraphs (Kong et al. 2022)
without their search for attachments: a template says where its children hang.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rdkit import Chem, rdBase

from nucleate.core.errors import StructureError
from nucleate.molecules.codecs.assembly import Node, assemble
from nucleate.molecules.codecs.smiles_tree import (
    MARKS,
    MULTIPLE,
    Piece,
    SmilesTree,
    cut_tree,
    parse_tree,
)
from nucleate.molecules.codecs.templates import (
    canonical_template,
    first_atom,
    is_root,
    label_places,
    parse_template,
)

_TRIES = 256  # random spellings among which one that can be opened is looked for


@dataclass(frozen=True)
class Fragment:
    """One place of a molecule's tree.

    Attributes:
        template: canonical text, `*` for parent (unless `is_root`) and children.
        links: in the order of the template's places: number of the fragment there, or -1 - c for
            the ring closure c of an opened fragment.
    """

    template: str
    links: list[int]


def fragments(smiles: str) -> list[Fragment]:
    """Cut a SMILES at its acyclic single bonds; the first fragment is the root.

    Raises:
        StructureError: `unparsable`.
    """
    tree = parse_tree(smiles)
    ring = tree.in_ring()
    cuts = [atom for atom in _single_bonds(tree) if not ring[atom]]
    out = _cut_at(tree, cuts)
    whole = _conjugated_bonds(tree) if "/" in smiles or "\\" in smiles else frozenset()
    if whole and not _comes_back(smiles, out):
        # A mark (`/`) between two stereo double bonds belongs to both: keep the three together.
        return _cut_at(tree, [atom for atom in cuts if atom not in whole])
    return out


def _single_bonds(tree: SmilesTree) -> list[int]:
    """Atoms whose bond to the parent is single, and to no written hydrogen."""
    atoms = tree.atoms
    bonds = zip(tree.bond, tree.parent, strict=True)
    return [
        atom
        for atom, (bond, parent) in enumerate(bonds)
        if atom and bond not in MULTIPLE and "[H]" not in (atoms[atom], atoms[parent])
    ]


def _comes_back(smiles: str, tree: Sequence[Fragment]) -> bool:
    def node(number: int) -> Node:
        return Node(tree[number].template, 0, [node(link) for link in tree[number].links])

    with rdBase.BlockLogs():
        back, given = Chem.MolFromSmiles(assemble(node(0))), Chem.MolFromSmiles(smiles)
    return back is not None and Chem.MolToSmiles(back) == Chem.MolToSmiles(given)


@lru_cache(maxsize=100_000)
def open_template(template: str) -> tuple[Fragment, ...]:
    """A template taken apart into atoms and multiply bonded groups, the root's first.

    `links` of -1 - c with c < 1000 are closures; places of the template itself are -1000 - place.

    Raises:
        StructureError: `unparsable`: no spelling of it can be opened.
    """
    for text in _kekule_spellings(template):
        tree = parse_tree(text)
        if any(bond in MULTIPLE or bond in MARKS for _, _, bond in tree.closures):
            continue
        places = {i: int(a[1:-2]) for i, a in enumerate(tree.atoms) if _is_place(a)}
        start = 0 if is_root(template) else 1
        return tuple(_open(tree, places, start))
    raise StructureError("unparsable", f"fragment {template[:80]} cannot be opened")


def _open(tree: SmilesTree, places: dict[int, int], start: int) -> list[Fragment]:
    """Cut a kekulised spelling at all single bonds and drop the pieces that are places."""
    pieces = cut_tree(tree, _single_bonds(tree), open_closures=True)
    kept = [
        number
        for number, piece in enumerate(pieces)
        if piece.root not in places and not (start == 1 and piece.root == 0)
    ]
    target = {number: new for new, number in enumerate(kept)}
    target |= {n: -1000 - places[p.root] for n, p in enumerate(pieces) if p.root in places}
    return [_canonical(pieces[number], target) for number in kept]


def _is_place(atom: str) -> bool:
    return atom.startswith("[") and atom.endswith("*]") and len(atom) > 3


def _kekule_spellings(template: str) -> Iterator[str]:
    """Kekulé SMILES of a template from its parent on, places labelled [i*] from 1 up."""
    root = is_root(template)
    molecule = parse_template(label_places(template))
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    start = first_atom(molecule) if root else 0
    yield Chem.MolToSmiles(molecule, kekuleSmiles=True, rootedAtAtom=start)
    for text in Chem.MolToRandomSmilesVect(molecule, _TRIES, randomSeed=1, kekuleSmiles=True):
        if not _is_place(parse_tree(text).atoms[0]) if root else text.startswith("*"):
            yield text


def _conjugated_bonds(tree: SmilesTree) -> frozenset[int]:
    """Atoms whose single bond to the parent joins two multiple bonds."""
    multiple = [False] * len(tree.atoms)
    for i in range(1, len(tree.atoms)):
        if tree.bond[i] in MULTIPLE:
            multiple[i] = multiple[tree.parent[i]] = True
    return frozenset(
        i
        for i in range(1, len(tree.atoms))
        if multiple[i] and multiple[tree.parent[i]] and tree.bond[i] not in MULTIPLE
    )


def _cut_at(tree: SmilesTree, cuts: Sequence[int]) -> list[Fragment]:
    return [_canonical(piece, {}) for piece in cut_tree(tree, cuts)]


def _canonical(piece: Piece, target: Mapping[int, int]) -> Fragment:
    """A piece as a fragment.

    Args:
        target: new numbers of what the piece's links point to, where they change.
    """
    found = canonical_template(piece.text)
    links = [piece.links[place] for place in found.order]
    return Fragment(found.text, [target.get(link, link) for link in links] if target else links)
