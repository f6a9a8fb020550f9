"""Trees of fragments -> tokens, in preorder (Polish) notation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nucleate.core.errors import StructureError
from nucleate.molecules.codecs.fragments import Fragment, open_template

CLOSURES = 6
"""Ring closures of opened fragments that may be waiting for their other end at once."""


def longest(token: Mapping[str, int], trees: Iterable[Sequence[Fragment]]) -> int:
    """Tokens of the tree that takes most, at least 1."""
    most = 1
    for tree in trees:
        try:
            most = max(most, len(preorder(token, tree)))
        except StructureError:
            continue  # counted as rejected when it is encoded
    return most


def preorder(token: Mapping[str, int], tree: Sequence[Fragment]) -> list[int]:
    """Tokens of a tree, parent first, children in the order of the parent's places.

    Args:
        token: the number of each template that is known; the others are opened.

    Raises:
        StructureError: `unknown_symbol` (names it) or `too_complex`.
    """
    return _Writer(token, tree).tokens


class _Writer:  # functions within one another would be a cycle for the garbage collector
    def __init__(self, token: Mapping[str, int], tree: Sequence[Fragment]):
        self.token, self.tree = token, tree
        self.tokens: list[int] = []
        self.waiting: dict[tuple[int, int], int] = {}  # (opened fragment, closure) -> label
        self.fragment(0)

    def fragment(self, number: int) -> None:
        fragment = self.tree[number]
        token = self.token.get(fragment.template)
        if token is None:
            self.piece(number, open_template(fragment.template), 0)
            return
        self.tokens.append(token)
        for link in fragment.links:
            self.fragment(link)

    def piece(self, number: int, pieces: tuple[Fragment, ...], index: int) -> None:
        """Write piece `index` of the fragment `number`, which is opened."""
        template = pieces[index].template
        if template not in self.token:
            raise StructureError("unknown_symbol", f"{template} was not seen in training")
        self.tokens.append(self.token[template])
        for link in pieces[index].links:
            if link <= -1000:
                self.fragment(self.tree[number].links[-link - 1001])
            elif link < 0:
                self.closure((number, link))
            else:
                self.piece(number, pieces, link)

    def closure(self, key: tuple[int, int]) -> None:
        if key in self.waiting:
            self.tokens.append(self.waiting.pop(key))
            return
        free = set(range(1, CLOSURES + 1)) - set(self.waiting.values())
        if not free:
            raise StructureError("too_complex", f"more than {CLOSURES} open ring closures")
        self.waiting[key] = min(free)
        self.tokens.append(min(free))
