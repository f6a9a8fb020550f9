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
from collections.abc import Iterable, Iterator
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
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
DAMAGE = (EOFError, OSError, zlib.error, tarfile.TarError, zipfile.BadZipFile)
"""Raised by the standard library on damaged packed files."""


@dataclass(frozen=True)
class Line:
    """One line: its text without the line end, its number (one-based), and why it is not to be
    trusted, if so."""

    text: str
    number: int = 0
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
    if magic == b"\xd0\xcf\x11\xe0":
        raise InputError("is an old Excel workbook; save it as CSV or .xlsx", file=source)
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
        if "xl/workbook.xml" in archive.namelist():
            plain = name if lower.endswith((".xlsx", ".xlsm")) else f"{name}.xlsx"
            return stack.enter_context(source.open("rb")), plain
        if "xl/workbook.bin" in archive.namelist():
            raise InputError("is a binary Excel workbook; save it as CSV or .xlsx", file=source)
        if "META-INF/manifest.xml" in archive.namelist() and "content.xml" in archive.namelist():
            raise InputError("is an OpenDocument spreadsheet; save it as CSV", file=source)
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


def lines(stream: IO[bytes], source: Path, longest: int = MAXIMUM_LINE) -> Iterator[Line]:
    """Lines, blank ones too, of text in UTF-8 or UTF-16, whatever its line ends.

    A byte of another encoding is taken for one of Windows' (or Latin-1), as in a name it is.

    Args:
        longest: bytes of a line that are read; the rest is skipped.

    Raises:
        InputError: the beginning is no text, or the archive around it is damaged.
    """
    for number, raw in enumerate(_raw_lines(_as_utf8(stream, source), source, longest), 1):
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
        error = ""
        if len(raw) > longest:
            text, error = text[:longest], f"line of more than {longest} bytes"
        elif "\0" in text:
            error = "binary data"
        yield Line(text, number, error)


def _as_utf8(stream: IO[bytes], source: Path) -> Iterator[bytes]:
    """Blocks of a text without its mark, those of UTF-16 written anew."""
    block = reread(stream, source, _PROBE)
    recoded = None
    for mark, encoding in _UTF16.items():
        if block.startswith(mark):
            recoded = codecs.getincrementaldecoder(encoding)("replace")
    if recoded is None:
        check_text(next(iter(block.splitlines()), b""), source)
        block = block.removeprefix(codecs.BOM_UTF8)
    while block:
        yield block if recoded is None else recoded.decode(block).lstrip("\ufeff").encode()
        block = reread(stream, source, _PROBE)


def _raw_lines(blocks: Iterable[bytes], source: Path, longest: int) -> Iterator[bytes]:
    """Lines without their ends; of too long ones a little more than `longest` bytes."""
    rest = b""
    for block in blocks:
        parts = (rest + block).splitlines(keepends=True)
        rest = parts.pop() if parts else b""
        for part in parts:
            yield part.rstrip(b"\r\n")
        if rest.endswith(b"\n"):
            yield rest.rstrip(b"\r\n")
            rest = b""
        # What ends in a carriage return waits: a line feed may follow.
        if len(rest) > longest + 1 and not rest.endswith(b"\r"):
            rest = rest[: longest + 1]
    if rest:
        yield rest.rstrip(b"\r\n")


def check_text(start: bytes, source: Path) -> None:
    """Refuse what is surely not text.

    Raises:
        InputError: says what it looks like.
    """
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"is not a text file: looks like {what}", file=source)
    if b"\0" in start[:_PROBE]:
        raise InputError("is not a text file (holds zero bytes)", file=source)


def reread(stream: IO[Any], source: Path, size: int) -> bytes:
    """Up to `size` bytes of a stream, with damage told as an InputError."""
    try:
        return bytes(stream.read(size))
    except DAMAGE as error:
        raise InputError(f"damaged or cut short ({error})", file=source) from None
