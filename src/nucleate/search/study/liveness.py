"""Workers that share a study: who is alive, and whose trials must be taken up again.

Every worker writes a sign of life to the study every few seconds. A worker is dead if it was a
process of this host that is gone, or if its sign has not changed for `stale_seconds` while
somebody watched: clocks of different hosts are not compared, unless they are minutes apart.
Whoever notices fails its running trials as abandoned, and the index offers their structures to
all. A worker that was only asleep finds its trials failed and drops what it has; its structures
are then scored by another, once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import psutil

from nucleate.search.optuna_adapter import trial_id
from nucleate.search.study.trial_index import TrialIndex, fail
from nucleate.search.trial_attributes import ABANDONED, INTERRUPTED, WORKER

PREFIX = "worker:"
"""Of the study attribute that holds a worker's sign of life."""
LONG_AGO = 20
"""Times `stale_seconds` by the clock after which a sign need not be watched."""


class WorkerPool:
    """This worker among those of its study.

    Args:
        study: shared with other processes.
        stale_seconds: without a sign of life after which a worker counts as dead.

    Attributes:
        id: of this worker.
        alone: whether it is the first worker that this study ever had.
    """

    def __init__(self, study: optuna.Study, stale_seconds: float):
        self.study, self.stale_seconds = study, stale_seconds
        self.id = uuid.uuid4().hex[:12]
        self.alone = False
        self._beats = 0
        self._ended = threading.Event()
        self._seen: dict[str, tuple[int, float]] = {}  # worker -> last sign, when it changed
        self._looked = -float("inf")
        self._thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)

    def __enter__(self) -> WorkerPool:
        self._beat()
        # Read after writing: of two that start together, each sees the other or is seen.
        self.alone = sum(key.startswith(PREFIX) for key in self.study.user_attrs) == 1
        self._thread.start()
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=self.stale_seconds)
        # What this worker leaves running (interrupted, say) need not wait to be found.
        reason = INTERRUPTED if error is KeyboardInterrupt else "its worker stopped"
        self._abandon(TrialIndex(self.study).read(), {self.id}, reason)

    def seed(self, seed: int) -> int:
        """A study's seed for this worker: all but the first need others, or they would all propose
        the same."""
        if self.alone:
            return seed
        return int(np.random.SeedSequence([seed, int(self.id, 16)]).generate_state(1)[0])

    def _live(self) -> None:
        while not self._ended.wait(self.stale_seconds / 8):
            try:
                self._beat()
            except Exception:
                continue  # a database that is away for a moment; the study will say if it stays so

    def _beat(self) -> None:
        self._beats += 1
        sign = {**this_process(), "beat": self._beats, "time": round(time.time(), 1)}
        self.study.set_user_attr(PREFIX + self.id, sign)

    def look_after(self, index: TrialIndex) -> int:
        """Fail the trials of dead workers, now and then.

        Args:
            index: just read.

        Returns:
            How many; the index must be read again to offer their structures.
        """
        now = time.monotonic()
        if now - self._looked < self.stale_seconds / 8:
            return 0
        self._looked = now
        working = {trial.user_attrs[WORKER] for trial in index.workers_running()} - {self.id}
        if not working:
            return 0
        signs = self.study.user_attrs
        dead = {w for w in working if self._is_dead(w, signs.get(PREFIX + w, {}), now)}
        return self._abandon(index, dead, "its worker died")

    def _is_dead(self, worker: str, sign: Mapping[str, Any], now: float) -> bool:
        if sign.get("host") == this_process()["host"]:
            return not _runs(int(sign["pid"]), float(sign["started"]))
        if time.time() - float(sign.get("time", 0)) > LONG_AGO * self.stale_seconds:
            return True
        beat = int(sign.get("beat", 0))
        last, since = self._seen.get(worker, (-1, now))
        if beat != last:
            since = now
            self._seen[worker] = (beat, now)
        return now - since > self.stale_seconds

    def _abandon(self, index: TrialIndex, workers: set[str], reason: str) -> int:
        theirs = [t for t in index.workers_running() if t.user_attrs[WORKER] in workers]
        return sum(fail(self.study, trial_id(trial), ABANDONED, reason) for trial in theirs)


def this_process() -> dict[str, Any]:
    """Host and process, so that another process of this host can tell whether it still runs."""
    return {
        "host": _host(),
        "pid": os.getpid(),
        "started": round(psutil.Process().create_time(), 2),
    }


def _host() -> str:
    """This host since it was started, and the space in which its process ids mean something:
    containers may share a host's name."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8])
        parts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    except OSError:
        parts.append(str(round(psutil.boot_time())))
    return "/".join(parts)


def _runs(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        # The same number may belong to another process by now; a zombie is dead.
        same = abs(process.create_time() - started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
