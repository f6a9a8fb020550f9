"""Wall time and peak memory of a command with all its processes.

    python -m nucleate_benchmarks.common.resources -- nucleate discover flows/discover.toml

Memory is the proportional set size (shared pages counted once) where the system tells it, else
the resident set size, summed over the command's process tree and sampled every half second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import psutil

from nucleate.core.environment import processor
from nucleate.core.files import code_version
from nucleate.core.parallel import default_processes

INTERVAL = 0.5


def _memory(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", 0) or full.rss)
    except psutil.Error:
        return 0


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def measure(command: list[str]) -> dict[str, Any]:
    """Run a command to its end.

    Returns:
        `command`, `exit_status`, `seconds` (wall), `peak_memory_gb` (1e9 bytes, whole process
        tree), `load_before` (one-minute load average), `cores`, `processor`, `code` and `date`.
    """
    load = os.getloadavg()[0]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    watched = psutil.Process(child.pid)
    peak = 0
    while child.poll() is None:
        peak = max(peak, sum(_memory(p) for p in _tree(watched)))
        time.sleep(INTERVAL)
    return {
        "command": " ".join(command),
        "exit_status": child.returncode,
        "seconds": round(time.perf_counter() - started, 1),
        "peak_memory_gb": round(peak / 1e9, 2),
        "load_before": round(load, 2),
        "cores": default_processes(),
        "processor": processor(),
        "code": code_version(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def main() -> None:
    """Entry point: measures what follows `--` and prints JSON after the command's own output."""
    command = sys.argv[1:]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.exit("usage: python -m nucleate_benchmarks.common.resources -- COMMAND [ARGUMENT ...]")
    result = measure(command)
    print(json.dumps(result, indent=2))
    sys.exit(result["exit_status"])


if __name__ == "__main__":
    main()
