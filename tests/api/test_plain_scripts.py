"""Every verb ends in a script without a main guard, from standard input, and in a cell's `exec`, at
sizes at which it starts worker processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 400
"""Seconds within which each must end."""

DECODE = """
import nucleate, numpy as np
model = nucleate.load_model("molecules", "cpu")
latents = model.draw_prior(2600, 0)
print("made", len(nucleate.decode(latents, model)))
"""
FEATURIZE = """
import nucleate
smiles = ["C" * n + core for n in range(1, 12) for core in ("O", "N", "c1ccccc1", "C(=O)O")]
features = nucleate.featurize(smiles, "features", processes=2, chunk=10)
print("made", features.metrics["accepted"])
"""
SCREEN = """
import nucleate
smiles = ["C" * n + core for n in range(3, 12) for core in ("O", "N", "c1ccccc1", "C(=O)O")]
table = nucleate.screen(smiles, processes=2, checks=[{"name": "parses"}, {"name": "size"}])
print("made", len(table))
"""
OPTIMIZE = """
import nucleate
open("mine.py", "w").write("def score(smiles):\\n    return [float(len(s)) for s in smiles]\\n")
def own(smiles: str) -> float:
    return 1.0 / len(smiles)
terms = [{"python": "mine.py:score"}, own]
table = nucleate.optimize("molecules", terms, trials=10, reference=16, data=["CCO", "c1ccccc1O"])
print("made", table["score"].notna().sum())
"""
SAMPLE = """
import nucleate
print("made", len(nucleate.sample("molecules", 2600, seed=1)))
"""
DISCOVER = """
import nucleate
tiny = {
    "featurize": {"dataset": {"source": "nci", "limit": 120}, "processes": 2},
    "train": {"epochs": 1, "network": {"width": 16, "latent": 8},
              "prior": {"steps": 20, "width": 16, "layers": 1}},
    "sample": {"count": 20},
    "optimize": {"trials": 5, "reference": 8, "sampler": "random-prior",
                 "objectives": [{"property": "qed"}]},
    "screen": {"checks": [{"name": "parses"}, {"name": "size"}], "processes": 2},
}
found = nucleate.discover({"results": "results", "matter": {"molecules": tiny}})
print("made", len(open(found.attrs["report"]).read()) > 0)
"""
SCRIPTS = {
    "decode": DECODE,
    "featurize": FEATURIZE,
    "screen": SCREEN,
    "optimize": OPTIMIZE,
    "sample": SAMPLE,
    "discover": DISCOVER,
}


def run(words: list[str], folder: Path, text: str | None = None) -> str:
    """What a program says; fails where it does not end in time, or badly."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_plain_script_ends(name: str, tmp_path: Path):
    (tmp_path / "plain.py").write_text(SCRIPTS[name])
    assert run(["plain.py"], tmp_path).count("made") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["featurize", "screen", "optimize"])
def test_a_script_from_standard_input_ends(name: str, tmp_path: Path):
    assert run(["-"], tmp_path, SCRIPTS[name]).count("made") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["decode", "screen"])
def test_a_cell_ends(name: str, tmp_path: Path):
    cell = f"exec(compile({SCRIPTS[name]!r}, '<cell>', 'exec'), {{'__name__': '__main__'}})"
    assert run(["-c", cell], tmp_path).count("made") == 1
