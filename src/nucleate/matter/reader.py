"""Part one of a kind of matter: a person's file becomes structure strings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from nucleate.core.settings import Settings, validate
from nucleate.matter.part import MatterPart
from nucleate.settings.data import DatasetSettings


@dataclass(frozen=True)
class RawRow:
    """One row as it stands in a file, not yet looked at.

    Attributes:
        number: one-based data row (header not counted).
        id: the file's own id of the row, or its number as text.
        payload: what `Reader.standardise` takes; small and picklable (a SMILES, CIF text).
        properties: by column name; NaN where missing or not finite.
        error: why the row could not even be read; then `payload` is None.
        unread: text of the property cells that hold something, but no number, by column.
        cells: all that the row holds, as it stands in the file, by column, but for the structure;
            rows with an error alone take it along to other processes.
        reason: under which a row with an `error` is counted.
    """

    number: int
    id: str
    payload: Any
    properties: dict[str, float] = field(default_factory=dict)
    error: str = ""
    unread: dict[str, str] = field(default_factory=dict)
    cells: Mapping[str, Any] = field(default_factory=dict)
    reason: str = "unreadable"

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes need none of what stands beside the structure.
        return self.__dict__ | ({} if self.error else {"cells": {}})


@dataclass(frozen=True)
class Standardised:
    """A structure in canonical form.

    Attributes:
        structure: the structure string.
        key: rows with different keys are surely different structures; rows with equal keys are
            compared by `Identity.are_duplicates`.
        notes: what was decided or left out on reading, in words that equal cases share (they are
            counted): `left out sodium`, `origin choice 2, told by the formula`.
    """

    structure: str
    key: str
    notes: tuple[str, ...] = ()


class Reader(MatterPart, ABC):
    """Reads files of a kind of matter.

    Attributes:
        Options: of `standardise`, with defaults made for training sets.
        screening_options: further ones for files that are screened, where those defaults would
            refuse sound structures.
        suffixes: endings of the files that it reads, such as `.csv`. Structures given in Python are
            written as `.parquet` if that is among them, else as CSV.
    """

    Options: ClassVar[type[Settings]] = Settings
    screening_options: ClassVar[Mapping[str, Any]] = {}
    suffixes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        """Stream the rows of a file or folder; memory does not grow with the file.

        Raises:
            InputError: the file as a whole is unreadable, empty or lacks a named column.
        """

    def files_named(self, source: Path, dataset: DatasetSettings) -> Iterator[Path]:
        """The files that a source names and whose content is read, as of a table of paths."""
        return iter(())

    @abstractmethod
    def standardise(self, payload: Any, options: Any) -> Standardised:
        """Canonical structure of a row.

        Args:
            options: `Options`.

        Raises:
            StructureError: with the reason under which the row is counted as rejected.
        """

    def from_object(self, thing: Any) -> str | None:
        """What `standardise` takes of an object of the field's libraries (an RDKit molecule, a
        pymatgen Structure); None of any other.

        Raises:
            StructureError: an object that holds no structure of this kind.
        """
        return None

    def resolve(self, options: Mapping[str, Any], where: str) -> Any:
        """`Options` of a settings file's section; `where` names it in an error."""
        return validate(self.Options, options, where)

    def differs(self, text: str, structure: str) -> bool:
        """Whether a person's text states another structure than this one, which standardising made
        of it; what is left out of salts, say."""
        return False
