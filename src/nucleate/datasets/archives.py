"""Opens a file of molecules as a stream of bytes, whatever it is wrapped in, and reads its lines.

Gzip, tar (plain or gzipped) and zip are unpacked on the fly. Lines are bounded: a file whose
"line" has 10 MB costs no more memory than any other.
"""

from __future__ import annotations

import codecs
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from nucleate.core.errors import InputError

MAXIMUM_LINE = 100_000
"""Bytes of a line that are read; the rest is skipped and the line marked as cut."""

_PROBE = 65_536
_MAGIC = {
    b"PAR1": "a parquet file",
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\x7fELF": "a program",
}
DAMAGE = (EOFError, OSError, zlib.error, tarfile.TarError, zipfile.BadZipFile)
"""Raised by the standard library on damaged packed files."""


@dataclass(frozen=True)
class Line:
    """One line: its text without the line end, and why it is not to be trusted, if so."""

    text: str
    error: str = ""


@contextmanager
def opened(source: Path) -> Iterator[tuple[IO[bytes], str]]:
    """The unpacked stream of a file and the name that tells its format.

    Raises:
        InputError: missing, a folder, empty, unreadable, or not the archive its name says; an
            archive that holds more than one file.
    """
    if not source.exists():
        raise InputError("no such file", file=source)
    if not source.is_file():
        raise InputError("is a folder; molecules are read from one file", file=source)
    if source.stat().st_size == 0:
        raise InputError("is empty", file=source)
    with ExitStack() as stack:
        try:
            stream, name = _unpack(source, stack)
        except DAMAGE as error:
            raise InputError(f"cannot be unpacked ({error})", file=source) from None
        yield stream, name


def _unpack(source: Path, stack: ExitStack) -> tuple[IO[bytes], str]:
    with source.open("rb") as file:
        magic = file.read(4)
    name = source.name
    lower = name.lower()
    if magic[:2] == b"\x1f\x8b":
        with gzip.open(source) as file:
            head = file.read(512)
        if head[257:262] == b"ustar":
            return _from_tar(source, stack)
        unpacked: Any = gzip.open(source)  # noqa: SIM115 (the stack closes it)
        stack.enter_context(unpacked)
        return unpacked, name[:-3] if lower.endswith(".gz") else name
    if lower.endswith((".gz", ".tgz")):
        raise InputError("is named .gz but is not a gzip file", file=source)
    if magic == b"PK\x03\x04":
        archive = stack.enter_context(zipfile.ZipFile(source))
        inner = _only(source, [n for n in archive.namelist() if not n.endswith("/")])
        return stack.enter_context(archive.open(inner)), PurePosixPath(inner).name
    if lower.endswith(".zip"):
        raise InputError("is named .zip but is not a zip file", file=source)
    if lower.endswith(".tar"):
        return _from_tar(source, stack)
    return stack.enter_context(source.open("rb")), name


def _from_tar(source: Path, stack: ExitStack) -> tuple[IO[bytes], str]:
    archive = tarfile.open(source)  # noqa: SIM115 (the stack closes it)
    stack.enter_context(archive)
    inner = _only(source, [m.name for m in archive.getmembers() if m.isfile()])
    stream = archive.extractfile(inner)
    if stream is None:
        raise InputError(f"{inner} in it cannot be read", file=source)
    return stream, PurePosixPath(inner).name


def _only(source: Path, names: list[str]) -> str:
    """The archive's one file; hidden ones and a Mac's resource copies do not count."""
    plain = [n for n in names if not PurePosixPath(n).name.startswith(".") and "__MACOSX" not in n]
    if len(plain) != 1:
        shown = ", ".join(plain[:5]) or "none"
        raise InputError(f"must hold exactly one file, holds {len(plain)} ({shown})", file=source)
    return plain[0]


def lines(stream: IO[bytes], source: Path) -> Iterator[Line]:
    """Lines that are not blank, decoded as UTF-8.

    Raises:
        InputError: the beginning is not text in UTF-8, or the archive around it is damaged.
    """
    first = True
    while True:
        try:
            raw = stream.readline(MAXIMUM_LINE)
            cut = len(raw) == MAXIMUM_LINE and not raw.endswith(b"\n")
            while cut and (rest := stream.readline(MAXIMUM_LINE)) and not rest.endswith(b"\n"):
                continue
        except DAMAGE as error:
            raise InputError(f"damaged or cut short ({error})", file=source) from None
        if not raw:
            return
        if first:
            check_text(raw, source)
            raw = raw.removeprefix(codecs.BOM_UTF8)
            first = False
        if not raw.strip():
            continue
        try:
            text, error_text = raw.decode("utf-8").rstrip("\r\n"), ""
        except UnicodeDecodeError:
            text, error_text = raw.decode("utf-8", "replace").rstrip("\r\n"), "not UTF-8"
        if cut:
            error_text = f"line of more than {MAXIMUM_LINE} bytes"
        elif "\0" in text:
            error_text = "binary data"
        yield Line(text, error_text)


def check_text(start: bytes, source: Path) -> None:
    """Refuse what is surely not text.

    Raises:
        InputError: says what it looks like.
    """
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"is not a text file: looks like {what}", file=source)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("is UTF-16 text; save it as UTF-8", file=source)
    if b"\0" in start[:_PROBE]:
        raise InputError("is not a text file (holds zero bytes)", file=source)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start[:_PROBE])
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text (byte {error.start})", file=source) from None


def reread(stream: IO[Any], source: Path, size: int) -> bytes:
    """Up to `size` bytes of a stream, with damage told as an InputError."""
    try:
        return bytes(stream.read(size))
    except DAMAGE as error:
        raise InputError(f"damaged or cut short ({error})", file=source) from None
