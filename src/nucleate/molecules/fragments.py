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
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rdkit import Chem, rdBase

from nucleate.errors import StructureError
from nucleate.molecules.smiles_tree import (
    MARKS,
    MULTIPLE,
    Piece,
    SmilesTree,
    cut_tree,
    parse_tree,
    ring_digit,
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


def is_root(template: str) -> bool:
    """Whether a template hangs on nothing and so starts a molecule."""
    return not template.startswith("*")


def arity(template: str) -> int:
    """Places for children."""
    return template.count("*") - (not is_root(template))


def fragments(smiles: str) -> list[Fragment]:
    """Cut a SMILES at its acyclic single bonds; the first fragment is the root.

    Raises:
        StructureError: `unparsable`.
    """
    tree = parse_tree(smiles)
    ring = tree.in_ring()
    cuts = [atom for atom in _single_bonds(tree) if not ring[atom]]
    out = _canonical_pieces(tree, cuts)
    whole = _conjugated(tree) if "/" in smiles or "\\" in smiles else frozenset()
    if whole and not _comes_back(smiles, out):
        # A mark (`/`) between two stereo double bonds belongs to both: keep the three together.
        return _canonical_pieces(tree, [atom for atom in cuts if atom not in whole])
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
def opened(template: str) -> tuple[Fragment, ...]:
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
    molecule = _parse(_labelled(template, first=0 if root else -1))
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    start = _first_atom(molecule) if root else 0
    yield Chem.MolToSmiles(molecule, kekuleSmiles=True, rootedAtAtom=start)
    for text in Chem.MolToRandomSmilesVect(molecule, _TRIES, randomSeed=1, kekuleSmiles=True):
        if not _is_place(parse_tree(text).atoms[0]) if root else text.startswith("*"):
            yield text


@dataclass(frozen=True)
class Template:
    """A canonical template and how it came from the text given.

    Attributes:
        text: the canonical text.
        order: for each place of `text`, which place of the given text it was.
    """

    text: str
    order: tuple[int, ...]


@lru_cache(maxsize=200_000)
def canonical_template(raw: str) -> Template:
    """One text for all spellings of a fragment with places.

    Places are numbered by the canonical order of the fragment without stereo; with the numbers as
    labels, stereocentres keep their meaning even where two children may be alike.

    Raises:
        StructureError: `unparsable`.
    """
    root = is_root(raw)
    flat = _parse(raw)
    # Between alike places stereo would get lost: what has any is read with its places told apart.
    stereo = any(mark in raw for mark in "@/\\")
    if stereo:
        Chem.RemoveStereochemistry(flat)
    entry = _first_atom(flat) if root else 0
    Chem.MolToSmiles(flat, rootedAtAtom=entry)
    first = _places_written(flat, root)
    labelled = _parse(_labelled(raw, first=0 if root else -1)) if stereo else flat
    stars = _places(labelled, root)
    for label, place in enumerate(first, start=1):
        labelled.GetAtomWithIdx(stars[place]).SetIsotope(label)
    text = Chem.MolToSmiles(labelled, rootedAtAtom=entry)
    order = _places_written(labelled, root)
    for label in range(1, len(order) + 1):
        text = text.replace(f"[{label}*]", "*")
    return Template(text, order)


_STAR = Chem.MolFromSmarts("[#0]")


def _places(molecule: Any, root: bool) -> list[int]:
    """Indices of the atoms that stand for places, in the order of the text that was read."""
    return sorted(atom for (atom,) in molecule.GetSubstructMatches(_STAR))[not root :]


def _places_written(molecule: Any, root: bool) -> tuple[int, ...]:
    """The places in the order of the text that was last written."""
    place = {atom: number for number, atom in enumerate(_places(molecule, root))}
    return tuple([place[atom] for atom in _output_order(molecule) if atom in place])


def _labelled(text: str, first: int) -> str:
    """The text with its stars labelled [1*], [2*] …; a first star numbered -1 + 1 stays bare."""
    parts = text.split("*")
    out = parts[0]
    for number, part in enumerate(parts[1:], start=first + 1):
        out += ("*" if number == 0 else f"[{number}*]") + part
    return out


def _first_atom(molecule: Any) -> int:
    """The atom that a root template is written from: the first real one by canonical rank."""
    ranks = list(Chem.CanonicalRankAtoms(molecule, breakTies=True))
    real = [a.GetIdx() for a in molecule.GetAtoms() if a.GetAtomicNum() > 0]
    return int(min(real, key=lambda i: ranks[i]))


def _output_order(molecule: Any) -> list[int]:
    text = molecule.GetProp("_smilesAtomOutputOrder")  # "[2,0,1,]"
    return [int(index) for index in text.strip("[,]").split(",")]


def _parse(text: str) -> Any:
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(text)
    if molecule is None:
        raise StructureError("unparsable", f"fragment {text[:80]}")
    return molecule


def _conjugated(tree: SmilesTree) -> frozenset[int]:
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


def _canonical_pieces(tree: SmilesTree, cuts: Sequence[int]) -> list[Fragment]:
    return [_canonical(piece, {}) for piece in cut_tree(tree, cuts)]


def _canonical(piece: Piece, target: Mapping[int, int]) -> Fragment:
    """A piece as a fragment.

    Args:
        target: new numbers of what the piece's links point to, where they change.
    """
    found = canonical_template(piece.text)
    links = [piece.links[place] for place in found.order]
    return Fragment(found.text, [target.get(link, link) for link in links] if target else links)


# Assembly


@dataclass
class Node:
    """A template in its place of the tree being put together.

    Attributes:
        template: its text, or None for a ring closure.
        label: of the closure.
        children: by place.
    """

    template: str | None
    label: int = 0
    children: list[Node] = field(default_factory=list)


@lru_cache(maxsize=100_000)
def _parsed(template: str) -> tuple[SmilesTree, list[list[int]], dict[int, int]]:
    """A template's tree, its children lists, and which place each of its stars is."""
    tree = parse_tree(template)
    stars = [i for i, atom in enumerate(tree.atoms) if atom == "*"]
    places = stars if is_root(template) else stars[1:]
    return tree, tree.children(), {atom: number for number, atom in enumerate(places)}


def assemble(root: Node, closures: bool = True) -> str:
    """SMILES of a tree of templates.

    A closure whose partner is missing, or every one if not `closures`, becomes a hydrogen.
    """
    return _Writer(root, closures).text


_KEPT: dict[int, int] = {}
_FLIPPED = str.maketrans("/\\", "\\/")


class _Writer:
    def __init__(self, root: Node, closures: bool):
        self.open: set[int] = set()  # numbers of ring closures whose second end is to come
        self.pairs = _pairs(root) if closures else {}
        self.numbers: dict[int, int] = {}
        self.text = self.write(root, "")

    def write(self, node: Node, mark: str) -> str:
        """Text of a node; `mark` is the parent's own text of the bond to it."""
        if node.template is None:
            return mark + "[H]"
        tree, children, place = _parsed(node.template)
        own: dict[int, int] = {}
        # Between two stereo double bonds the mark belongs to both: mirror the lower one's text
        # (all its marks, which means the same) where it disagrees.
        entry = "" if is_root(node.template) else tree.bond[children[0][0]]
        flip = _FLIPPED if entry in MARKS and mark in MARKS and entry != mark else _KEPT

        def atom(index: int) -> str:
            symbol, digits = tree.atoms[index], ""
            closed: list[int] = []
            for number in tree.rings[index]:
                digits += tree.closures[number][2] + self.digit(own, number, closed)
            branches: list[tuple[str, int, Node | None]] = []
            for child in children[index]:
                below = node.children[place[child]] if child in place else None
                bond = tree.bond[child].translate(flip)
                if below is None or below.template is not None or id(below) not in self.pairs:
                    branches.append((bond, child, below))
                    continue
                digits += bond + self.digit(self.numbers, self.pairs[id(below)], closed)
                # The digit moves before the branches that precede it: as many swaps of
                # neighbours as there are branches, each of which mirrors the centre.
                if len(branches) % 2:
                    symbol = _mirrored(symbol)
            self.open.difference_update(closed)
            texts = [
                bond + atom(child) if below is None else self.write(below, bond)
                for bond, child, below in branches
            ]
            tail = texts[-1] if texts else ""
            return symbol + digits + "".join(f"({t})" for t in texts[:-1]) + tail

        if is_root(node.template):
            return atom(0)
        return (entry.translate(flip) or mark or "-") + atom(children[0][0])

    def digit(self, numbers: dict[int, int], closure: int, closed: list[int]) -> str:
        """Number of a closure in the text: the least free one, given back at its second end."""
        if closure in numbers:
            number = numbers.pop(closure)
            closed.append(number)
        else:
            number = numbers[closure] = min(set(range(1, len(self.open) + 2)) - self.open)
            self.open.add(number)
        return ring_digit(number)


def _mirrored(symbol: str) -> str:
    if "@@" in symbol:
        return symbol.replace("@@", "@")
    return symbol.replace("@", "@@")


def _pairs(root: Node) -> dict[int, int]:
    """Closure nodes by identity -> number of their pair; unmatched ones are left out."""
    waiting: dict[int, Node] = {}
    out: dict[int, int] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node.template is None:
            if node.label in waiting:
                first = waiting.pop(node.label)
                out[id(first)] = out[id(node)] = len(out)
            else:
                waiting[node.label] = node
        stack.extend(reversed(node.children))
    return out
