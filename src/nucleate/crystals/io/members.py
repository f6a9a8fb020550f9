"""The files that a folder or an archive (zip or tar, gzipped or not) holds, each by itself."""

from __future__ import annotations

import gzip
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any

from nucleate.core.errors import InputError, printable
from nucleate.datasets.archives import DAMAGE

MAXIMUM_FILE = 20_000_000
"""Bytes of one file that are read."""
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
_TAR = re.compile(r"\.(tar(\.(gz|bz2|xz))?|tgz|tbz2|txz)$", re.I)


@dataclass(frozen=True)
class Member:
    """A file, or something else that stands where files are looked for.

    Attributes:
        name: its path below the folder or in the archive.
        open: returns a stream of its bytes.
        problem: why it is not even opened; empty if it is.
    """

    name: str
    open: Callable[[], Any]
    problem: str = ""

    @contextmanager
    def unpacked(self) -> Iterator[Any]:
        """A stream of its bytes, unpacked if they are gzipped.

        Raises:
            ValueError: why it cannot be read.
        """
        if self.problem:
            raise ValueError(self.problem)
        try:
            with self.open() as stream:
                packed = stream.peek(2)[:2] == b"\x1f\x8b"
                yield gzip.GzipFile(fileobj=stream) if packed else stream
        except (*DAMAGE, RuntimeError) as error:  # RuntimeError: encrypted
            said = getattr(error, "strerror", None) or error
            raise ValueError(f"damaged, or cannot be read ({said})") from None

    def text(self) -> str:
        """Its text; bytes that are no UTF-8 are replaced.

        Raises:
            ValueError: why it cannot be read.
        """
        with self.unpacked() as stream:
            data = stream.read(MAXIMUM_FILE + 1)
        if len(data) > MAXIMUM_FILE:
            raise ValueError(f"larger than {MAXIMUM_FILE} bytes")
        return decoded(data)


def decoded(data: bytes) -> str:
    """Text of a file that is mostly ASCII: a byte of another encoding never refuses it.

    Raises:
        ValueError: it is none, or empty.
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
    if not text.strip():
        raise ValueError("is empty")
    if "\0" in text:
        raise ValueError("is not a text file (holds zero bytes)")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def member_of(path: Path, name: str | None = None) -> Member:
    """A file, and what stands in the way of reading it."""
    problem = ""
    if path.is_symlink() and path.is_dir():
        problem = "a link to a folder, which is not followed"
    elif path.is_symlink() and not path.exists():
        problem = "a link to nothing"
    elif not path.is_file():
        problem = "not a plain file"
    return _member(name or path.name, partial(path.open, "rb"), problem)


def _member(name: str, opener: Callable[[], Any], problem: str = "") -> Member:
    shown = PurePosixPath(printable(name)).as_posix()  # without a leading "./"
    return Member(shown, opener, problem if printable(name) == name else "its name is not UTF-8")


@contextmanager
def opened_members(source: Path) -> Iterator[list[Member] | None]:
    """The files of a folder or an archive in order of their names; None of any other file.

    Hidden ones and a Mac's resource copies do not count.

    Raises:
        InputError: the archive is damaged.
    """
    if source.is_dir():
        yield _in_order(_folder(source))
        return
    try:
        if source.is_file() and zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                files = [name for name in archive.namelist() if not name.endswith("/")]
                if "xl/workbook.xml" in files:  # a table
                    yield None
                    return
                yield _in_order(
                    _member(name.replace("\\", "/"), partial(archive.open, name)) for name in files
                )
        elif _TAR.search(source.name):
            with tarfile.open(source) as tar:
                yield _in_order(_tar(tar))
        else:
            yield None
    except DAMAGE as error:
        raise InputError(f"cannot be unpacked ({error})", file=source) from None


def _in_order(members: Iterator[Member]) -> list[Member]:
    named = [(PurePosixPath(member.name).parts, member) for member in members]
    named = [
        (parts, member)
        for parts, member in named
        if not any(part.startswith(".") or part == "__MACOSX" for part in parts)
    ]
    return [member for _, member in sorted(named, key=itemgetter(0))]


def _folder(source: Path) -> Iterator[Member]:
    failed: list[OSError] = []
    for top, folders, files in os.walk(source, onerror=failed.append):
        place = Path(top)
        links = [name for name in folders if (place / name).is_symlink()]
        for name in (*files, *links):
            path = place / name
            yield member_of(path, path.relative_to(source).as_posix())
    for error in failed:
        name = Path(os.fsdecode(error.filename)).relative_to(source).as_posix()
        yield _member(name, source.open, f"cannot be listed ({error.strerror})")


def _tar(archive: tarfile.TarFile) -> Iterator[Member]:
    for info in archive.getmembers():
        if not info.isdir():
            problem = "" if info.isfile() else "not a plain file"
            yield _member(info.name, partial(archive.extractfile, info), problem)
