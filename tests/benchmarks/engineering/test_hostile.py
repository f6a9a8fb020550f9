"""Hostile inputs: a few of them here, thousands by the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate_benchmarks.engineering.hostile import KINDS, cruel_cifs, cruel_smiles, damaged, main


@pytest.mark.parametrize("matter", [kind.matter for kind in KINDS])
def test_all_that_is_written_to_hurt_is_counted(matter: str, tmp_path: Path) -> None:
    from nucleate_benchmarks.engineering.hostile import survived

    kind = next(kind for kind in KINDS if kind.matter == matter)
    found = survived(kind, 60, seed=0, processes=1, folder=tmp_path)
    assert found["entered"] == 60
    assert found["counted"]
    assert found["rejected"] > 30


def test_damage_is_damage() -> None:
    rng = np.random.default_rng(0)
    text = "CC(=O)Oc1ccccc1C(=O)O"
    changed = [damaged(text, rng) for _ in range(50)]
    assert sum(one != text for one in changed) > 40
    assert len(cruel_smiles(rng)) > 30
    assert len(cruel_cifs(rng)) > 25


def test_the_command_writes_what_it_found(tmp_path: Path) -> None:
    arguments = ["--count", "8", "--processes", "0", "--out", str(tmp_path / "hostile")]
    assert main(arguments) == 0
    text = (tmp_path / "hostile.md").read_text()
    assert "| molecules | 4 |" in text
    assert "| crystals | 4 |" in text
