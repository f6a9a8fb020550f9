"""Files as streams, whatever they are wrapped in, and what is refused by name."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
from pathlib import Path

import pytest

from nucleate.core.errors import InputError
from nucleate.datasets.archives import MAXIMUM_LINE, lines, opened

TEXT = b"CCO one\r\n\nCCN two\n"


def wrapped(folder: Path, kind: str) -> Path:
    plain = folder / "a.smi"
    plain.write_bytes(TEXT)
    target = folder / {"gz": "a.smi.gz", "zip": "a.zip", "tgz": "a.tar.gz", "plain": "a.smi"}[kind]
    if kind == "gz":
        target.write_bytes(gzip.compress(TEXT))
    elif kind == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.write(plain, "inner/a.smi")
            archive.writestr("__MACOSX/._a.smi", "x")
    elif kind == "tgz":
        with tarfile.open(target, "w:gz") as archive:
            archive.add(plain, "a.smi")
    return target


@pytest.mark.parametrize("kind", ["plain", "gz", "zip", "tgz"])
def test_every_wrapping_gives_the_same_lines(tmp_path: Path, kind: str) -> None:
    source = wrapped(tmp_path, kind)
    with opened(source) as (stream, name):
        assert [line.text for line in lines(stream, source)] == ["CCO one", "", "CCN two"]
        assert name == "a.smi"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_and_line_end_is_read(tmp_path: Path, end: bytes, encoding: str) -> None:
    source = tmp_path / "a.smi"
    text = "CCO Müller\n" * 9000 + "CCN last"
    source.write_bytes(text.replace("\n", end.decode()).encode(encoding))
    with opened(source) as (stream, _):
        found = list(lines(stream, source))
    assert [line.text for line in found] == text.split("\n")
    assert not any(line.error for line in found)


def test_a_line_too_long_or_not_text_is_marked(tmp_path: Path) -> None:
    source = tmp_path / "a.smi"
    source.write_bytes(b"C\n" + b"C" * (MAXIMUM_LINE + 5) + b"\nN\xff\nO\n")
    with opened(source) as (stream, _):
        found = list(lines(stream, source))
    assert [line.error for line in found] == [
        "",
        f"line of more than {MAXIMUM_LINE} bytes",
        "",
        "",
    ]
    assert [line.text for line in found[2:]] == ["Nÿ", "O"]
    assert [line.number for line in found] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.smi", b"", "is empty"),
        ("a.smi.gz", b"CCO", "not a gzip file"),
        ("a.zip", b"CCO", "not a zip file"),
        ("a.smi.gz", gzip.compress(TEXT * 999, mtime=0)[:-20], "cut short"),
        ("a.smi", b"%PDF-1.7", "a PDF"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught, opened(source) as (stream, _):
        list(lines(stream, source))
    assert name in str(caught.value)
