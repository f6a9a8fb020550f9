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
    tokens: list[int] = []
    waiting: dict[tuple[int, int], int] = {}  # (fragment, its closure) -> label

    def write_fragment(number: int) -> None:
        fragment = tree[number]
        known = token.get(fragment.template)
        if known is None:
            write_piece(number, open_template(fragment.template), 0)
            return
        tokens.append(known)
        for link in fragment.links:
            write_fragment(link)

    def write_piece(number: int, pieces: tuple[Fragment, ...], index: int) -> None:
        """Write piece `index` of the fragment `number` that has been opened."""
        template = pieces[index].template
        if template not in token:
            raise StructureError("unknown_symbol", f"{template} was not seen in training")
        tokens.append(token[template])
        for link in pieces[index].links:
            if link <= -1000:
                write_fragment(tree[number].links[-link - 1001])
            elif link < 0:
                write_closure((number, link))
            else:
                write_piece(number, pieces, link)

    def write_closure(key: tuple[int, int]) -> None:
        if key not in waiting:
            free = set(range(1, CLOSURES + 1)) - set(waiting.values())
            if not free:
                raise StructureError("too_complex", f"more than {CLOSURES} open ring closures")
            waiting[key] = min(free)
            tokens.append(min(free))
        else:
            tokens.append(waiting.pop(key))

    write_fragment(0)
    return tokens
