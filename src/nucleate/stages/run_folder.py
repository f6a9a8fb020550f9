"""The folder of a whole run: lock, settings as resolved, manifest, results, and the list of runs.

```
results/<run>/
  report.html          one page that shows everything
  settings.toml        the settings as resolved, defaults included
  manifest.json        state, versions, seed, digests, times, and what every stage wrote
  candidates.parquet   ranked candidates of all kinds of matter (first column), and as .csv
  rejected.parquet     every structure that fell, with the check and the reason
  candidates.sdf       molecules; crystals are in candidates.extxyz and cif/
  <matter>/            molecules/, crystals/
    featurize/         records, rejected rows with reasons, arrays, codec
    train/             curves.csv, model.safetensors, prior.safetensors
    sample/            draws from the prior
    optimize/          the study's journal and its draws
    screen/            the originals of the results above, with their digests, and the funnel
```

The results are copied out of each `screen/` once it is finished, so that a person finds them at
once and may edit them without touching what later runs resume from.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import tomli_w
from filelock import FileLock, Timeout

from nucleate.core.environment import environment_info, utc_now
from nucleate.core.errors import ResultsError
from nucleate.core.files import (
    atomic_folder,
    atomic_path,
    digest,
    read_json,
    write_json,
    write_text,
)
from nucleate.core.manifest import MANIFEST_NAME, Manifest
from nucleate.core.version import __version__
from nucleate.datasets import tables
from nucleate.settings.run import DiscoverSettings

TABLES = ("candidates.parquet", "rejected.parquet")

"""Packages whose versions a run's manifest records."""


@dataclass
class Run:
    """An open run's folder.

    Attributes:
        settings: as resolved.
        folder: `results/<run>`.
        created: UTC time of the first start, ISO 8601.
        stages: manifests by kind of matter and stage, as they finish.
        failures: message by kind of matter that ended in an error.
    """

    settings: DiscoverSettings
    folder: Path
    created: str = ""
    stages: dict[str, dict[str, Manifest]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def write_manifest(self, state: str) -> None:
        """Record how far the run has come, in `manifest.json`.

        Args:
            state: running, finished, failed or interrupted.
        """
        resolved = self.settings.model_dump(mode="json")
        value = {
            "run": self.settings.run,
            "state": state,
            "created": self.created,
            "updated": utc_now(),
            "seconds": round(sum(m.seconds for s in self.stages.values() for m in s.values()), 1),
            "seed": self.settings.seed,
            "device": self.settings.device,
            "settings_digest": digest(resolved),
            "nucleate": __version__,
            **environment_info(),
            "failures": self.failures,
            "matter": {
                name: {stage: _plain(manifest) for stage, manifest in stages.items()}
                for name, stages in self.stages.items()
            },
        }
        write_json(self.folder / MANIFEST_NAME, value)

    def publish(self, matter: str) -> None:
        """Copy what the screening of a kind of matter found to the run's folder.

        The formats of the field are copied; tables are joined with those of the kinds of matter
        that were published before.
        """
        screened = self.stages[matter]["screen"]
        folders = {Path(output.name).parts[0] for output in screened.outputs}
        for name in sorted(folders - {*TABLES, "candidates.csv", "funnel.json"}):
            source = screened.path(name)
            if source.is_dir():
                with atomic_folder(self.folder / name) as part:
                    shutil.copytree(source, part, dirs_exist_ok=True)
            else:
                with atomic_path(self.folder / name) as part:
                    shutil.copyfile(source, part)
        for name in sorted(folders & set(TABLES)):
            self._join(name)

    def _join(self, name: str) -> None:
        """One table over all kinds of matter that have been screened."""
        parts = []
        for matter, stages in self.stages.items():
            path = stages["screen"].path(name) if "screen" in stages else None
            if path is not None and path.is_file():
                table = tables.read(path)
                kind = pa.array([matter] * len(table), pa.string())
                parts.append(table.add_column(0, "matter", kind))
        joined = joined_tables(parts)
        tables.write(self.folder / name, joined)
        if name == "candidates.parquet":
            plain = joined.drop_columns([c for c in joined.column_names if c == "latent"])
            with atomic_path(self.folder / "candidates.csv") as part:
                plain.to_pandas().to_csv(part, index=False, float_format="%.6g")


def joined_tables(parts: Sequence[pa.Table]) -> pa.Table:
    """Tables one below the other, with the columns of all of them, missing values where one has no
    such column.

    A column without any value has whatever type its writer guessed, so that it takes the others'.
    """
    typed = []
    for part in parts:
        for place, name in enumerate(part.column_names):
            if pc.all(pc.is_null(part[name], nan_is_null=True)).as_py() is not False:
                part = part.set_column(place, name, pa.nulls(len(part)))
        typed.append(part)
    return pa.concat_tables(typed, promote_options="permissive")


def _plain(manifest: Manifest) -> dict[str, Any]:
    value = asdict(manifest)
    value.pop("folder")  # so that a run's folder can be moved
    return value


@contextmanager
def open_run(settings: DiscoverSettings, *, fresh: bool = False) -> Iterator[Run]:
    """Lock a run's folder, write its settings, and record at the end how the run ended.

    Args:
        fresh: remove what an earlier run of this name left.

    Raises:
        ResultsError: the folder cannot be written, holds something else than a run, or is in use
            by another process.
    """
    results = Path(settings.results)
    folder = results / settings.run
    with _lock(results, settings.run):
        try:
            if fresh:
                _remove_run(folder)
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResultsError(f"{folder}: cannot be written ({error.strerror})") from None
        run = Run(settings, folder, created=_creation_time(folder))
        values = tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))
        head = "# This run's settings as resolved, defaults included.\n"
        write_text(folder / "settings.toml", head + values)
        run.write_manifest("running")
        state = "failed"
        try:
            yield run
            state = "failed" if run.failures else "finished"
        except (KeyboardInterrupt, SystemExit):
            state = "interrupted"
            raise
        finally:
            # Where an error ended the run, that one says more than another about its manifest.
            with suppress(*(() if state == "finished" else (ResultsError,))):
                run.write_manifest(state)


def _creation_time(folder: Path) -> str:
    try:
        return str(read_json(folder / MANIFEST_NAME)["created"])
    except (ResultsError, KeyError, TypeError):
        return utc_now()


def _remove_run(folder: Path) -> None:
    """Remove a run's folder, but nothing that does not look like one."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / "settings.toml").is_file():
        raise ResultsError(f"{folder}: is not the folder of a run; it is left as it is")
    shutil.rmtree(folder)


def lock_path(results: Path, run: str) -> Path:
    """The lock beside a run's folder; a process that dies releases it."""
    return results / f".{run}.lock"


@contextmanager
def _lock(results: Path, run: str) -> Iterator[None]:
    path = lock_path(results, run)
    lock = FileLock(path)
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise ResultsError(
            f"{results / run}: another process works in this folder; wait for it to end, or choose"
            " another name of the run"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise ResultsError(
            f"{results}: cannot be written ({getattr(error, 'strerror', '') or error})"
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_running(results: Path, run: str) -> bool:
    """Whether a process holds the run's lock."""
    path = lock_path(results, run)
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def list_runs(results: Path) -> list[dict[str, Any]]:
    """The runs in a results folder, newest first.

    Returns:
        Per run: name, state (running, finished, failed, interrupted, damaged), updated (UTC,
        ISO 8601), seconds, candidates by kind of matter, folder.
    """
    if not results.is_dir():
        return []
    found = [
        describe_run(folder)
        for folder in results.iterdir()
        if (folder / "settings.toml").is_file() and (folder / MANIFEST_NAME).is_file()
    ]
    return sorted(found, key=lambda run: str(run["updated"]), reverse=True)


def describe_run(folder: Path) -> dict[str, Any]:
    """One run's summary; see `list_runs`."""
    summary: dict[str, Any] = {
        "name": folder.name,
        "state": "damaged",
        "updated": "",
        "seconds": 0.0,
        "candidates": {},
        "folder": str(folder),
    }
    try:
        manifest: Mapping[str, Any] = read_json(folder / MANIFEST_NAME)
        summary |= {key: manifest[key] for key in ("state", "updated", "seconds")}
        summary["candidates"] = {
            name: _rows(stages.get("screen")) for name, stages in manifest["matter"].items()
        }
    except (ResultsError, KeyError, TypeError, AttributeError):
        return summary
    if summary["state"] == "running" and not is_running(folder.parent, folder.name):
        summary["state"] = "interrupted"  # killed before it could say so
    return summary


def _rows(stage: Mapping[str, Any] | None) -> int | None:
    for output in (stage or {}).get("outputs", ()):
        if output["name"] == "candidates.parquet":
            rows: int | None = output["rows"]
            return rows
    return None
