"""Rows of a person's crystals: tables, CIF and POSCAR files, folders and zips of them, extxyz."""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from nucleate.core.errors import InputError
from nucleate.crystals.io.objects import from_object
from nucleate.crystals.io.standardise import StandardiseOptions, standardise
from nucleate.datasets.archives import DAMAGE
from nucleate.datasets.tabular import (
    Columns,
    finite_number,
    opened_text,
    parquet_rows,
)
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.settings.data import DatasetSettings

STRUCTURE_COLUMNS = ("crystal", "cif", "structure", "cif_string", "wyckoff")
"""Usual names of the column that holds the crystal, in order of preference; case is ignored."""
MAXIMUM_FILE = 20_000_000
"""Bytes of one member of a folder or zip that are read."""

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".cif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
}

_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"d\0": "utf-16-le",
    b"#\0": "utf-16-le",
    b"\0d": "utf-16-be",
    b"\0#": "utf-16-be",
}
"""Encodings by how a file begins; without a mark, a CIF begins with `data_` or a comment."""
_CELL = re.compile(r"(?i)_cell[_.]length_a")
_ATOMS = re.compile(r"(?i)_atom_site[_.](fract|cartn)_x")
_TEXT_FIELD = re.compile(r"(?ms)^;.*?^;")


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


def format_of(name: str) -> str:
    """`cif`, `poscar`, `extxyz`, `csv`, `tsv` or `parquet` by a file's name, else empty."""
    path = PurePosixPath(name.removesuffix(".gz"))
    if path.name.upper().startswith(("POSCAR", "CONTCAR")):
        return "poscar"
    return _SUFFIXES.get(path.suffix.lower(), "")


def _rows(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    if source.is_dir():
        return _members(_folder(source), source, dataset)
    if zipfile.is_zipfile(source):
        return _members(_zip(source), source, dataset)
    kind = format_of(source.name) if dataset.format == "auto" else dataset.format
    if kind == "parquet":
        return _parquet(source, dataset)
    if kind in ("csv", "tsv"):
        return _table(source, dataset, kind)
    if kind == "extxyz":
        return _extxyz(source, dataset)
    if kind in ("cif", "poscar"):
        return _members([(source.name, _Opener(source))], source, dataset, kind)
    known = ", ".join(sorted(_SUFFIXES))
    raise InputError(
        f"not a known format of crystals; known: {known}, POSCAR, a folder or a zip", file=source
    )


# Text of files


class _Opener:
    """Opens a file of its own, or a member of a zip, for its bytes."""

    def __init__(self, path: Path, archive: zipfile.ZipFile | None = None, member: str = ""):
        self.path, self.archive, self.member = path, archive, member

    def read(self) -> bytes:
        """At most `MAXIMUM_FILE` + 1 bytes."""
        raw = self.archive.open(self.member) if self.archive else self.path.open("rb")
        with raw as stream:
            name = self.member or self.path.name
            if name.endswith(".gz"):
                with gzip.open(stream) as plain:
                    return bytes(plain.read(MAXIMUM_FILE + 1))
            return bytes(stream.read(MAXIMUM_FILE + 1))


def _folder(source: Path) -> Iterator[tuple[str, _Opener]]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(source).as_posix(), _Opener(path)


def _zip(source: Path) -> Iterator[tuple[str, _Opener]]:
    try:
        with zipfile.ZipFile(source) as archive:
            for name in sorted(archive.namelist()):
                base = PurePosixPath(name).name
                if not name.endswith("/") and "__MACOSX" not in name and base[:1] != ".":
                    yield name, _Opener(source, archive, name)
    except (*DAMAGE, RuntimeError) as error:  # RuntimeError: encrypted
        raise InputError(f"cannot be unpacked ({error})", file=source) from None


def _members(
    members: Iterable[tuple[str, _Opener]],
    source: Path,
    dataset: DatasetSettings,
    kind: str = "",
) -> Iterator[RawRow]:
    """Rows of CIF and POSCAR files; one that cannot be read is a row with an error."""
    if dataset.properties:
        raise InputError(
            "CIF and POSCAR files hold no property columns; use a table with a CIF column",
            file=source,
        )
    number = 0
    for name, opener in members:
        form = kind or (dataset.format if dataset.format != "auto" else format_of(name))
        if form not in ("cif", "poscar"):
            continue
        stem = PurePosixPath(name.removesuffix(".gz"))
        stem_text = stem.with_suffix("").as_posix() if format_of(name) else stem.as_posix()
        try:
            data = opener.read()
            if len(data) > MAXIMUM_FILE:
                raise ValueError(f"larger than {MAXIMUM_FILE} bytes")
            text = decoded(data)
        except (*DAMAGE, ValueError, RuntimeError) as error:
            if kind:
                raise InputError(f"cannot be read as text ({error})", file=source) from None
            number += 1
            yield RawRow(number, stem_text, None, error=f"{name}: {error}")
            continue
        blocks = cif_blocks(text) if form == "cif" else [("", text)]
        if kind == "cif" and not any(_CELL.search(block) for _, block in blocks):
            raise InputError("is not a CIF file: no unit cell in it", file=source)
        for block_name, block in blocks:
            number += 1
            identity = stem_text if len(blocks) == 1 else block_name or f"{stem_text}:{number}"
            yield RawRow(number, identity, {form: block})


def decoded(data: bytes) -> str:
    """Text of a file that is mostly ASCII: a byte of another encoding never refuses it.

    Raises:
        ValueError: no text.
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            text = data.decode(encoding, "replace")
            break
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")  # the usual one, and Latin-1 but for quotes
    if "\0" in text:
        raise ValueError("binary data")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def cif_blocks(text: str) -> list[tuple[str, str]]:
    """The data blocks of a CIF text that hold a cell or atoms, as (name, text); the whole if none
    does."""
    bare = _TEXT_FIELD.sub(lambda field: re.sub(r"[^\n]", " ", field[0]), text)
    starts = [match.start() for match in re.finditer(r"(?mi)^[ \t]*data_", bare)]
    spans = pairwise([*starts, len(text)])
    named = [
        (text[start:end].split(None, 1)[0][5:], text[start:end])
        for start, end in spans
        if _CELL.search(bare, start, end) or _ATOMS.search(bare, start, end)
    ]
    return named or [("", text)]


# Tables


def _columns(names: Sequence[str], dataset: DatasetSettings, source: Path) -> Columns:
    missing = "no column with crystals (`cif`, `crystal`, ...)"
    return Columns.find(names, dataset, source, STRUCTURE_COLUMNS, missing)


def _row(number: int, values: dict[str, Any], columns: Columns) -> RawRow:
    """The row of a table's record."""
    text = values.get(columns.structure)
    identity = values.get(columns.id) if columns.id else None
    identity = str(number) if identity in (None, "") else str(identity)
    properties = {name: finite_number(values.get(name)) for name in columns.properties}
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str) or not text.strip():
        return RawRow(number, identity, None, properties, f"column {columns.structure} is empty")
    return RawRow(number, identity, text, properties)


def _table(source: Path, dataset: DatasetSettings, kind: str) -> Iterator[RawRow]:
    csv.field_size_limit(MAXIMUM_FILE)
    with opened_text(source) as stream:
        head = stream.read(4096)
        if "\0" in head:
            raise InputError("is not a text file (holds zero bytes)", file=source)
        stream.seek(0)
        first = head.splitlines()[0] if head.strip() else ""
        delimiter = "\t" if kind == "tsv" else max(",;\t", key=first.count)
        reader = csv.DictReader(stream, delimiter=delimiter)
        columns = _columns(list(reader.fieldnames or ()), dataset, source)
        for number, values in enumerate(reader, start=1):
            yield _row(number, values, columns)


def _parquet(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    found: list[Columns] = []

    def choose(schema: Any) -> list[str]:
        found.append(_columns(schema.names, dataset, source))
        return found[0].names

    for number, values in enumerate(parquet_rows(source, None, choose), start=1):
        yield _row(number, values, found[0])


# extxyz


def _extxyz(source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
    """One row per frame; the comment line's keys are ids and properties."""
    from ase.io.extxyz import key_val_str_to_dict

    with opened_text(source) as stream:
        number = 0
        while line := stream.readline(1_000_000):
            if not line.strip():
                continue
            number += 1
            if not line.strip().isdecimal() or int(line) > 1_000_000:
                raise InputError(
                    "is not an extxyz file (expected a number of atoms)", file=source, row=number
                )
            comment = stream.readline(1_000_000)
            atoms = [stream.readline(10_000) for _ in range(int(line))]
            try:
                info: dict[str, Any] = key_val_str_to_dict(comment)
            except (ValueError, KeyError, IndexError) as error:
                yield RawRow(number, str(number), None, error=f"comment line: {error}")
                continue
            if number == 1:
                absent = [
                    name
                    for name in ([dataset.id_column] if dataset.id_column else [])
                    if name not in info
                ]
                if absent:
                    known = ", ".join(info)
                    raise InputError(f"no info key {absent[0]}; keys: {known}", file=source)
            identity = info.get(dataset.id_column or "id", number)
            properties = {name: finite_number(info.get(name)) for name in dataset.properties}
            text = line + comment + "".join(atoms)
            yield RawRow(number, str(identity), {"extxyz": text}, properties)


class CrystalReader(Reader):
    """Reads CIF, POSCAR, extxyz, JSON and tables of them."""

    Options = StandardiseOptions
    suffixes = tuple(_SUFFIXES)
    screening_options = {"maximum_atoms": 200, "maximum_input_atoms": 500}  # noqa: RUF012 (constant)

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        return read_rows(source, dataset)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        return standardise(payload, options)

    def from_object(self, thing: Any) -> str | None:
        return from_object(thing)
