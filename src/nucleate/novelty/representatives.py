"""Structures told apart by what they are, not by how they are written.

What is "the same" is the matter's own `Identity.first_same`: for crystals what StructureMatcher
maps onto each other, for molecules what shares the InChIKey or the standard tautomer. That costs
milliseconds, so that structures are first sorted into buckets by a cheap text (the reduced
composition, the heavy atoms), and only those of one bucket are compared.
"""

from __future__ import annotations

from collections.abc import Iterable

from nucleate.core.errors import StructureError
from nucleate.matter.identity import Identity


class Representatives:
    """Structures of which each stands for all that are the same: the first one that was added.

    The same need not be transitive: A may be the same as B, and B as C, while A and C differ. So a
    structure is compared with those that stand for others, never with those that they stand for:
    added in the order A, B, C, B belongs to A, and C stands for itself. No two that were added and
    stand for themselves are the same, and who adds the best first keeps the best of each.

    Args:
        identity: of the kind of matter.
        given: structures that all stand for themselves, the same or not: what is known, say.
    """

    def __init__(self, identity: Identity, given: Iterable[str] = ()):
        self.identity = identity
        self._of: dict[str, str] = {structure: structure for structure in given}
        self._buckets: dict[str, list[str]] = {}
        self._unsorted = list(self._of)  # until somebody asks

    def find(self, structure: str) -> str | None:
        """What stands for a structure; None if nothing does."""
        found = self._of.get(structure)
        if found is not None:
            return found
        others = self._bucket(structure)
        place = self.identity.first_same(structure, others) if others else None
        return None if place is None else others[place]

    def add(self, structure: str) -> str:
        """Take in a structure; returns what stands for it, itself if nothing did."""
        found = self.find(structure)
        if found is None:
            self._bucket(structure).append(structure)
            found = structure
        self._of[structure] = found
        return found

    def _bucket(self, structure: str) -> list[str]:
        for other in self._unsorted:
            self._buckets.setdefault(self._key(other), []).append(other)
        self._unsorted = []
        return self._buckets.setdefault(self._key(structure), [])

    def _key(self, structure: str) -> str:
        try:
            return self.identity.bucket(structure)
        except StructureError:
            return structure  # what cannot be read is like nothing else


def distinct(identity: Identity, structures: Iterable[str]) -> list[str]:
    """Those of the structures that are not the same as one before them."""
    seen = Representatives(identity)
    return [s for s in dict.fromkeys(structures) if seen.add(s) == s]
