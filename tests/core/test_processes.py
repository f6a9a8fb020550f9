"""Scripts without a main guard start worker processes, and every process ends with its parent."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from nucleate.core.errors import ResultsError
from nucleate.core.parallel import Failure, map_fresh
from nucleate.core.processes import Worker, process_context, run_isolated
from nucleate.testing.isolated_jobs import raising, squares
from nucleate.testing.process_state import gone

MAPS = """
from nucleate.core.parallel import map_fresh, map_isolated, map_ordered
from nucleate.core.processes import run_isolated
from nucleate.testing.isolated_jobs import squares
print("begun")
chunks = [[1, 2], [3]]
print(list(map_ordered(squares, chunks, processes=2)))
print(list(map_isolated(squares, chunks, processes=2, seconds=60)))
print(sorted(map_fresh(squares, [(1, 2), (3,)], processes=2)))
print(run_isolated(squares, [5]))
"""
ENDS = "begun\n[[1, 4], [9]]\n[[1, 4], [9]]\n[((1, 2), [1, 4]), ((3,), [9])]\n[25]\n"
STAGES = """
import sys
from pathlib import Path
import numpy as np
from nucleate.latent.latent_model import POOL_FROM, LatentModel
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.stages.featurize import featurize
print("begun")
folder = Path(sys.argv[-1])
rows = "".join(f"{'C' * n}O\\n{'C' * n}N\\n" for n in range(1, 16))
(folder / "set.smi").write_text(rows)
settings = FeaturizeSettings(dataset=DatasetSettings(source=str(folder / "set.smi")), processes=2)
featurize(settings, "molecules", folder / "features")
model = LatentModel.load("molecules", device="cpu")
found = model.decode(np.zeros((POOL_FROM, model.size), np.float32))
print(len(found), len({one.structure for one in found}))
"""


def _lines(script: str, folder: Path, stdin: bool) -> str:
    """What a script prints, run from a file or from standard input."""
    command = [sys.executable, "-", str(folder)]
    if not stdin:
        (folder / "script.py").write_text(script)
        command[1] = "script.py"
    done = subprocess.run(
        command, input=script, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("stdin", [False, True])
def test_scripts_without_a_guard_map(tmp_path: Path, stdin: bool) -> None:
    assert _lines(MAPS, tmp_path, stdin) == ENDS


@pytest.mark.parametrize("stdin", [False, True])
def test_scripts_without_a_guard_featurize_and_decode(tmp_path: Path, stdin: bool) -> None:
    assert _lines(STAGES, tmp_path, stdin) == "begun\n2500 1\n"


def test_functions_of_the_main_module_still_run(tmp_path: Path) -> None:
    script = """
from nucleate.core.parallel import map_ordered
def double(number):
    return 2 * number
if __name__ == "__main__":
    print(list(map_ordered(double, range(3), processes=2)))
"""
    assert _lines(script, tmp_path, stdin=False) == "[0, 2, 4]\n"


def test_contexts_do_not_touch_the_standard_library() -> None:
    before = process_context().Process._Popen, process_context(squares, server=True)
    assert before[0] is not before[1].Process._Popen


def test_a_fresh_process_gives_its_result_or_its_error() -> None:
    assert run_isolated(squares, [3, 4]) == [9, 16]
    assert run_isolated(os.getpid) != os.getpid()
    with pytest.raises(ZeroDivisionError):
        run_isolated(raising, [1])
    with pytest.raises(ResultsError, match=r"its process died \(exit code 5\)"):
        run_isolated(squares, [13])


def test_fresh_processes_do_not_share_their_fate() -> None:
    found = dict(map_fresh(squares, [(1,), (13,), (2,)], processes=2))
    assert found == {(1,): [1], (2,): [4], (13,): Failure("its process died (exit code 5)")}


def _starts_a_child(connection: Connection) -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    connection.send(child.pid)
    time.sleep(60)


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_a_worker_is_closed_with_all_that_it_started() -> None:
    worker = Worker(_starts_a_child)
    child = worker.connection.recv()
    worker.close()
    worker.close()
    assert gone(child)


def test_a_worker_that_cannot_start_is_closed_quietly(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises((AttributeError, pickle.PicklingError)):
        Worker(_starts_a_child, lambda: None)  # no process can be sent this
    assert not recwarn.list
