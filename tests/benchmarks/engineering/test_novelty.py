"""The benchmark of lookups counts what is there, and would notice what is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.novelty import build_reference as reference_files
from nucleate_benchmarks.engineering import novelty
from nucleate_benchmarks.engineering.novelty import (
    Task,
    join,
    judge,
    look_up,
    made_up_bits,
    search,
    write_parts,
)

KNOWN = ["CCO", "CCCN", "c1ccccc1O", "CC(C)C(=O)O", "C1CCCCC1N"]
UNKNOWN = ["CCCO", "CCCCN", "c1ccccc1N"]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    for module in (novelty, reference_files):
        monkeypatch.setattr(module, "CHUNK_ROWS", 100)
    monkeypatch.setattr(novelty, "LOOKUPS", 200)
    done = Task(tmp_path, 250, KNOWN, UNKNOWN, 0)
    write_parts(done)
    join(done)
    return done


def test_known_molecules_are_found_among_made_up_ones(task: Task) -> None:
    asked = look_up(task)
    assert asked["found"] == asked["asked"] == 100
    judged = judge(task)
    assert judged["found"] == judged["right"] == len(KNOWN)
    assert judged["false"] == 0
    assert search(task)["compared"] == 250


def test_a_false_hit_and_a_missing_key_would_show(task: Task) -> None:
    wrong = Task(task.folder, task.keys, [*KNOWN, UNKNOWN[0]], [UNKNOWN[1], KNOWN[0]], 0)
    judged = judge(wrong)
    assert judged["found"] == judged["right"] == len(KNOWN)
    assert judged["false"] == 1


def test_made_up_bits_are_as_many_as_stated() -> None:
    bits = made_up_bits(np.random.default_rng(0), (500, 16))
    assert np.bitwise_count(bits).mean() / 64 == pytest.approx(3 / 64, abs=0.001)
