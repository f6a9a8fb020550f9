"""State of processes: whether they have ended, for tests of what starts some (Linux)."""

import os
import time
from pathlib import Path


def gone(pid: int) -> bool:
    """Whether a process ends within 5 s; a zombie that nobody has waited for counts."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def commands_of_children() -> list[str]:
    """Command lines of this process's children."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    pids = listed.read_text().split() if listed.exists() else []
    found = []
    for pid in pids:
        try:
            found.append(Path(f"/proc/{pid}/cmdline").read_text())
        except OSError:
            continue
    return found
