"""Every example runs by itself and ends by saying what came of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {
    "01_sample_molecules.py": (["--count", "5"], "new molecules"),
    "02_optimize_with_own_objective.py": (["--trials", "20"], "the best has QED"),
    "03_crystals_by_composition.py": (["--count", "2"], "crystals of NaCl"),
    "04_finetune_on_your_data.py": (["--epochs", "1"], "rebuilt exactly"),
    "05_screen_a_list.py": (["--drawn", "3"], "molecules passed"),
}


def test_every_example_is_known_and_short():
    found = sorted(EXAMPLES.glob("[0-9]*.py"))
    assert [path.name for path in found] == sorted(SMALL)
    assert all(len(path.read_text().splitlines()) <= 60 for path in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALL))
def test_an_example_runs(name: str, tmp_path: Path):
    options, said = SMALL[name]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout.splitlines()[-1]
