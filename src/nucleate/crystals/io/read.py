"""Rows of a person's crystals: tables, CIF and POSCAR files, folders and zips of them, extxyz."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from nucleate.core.errors import InputError, printable
from nucleate.crystals.io.extxyz import frames
from nucleate.crystals.io.files import CELL, FILES, TABLES, Found, crystals_in, format_of
from nucleate.crystals.io.folders import listed_rows, member_rows, refuse_properties
from nucleate.crystals.io.members import MAXIMUM_FILE, Member, opened_members
from nucleate.crystals.io.objects import from_object
from nucleate.crystals.io.paths import PATH_COLUMNS, beside, files_of, is_property_list, with_file
from nucleate.crystals.io.standardise import StandardiseOptions, standardise
from nucleate.datasets.archives import opened
from nucleate.datasets.tabular import has_column, open_table, structure_rows
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.settings.data import DatasetSettings

STRUCTURE_COLUMNS = ("crystal", "cif", "structure", "cif_string", "wyckoff", *PATH_COLUMNS)
"""Usual names of the column that holds the crystal, in order of preference; case is ignored."""


def read_rows(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    """Stream the rows of a file or folder.

    Ids come from the named column (or info key), else one called `id`, else the file's name in a
    folder or zip, else the row number.

    Raises:
        InputError: missing, empty, of an unknown format, not what its name says, or lacking a
            column that the settings name.
    """
    if not source.exists():
        raise InputError("no such file or folder", file=source)
    if source.is_file() and source.stat().st_size == 0:
        raise InputError("is empty", file=source)
    found = False
    for row in islice(_rows(source, dataset), dataset.limit):
        found = True
        yield row
    if not found:
        raise InputError("holds no crystals", file=source)


def _rows(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    with opened_members(source) as members:
        if members is not None:
            yield from member_rows(members, source, dataset)
            return
    kind = _kind(source, dataset)
    if kind in TABLES.values():
        find = beside(source)
        yield from (with_file(row, find) for row in _table(source, dataset, kind))
    elif kind == "extxyz":
        yield from _extxyz(source, dataset)
    elif kind in FILES.values():
        yield from _file_rows(source, dataset, kind)
    else:
        known = ", ".join(sorted({**TABLES, **FILES}))
        raise InputError(
            f"not a known format of crystals; known: {known}, POSCAR, a folder, a zip or a tar",
            file=source,
        )


def _kind(source: Path, dataset: DatasetSettings) -> str:
    return format_of(source.name) if dataset.format == "auto" else dataset.format


# Files of crystals


def _file_rows(source: Path, dataset: DatasetSettings, kind: str) -> Iterator[RawRow]:
    """The crystals of a single CIF, POSCAR or JSON file."""
    refuse_properties(dataset, kind == "json", source)
    found = list(crystals_in(Member(printable(source.name), partial(source.open, "rb")), kind))
    if len(found) == 1 and found[0].payload is None:
        raise InputError(found[0].error.partition(": ")[2], file=source)
    texts = ("".join((one.payload or {}).values()) for one in found)
    if kind == "cif" and not any(map(CELL.search, texts)):
        raise InputError("is not a CIF file: no unit cell in it", file=source)
    for number, one in enumerate(found, start=1):
        yield one.row(number, dataset)


def _extxyz(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    """One row per frame; the comment line's keys are ids and properties."""
    member = Member(printable(source.name), partial(source.open, "rb"))
    try:
        with member.unpacked() as stream:
            text = TextIOWrapper(stream, "utf-8-sig", "replace")  # line ends of any system
            for number, frame in enumerate(frames(text), start=1):
                if number == 1 and dataset.id_column and dataset.id_column not in frame.info:
                    known = ", ".join(frame.info)
                    raise InputError(f"no info key {dataset.id_column}; keys: {known}", file=source)
                payload = None if frame.error else {"extxyz": frame.text}
                found = Found(frame.info.get("id", str(number)), payload, frame.info, frame.error)
                yield found.row(number, dataset)
    except ValueError as error:
        raise InputError(str(error), file=source) from None


# Tables


def _table(source: Path, dataset: DatasetSettings, kind: str) -> Iterator[RawRow]:
    """Rows of a table: a crystal's text, or the path of its file from the table's folder."""
    if is_property_list(source.name) and dataset.structure_column is None:
        yield from listed_rows(source, dataset)
        return
    missing = "no column with crystals (`cif`, `crystal`, ...) or with paths (`file`, ...)"
    has = partial(has_column, named=dataset.structure_column, usual=STRUCTURE_COLUMNS)
    with opened(source) as (stream, name):
        table = open_table(source, stream, name, kind, has, MAXIMUM_FILE)
        yield from structure_rows(table, source, dataset, STRUCTURE_COLUMNS, missing)


class CrystalReader(Reader):
    """Reads CIF, POSCAR, extxyz, JSON and tables of them."""

    Options = StandardiseOptions
    suffixes = (*TABLES, *FILES)
    screening_options = {"maximum_atoms": 200, "maximum_input_atoms": 500}  # noqa: RUF012 (constant)

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        return read_rows(source, dataset)

    def files_named(self, source: Path, dataset: DatasetSettings) -> Iterator[Path]:
        kind = _kind(source, dataset)
        if source.is_file() and kind in TABLES.values():
            rows = _table(source, dataset, kind)
            yield from (source.parent / one.name for one in files_of(rows, beside(source)))

    def standardise(self, payload: Any, options: Any) -> Standardised:
        return standardise(payload, options)

    def from_object(self, thing: Any) -> str | None:
        return from_object(thing)
