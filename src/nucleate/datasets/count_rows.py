"""How many rows files hold, roughly, so that whoever waits knows how long."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from nucleate.core.errors import InputError
from nucleate.datasets.archives import DAMAGE, opened
from nucleate.datasets.sources import Source

SAMPLE = 2**26
"""Bytes that are looked at; a longer file is taken to go on likewise."""
_BLOCK = 2**20
_ENDS = {
    ".sdf": b"$$$$",
    ".sd": b"$$$$",
    ".mol": b"M  END",
    ".cif": b"\ndata_",
    ".extxyz": b"Lattice=",
    ".xyz": b"Lattice=",
}
"""What each row of a format has once; lines where none is named."""
_HEADED = (".csv", ".tsv", ".tab")
_NO_ROWS = (".json", ".xlsx", ".xlsm")
"""Formats whose rows cannot be counted so."""


def expected_rows(sources: Sequence[Source]) -> int | None:
    """Rows of all sources together, some of them estimated; None if one cannot be."""
    counted = [_rows(source) for source in sources]
    return None if None in counted else sum(rows or 0 for rows in counted)


def _rows(source: Source) -> int | None:
    limit = source.settings.limit
    if source.rows is not None and source.rows != limit:
        return source.rows  # the catalogue's
    try:
        found = estimate_rows(source.path)
    except (InputError, *DAMAGE, ValueError):  # told by whoever reads it
        return limit
    return limit if found is None else found if limit is None else min(found, limit)


def estimate_rows(path: Path) -> int | None:
    """Rows of a file, or the files of a folder or an archive of many; None where it cannot be told.

    Raises:
        InputError: it cannot be opened.
    """
    if path.is_dir():
        return sum(len(files) for _, _, files in os.walk(path)) or None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
        if len(files) > 1:
            return None if "xl/workbook.xml" in archive.namelist() else len(files)
    if path.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    with opened(path) as (stream, name):
        suffix = PurePosixPath(name.lower()).suffix
        if suffix in _NO_ROWS:
            return None
        found = _estimate(path, stream, _ENDS.get(suffix, b"\n"))
    return found - 1 if found and suffix in _HEADED else found


def _estimate(path: Path, stream: IO[bytes], end: bytes) -> int | None:
    """How often something occurs in a file, judged by its beginning if it is long."""
    seen = count = 0
    before = b"\n" if len(end) > 1 else b""  # an end may lie across two blocks
    last = b""
    while seen < SAMPLE:
        block = stream.read(_BLOCK)
        if not block:
            return max(1, count + (end == b"\n" and last != end))
        seen += len(block)
        joined = before + block
        count += joined.count(end)
        before, last = joined[1 - len(end) :] if len(end) > 1 else b"", block[-1:]
    used = _consumed(stream)
    return round(count * path.stat().st_size / used) if used else None


def _consumed(stream: IO[bytes]) -> int:
    """Bytes of the file itself that were read; 0 where that is not known."""
    if isinstance(stream, gzip.GzipFile):
        packed: Any = stream.fileobj
        return int(packed.tell())
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        return stream.tell()
    return 0
