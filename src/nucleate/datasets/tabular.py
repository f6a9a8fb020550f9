"""Tables as people write them: delimited text, parquet or a workbook; columns found by name."""

from __future__ import annotations

import csv
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nucleate.core.errors import InputError
from nucleate.datasets.archives import DAMAGE, MAXIMUM_LINE, Line, lines
from nucleate.datasets.cells import read_number, read_numbers
from nucleate.matter.reader import RawRow
from nucleate.settings.data import DatasetSettings

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATORS = {"csv": ",;\t|", "tsv": "\t", "smi": "\t,;"}
"""By format, what may part cells, the commonest first."""
LONGEST_ID = 200
WORKBOOKS = (".xlsx", ".xlsm")
_NO_WORKBOOK = (*DAMAGE, KeyError, ValueError, TypeError, SyntaxError)
"""Raised by openpyxl on files that are damaged or no workbooks; errors of XML are the last."""
ID_COLUMNS = (
    *("id", "material_id", "mol_id", "molecule_id", "compound_id", "structure_id", "mp_id"),
    *("chembl_id", "molecule_chembl_id", "compound_chembl_id", "zinc_id", "cid", "pubchem_cid"),
    *("identifier", "refcode", "database_code", "cas", "name", "compound_name", "molecule_name"),
    *("compound", "mol_name", "title"),
)
"""Usual names of the column with the id, the preferred one first (see `usual_column`)."""
_EXCEL_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


def plain_name(name: str) -> str:
    """A column's name without case, spaces and marks: `Compound ID` and `compound_id` are one."""
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def usual_column(names: Sequence[str], usual: Sequence[str]) -> str | None:
    """The first of the usual names that a table has, as it spells it; None if it has none.

    Case, spaces and marks between words do not matter.
    """
    plain = {plain_name(name): name for name in reversed(names)}
    return next((plain[key] for key in map(plain_name, usual) if key in plain), None)


def has_column(names: Sequence[str], named: str | None, usual: Sequence[str]) -> bool:
    """Whether a table has the column that is named, or one that is usually called so."""
    return (named or usual_column(names, usual)) in names


@dataclass(frozen=True)
class Columns:
    """Which of a table's columns mean what, by name.

    Attributes:
        structure: column with the structure.
        id: column with the id, or None for row numbers.
        properties: columns to keep.
    """

    structure: str
    id: str | None
    properties: tuple[str, ...]

    @classmethod
    def find(
        cls,
        names: Sequence[str],
        dataset: DatasetSettings,
        source: Path,
        usual: Sequence[str],
        missing: str,
    ) -> Columns:
        """Look up the columns that the settings name, or the usual ones.

        Args:
            usual: names of the structure's column, the preferred one first; case is ignored.
            missing: what the error says where none of them is there.

        Raises:
            InputError: one is missing, or two could hold the structure; lists the columns found.
        """
        shown = "columns found: " + (", ".join(name[:60] for name in names[:30]) or "none")
        if any(math.isfinite(read_number(name)[0]) for name in names):
            shown += " (if its first line is data, put a line with the columns' names above it)"
        structure = dataset.structure_column or usual_column(names, usual)
        if structure is None:
            raise InputError(f"{missing}; {shown}; name it with `structure_column`", file=source)
        wanted = [
            structure,
            *dataset.properties,
            *([dataset.id_column] if dataset.id_column else []),
        ]
        absent = [name for name in wanted if name not in names]
        if absent:
            raise InputError(f"no column {', '.join(absent)}; {shown}", file=source)
        twins = [name for name in names if plain_name(name) == plain_name(structure)]
        if len(twins) > 1 and dataset.structure_column is None:
            raise InputError(
                f"columns {' and '.join(twins)} may both hold the structure; name one with "
                "`structure_column`",
                file=source,
            )
        taken = {structure, *dataset.properties}
        usual_id = usual_column([name for name in names if name not in taken], ID_COLUMNS)
        return cls(structure, dataset.id_column or usual_id, dataset.properties)

    @property
    def names(self) -> list[str]:
        """All of them, each once."""
        return sorted({self.structure, *self.properties, *([self.id] if self.id else [])})


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        number: one-based data row (header and empty rows not counted).
        cells: by column: text, stripped, or what a parquet file or workbook holds.
        error: why it cannot be read; empty if it can.
        line: of the file where it begins, one-based; 0 where a file has no lines.
    """

    number: int
    cells: dict[str, Any]
    error: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"line {self.line} (row {self.number})" if self.line else f"row {self.number}"


@dataclass(frozen=True)
class Table:
    """A table that is being read.

    Attributes:
        columns: in order.
        rows: of the columns asked for (all if none are), as a stream; empty ones are left out.
        decimal_comma: whether numbers may be written so: cells are separated by semicolons.
    """

    columns: tuple[str, ...]
    rows: Callable[[Sequence[str] | None], Iterator[Row]]
    decimal_comma: bool = False


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of a header."""
    reader = csv.reader([line[:10_000]], delimiter=delimiter, skipinitialspace=True)
    return [name.strip() for name in next(reader, [])]


def open_table(
    source: Path,
    stream: IO[bytes],
    name: str,
    kind: str,
    has: Callable[[list[str]], bool] | None = None,
    longest: int = MAXIMUM_LINE,
) -> Table:
    """Look at a table's header; its rows are read as they are asked for.

    Args:
        stream: its bytes, unpacked.
        name: of the file in it.
        kind: `csv`, `tsv`, `smi` or `parquet`; workbooks are known by their name.
        has: whether a header's names are those of such a table, which tells how cells are parted,
            and comments before it from the header.
        longest: bytes of a line that are read.

    Raises:
        InputError: no text, empty, damaged, or two columns of one name.
    """
    if name.lower().endswith(WORKBOOKS):
        table = _workbook(source, stream)
    elif kind == "parquet":
        table = _parquet(source, stream)
    else:
        return text_table(lines(stream, source, longest), source, SEPARATORS[kind], has)
    _refuse_repeated(table.columns, source)
    return table


def _refuse_repeated(names: Sequence[str], source: Path) -> None:
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise InputError(f"several columns are called {repeated[0]!r}", file=source)


def structure_rows(
    table: Table, source: Path, dataset: DatasetSettings, usual: Sequence[str], missing: str
) -> Iterator[RawRow]:
    """Rows of a table of structures: the structure's text is the payload.

    Args:
        usual, missing: see `Columns.find`.

    Raises:
        InputError: a column is missing.
    """
    columns = Columns.find(table.columns, dataset, source, usual, missing)
    for row in table.rows(columns.names):
        given = row.cells.get(columns.id) if columns.id else None
        identity = str(row.number if given in (None, "") else given).strip()[:LONGEST_ID]
        text = row.cells.get(columns.structure)
        if row.error:  # its cells may stand in wrong columns
            yield RawRow(row.number, identity, None, error=row.error, cells=row.cells)
            continue
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        error = ""
        if text is None or not str(text).strip():
            error = f"column {columns.structure} is empty"
        elif not isinstance(text, str):
            error = f"column {columns.structure} holds {str(text)[:40]}, which is no text"
        properties, unread = read_numbers(row.cells, columns.properties, table.decimal_comma)
        cells = {k: v for k, v in row.cells.items() if k != columns.structure}
        payload = None if error else text
        yield RawRow(row.number, identity, payload, properties, error, unread, cells)


# Text


def text_table(
    source_lines: Iterator[Line],
    source: Path,
    separators: str,
    has: Callable[[list[str]], bool] | None = None,
) -> Table:
    """A delimited text, see `open_table`.

    Args:
        separators: those that may part cells: the one by which the header has what is sought, else
            the one that it holds most of.
    """

    def is_header(line: Line) -> bool:
        comment = has is not None and line.text.startswith("#") and chosen(line.text) is None
        return bool(line.text.strip()) and not comment

    def chosen(text: str) -> str | None:
        return next((one for one in separators if has and has(split_line(text, one))), None)

    head = next(filter(is_header, source_lines), None)
    told = None if head is None else _EXCEL_SEPARATOR.fullmatch(head.text.strip())
    if told is not None:
        separators = told[1]
        head = next(filter(is_header, source_lines), None)
    if head is None:
        raise InputError("holds no rows", file=source)
    text = head.text
    separator = chosen(text) or max(separators, key=text.count)
    names = split_line(text, separator)
    _refuse_repeated(names, source)

    def rows(_: Sequence[str] | None = None) -> Iterator[Row]:
        return _text_rows(_records(source_lines, separator, len(names)), names, separator)

    return Table(tuple(names), rows, decimal_comma=separator == ";")


@dataclass(frozen=True)
class _Record:
    line: int
    cells: list[str]
    error: str = ""


def _records(source: Iterable[Line], separator: str, width: int) -> Iterator[_Record]:
    """Cells with the number of the line where they begin; quoted cells may hold line ends.

    A quote that is never closed would swallow the lines after it: only its own line is lost, and
    told. So is one that seems to be closed by the next quote, rows later.
    """
    source, again = iter(source), deque[Line]()
    while True:
        taken: list[Line] = []
        reader = csv.reader(
            _texts(source, again, taken),
            delimiter=separator,
            strict=True,
            skipinitialspace=True,
        )
        while True:
            taken.clear()
            cells: list[str] | None = None
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                said = str(error)
            first = taken[0]
            wrong = next((line.error for line in taken if line.error), "")
            if cells is not None and not _swallows(taken, cells, separator, width):
                yield _Record(first.number, cells, wrong)
                continue
            if len(taken) > 1 or (cells is None and "end of data" in said):
                wrong = wrong or f"a quote opened in line {first.number} is never closed"
            cells = next(csv.reader([first.text[:10_000]], delimiter=separator), [])
            yield _Record(first.number, cells, wrong or "a quote within a cell is not doubled")
            again.extendleft(reversed(taken[1:]))
            break  # the reader has looked ahead


def _texts(source: Iterator[Line], again: deque[Line], taken: list[Line]) -> Iterator[str]:
    while True:
        line = again.popleft() if again else next(source, None)
        if line is None:
            return
        taken.append(line)
        yield line.text + "\n"


def _swallows(taken: list[Line], cells: list[str], separator: str, width: int) -> bool:
    """Whether a record of several lines holds rows of their own in a cell."""
    if len(taken) == 1:
        return False
    if len(cells) != width:
        return True
    inner = [line.text for line in taken[1:-1]]
    # A quote among them belongs to the record.
    rows = [text for text in inner if '"' not in text and text.count(separator) >= width - 1]
    return width > 1 and bool(inner) and len(rows) == len(inner)


def _text_rows(records: Iterable[_Record], names: list[str], separator: str) -> Iterator[Row]:
    number = 0
    for record in records:
        cells = record.cells
        if not any(cell.strip() for cell in cells):
            continue
        number += 1
        error = record.error
        if not error:
            used = len(cells)
            while used > len(names) and not cells[used - 1].strip():
                used -= 1
            # Names that are separated by spaces may be left out.
            if used > len(names) or (used < len(names) and separator != " "):
                error = f"{used} cells for {len(names)} columns"
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
        yield Row(number, row, error, record.line)


# Parquet and workbooks


def _parquet(source: Path, stream: IO[bytes]) -> Table:
    found: list[str] = []

    def rows(wanted: Sequence[str] | None) -> Iterator[Row]:
        values = parquet_rows(source, stream, lambda _: None if wanted is None else list(wanted))
        return (Row(number, cells) for number, cells in enumerate(values, 1))

    def look(schema: pa.Schema) -> list[str]:
        found.extend(schema.names)
        return []

    next(parquet_rows(source, stream, look), None)
    return Table(tuple(found), rows)


def parquet_rows(
    source: Path, stream: IO[bytes] | None, choose: Callable[[pa.Schema], list[str] | None]
) -> Iterator[dict[str, Any]]:
    """Rows of a parquet file, few in memory at a time.

    Args:
        stream: its bytes, if they are at hand.
        choose: told the file's schema; names the columns to read (None: all).

    Raises:
        InputError: not a parquet file, or damaged; names the row.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def first(error: BaseException) -> str:
        return str(error).split("\n")[0][:120]

    try:
        file = pq.ParquetFile(stream if stream is not None and stream.seekable() else source)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"not a readable parquet file ({first(error)})", file=source) from None
    columns = choose(file.schema_arrow)
    row = 0
    with file:
        try:
            for batch in file.iter_batches(batch_size=1000, columns=columns):
                for values in batch.to_pylist():
                    row += 1
                    yield values
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"damaged ({first(error)})", file=source, row=row + 1) from None


def _workbook(source: Path, stream: IO[bytes]) -> Table:
    """The first sheet of an Excel workbook that holds anything."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise InputError(
            "is an Excel workbook: pip install openpyxl, or save it as CSV", file=source
        ) from None
    try:
        book, formulas = (
            load_workbook(stream, read_only=True, data_only=one) for one in (True, False)
        )
        filled = _filled_rows(zip(book.worksheets, formulas.worksheets, strict=True))
        _, head = next(filled, (0, ()))
    except _NO_WORKBOOK as error:
        raise InputError(f"not a readable workbook ({error})"[:150], file=source) from None
    names = ["" if value is None else str(value).strip() for value in head]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InputError("its first row holds no names of columns", file=source)

    def rows(_: Sequence[str] | None) -> Iterator[Row]:
        number = 0
        try:
            for number, (line, cells) in enumerate(filled, 1):
                more = sum(cell is not None for cell in cells[len(names) :])
                error = f"{len(names) + more} cells for {len(names)} columns" if more else ""
                yield Row(number, dict(zip(names, cells, strict=False)), error, line)
        except _NO_WORKBOOK as error:
            raise InputError(f"damaged ({error})"[:150], file=source, row=number + 1) from None

    return Table(tuple(names), rows)


def _filled_rows(sheets: Iterable[tuple[Any, Any]]) -> Iterator[tuple[int, list[Any]]]:
    """Rows that hold anything, with their numbers, of the first sheet that has some.

    Args:
        sheets: each with the values that its formulas had when it was last calculated, and with
            the formulas. A formula that never was (programs other than spreadsheets write such)
            stands for itself: it is no number, and no empty cell.
    """
    for values, formulas in sheets:
        found = False
        both = zip(values.iter_rows(values_only=True), formulas.iter_rows(values_only=True))  # noqa: B905 (of one file)
        for line, pair in enumerate(both, 1):
            cells = [text if value is None else value for value, text in zip(*pair, strict=True)]
            if any(cell is not None for cell in cells):
                found = True
                yield line, cells
        if found:
            return
