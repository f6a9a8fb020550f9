"""Bring a catalogued dataset's files here: embedded, from a mirror folder, or downloaded.

Nothing is trusted by where it came from: every public file must have the git blob id that the
catalogue states. Downloads go to a `.part` file that later attempts resume.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import time
from pathlib import Path

import httpx
from filelock import FileLock

from nucleate.core.errors import DatasetError
from nucleate.core.paths import data_folder, download_folder
from nucleate.core.progress import bar
from nucleate.datasets import catalogue
from nucleate.datasets.catalogue import Dataset, File

MIRROR_VARIABLE = "NUCLEATE_DATA_MIRROR"
ATTEMPTS = 4
PAUSE_SECONDS = 1.0
"""Before the second attempt; doubles with each further one."""
_BLOCK = 1 << 18
_LOG = logging.getLogger(__name__)


def fetch(
    name: str,
    mirror: str | Path | None = None,
    destination: Path | None = None,
    progress: bool = True,
) -> list[Path]:
    """Paths of a dataset's verified files, in the catalogue's order.

    Args:
        name: `DATASET` or `DATASET/PART`.
        mirror: folder that may hold the files already; `NUCLEATE_DATA_MIRROR` if not given. Files
            found there are used in place.
        destination: folder for downloads; the usual one if not given.
        progress: show a bar for each download.

    Raises:
        DatasetError: unknown name, wrong content, no network, or a folder that cannot be written.
    """
    dataset_name, _, part = name.partition("/")
    dataset = catalogue.get(dataset_name)
    files = dataset.select(part or None)
    return [fetch_file(dataset, file, mirror, destination, progress) for file in files]


def fetch_file(
    dataset: Dataset,
    file: File,
    mirror: str | Path | None = None,
    destination: Path | None = None,
    progress: bool = True,
) -> Path:
    """Path of one verified file; see `fetch`."""
    if file.path is not None:
        return _embedded_path(dataset, file)
    # The catalogue's model guarantees that a file without a path has all three.
    address, blob, relative = file.address or "", file.blob or "", file.mirror or ""
    folder = mirror or os.environ.get(MIRROR_VARIABLE)
    if folder:
        if not Path(folder).is_dir():
            raise DatasetError(f"{folder}: the mirror folder does not exist")
        held = Path(folder) / relative
        if held.is_file():
            _verify(held, blob)
            return held
    target = (destination or download_folder()) / relative
    if target.is_file() and git_blob_id(target) == blob:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if target.is_file():
                if git_blob_id(target) == blob:  # another process was quicker
                    return target
                _LOG.warning("%s is damaged and is fetched anew", target)
            _download(f"{dataset.name}/{file.part}", address, blob, relative, target, progress)
    except OSError as error:
        raise DatasetError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "NUCLEATE_DATA names another folder for downloads"
        ) from error
    return target


def git_blob_id(path: Path) -> str:
    """SHA-1 of `blob <size>\\0` and the file's content, as git names it; read in blocks."""
    total = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def _verify(path: Path, expected: str) -> None:
    try:
        found = git_blob_id(path)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror or error})") from error
    if found != expected:
        raise DatasetError(
            f"{path}: wrong content: expected git blob {expected}, found {found}; "
            "it is damaged or another version"
        )


def _embedded_path(dataset: Dataset, file: File) -> Path:
    relative = file.path or ""
    if file.package is None:
        path = data_folder() / relative
    else:
        # The package is located, not imported: RDKit would cost half a second here.
        found = importlib.util.find_spec(file.package)
        if found is None or not found.submodule_search_locations:
            raise DatasetError(
                f"dataset {dataset.name} is part of the package {file.package}, "
                "which is not installed"
            )
        path = Path(next(iter(found.submodule_search_locations))) / relative
    if not path.is_file() or path.stat().st_size == 0:
        hint = f"; `nucleate datasets build {dataset.name}` makes it" if dataset.builder else ""
        raise DatasetError(f"{path}: embedded dataset {dataset.name} is missing{hint}")
    return path


def _download(
    name: str, address: str, blob: str, relative: str, target: Path, progress: bool
) -> None:
    """Fetch one file with retries; each attempt resumes where the last one ended."""
    part = target.with_name(f"{target.name}.part")
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        resumed = part.is_file() and part.stat().st_size > 0
        try:
            _transfer(name, address, part, progress)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            if status == 416:  # the part is as long as the file, or longer: judged below
                pass
            elif status in (408, 425, 429) or status >= 500:
                reason = f"the server answered {status}"
                continue
            else:
                raise DatasetError(_failure_text(address, relative, f"answered {status}")) from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            _LOG.info("%s: transfer broke off (%s)", name, reason)
            continue
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # of a proxy's address
            raise DatasetError(_failure_text(address, relative, str(error))) from None
        found = git_blob_id(part)
        if found == blob:
            os.replace(part, target)
            return
        part.unlink()
        if not resumed:
            raise DatasetError(
                f"{address}: wrong content: expected git blob {blob}, found {found}; "
                "nothing was kept"
            )
        reason = f"what lay in {part.name} did not fit"
    raise DatasetError(_failure_text(address, relative, reason))


def _transfer(name: str, address: str, part: Path, progress: bool) -> None:
    """One attempt: append what is missing, or start over if the server cannot resume."""
    start = part.stat().st_size if part.is_file() else 0
    # Ranges count the bytes of the file itself, so the server must not compress on the way.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = httpx.Timeout(30.0)
    with httpx.stream(
        "GET", address, headers=headers, follow_redirects=True, timeout=timeout
    ) as response:
        response.raise_for_status()
        if response.status_code != 206:
            start = 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        shown = bar(description=name, total=total, unit="B") if progress else None
        try:
            if shown is not None:
                shown.update(start)
            with part.open("ab" if start else "wb") as file:
                for block in response.iter_raw(_BLOCK):
                    file.write(block)
                    if shown is not None:
                        shown.update(len(block))
        finally:
            if shown is not None:
                shown.close()


def _failure_text(address: str, relative: str, reason: str) -> str:
    return (
        f"{address}: cannot be fetched ({reason}). Without a network, give a folder that holds the "
        f"file as {relative}: the setting `mirror`, the option --mirror or {MIRROR_VARIABLE}"
    )
