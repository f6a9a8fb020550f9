"""Rows of a person's file of molecules: tables of SMILES, plain SMILES lists, parquet, SDF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rdkit import rdBase

from nucleate.core.errors import InputError, StructureError
from nucleate.datasets.archives import Line, lines, opened
from nucleate.datasets.tabular import (
    LONGEST_ID,
    SEPARATORS,
    WORKBOOKS,
    has_column,
    open_table,
    split_line,
    structure_rows,
    text_table,
    usual_column,
)
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.molecules.chemistry.chem import canonical
from nucleate.molecules.io.objects import from_object
from nucleate.molecules.io.sdf import read_sdf
from nucleate.molecules.io.smiles_text import read_text, split_text
from nucleate.molecules.io.standardise import standardise
from nucleate.molecules.options import (
    MAXIMUM_PAYLOAD,
    MAXIMUM_TEXT,
    STRUCTURE_COLUMNS,
    StandardiseOptions,
)
from nucleate.settings.data import DatasetSettings

_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".smi": "smi",
    ".smiles": "smi",
    ".txt": "smi",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".sdf": "sdf",
    ".sd": "sdf",
    ".mol": "sdf",
    **dict.fromkeys(WORKBOOKS, "csv"),
}
# A CXSMILES at the beginning of a line whose cells are separated by spaces.
_EXTENDED = re.compile(r"^(\S+ \|[^|\"]*\|)(?!\S)")


class MoleculeReader(Reader):
    """Reads tables of SMILES and SDF."""

    Options = StandardiseOptions
    suffixes = tuple(_FORMATS)
    screening_options = {"maximum_heavy_atoms": 200}  # noqa: RUF012 (constant)

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        return read_rows(source, dataset)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        return standardise(payload, options)

    def from_object(self, thing: Any) -> str | None:
        return from_object(thing)

    def differs(self, text: str, structure: str) -> bool:
        """Whether the SMILES is of another molecule: parts left out, charges taken away."""
        try:
            with rdBase.BlockLogs():
                molecule, _ = read_text(split_text(text[:MAXIMUM_TEXT]))
                return canonical(molecule) != structure
        except StructureError:
            return False


def read_rows(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    """Stream the rows of one file, which may be gzipped or the only file in a tar or zip.

    Ids come from the named column, else a column `id`, else (SMILES lists, SDF) the molecule's
    name, else the row number. A SMILES list may start with a header.

    Raises:
        InputError: see `sources.opened` and `sources.lines`; also an unknown format, no rows, and
            a named column that is missing (the message lists those found).
    """
    with opened(source) as (stream, name):
        kind = dataset.format
        if kind == "auto":
            suffix = PurePosixPath(name.lower()).suffix
            kind = _FORMATS.get(suffix, "auto")  # type: ignore[assignment]
        if kind == "sdf":
            rows = read_sdf(source, stream, dataset)
        elif kind in ("parquet", *SEPARATORS):
            rows = _rows(source, stream, name, kind, dataset)
        else:
            raise InputError(
                f"{name}: not a known format of molecules; known endings: "
                f"{', '.join(sorted(_FORMATS))} (or set `format`)",
                file=source,
            )
        found = False
        for row in islice(rows, dataset.limit):
            found = True
            yield row
        if not found:
            raise InputError("holds no rows", file=source)


def _rows(
    source: Path, stream: IO[bytes], name: str, kind: str, dataset: DatasetSettings
) -> Iterator[RawRow]:
    """Rows of a table, or of a SMILES list without a header."""
    if kind == "smi":
        rest = lines(stream, source)
        head = next((line for line in rest if not _blank(line)), None)
        if head is None:
            return iter(())
        named = _separators(head.text, dataset)
        if not named:
            return _list(source, head, rest, dataset)
        if named == " ":
            rest = (replace(one, text=_EXTENDED.sub(r'"\1"', one.text)) for one in rest)
        table = text_table(chain([head], rest), source, named)
    else:
        table = open_table(source, stream, name, kind, partial(_has_structure, dataset))
    missing = f"no column called {' or '.join(STRUCTURE_COLUMNS)}"
    return structure_rows(table, source, dataset, STRUCTURE_COLUMNS, missing)


def _has_structure(dataset: DatasetSettings, names: Sequence[str]) -> bool:
    return has_column(names, dataset.structure_column, STRUCTURE_COLUMNS)


def _separators(head: str, dataset: DatasetSettings) -> str:
    """What parts the cells of a SMILES list's header; empty if its first line is none."""
    for one in SEPARATORS["smi"]:
        if _has_structure(dataset, split_line(head, one)):
            return one
    return " " if usual_column(head.split(), STRUCTURE_COLUMNS) is not None else ""


def _list(
    source: Path, head: Line, rest: Iterable[Line], dataset: DatasetSettings
) -> Iterator[RawRow]:
    """One SMILES a line, optionally followed by the extension of a CXSMILES and a name.

    Lines that begin with `#` or `//` are comments.
    """
    named = [dataset.structure_column, dataset.id_column, *dataset.properties]
    if any(named):
        raise InputError(
            f"has no header, hence no column {', '.join(n for n in named if n)}; "
            f"its first line is {head.text[:60]!r}",
            file=source,
        )
    spoken = (line for line in chain([head], rest) if not _blank(line))
    return (_list_row(row, line) for row, line in enumerate(spoken, 1))


def _blank(line: Line) -> bool:
    """Whether a line of a SMILES list holds nothing or a comment."""
    text = line.text.lstrip()
    return not text or text.startswith(("#", "//"))


def _list_row(row: int, line: Line) -> RawRow:
    if line.error:
        return RawRow(row, str(row), None, error=line.error)
    if len(line.text) > MAXIMUM_PAYLOAD:  # told by `standardise`
        return RawRow(row, str(row), line.text[: MAXIMUM_PAYLOAD + 1])
    try:
        given = split_text(line.text)
    except StructureError:  # told by `standardise`
        return RawRow(row, str(row), line.text.strip())
    name = given.rest.split("\t")[0].strip()[:LONGEST_ID] or str(row)
    text = f"{given.smiles} |{given.extension}|" if given.extension else given.smiles
    return RawRow(row, name, text)
