"""A run's folder: atomic writes, digests, manifests and resumption.

Stages exchange a small frozen `Manifest`, never arrays. A stage is skipped when the manifest that
lies in its folder carries the key computed from its settings, its inputs' digests and the code
version, and its files are still there, unchanged.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nucleate.core.environment import utc_now
from nucleate.core.errors import ResultsError, SettingsError
from nucleate.core.files import code_version, digest, read_json, sha256_file, write_json


def load_manifest(folder: Path, *stages: str) -> Manifest:
    """The manifest of a stage's folder given on the command line.

    Raises:
        ResultsError: none there, or damaged.
        SettingsError: the folder belongs to a stage that is not one of `stages`.
    """
    needed = " or ".join(f"`nucleate {stage}`" for stage in stages)
    if not (folder / MANIFEST_NAME).is_file():
        raise ResultsError(f"{folder}: is not the finished output of {needed}")
    manifest = Manifest.load(folder)
    if manifest.stage not in stages:
        raise SettingsError(
            f"{folder}: is the output of `nucleate {manifest.stage}`, not of {needed}"
        )
    return manifest


MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class Output:
    """One file that a stage wrote: name within the stage's folder, SHA-256, rows if a table."""

    name: str
    sha256: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a stage did, small enough to hand around.

    Attributes:
        stage: the verb.
        matter: kind of matter, empty if none.
        folder: absolute folder of the outputs.
        key: digest of settings, inputs and code version.
        inputs: by role, the keys of the manifests it was made from.
        outputs: files written.
        metrics: plain numbers worth showing.
        seconds: wall time.
        created: UTC time, ISO 8601.
        code_version: see `code_version`.
    """

    stage: str
    matter: str
    folder: str
    key: str
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    created: str = ""
    code_version: str = ""

    def path(self, name: str) -> Path:
        """Absolute path of an output."""
        return Path(self.folder) / name

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest in a stage's folder.

        Raises:
            ResultsError: none there, or damaged.
        """
        data = read_json(folder / MANIFEST_NAME)
        try:
            data["outputs"] = tuple(Output(**o) for o in data["outputs"])
            return cls(folder=str(folder.resolve()), **data)
        except (KeyError, TypeError) as error:
            raise ResultsError(f"{folder / MANIFEST_NAME}: damaged ({error})") from None


def stage_key(stage: str, settings: Any, inputs: Mapping[str, str], **more: Any) -> str:
    """The digest that decides whether a stage's outputs are current."""
    plain = settings.model_dump(mode="json") if hasattr(settings, "model_dump") else settings
    return digest([stage, plain, dict(inputs), more, code_version()])


class StageNotCurrent(Exception):
    """Raised by `run_stage` inside `only_current` where there is work to do."""


_only_current: ContextVar[bool] = ContextVar("only_current", default=False)


@contextmanager
def only_current() -> Iterator[None]:
    """Inside this block stages only look whether their results are current.

    It tells in seconds, without starting a server, that a run has nothing left to do.
    """
    token = _only_current.set(True)
    try:
        yield
    finally:
        _only_current.reset(token)


def run_stage(
    stage: str,
    matter: str,
    folder: Path,
    settings: Any,
    inputs: Mapping[str, str],
    work: Callable[[Path], tuple[list[str], dict[str, Any]]],
    *,
    started: float | None = None,
    **more: Any,
) -> Manifest:
    """Do a stage's work unless its folder already holds the same result.

    Args:
        inputs: role -> key (or content digest) of what the stage reads.
        work: writes its files into the folder and returns their names and the metrics. Metrics
            named `rows/<file>` become that output's row count. It may keep partial work in the
            folder to resume from; that must name the key if it depends on the settings.
        started: `time.perf_counter()` of what was done for it before, if anything was.
        more: further values the result depends on (seed).

    Raises:
        ResultsError: the folder cannot be written.
    """
    key = stage_key(stage, settings, inputs, **more)
    current = stage_current(stage, folder, key)
    if current is not None:
        return current
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
        _remove_unfinished(folder)
    except OSError as error:
        raise ResultsError(f"{folder}: cannot be written ({error.strerror or error})") from error
    started = time.perf_counter() if started is None else started
    with writing(folder):
        names, metrics = work(folder)
    counts = {k.removeprefix("rows/"): v for k, v in metrics.items() if k.startswith("rows/")}
    manifest = Manifest(
        stage=stage,
        matter=matter,
        folder=str(folder.resolve()),
        key=key,
        inputs=dict(inputs),
        outputs=tuple(Output(n, sha256_file(folder / n), counts.get(n)) for n in names),
        metrics={k: v for k, v in metrics.items() if not k.startswith("rows/")},
        seconds=round(time.perf_counter() - started, 3),
        created=utc_now(),
        code_version=code_version(),
    )
    data = asdict(manifest)
    data.pop("folder")  # so that a run's folder can be moved
    write_json(folder / MANIFEST_NAME, data)
    return manifest


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """A block that writes into a folder.

    Raises:
        ResultsError: the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (28, 30, 13, 122):  # no space, read-only, not permitted, quota
            raise ResultsError(f"{folder}: cannot be written ({error.strerror})") from error
        raise


def stage_current(stage: str, folder: Path, key: str) -> Manifest | None:
    """The manifest of a folder that has nothing left to do, else None.

    Raises:
        StageNotCurrent: there is work to do, inside `only_current`.
    """
    current = current_manifest(folder, key)
    if current is None and _only_current.get():
        raise StageNotCurrent(stage)
    return current


def _remove_unfinished(folder: Path) -> None:
    """Remove what `atomic_path` and `atomic_folder` left when a process was killed inside them."""
    for left in folder.glob(".*.part*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def current_manifest(folder: Path, key: str) -> Manifest | None:
    """The folder's manifest if it has this key and its files are intact, else None."""
    if not (folder / MANIFEST_NAME).exists():
        return None
    try:
        manifest = Manifest.load(folder)
    except ResultsError:
        return None
    if manifest.key != key:
        return None
    for output in manifest.outputs:
        path = folder / output.name
        if not path.is_file() or sha256_file(path) != output.sha256:
            return None
    return manifest
