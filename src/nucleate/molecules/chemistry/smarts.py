"""Sets of named SMARTS, looked for in one go.

Most patterns cannot be in most molecules: only those whose demands on single bonds are met
(`nucleate.molecules.chemistry.smarts_prefilter`) are matched by RDKit. The result is the same in a
fraction of the time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from rdkit import Chem, rdBase

from nucleate.core.errors import SettingsError
from nucleate.molecules.chemistry.smarts_prefilter import SmartsPrefilter

_HYDROGEN = re.compile(r"\[H\]|#1(?!\d)")


class Group(NamedTuple):
    """A named substructure.

    Attributes:
        name: in a chemist's words; unique within its set.
        smarts: the pattern. Several may be joined by ` | `: any of them will do.
        reason: one line: what is wrong with it, or what kind of hazard it is.
    """

    name: str
    smarts: str
    reason: str


def pattern(smarts: str, name: str = "") -> Any:
    """The query molecule of a SMARTS, explicit hydrogens turned into counts.

    Raises:
        SettingsError: RDKit cannot read it.
    """
    found = Chem.MolFromSmarts(smarts)
    if found is None or found.GetNumAtoms() == 0:
        called = f" of {name}" if name else ""
        raise SettingsError(f"{smarts!r}{called} is not a valid SMARTS")
    if not _HYDROGEN.search(smarts):
        return found
    with rdBase.BlockLogs():  # hydrogens in an `or` stay as they are, and match none
        return Chem.MergeQueryHs(found)


class Patterns:
    """A set of groups, compiled.

    Raises:
        SettingsError: a SMARTS cannot be read.
    """

    def __init__(self, groups: Sequence[Group]):
        self.groups = list(groups)
        split = [
            (number, pattern(part, group.name))
            for number, group in enumerate(self.groups)
            for part in group.smarts.split(" | ")
        ]
        self._queries = split
        self._demands = SmartsPrefilter([query for _, query in split])

    def matches(self, found: Any) -> list[Group]:
        """The groups that an RDKit molecule holds, in the set's order."""
        hits: set[int] = set()
        for place in self._demands.possible(found):
            number, query = self._queries[place]
            if number not in hits and found.HasSubstructMatch(query):
                hits.add(number)
        return [self.groups[number] for number in sorted(hits)]
