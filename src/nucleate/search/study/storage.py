"""Where studies are kept: Optuna's journal in a file, or a database that several workers share.

Either holds any number of studies, told apart by their names.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.search.optuna_adapter import FrozenStudy, completed_trials, quiet_optuna, trial_id
from nucleate.search.study.trial_index import fail
from nucleate.search.trial_attributes import ABANDONED, PROPOSED

OPENING_TRIES = 6
"""Workers that start together may all try to make a new database's tables."""


class _Journal(JournalFileBackend):
    """The journal of a study that this process has for itself.

    `open_journal` holds one lock for the whole study, which the system releases when its holder
    dies (Optuna's own lock files outlive a killed process and then block for 30 s). So nothing is
    locked, waited for or read back here for each operation: every operation goes to the system at
    once, which is safe from a kill of this process, and comes back from memory.
    """

    def __init__(self, path: Path):
        super().__init__(str(path))
        self._file = path.open("ab", buffering=0)
        self._next: int | None = None  # number of the first operation in `_tail`
        self._tail: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        if self._next is None:
            count = 0
            for log in super().read_logs(0):
                yield log
                count += 1
            self._next = count
            return
        del self._tail[: log_number_from - self._next]
        self._next = log_number_from
        yield from self._tail

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        self._file.write("".join(line + "\n" for line in lines).encode())
        # What is in memory must be what a later process will read.
        self._tail += [json.loads(line) for line in lines]

    def close(self) -> None:
        self._file.close()
        path = Path(self._file_path)
        if path.exists() and not path.stat().st_size:  # nothing came of it
            path.unlink()


class _Connection(sqlite3.Connection):
    """Does not wait for the disk at each operation: a power cut, not a kill, may cost the last."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")


class Storage:
    """An open journal or database; several studies may be in it.

    Args:
        backend: Optuna's storage.
        place: journal file; None for a database, which other processes may use at the same time.
    """

    def __init__(self, backend: BaseStorage, place: Path | None = None):
        self.backend, self.place = backend, place

    def find(self, name: str) -> optuna.Study | None:
        """A study as it is, None if there is none of this name; nothing is written."""
        try:
            return optuna.load_study(study_name=name, storage=self.backend)
        except KeyError:
            return None

    def others(self, name: str) -> list[FrozenStudy]:
        """The studies of other names."""
        return [one for one in self.backend.get_all_studies() if one.study_name != name]

    def scored_trials(self, study: FrozenStudy) -> list[FrozenTrial]:
        """Trials of a study that are scored."""
        return completed_trials(self.backend, study)

    def begin(self, name: str, values: int = 1, ended: str = "its process ended") -> optuna.Study:
        """Create the study, or load it to go on.

        Args:
            values: that each trial has, all to be maximised.
            ended: why trials that still run in a journal have failed.
        """
        study = optuna.create_study(
            storage=self.backend,
            study_name=name,
            directions=["maximize"] * values,
            load_if_exists=True,
        )
        if self.place is not None:
            # Nobody else has the journal: what runs was left by a process that is dead, but for
            # what waits for a person.
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if PROPOSED not in trial.user_attrs:
                    fail(study, trial_id(trial), ABANDONED, ended)
        return study


@contextmanager
def open_storage(path: Path, url: str | None = None) -> Iterator[Storage]:
    """Open a journal, made when something is written to it, or a database.

    Args:
        path: journal file; not used if there is a URL.
        url: of a database, as Optuna (SQLAlchemy) takes it; several processes may share a study.

    Raises:
        ResultsError: the journal is damaged, cannot be written, or is in use; the database cannot
            be reached.
        SettingsError: the URL is impossible or its driver is not installed.
    """
    with quiet_optuna():
        if url is not None:
            yield Storage(_database(url))
            return
        with exclusive(path.with_name(f".{path.name}.lock"), path):
            journal, backend = _open_journal(path)
            try:
                yield Storage(backend, path)
            finally:
                journal.close()


@contextmanager
def open_study(
    path: Path, name: str, url: str | None = None, values: int = 1
) -> Iterator[optuna.Study]:
    """Create the study, or load it to go on; see `open_storage` and `Storage.begin`."""
    with open_storage(path, url) as storage:
        yield storage.begin(name, values)


@contextmanager
def exclusive(file: Path, what: Path, *, keep: bool = False) -> Iterator[None]:
    """Have something for oneself; its folder is made.

    Args:
        file: of the lock, which the system releases when its holder dies.
        what: is locked, for messages.
        keep: whether the lock's file stays.

    Raises:
        ResultsError: another process has it, or it cannot be written.
    """
    lock = filelock.FileLock(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ResultsError(f"{what}: in use by another process") from None
    except OSError as error:
        raise ResultsError(f"{what}: cannot be written ({error.strerror or error})") from error
    try:
        yield
    finally:
        lock.release()
        if not keep:
            file.unlink(missing_ok=True)


def _open_journal(path: Path) -> tuple[_Journal, JournalStorage]:
    try:
        _repair(path)
        journal = _Journal(path)
        return journal, JournalStorage(journal)
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(
            f"{path}: damaged study ({error}); remove the file to start anew"
        ) from None


def _repair(path: Path) -> None:
    """Cut off a last line that a killed process left unfinished."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("rb+") as file:
            file.truncate(whole)


def _database(url: str) -> BaseStorage:
    """Storage in a database.

    Raises:
        ResultsError, SettingsError: see `open_study`.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            f"storage {url!r} is not a URL such as postgresql://user@host/database"
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    options: dict[str, Any] = {"pool_pre_ping": True}  # a study outlives connections
    if parsed.drivername in ("postgresql", "postgres"):
        if find_spec("psycopg") is None:
            raise SettingsError(
                f"storage {shown}: needs the driver psycopg: pip install 'nucleate[postgres]'"
            )
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif parsed.drivername.startswith("sqlite"):
        # Writers wait for each other from the first statement on, instead of failing at the second.
        options["connect_args"] = {
            "timeout": 60,
            "isolation_level": "IMMEDIATE",
            "factory": _Connection,
        }
    full = parsed.render_as_string(hide_password=False)
    for attempt in range(OPENING_TRIES):
        try:
            return optuna.storages.get_storage(RDBStorage(full, engine_kwargs=options))
        except ImportError as error:
            raise SettingsError(f"storage {shown}: {error}") from None
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
            if attempt == OPENING_TRIES - 1:
                raise ResultsError(f"{shown}: cannot be opened ({_brief(error)})") from None
            time.sleep(random.uniform(0.1, 0.3 * (attempt + 1)))
    raise AssertionError("unreachable")


def _brief(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error.__cause__ or error
    return str(cause).strip().split("\n")[0]
