"""Chunks that survive a kill: a file each, or a line each of one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nucleate.datasets.resumable import LineLog, cut_torn_line, map_to_files, whole_lines


@dataclass(frozen=True)
class Numbers:
    numbers: list[int]
    target: Path

    def __len__(self) -> int:
        return len(self.numbers)


def start(factor: int) -> int:
    return factor


def write(factor: int, chunk: Numbers) -> int:
    chunk.target.write_text(" ".join(str(factor * n) for n in chunk.numbers))
    return len(chunk)


def test_chunks_whose_file_is_there_are_not_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    chunks = [Numbers([n, n + 1], folder / f"{n}.txt") for n in (0, 2, 4)]
    for factor, ends in ((2, ["0 2", "4 6"]), (3, ["0 2", "4 6", "12 15"])):
        found = map_to_files(
            write,
            chunks[: len(ends)],
            folder,
            description="numbers",
            total=None,
            initializer=start,
            arguments=(factor,),
        )
        assert [path.read_text() for path in found] == ends


def test_a_log_goes_on_behind_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    assert whole_lines(path) == []
    cut_torn_line(path)
    with LineLog(path) as log:
        log.write(1, {"a": None})
        log.write()
    with path.open("a") as file:
        file.write('damaged\n"whole"\n[1, 2')
    assert len(whole_lines(path)) == 4
    with LineLog(path) as log:
        assert list(log.rest()) == [1, {"a": None}, "whole"]
        log.write([1, 2])
    assert whole_lines(path)[-1] == b"[1,2]"


def test_a_log_is_cut_at_the_line_read_last(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with LineLog(path, {"key": "a"}) as log:
        log.write(1, 2, 3)
    with LineLog(path, {"key": "a"}) as log:
        assert (log.next(), log.next()) == (1, 2)
        log.cut()
        log.write(4)
    assert whole_lines(path) == [b'{"key":"a"}', b"1", b"4"]
    with LineLog(path, {"key": "b"}) as log:
        assert log.next() is None
    assert whole_lines(path) == [b'{"key":"b"}']
