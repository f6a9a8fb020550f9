"""Trees of templates -> SMILES."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from nucleate.molecules.codecs.smiles_tree import MARKS, SmilesTree, parse_tree, ring_digit
from nucleate.molecules.codecs.templates import is_root


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
def _parse_template(template: str) -> tuple[SmilesTree, list[list[int]], dict[int, int]]:
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
        tree, children, place = _parse_template(node.template)
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
                    symbol = _mirror(symbol)
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


def _mirror(symbol: str) -> str:
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
