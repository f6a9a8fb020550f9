"""Downloads against a local server: resumed, verified, never half-written."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nucleate.core.errors import DatasetError
from nucleate.datasets import catalogue
from nucleate.datasets import fetch as module
from nucleate.datasets.fetch import fetch

CONTENT = bytes(range(256)) * 2000
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()


@dataclass
class Served:
    """What the server holds, how it misbehaves, and what it was asked."""

    address: str = ""
    content: bytes = CONTENT
    cut_first_at: int | None = None
    ranges: bool = True
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.status is not None:
                self.send_error(state.status)
                return
            start = 0
            if wanted and state.ranges:
                start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                if start >= len(state.content):
                    self.send_error(416)
                    return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.cut_first_at is not None and len(state.asked) == 1:
                body = body[: state.cut_first_at]
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}/data.bin"
    (tmp_path / "catalogue.toml").write_text(f"""
[[dataset]]
name = "small"
title = "t"
matter = "molecules"
licence = "MIT"
citation = "c"
[[dataset.files]]
part = "all"
format = "smi"
address = "{state.address}"
blob = "{BLOB}"
mirror = "sub/data.bin"
""")
    monkeypatch.setattr(catalogue, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    monkeypatch.delenv(module.MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("NUCLEATE_DATA", str(tmp_path / "downloads"))
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def _part(tmp_path: Path, content: bytes) -> Path:
    part = tmp_path / "downloads/sub/data.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    return part


def test_a_file_is_fetched_once(served: Served, tmp_path: Path) -> None:
    (path,) = fetch("small", progress=False)
    assert path == tmp_path / "downloads/sub/data.bin"
    assert path.read_bytes() == CONTENT
    assert fetch("small") == [path]
    assert served.asked == [None]
    assert not path.with_name("data.bin.part").exists()


def test_a_transfer_that_breaks_off_is_resumed(served: Served) -> None:
    served.cut_first_at = 300_000
    (path,) = fetch("small", progress=False)
    assert path.read_bytes() == CONTENT
    assert served.asked[0] is None
    assert len(served.asked) == 2
    assert re.fullmatch(r"bytes=[1-9]\d*-", served.asked[1])


def test_a_killed_download_is_resumed(served: Served, tmp_path: Path) -> None:
    _part(tmp_path, CONTENT[:1000])
    (path,) = fetch("small", progress=False)
    assert path.read_bytes() == CONTENT
    assert served.asked == ["bytes=1000-"]


def test_a_download_killed_just_before_its_end(served: Served, tmp_path: Path) -> None:
    _part(tmp_path, CONTENT)
    assert fetch("small", progress=False)[0].read_bytes() == CONTENT


def test_a_server_that_cannot_resume(served: Served, tmp_path: Path) -> None:
    served.ranges = False
    _part(tmp_path, CONTENT[:1000])
    assert fetch("small", progress=False)[0].read_bytes() == CONTENT


def test_a_part_of_something_else_is_thrown_away(served: Served, tmp_path: Path) -> None:
    _part(tmp_path, b"x" * 1000)
    assert fetch("small", progress=False)[0].read_bytes() == CONTENT
    assert served.asked == ["bytes=1000-", None]


def test_wrong_content_is_never_kept(served: Served, tmp_path: Path) -> None:
    served.content = CONTENT + b"tampered"
    with pytest.raises(DatasetError, match="wrong content") as caught:
        fetch("small", progress=False)
    assert served.address in str(caught.value)
    assert BLOB in str(caught.value)
    held = [p.name for p in (tmp_path / "downloads").rglob("*") if not p.name.endswith(".lock")]
    assert held == ["sub"]


def test_a_damaged_download_is_fetched_anew(served: Served) -> None:
    (path,) = fetch("small", progress=False)
    path.write_bytes(b"damaged")
    assert fetch("small", progress=False)[0].read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusing_server_points_to_the_mirror(served: Served, status: int) -> None:
    served.status = status
    with pytest.raises(
        DatasetError, match=f"answered {status}.*sub/data.bin.*NUCLEATE_DATA_MIRROR"
    ):
        fetch("small", progress=False)
    assert len(served.asked) == (1 if status == 404 else module.ATTEMPTS)


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:9", "ftp://127.0.0.1", "http://[half"])
@pytest.mark.usefixtures("served")
def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("ALL_PROXY", address)
    with pytest.raises(DatasetError, match="cannot be fetched"):
        fetch("small", progress=False)


def test_no_network_points_to_the_mirror(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = catalogue.get("small")
    closed = dataset.files[0].model_copy(update={"address": "http://127.0.0.1:1/data.bin"})
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    with pytest.raises(DatasetError, match=r"cannot be fetched.*NUCLEATE_DATA_MIRROR"):
        module.fetch_file(dataset, closed)


def test_the_mirror_is_used_in_place(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "mirror/sub/data.bin"
    held.parent.mkdir(parents=True)
    held.write_bytes(CONTENT)
    assert fetch("small", mirror=str(tmp_path / "mirror")) == [held]
    monkeypatch.setenv(module.MIRROR_VARIABLE, str(tmp_path / "mirror"))
    assert fetch("small") == [held]
    assert served.asked == []
    held.write_bytes(b"another version")
    with pytest.raises(DatasetError, match=f"expected git blob {BLOB}") as caught:
        fetch("small")
    assert str(held) in str(caught.value)


def test_what_the_mirror_lacks_is_downloaded(served: Served, tmp_path: Path) -> None:
    (path,) = fetch("small", mirror=tmp_path, progress=False)
    assert path.is_relative_to(tmp_path / "downloads")
    with pytest.raises(DatasetError, match="nowhere: the mirror folder does not exist"):
        fetch("small", mirror=tmp_path / "nowhere")


def test_an_unwritable_folder_is_named(served: Served, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be written.*NUCLEATE_DATA"):
        fetch("small", destination=tmp_path / "file", progress=False)
