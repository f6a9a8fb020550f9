"""Records of an SD or MOL file, streamed. Each record's text goes to `standardise` as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO

from nucleate.core.errors import InputError
from nucleate.datasets.archives import lines
from nucleate.datasets.cells import read_numbers
from nucleate.datasets.tabular import ID_COLUMNS, LONGEST_ID, usual_column
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings

_MAXIMUM_RECORD = 1_000_000  # characters
_LOOK_AHEAD = 200  # records in which a named tag must appear
_END = re.compile(r"M {1,2}END\s*")
_TAG = re.compile(r">[^<]*<(.*)>[^>]*")
_NOT_MOLECULES = {"$RXN": "a reaction file", "$RDFILE": "an RD file", "$MDL": "an RG file"}


@dataclass
class _Record:
    """The text up to a `$$$$` line.

    Attributes:
        block: lines of the structure, up to the one that ends it.
        data: lines behind it.
        ends: how many lines end a structure.
        size: characters in all.
        error: why a line is not to be trusted, if so.
    """

    block: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    ends: int = 0
    size: int = 0
    error: str = ""

    def add(self, text: str, error: str) -> None:
        """Take in a line, unless there are too many already."""
        self.error = self.error or error
        self.size += len(text) + 1
        if self.size > _MAXIMUM_RECORD:
            self.error = f"record of more than {_MAXIMUM_RECORD} characters"
            return
        (self.data if self.ends else self.block).append(text)
        self.ends += text.startswith("M ") and _END.fullmatch(text) is not None

    def tags(self) -> dict[str, str]:
        """Data fields: all lines up to the next header, but blank ones.

        Values of a field that occurs twice stand in two lines, as do those of several lines.
        """
        found: dict[str, list[str]] = {}
        values: list[str] = []
        for line in self.data:
            header = _TAG.fullmatch(line) if line.startswith(">") else None
            if header:
                values = found.setdefault(header[1].strip(), [])
            elif line.strip():
                values.append(line.rstrip())
        return {name: "\n".join(values) for name, values in found.items()}

    def row(self, number: int, dataset: DatasetSettings) -> RawRow:
        tags = self.tags()
        title = self.block[0].strip() if self.block else ""
        named = dataset.id_column or usual_column(tuple(tags), ["id"])
        others = [name for name in tags if name not in dataset.properties]
        usual = usual_column(others, ID_COLUMNS)
        given = (tags.get(named or ""), title, tags.get(usual or ""), str(number))
        identity = next(filter(None, given))[:LONGEST_ID]
        error = self.error
        if not error and self.ends == 0:
            error = "SD record without 'M  END'"
        if not error and self.ends > 1:
            error = f"{self.ends} structures in one SD record, without $$$$ between them"
        properties, unread = read_numbers(tags, dataset.properties)
        block = None if error else "\n".join([*self.block[:-1], "M  END", ""])
        return RawRow(number, identity, block, properties, error, unread, tags)


def read_sdf(source: Path, stream: IO[bytes], dataset: DatasetSettings) -> Iterator[RawRow]:
    """Stream the records: id from the named tag, else a tag `id`, else the title line, else a tag
    that usually holds an id.

    Raises:
        InputError: not an SD file, damaged, or a named tag is in none of the first records.
    """
    records = _records(stream, source)
    head = list(islice(records, _LOOK_AHEAD))
    if not head:
        return iter(())
    for mark, what in _NOT_MOLECULES.items():
        if head[0].block and head[0].block[0].startswith(mark):
            raise InputError(f"is {what}; molecules are read from SD and MOL files", file=source)
    if not any(record.ends for record in head):
        raise InputError("is not an SD file (its first record has no 'M  END')", file=source)
    found: dict[str, None] = {}
    for record in head:
        found.update(dict.fromkeys(record.tags()))
    wanted = [*dataset.properties, *([dataset.id_column] if dataset.id_column else [])]
    missing = [n for n in wanted if n not in found]
    if missing:
        raise InputError(
            f"no tag {', '.join(missing)} in the first {len(head)} records; "
            f"tags found: {', '.join(found) or 'none'}",
            file=source,
        )
    numbered = enumerate(chain(head, records), 1)
    return (record.row(number, dataset) for number, record in numbered)


def _records(stream: IO[bytes], source: Path) -> Iterator[_Record]:
    """Texts between `$$$$` lines; the last one may lack its end."""
    record = _Record()
    for line in lines(stream, source):
        if line.text.startswith("$$$$"):
            yield record
            record = _Record()
        else:
            record.add(line.text, line.error)
    if any(line.strip() for line in record.block):
        yield record
