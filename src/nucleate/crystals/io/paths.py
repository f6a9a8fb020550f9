"""Tables that name files of crystals: a column of paths, or CGCNN's `id_prop.csv`."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from nucleate.crystals.io.files import FILES, crystals_in, format_of, stem_of
from nucleate.crystals.io.members import Member, member_of
from nucleate.datasets.cells import read_number
from nucleate.matter.reader import RawRow

PATH_COLUMNS = (
    *("file", "filename", "path", "filepath", "cif_file", "cif_filename", "cif_path"),
    *("structure_file", "structure_path", "poscar", "contcar"),
)
"""Usual names of a column with paths (see `tabular.usual_column`)."""
PROPERTY = "property"
"""What the column of values of an `id_prop.csv` without a header is called; a second one is
`property_2`."""
_LISTS = re.compile(r"^id_prop.*\.csv$", re.I)
_LONGEST = 1000
_LOOKED_AT = 100
"""Rows of texts after which a table is taken for one of texts alone."""
Find = Callable[[str], Member | None]
"""The file of a relative path, if there is one."""


def is_path(text: object) -> bool:
    """Whether a cell may name a file: one line that is no Wyckoff string."""
    return isinstance(text, str) and 0 < len(text) < _LONGEST and not re.search(r"[|\n\r{]", text)


def beside(table: Path) -> Find:
    """Files by their paths from a table's folder."""

    def find(path: str) -> Member | None:
        place = table.parent / path
        return member_of(place, path) if place.is_file() else None

    return find


def find_file(path: str, find: Find) -> Member | None:
    """The file that a cell names, with its ending or without.

    Raises:
        ValueError: several files are called so.
    """
    path = path.strip().replace("\\", "/")
    if format_of(path) in FILES.values() and (found := find(path)):
        return found
    named = [
        member for end in FILES for member in (find(path + end), find(f"{path}{end}.gz")) if member
    ]
    if len(named) > 1:
        raise ValueError(f"{' and '.join(member.name for member in named)} are both there")
    return named[0] if named else None


def files_of(rows: Iterable[RawRow], find: Find) -> Iterator[Member]:
    """The files that rows of a table name; none is looked for if none of the first rows has one."""
    named = False
    for number, row in enumerate(rows):
        if not row.error and is_path(row.payload):
            named = True
            try:
                member = find_file(row.payload, find)
            except (ValueError, OSError):
                continue
            if member is not None:
                yield member
        elif number > _LOOKED_AT and not named:
            return


def with_file(row: RawRow, find: Find) -> RawRow:
    """A row of a table with the crystal of the file that it names; any other as it is."""
    if row.error or not is_path(row.payload):
        return row
    try:
        member = find_file(row.payload, find)
    except (ValueError, OSError) as error:
        return replace(row, payload=None, error=str(error))
    if member is None:
        said = f"{row.payload[:200]!r} is no file beside the table, nor a crystal's text"
        return replace(row, payload=None, error=said, reason="missing_file")
    found = list(crystals_in(member, format_of(member.name)))
    if len(found) != 1:
        said = f"{member.name} holds {len(found)} crystals, a row needs one"
        return replace(row, payload=None, error=said)
    return replace(row, payload=found[0].payload, error=found[0].error)


@dataclass
class PropertyList:
    """A list of files' names, with their endings or without, and of values, as CGCNN reads them.

    Attributes:
        name: of the file that holds it, `id_prop.csv`.
        columns: names of the values.
        values: cells by the name of a file.
        met: names whose files were met.
    """

    name: str
    columns: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    met: set[str] = field(default_factory=set)

    def values_of(self, name: str) -> dict[str, str]:
        """Cells of a file of the list's folder, by column; none if it is not in the list."""
        folder = PurePosixPath(self.name).parent
        if not PurePosixPath(name).is_relative_to(folder):
            return {}
        path = PurePosixPath(name).relative_to(folder).as_posix()
        for key in (path, re.sub(r"\.gz$", "", path, flags=re.I), stem_of(path)):
            if key in self.values:
                self.met.add(key)
                return dict(zip(self.columns, self.values[key], strict=True))
        return {}

    @property
    def unmet(self) -> list[str]:
        """Names of which no file was met."""
        return [name for name in self.values if name not in self.met]


def is_property_list(name: str) -> bool:
    """Whether a file is called as CGCNN's list of properties is."""
    return _LISTS.match(PurePosixPath(name).name) is not None


def read_property_list(name: str, text: str) -> PropertyList:
    """Read an `id_prop.csv`, which as a rule has no header.

    Raises:
        ValueError: not names and values, or a name twice.
    """
    lines = text.strip().splitlines() or [""]
    separator = max(",;\t", key=lines[0].count)
    try:
        found = csv.reader(lines, delimiter=separator)
        rows = [[cell.strip() for cell in row] for row in found if any(row)]
    except csv.Error as error:
        raise ValueError(str(error)) from None
    width = len(rows[0]) if rows else 0
    if width < 2 or any(len(row) != width for row in rows):
        raise ValueError("is no list of names and values: lines of different lengths")
    columns = tuple(PROPERTY if n == 1 else f"{PROPERTY}_{n}" for n in range(1, width))
    if all(read_number(cell)[1] and cell[0].isalpha() for cell in rows[0][1:]):
        columns = tuple(rows.pop(0)[1:])
    values = {row[0]: tuple(row[1:]) for row in rows}
    if len(values) < len(rows):
        raise ValueError("names a file twice")
    return PropertyList(name, columns, values)
