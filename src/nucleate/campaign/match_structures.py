"""Finding the structure that a row of a table is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from nucleate.campaign.batches import Proposed
from nucleate.core.errors import StructureError
from nucleate.datasets.tabular import Row
from nucleate.matter.base import Matter

_FILE_NAME = 300
"""Characters beyond which a cell is no file's name."""


class Identity:
    """Finds structures by the id of their proposal or by any spelling of them.

    Args:
        proposed: all proposals of the study.
        others: further structures that it knows: the person's own.
        standardise: options of the matter.

    Raises:
        SettingsError: impossible options.
    """

    def __init__(
        self,
        matter: Matter,
        proposed: Iterable[Proposed],
        others: Iterable[str],
        standardise: Mapping[str, Any],
    ):
        self.matter = matter
        self.structures = {p.id.lower(): (p.structure, p.id) for p in proposed}
        self.ids = dict(self.structures.values())
        self._options = matter.reader.resolve(standardise, "a measured objective: standardise")
        self._others = list(others)

    @property
    def columns(self) -> list[str]:
        """Names that a column of structures may have."""
        own = (
            self.matter.structure_column,
            self.matter.export.exchange_key,
            "structure",
            "path",
            "file",
        )
        return [name for name in dict.fromkeys(own) if name]

    def find(
        self, row: Row, identifier: str | None, named: str | None, folder: Path
    ) -> tuple[str, str]:
        """The structure of a row and the id of its proposal, empty if it was never proposed.

        Where both are given the id counts, unless the structure is another proposal's.

        Args:
            identifier: column of ids.
            named: column of structures, or of files that hold one each.
            folder: of the table, in which such files are.

        Raises:
            StructureError: no such proposal, no structure, or one that cannot be read.
        """
        given = row.cells.get(identifier or "", "")
        text = row.cells.get(named or "", "")
        if given:
            found = self.structures.get(given.lower())
            if found is None:
                raise StructureError("unknown_proposal", f"{given[:40]!r} was never proposed")
            self._agree(found[1], text, folder)
            return found
        if not text:
            raise StructureError("no_structure", "neither a proposal's id nor a structure")
        structure = self._standardise(text, folder)
        return structure, self.ids.get(structure, "")

    def _agree(self, identity: str, text: str, folder: Path) -> None:
        """Refuse a row whose structure is another proposal's: somebody mixed up two rows."""
        if not text or text == self.structures[identity.lower()][0]:
            return
        try:
            other = self.ids.get(self._standardise(text, folder), identity)
        except StructureError:
            return  # the id suffices
        if other != identity:
            raise StructureError("contradiction", f"the id says {identity}, the structure {other}")

    @cached_property
    def _alike(self) -> dict[str, list[tuple[str, str]]]:
        """By key, standardised structures and what the study calls them: standardising may change
        even a structure that a model wrote, a charge say."""
        out: dict[str, list[tuple[str, str]]] = {}
        for structure in dict.fromkeys([*self.ids, *self._others]):
            try:
                found = self.matter.reader.standardise(structure, self._options)
                out.setdefault(found.key, []).append((found.structure, structure))
            except Exception:
                continue  # one that only its id or its very own spelling can name
        return out

    def _standardise(self, text: str, folder: Path) -> str:
        """The structure of a text, as the study knows it already if it does."""
        if text in self.ids:
            return text
        try:
            found = self.matter.reader.standardise(self._content(text, folder), self._options)
        except StructureError:
            raise
        except Exception as error:
            # A library's own failure on one odd cell must not end the table.
            raise StructureError("unreadable", f"{type(error).__name__}: {error}") from None
        alike = self._alike.setdefault(found.key, [])
        for exact in (True, False):  # comparing crystals takes long
            for standard, structure in alike:
                if standard == found.structure or (
                    not exact and self.matter.identity.are_duplicates(standard, found.structure)
                ):
                    return structure
        alike.append((found.structure, found.structure))
        return found.structure

    def altered(self, row: Row, identifier: str | None, named: str | None, structure: str) -> str:
        """The structure that a row states, if it is known by that and this is another one, which
        standardising made of it; else empty."""
        text = row.cells.get(named or "", "")
        if not text or row.cells.get(identifier or "") or text in self.ids:
            return ""
        return text if self.matter.reader.differs(text, structure) else ""

    def _content(self, text: str, folder: Path) -> str:
        """The text itself, or that of the file which it names."""
        if len(text) > _FILE_NAME or "\n" in text:
            return text
        try:
            path = folder / text
            return path.read_text(encoding="utf-8") if path.is_file() else text
        except (OSError, UnicodeDecodeError, ValueError):
            return text
