"""A filter of the SMARTS that a molecule can hold at all, told from its bonds one by one.

Every bond of a pattern asks for a bond between two kinds of atoms: that is a *requirement*. A
molecule in which it is met by no bond cannot hold the pattern. There are only some hundred kinds of
bonds in all molecules, so that the requirements that each kind meets are worked out once and
remembered; for a molecule they are then looked up and joined. A small ring of a pattern asks for
one of the molecule. What they cannot express (recursive SMARTS) is left out of them: they are
necessary for a match, never sufficient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rdkit import Chem

_TABLE = Chem.GetPeriodicTable()
_PRIMITIVE = re.compile(
    r"(?P<not>!?)(?:#(?P<number>\d+)|X(?P<degree>\d)|H(?P<hydrogens>\d?)|R(?P<ring>0?)(?!\d)"
    r"|\+(?P<plus>\d?)(?!\+)|-(?P<minus>\d?)(?!-)"
    r"|(?P<symbol>Cl|Br|Si|[BCNOPSFI])(?![a-z])|(?P<aromatic>[bcnops])(?![a-z0-9])"
    r"|(?P<any>\*)|(?P<A>A)(?![a-z])|(?P<a>a)(?![a-z]))"
)


class Atom(NamedTuple):
    """Features of an atom that a requirement may ask for."""

    number: int
    aromatic: bool
    degree: int  # hydrogens counted, SMARTS X
    hydrogens: int
    charge: int
    ring: bool


class Bond(NamedTuple):
    """Features of a bond that a requirement may ask for; `order` is 0 where it is aromatic."""

    order: int
    ring: bool


class Ring(NamedTuple):
    """The size of the smallest ring: one with a cycle of n atoms has a ring of n or fewer."""

    smallest: int


Kind = tuple[Atom, Atom, Bond]
Test = Callable[[Atom], bool]


_numbers: dict[Hashable, int] = {}
_known: list[Hashable] = []
"""Kinds met so far, each by its number: whoever asks again need not hash it anew."""


@lru_cache(maxsize=256)
def kinds(found: Any) -> frozenset[int]:
    """Numbers of the kinds of atoms, bonds and rings of an RDKit molecule, remembered by the
    object, which is not to be changed: several sets of patterns are looked for in a row."""
    atoms = [
        Atom(
            atom.GetAtomicNum(),
            atom.GetIsAromatic(),
            atom.GetTotalDegree(),
            atom.GetTotalNumHs(includeNeighbors=True),
            atom.GetFormalCharge(),
            atom.IsInRing(),
        )
        for atom in found.GetAtoms()
    ]
    bonds = set()
    for bond in found.GetBonds():
        # By type, not by aromaticity: the triple bond of an aryne is aromatic to RDKit, too.
        aromatic = bond.GetBondType() == Chem.BondType.AROMATIC
        order = 0 if aromatic else int(bond.GetBondTypeAsDouble())
        ends = atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()]
        bonds.add((*ends, Bond(order, bond.IsInRing())))
    rings = found.GetRingInfo().AtomRings()
    smallest = {Ring(min(map(len, rings)))} if rings else set()
    return frozenset(map(_number, {*atoms, *bonds, *smallest}))


def _number(kind: Hashable) -> int:
    number = _numbers.setdefault(kind, len(_known))
    if number == len(_known):
        _known.append(kind)
    return number


class SmartsPrefilter:
    """Tells which of n queries a molecule may hold. No query that matches is left out.

    Args:
        queries: RDKit molecules of SMARTS.
    """

    def __init__(self, queries: Sequence[Any]):
        self._tests: list[Callable[[Any], bool]] = []
        places: dict[str, int] = {}
        self._needed: list[int] = []
        for query in queries:
            needed = 0
            for text, test in _requirements(query):
                if text not in places:
                    places[text] = len(self._tests)
                    self._tests.append(test)
                needed |= 1 << places[text]
            self._needed.append(needed)
        self._met: dict[int, int] = {}

    def possible(self, found: Any) -> list[int]:
        """Places of the queries that a molecule may hold, ascending."""
        met = 0
        for kind in kinds(found):
            known = self._met.get(kind)
            if known is None:
                known = self._learn(kind)
            met |= known
        return [place for place, needed in enumerate(self._needed) if needed & met == needed]

    def _learn(self, number: int) -> int:
        kind = _known[number]
        bits = sum(1 << place for place, test in enumerate(self._tests) if test(kind))
        self._met[number] = bits
        return bits


def _requirements(query: Any) -> list[tuple[str, Callable[[Any], bool]]]:
    """The requirements of a query, each with a text that tells it from others."""
    atoms = [(atom.GetSmarts(), _atom_test(atom.GetSmarts())) for atom in query.GetAtoms()]
    out = [(text, _alone(test)) for text, test in atoms]
    for bond in query.GetBonds():
        first, one = atoms[bond.GetBeginAtomIdx()]
        second, other = atoms[bond.GetEndAtomIdx()]
        text = bond.GetSmarts()
        out.append((f"{first} {text} {second}", _between(one, other, _orders(text), _ring(text))))
    Chem.FastFindRings(query)
    sizes = {len(ring) for ring in query.GetRingInfo().AtomRings()}
    return out + [(f"ring {size}", _ring_of(size)) for size in sizes]


def _ring_of(size: int) -> Callable[[Any], bool]:
    return lambda kind: isinstance(kind, Ring) and kind.smallest <= size


def _alone(test: Test) -> Callable[[Any], bool]:
    return lambda kind: isinstance(kind, Atom) and test(kind)


def _between(
    one: Test, other: Test, orders: frozenset[int], ring: bool | None
) -> Callable[[Any], bool]:
    def test(kind: Any) -> bool:
        if isinstance(kind, Atom | Ring):
            return False
        first, second, bond = kind
        if bond.order not in orders or (ring is not None and bond.ring != ring):
            return False
        return (one(first) and other(second)) or (one(second) and other(first))

    return test


_EVERY_ORDER = frozenset(range(8))
_ORDERS = {"": frozenset((0, 1)), "-": frozenset((1,)), "=": frozenset((2,)), "#": frozenset((3,)),
           ":": frozenset((0,)), "~": _EVERY_ORDER}  # fmt: skip


def _orders(text: str) -> frozenset[int]:
    """Orders that a bond's SMARTS lets pass; all where it says more than this reader knows."""
    allowed = _EVERY_ORDER
    for part in text.replace("&", ";").split(";"):
        choices = part.split(",")
        if part in ("@", "!@"):
            continue
        if not all(choice in _ORDERS for choice in choices):
            return _EVERY_ORDER
        allowed &= frozenset().union(*(_ORDERS[choice] for choice in choices))
    return allowed


def _ring(text: str) -> bool | None:
    """Whether a bond's SMARTS asks for a ring's bond; None where it says nothing of rings."""
    if "," in text or "@" not in text:
        return None
    return "!@" not in text


def _atom_test(smarts: str) -> Test:
    """A test that every atom passes which the SMARTS of an atom matches."""
    text = smarts[1:-1] if smarts.startswith("[") else smarts
    text = re.sub(r":\d+$", "", _without_recursion(text))
    clauses = [
        [[_primitive(one) for one in _split(choice)] for choice in clause.split(",")]
        for clause in text.split(";")
    ]
    return lambda atom: all(
        any(all(test(atom) for test in choice) for choice in clause) for clause in clauses
    )


def _without_recursion(text: str) -> str:
    """Recursive SMARTS, negated or not, become `?`, of which nothing is known."""
    out, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        if depth == 0 and text.startswith("$(", place):
            out.append(text[start:place].removesuffix("!") + "?")
            start = -1
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0 and start == -1:
            start = place + 1
    return "".join(out) + text[start:]


def _split(choice: str) -> list[str]:
    """The primitives of `N&X3&+0`; those written without a sign between them are kept apart."""
    parts: list[str] = []
    for part in choice.split("&"):
        place = 0
        while place < len(part):
            match = _PRIMITIVE.match(part, place)
            if match is None:
                parts.append("?")
                break
            parts.append(match.group())
            place = match.end()
    return parts


def _primitive(text: str) -> Test:
    match = _PRIMITIVE.fullmatch(text)
    if match is None:
        return lambda atom: True
    if match["not"]:
        test = _primitive(text[1:])
        return lambda atom: not test(atom)
    group = match.lastgroup or ""
    value = match[group] or ""
    if group == "number":
        number = int(value)
        return lambda atom: atom.number == number
    if group in ("symbol", "aromatic"):
        number, aromatic = int(_TABLE.GetAtomicNumber(value.capitalize())), group == "aromatic"
        return lambda atom: atom.number == number and atom.aromatic == aromatic
    if group in ("A", "a"):
        return lambda atom: atom.aromatic == (group == "a")
    if group == "ring":
        return lambda atom: atom.ring == (value != "0")
    if group in ("plus", "minus"):
        charge = (1 if group == "plus" else -1) * int(value or 1)
        return lambda atom: atom.charge == charge
    if group in ("degree", "hydrogens"):
        count = int(value or 1)
        return lambda atom: getattr(atom, group) == count
    return lambda atom: True
