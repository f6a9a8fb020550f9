"""The study's file: Optuna's journal, one JSON line per operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import TrialState

from nucleate.errors import ResultsError


class _Journal(JournalFileBackend):
    """Appends without a lock and without waiting for the disk.

    `open_study` holds one lock for the whole study instead, which the system releases when its
    holder dies (Optuna's own lock files outlive a killed process and then block for 30 s). A
    killed process loses nothing, since the system still has its writes; Optuna's wait for the
    disk after each of some 25 operations a trial takes longer than most properties.
    """

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with open(self._file_path, "ab") as file:
            file.write(lines.encode())


@contextmanager
def open_study(path: Path, name: str) -> Iterator[optuna.Study]:
    """Create the study, or load it to go on; trials left running by a killed process are failed.

    A journal that holds no study of this name belongs to other settings or inputs and is replaced.

    Raises:
        ResultsError: the journal is damaged, cannot be written, or is in use.
    """
    verbosity = optuna.logging.get_verbosity()
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ResultsError(f"{path}: in use by another process") from None
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written ({error.strerror or error})") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield _load(path, name)
    finally:
        optuna.logging.set_verbosity(verbosity)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _load(path: Path, name: str) -> optuna.Study:
    try:
        _repair(path)
        storage = JournalStorage(_Journal(str(path)))
        known = {study.study_name for study in storage.get_all_studies()}
        if known and name not in known:
            path.unlink()
            storage = JournalStorage(_Journal(str(path)))
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(
            f"{path}: damaged study ({error}); remove the file to start anew"
        ) from None
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _repair(path: Path) -> None:
    """Cut off a last line that a killed process left unfinished."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("rb+") as file:
            file.truncate(whole)
