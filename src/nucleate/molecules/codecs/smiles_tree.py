"""SMILES as a tree: its atoms, the bond of each to the atom written before it, its ring closures.

A SMILES (Weininger 1988) is a depth-first walk over a spanning tree. Cutting the walk at a bond
leaves two SMILES; nothing has to be recomputed, stereo included, because the order of an atom's
neighbours in the text (which `@` refers to) stays what it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nucleate.core.errors import StructureError

_TOKEN = re.compile(r"\[[^\]]+\]|Br|Cl|\*|[BCNOPSFIbcnops]|\(|\)|%\d\d|\d|[-=#$:/\\]")
_BONDS = frozenset("-=#$:/\\")
MULTIPLE = frozenset("=#$")
MARKS = frozenset("/\\")


@dataclass(frozen=True)
class SmilesTree:
    """A SMILES taken apart; index i is the i-th atom of the text.

    Attributes:
        atoms: text of each atom.
        parent: index of the atom that each hangs on, -1 for the first.
        bond: text of that bond, often empty.
        closures: ring closures (first atom, second atom, bond text), in the order of opening.
        rings: by atom, the closures at it in the order of its digits.
    """

    atoms: list[str]
    parent: list[int]
    bond: list[str]
    closures: list[tuple[int, int, str]]
    rings: list[list[int]]

    def children(self) -> list[list[int]]:
        """Atoms that hang on each atom, in the order of the text."""
        out: list[list[int]] = [[] for _ in self.atoms]
        for child in range(1, len(self.atoms)):
            out[self.parent[child]].append(child)
        return out

    def in_ring(self) -> list[bool]:
        """Whether the bond of each atom to its parent is part of a ring."""
        depth = [0] * len(self.atoms)
        for i in range(1, len(depth)):
            depth[i] = depth[self.parent[i]] + 1
        ring = [False] * len(depth)
        for a, b, _ in self.closures:
            while a != b:
                if depth[a] < depth[b]:
                    a, b = b, a
                ring[a] = True
                a = self.parent[a]
        return ring


def parse_tree(smiles: str) -> SmilesTree:
    """Take a SMILES of one molecule apart.

    Raises:
        StructureError: `unparsable`: not SMILES, or more than one molecule.
    """
    atoms: list[str] = []
    parent: list[int] = []
    bonds: list[str] = []
    closures: list[tuple[int, int, str]] = []
    rings: list[list[int]] = []
    open_rings: dict[str, int] = {}
    branches: list[int] = []
    previous, bond, read = -1, "", 0
    for token in _TOKEN.findall(smiles):
        read += len(token)
        if token == "(":
            branches.append(previous)
        elif token == ")":
            if not branches:
                raise StructureError("unparsable", f"{smiles[:80]}: unopened branch")
            previous = branches.pop()
        elif token in _BONDS:
            bond = token
        elif token[0].isdigit() or token[0] == "%":
            number = token.lstrip("%")
            if number in open_rings:
                closure = open_rings.pop(number)
                first, _, written = closures[closure]
                closures[closure] = (first, previous, written or bond)
            else:
                closure = open_rings[number] = len(closures)
                closures.append((previous, -1, bond))
            if previous < 0:
                raise StructureError("unparsable", f"{smiles[:80]} starts with a ring closure")
            rings[previous].append(closure)
            bond = ""
        else:
            atoms.append(token)
            parent.append(previous)
            bonds.append(bond)
            rings.append([])
            previous, bond = len(atoms) - 1, ""
    if read != len(smiles) or open_rings or branches or not atoms:
        raise StructureError("unparsable", f"{smiles[:80]} is not the SMILES of one molecule")
    return SmilesTree(atoms, parent, bonds, closures, rings)


@dataclass(frozen=True)
class Piece:
    """What is left between cuts.

    Attributes:
        text: SMILES with `*` for the atom that it hangs on (first, if there is one) and `*` for
            each cut-off neighbour.
        links: in the order of the further `*`: index of the piece there, or -1 - c for the cut
            ring closure c.
        root: index of its first atom in the tree.
    """

    text: str
    links: list[int]
    root: int


def cut_tree(tree: SmilesTree, cuts: Sequence[int], open_closures: bool = False) -> list[Piece]:
    """Cut a tree into pieces; the first one holds the first atom.

    Args:
        cuts: atoms whose bond to the parent is cut, ascending.
        open_closures: cut ring closures as well, or keep them inside their piece (whose atoms
            must then not be parted by the cuts).
    """
    roots = [0, *cuts]
    number = {root: piece for piece, root in enumerate(roots)}
    home: list[int] = []  # the piece of each atom
    links: list[list[int]] = [[] for _ in roots]
    digits: list[dict[int, int]] = [{} for _ in roots]
    texts: list[str] = []
    for atom, text in enumerate(tree.atoms):
        piece = number.get(atom, -1)
        if piece < 0:
            piece = home[tree.parent[atom]]
        elif piece > 0:
            links[home[tree.parent[atom]]].append(piece)
        home.append(piece)
        for closure in tree.rings[atom]:
            if open_closures:
                links[piece].append(-1 - closure)
            else:
                own = digits[piece]
                digit = own.setdefault(closure, len(own) + 1)
                text += tree.closures[closure][2] + ring_digit(digit)
        texts.append(text)
    # From the leaves down, since an atom's text ends with those of its branches.
    branches: list[list[str]] = [[] for _ in texts]  # the last one first
    for atom in range(len(texts) - 1, -1, -1):
        below = branches[atom]
        if open_closures:
            below += "*" * len(tree.rings[atom])
        if below:
            last, *others = below
            texts[atom] += "".join([f"({text})" for text in reversed(others)]) + last
        bond = tree.bond[atom]
        if atom not in number:
            branches[tree.parent[atom]].append(bond + texts[atom])
        elif atom:
            bond = "" if bond == "-" else bond
            branches[tree.parent[atom]].append(bond + "*")
            texts[atom] = "*" + bond + texts[atom]
    return [Piece(texts[root], links[piece], root) for piece, root in enumerate(roots)]


def ring_digit(number: int) -> str:
    """A ring closure's number as SMILES writes it.

    Raises:
        StructureError: `unparsable`: beyond 99, more than SMILES can write.
    """
    if number > 99:
        raise StructureError("unparsable", "more than 99 ring closures")
    return str(number) if number < 10 else f"%{number}"
