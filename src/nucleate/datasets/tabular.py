"""Tables as people write them: delimited text or parquet, their columns found by name."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nucleate.core.errors import InputError
from nucleate.datasets.archives import DAMAGE
from nucleate.settings.data import DatasetSettings

if TYPE_CHECKING:
    import pyarrow as pa


def finite_number(value: Any) -> float:
    """A property's value; NaN if missing, not a number or not finite."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        return math.nan
    return result if math.isfinite(result) else math.nan


def usual_column(names: Sequence[str], usual: Sequence[str]) -> str | None:
    """The first of the usual names that a table has, as it spells it; None if it has none."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    return next((lower[name] for name in usual if name in lower), None)


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
            InputError: one is missing; lists the columns found.
        """
        shown = "columns found: " + (", ".join(name[:60] for name in names[:30]) or "none")
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
        return cls(structure, dataset.id_column or usual_column(names, ["id"]), dataset.properties)

    @property
    def names(self) -> list[str]:
        """All of them, each once."""
        return sorted({self.structure, *self.properties, *([self.id] if self.id else [])})


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of a header."""
    return [name.strip() for name in next(csv.reader([line[:10_000]], delimiter=delimiter), [])]


@contextmanager
def opened_text(source: Path) -> Iterator[IO[str]]:
    """A file's text, unpacked if gzipped, line ends as they are.

    Raises:
        InputError: missing, damaged, not UTF-8, or (inside the block) no readable table.
    """
    try:
        with source.open("rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
        opener: Callable[..., Any] = gzip.open if packed else open
        with opener(source, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise InputError(f"cannot be read: it is not UTF-8 ({error.reason})", file=source) from None
    except csv.Error as error:
        raise InputError(f"cannot be read as a table ({error})", file=source) from None
    except DAMAGE as error:
        raise InputError(f"damaged or cut short ({error})", file=source) from None


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
