"""Sets of named SMARTS, looked for in one go.

Most patterns cannot be in most molecules: only those whose requirements of single bonds are met
(`smarts_prefilter`) are matched by RDKit. The result is the same in a
fraction of the time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field
from rdkit import Chem, rdBase

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, read_toml, validate
from nucleate.molecules.chemistry.smarts_prefilter import SmartsPrefilter

_HYDROGEN = re.compile(r"\[H\]|#1(?!\d)")


class Group(NamedTuple):
    """A named substructure.

    Attributes:
        name: in a chemist's words; unique within its set.
        smarts: the pattern. Several may be joined by ` | `: any of them will do.
        explanation: one line: what is wrong with it, or what kind of hazard it is.
        source: where the pattern is from: a paper, a rule set, or our own judgement.
        wider: a pattern that whatever matches this one matches, too; empty if none is stated.
    """

    name: str
    smarts: str
    explanation: str = ""
    source: str = ""
    wider: str = ""


@lru_cache(maxsize=1024)
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
        self._queries = [
            (number, pattern(part, group.name))
            for number, group in enumerate(self.groups)
            for part in group.smarts.split(" | ")
        ]
        self._prefilter = SmartsPrefilter([query for _, query in self._queries])

    def matches(self, found: Any) -> list[Group]:
        """The groups that an RDKit molecule holds, in the set's order."""
        hits: set[int] = set()
        for place in self._prefilter.possible(found):
            number, query = self._queries[place]
            if number not in hits and found.HasSubstructMatch(query):
                hits.add(number)
        return [self.groups[number] for number in sorted(hits)]


class _Row(Settings):
    name: str
    smarts: str | tuple[str, ...]
    explanation: str
    source: str
    wider: str = ""


class _Table(Settings):
    shorthand: dict[str, str] = Field(default_factory=dict)
    group: tuple[_Row, ...]


def read_groups(path: Path) -> list[Group]:
    """The groups of a TOML table, one `[[group]]` each, whose `smarts` may be a list.

    The texts of the table `shorthand` stand in SMARTS by their names in angle brackets.

    Raises:
        SettingsError: not such a table, a name that stands twice, or an unknown shorthand.
    """
    table = validate(_Table, read_toml(path), str(path))
    groups: dict[str, Group] = {}
    for row in table.group:
        smarts = row.smarts if isinstance(row.smarts, str) else " | ".join(row.smarts)
        for name, text in table.shorthand.items():
            smarts = smarts.replace(f"<{name}>", text)
        if "<" in smarts or row.name in groups:
            fault = "stands twice" if row.name in groups else "has an unknown shorthand"
            raise SettingsError(f"{path}: group {row.name!r} {fault}")
        groups[row.name] = Group(row.name, smarts, row.explanation, row.source, row.wider)
    return list(groups.values())


@cache
def read_patterns(*paths: Path) -> Patterns:
    """`read_groups` of some tables, one after the other, compiled."""
    return Patterns([group for path in paths for group in read_groups(path)])
