"""What a search need not ask, because the answer is known or as good as known.

The rule: a structure that is the same as a known one is no discovery and is not asked for; one that
is the same as another one which the search has asked for is asked for `variants` times at most,
since a crystal of a slightly other cell has a slightly other energy, but is the same crystal.
"Same" is the matter's own verdict (see `nucleate.novelty.representatives`). Only structures of the
data that a search starts from are asked for though they are known, each as it is written there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from nucleate.matter.identity import Identity
from nucleate.novelty.representatives import Representatives
from nucleate.search.searcher import Proposal

GIVEN = ("data", "start")
"""Origins of proposals that were not made by a search."""


class Repeats:
    """Known structures, and those that were asked for.

    Args:
        identity: of the kind of matter.
        known: structures that are no discovery, beside those that come with the package.
        variants: further structures that may be asked for of each one that is new.
    """

    def __init__(self, identity: Identity, known: Collection[str] = (), variants: int = 0):
        self.identity = identity
        self.known = Representatives(identity, [*known, *identity.bundled()])
        self.asked = Representatives(identity)
        self.variants = variants
        self._members: Counter[str] = Counter()  # of each representative of those asked for
        self._noted: set[str] = set()

    def note(self, structure: str) -> None:
        """Take note that a structure was asked for, by whomever."""
        if structure not in self._noted:
            self._noted.add(structure)
            self._members[self.asked.add(structure)] += 1

    def known_as(self, structure: str) -> str | None:
        """The known structure that is the same; None if there is none."""
        return self.known.find(structure)

    def asked_as(self, structure: str) -> str | None:
        """The structure that was asked for in the place of one that need not be; None if this one
        was asked for itself, or may be."""
        if structure in self._noted:
            return None
        found = self.asked.find(structure)
        return found if found is not None and self._members[found] > self.variants else None

    def take(self, proposal: Proposal) -> bool:
        """Whether a proposal may be asked for; if so it is noted."""
        structure = proposal.structure
        made = proposal.origin not in GIVEN and structure not in self._noted
        if made and (self.known_as(structure) or self.asked_as(structure)):
            return False
        self.note(structure)
        return True
