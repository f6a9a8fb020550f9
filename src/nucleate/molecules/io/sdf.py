"""Records of an SD file, streamed. Each record's text goes to `standardise` as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO

from rdkit import Chem, rdBase

from nucleate.core.errors import InputError
from nucleate.datasets.archives import MAXIMUM_LINE, check_text, reread
from nucleate.datasets.cells import read_numbers
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings

_MAXIMUM_RECORD = 1_000_000  # bytes
_LOOK_AHEAD = 200  # records in which a named tag must appear
_BLOCK = 262_144
_SEPARATOR = b"\n$$$$"


def read_sdf(source: Path, stream: IO[bytes], dataset: DatasetSettings) -> Iterator[RawRow]:
    """Stream the records: id from the named tag, else a tag `id`, else the title line.

    Raises:
        InputError: not an SD file, damaged, or a named tag is in none of the first records.
    """
    records = _records(stream, source)
    head = list(islice(records, _LOOK_AHEAD))
    if not head:
        return iter(())
    check_text(head[0], source)
    if b"M  END" not in head[0]:
        raise InputError("is not an SD file (its first record has no 'M  END')", file=source)
    found: dict[str, None] = {}
    for record in head:
        found.update(dict.fromkeys(_tags(record)))
    wanted = [*dataset.properties, *([dataset.id_column] if dataset.id_column else [])]
    missing = [n for n in wanted if n not in found]
    if missing:
        raise InputError(
            f"no tag {', '.join(missing)} in the first {len(head)} records; "
            f"tags found: {', '.join(found) or 'none'}",
            file=source,
        )
    return (_row(i, record, dataset) for i, record in enumerate(chain(head, records), 1))


def _records(stream: IO[bytes], source: Path) -> Iterator[bytes]:
    """Texts between `$$$$` lines; of one without an end in sight only the beginning is kept."""
    buffer = b""
    skipping = False
    while True:
        block = reread(stream, source, _BLOCK)
        buffer = (buffer + block).replace(b"\r\n", b"\n")
        while (end := buffer.find(_SEPARATOR)) >= 0:
            record, buffer = buffer[: end + 1], buffer[end + len(_SEPARATOR) :].lstrip(b" ")
            buffer = buffer.removeprefix(b"\n")
            if not skipping:
                yield record
            skipping = False
        if not block:
            if buffer.strip() and not skipping:
                yield buffer
            return
        if len(buffer) > _MAXIMUM_RECORD:
            if not skipping:
                yield buffer[: _MAXIMUM_RECORD + 1]
            skipping = True
            buffer = buffer[-len(_SEPARATOR) :]


def _tags(record: bytes) -> dict[str, str]:
    """Data fields of a record, read by RDKit without looking at the chemistry."""
    if len(record) > _MAXIMUM_RECORD:
        return {}
    supplier = Chem.SDMolSupplier()
    with rdBase.BlockLogs():
        # A stand-in molecule: damaged atoms must not hide the id of the row.
        _, mark, data = record.partition(b"M  END")
        text = "\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END" if mark else ""
        supplier.SetData(text + data.decode("utf-8", "replace") + "$$$$\n")
        molecule = next(iter(supplier), None) if mark else None
    return {} if molecule is None else {k: molecule.GetProp(k) for k in molecule.GetPropNames()}


def _row(row: int, record: bytes, dataset: DatasetSettings) -> RawRow:
    if len(record) > _MAXIMUM_RECORD:
        return RawRow(row, str(row), None, error=f"record of more than {_MAXIMUM_RECORD} bytes")
    tags = _tags(record)
    title = record[:MAXIMUM_LINE].split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    column = dataset.id_column or next((n for n in tags if n.lower() == "id"), None)
    identity = (tags.get(column, "") if column else "") or title or str(row)
    block, mark, _ = record.partition(b"M  END")
    if not mark:
        return RawRow(row, identity[:200], None, error="SD record without 'M  END'")
    try:
        text = (block + b"M  END\n").decode("utf-8")
    except UnicodeDecodeError:
        return RawRow(row, identity[:200], None, error="not UTF-8")
    properties, unread = read_numbers(tags, dataset.properties)
    return RawRow(row, identity[:200], text, properties, "", unread)
