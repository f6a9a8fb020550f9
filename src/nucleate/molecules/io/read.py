"""Rows of a person's file of molecules: tables of SMILES, plain SMILES lists, parquet, SDF."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from nucleate.core.errors import InputError
from nucleate.datasets.archives import Line, lines, opened
from nucleate.datasets.tabular import (
    Columns,
    finite_number,
    parquet_rows,
    split_line,
    usual_column,
)
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.io.objects import from_object
from nucleate.molecules.io.sdf import read_sdf
from nucleate.molecules.io.standardise import standardise
from nucleate.molecules.options import MAXIMUM_TEXT, STRUCTURE_COLUMNS, StandardiseOptions
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
}
_DELIMITERS = {"csv": ",;\t", "tsv": "\t", "smi": "\t,;"}


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
        molecule = parse(text)
        return molecule is not None and canonical(molecule) != structure


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
        if kind == "parquet":
            rows = _parquet(source, stream, dataset)
        elif kind == "sdf":
            rows = read_sdf(source, stream, dataset)
        elif kind in _DELIMITERS:
            rows = _text(source, stream, dataset, kind)
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


def payload(text: str) -> str:
    """A SMILES as it is handed on. `standardise` refuses longer ones, so their rest is not kept."""
    return text.strip()[: MAXIMUM_TEXT + 1]


def _text(source: Path, stream: IO[bytes], dataset: DatasetSettings, kind: str) -> Iterator[RawRow]:
    """A delimited table, or a SMILES list without a header."""
    rest = lines(stream, source)
    head = next(rest, None)
    if head is None:
        return iter(())
    delimiter = _delimiter(head.text, dataset, kind)
    if delimiter is not None:
        return _table(source, head, rest, delimiter, dataset)
    if kind != "smi":
        _columns(split_line(head.text, _DELIMITERS[kind][0]), dataset, source)
        raise InputError("has no header", file=source)  # unreachable unless find passes
    if dataset.properties or dataset.structure_column or dataset.id_column:
        named = [dataset.structure_column, dataset.id_column, *dataset.properties]
        raise InputError(
            f"has no header, hence no column {', '.join(n for n in named if n)}; "
            f"its first line is {head.text[:60]!r}",
            file=source,
        )
    return _list(chain([head], rest))


def _delimiter(header: str, dataset: DatasetSettings, kind: str) -> str | None:
    """The delimiter that makes the first line a header with a structure column, if any does."""
    for delimiter in _DELIMITERS[kind]:
        names = split_line(header, delimiter)
        if (dataset.structure_column or usual_column(names, STRUCTURE_COLUMNS)) in names:
            return delimiter
    if kind == "smi" and usual_column(header.split(), STRUCTURE_COLUMNS) is not None:
        return " "
    return None


def _table(
    source: Path, head: Line, rest: Iterable[Line], delimiter: str, dataset: DatasetSettings
) -> Iterator[RawRow]:
    names = split_line(head.text, delimiter)
    columns = _columns(names, dataset, source)
    place = {n: i for i, n in reversed(list(enumerate(names)))}
    errors: list[str] = []

    def texts() -> Iterator[str]:
        for line in rest:
            if line.error:
                errors.append(line.error)
            # A cut line may have lost its closing quote, which would swallow those after it.
            yield line.text + ('"' if line.error and line.text.count('"') % 2 else "") + "\n"

    reader = csv.reader(texts(), delimiter=delimiter, skipinitialspace=delimiter == " ")
    for row in range(1, 2**63):
        errors.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RawRow(row, str(row), None, error=f"not a table row ({error})")
            continue
        yield _table_row(row, fields, columns, place, errors)


def _table_row(
    row: int,
    fields: list[str],
    columns: Columns,
    place: dict[str, int],
    errors: list[str],
) -> RawRow:
    def value(name: str) -> str | None:
        at = place[name]
        return fields[at] if at < len(fields) else None

    identity = ((value(columns.id) if columns.id else None) or str(row)).strip()[:200]
    structure = value(columns.structure)
    if structure is not None and len(structure.strip()) > MAXIMUM_TEXT:
        return RawRow(row, identity, payload(structure))  # refused by name in standardise
    if errors:
        return RawRow(row, identity, None, error=errors[0])
    if structure is None:
        return RawRow(
            row, identity, None, error=f"has {len(fields)} fields, the header {len(place)}"
        )
    properties = {name: finite_number(value(name)) for name in columns.properties}
    return RawRow(row, identity, payload(structure), properties)


def _list(rows: Iterable[Line]) -> Iterator[RawRow]:
    """One SMILES a line, optionally followed by white space and a name."""
    for row, line in enumerate(rows, 1):
        words = line.text.split(None, 1)
        name = words[1].strip()[:200] if len(words) > 1 else str(row)
        if len(words[0]) > MAXIMUM_TEXT:
            yield RawRow(row, name, payload(words[0]))
        elif line.error:
            yield RawRow(row, str(row), None, error=line.error)
        else:
            yield RawRow(row, name, words[0])


def _parquet(source: Path, stream: IO[bytes], dataset: DatasetSettings) -> Iterator[RawRow]:
    import pyarrow as pa

    found: list[Columns] = []

    def choose(schema: pa.Schema) -> list[str]:
        columns = _columns(schema.names, dataset, source)
        kind = schema.field(columns.structure).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise InputError(f"column {columns.structure} holds {kind}, not text", file=source)
        found.append(columns)
        return columns.names

    for row, record in enumerate(parquet_rows(source, stream, choose), 1):
        (columns,) = found
        identity = record[columns.id] if columns.id else None
        identity = str(row) if identity is None else str(identity)[:200]
        structure = record[columns.structure]
        if structure is None:
            yield RawRow(row, identity, None, error="no SMILES")
            continue
        properties = {n: finite_number(record[n]) for n in columns.properties}
        yield RawRow(row, identity, payload(structure), properties)


def _columns(names: Sequence[str], dataset: DatasetSettings, source: Path) -> Columns:
    missing = f"no column called {' or '.join(STRUCTURE_COLUMNS)}"
    return Columns.find(names, dataset, source, STRUCTURE_COLUMNS, missing)
