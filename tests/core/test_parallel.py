"""Worker processes end when the process that started them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
from nucleate.core.parallel import map_ordered
import worker_of_test
if __name__ == "__main__":
    for pid in map_ordered(worker_of_test.work, range(100), processes=2):
        print(pid, flush=True)
"""
WORKER = """
import os, time
def work(item):
    time.sleep(0.05)
    return os.getpid()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "worker_of_test.py").write_text(WORKER)
    (tmp_path / "script.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    workers = {int(process.stdout.readline()) for _ in range(20)}
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30
    while workers and time.monotonic() < deadline:
        workers = {pid for pid in workers if _alive(pid)}
        time.sleep(0.05)
    assert not workers


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An ended process whose adoptive parent does not wait for it is no longer running either.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
