"""From a settings file's `source` to the files to read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nucleate.config import DatasetSettings
from nucleate.datasets import catalogue
from nucleate.datasets.catalogue import Dataset, File
from nucleate.datasets.fetch import fetch_file
from nucleate.errors import DatasetError, InputError
from nucleate.runs import sha256_file


@dataclass(frozen=True)
class Source:
    """One file or folder to read.

    Attributes:
        path: where it lies.
        settings: how to read it: format, columns and limit filled in from the catalogue.
        role: its split, or None where the run's settings split.
        name: what people call it, e.g. `mpts52/val` or the path's own name.
        rows: how many rows it holds, if known.
    """

    path: Path
    settings: DatasetSettings
    role: catalogue.Role | None
    name: str
    rows: int | None = None


def resolve(dataset: DatasetSettings, matter: str, mirror: str | None = None) -> list[Source]:
    """The files that a dataset setting means, fetched and verified.

    A catalogue name means all its files; `NAME/PART` one of them; anything else is a path (write
    `./nci` for a path that is called like a catalogued set). A `limit` is shared out over the
    files by their rows. Files keep the literature's split if a training file is among them.

    Args:
        matter: registry name of the kind of matter the structures must be of.
        mirror: see `fetch.fetch`.

    Raises:
        DatasetError: unknown, of another kind of matter, or cannot be fetched.
        InputError: neither catalogued nor an existing path.
    """
    name, _, part = dataset.source.partition("/")
    if name not in catalogue.load():
        return [_own(dataset)]
    known = catalogue.get(name)
    if known.use != "structures":
        raise DatasetError(f"dataset {name} holds {known.use.replace('_', ' ')}, not structures")
    if known.matter != matter:
        raise DatasetError(f"dataset {name} holds {known.matter}, not {matter}")
    files = known.select(part or None)
    keep_roles = len(files) > 1 and any(file.role == "train" for file in files)
    limits = _shares(dataset.limit, files)
    return [
        Source(
            path=fetch_file(known, file, mirror),
            settings=_filled(dataset, known, file, limit),
            role=file.role if keep_roles else None,
            name=name if len(known.files) == 1 else f"{name}/{file.part}",
            rows=file.rows if limit is None else limit,
        )
        for file, limit in zip(files, limits, strict=True)
        if limit != 0
    ]


def _own(dataset: DatasetSettings) -> Source:
    path = Path(dataset.source).expanduser()
    if not path.exists():
        known = ", ".join(catalogue.load())
        raise InputError(f"no such file or folder, nor a catalogued dataset ({known})", file=path)
    return Source(path, dataset, None, path.name, dataset.limit)


def _filled(
    dataset: DatasetSettings, known: Dataset, file: File, limit: int | None
) -> DatasetSettings:
    """The person's settings win over the catalogue's."""
    return dataset.model_copy(
        update={
            "source": dataset.source,
            "format": file.format if dataset.format == "auto" else dataset.format,
            "structure_column": dataset.structure_column or known.structure_column,
            "id_column": dataset.id_column or known.id_column,
            "limit": limit,
        }
    )


def _shares(limit: int | None, files: tuple[File, ...]) -> list[int | None]:
    """A limit shared out in proportion to known row counts, remainders to the largest."""
    if limit is None:
        return [None] * len(files)
    weights = [file.rows or 1 for file in files]
    if not all(file.rows for file in files):
        weights = [1] * len(files)
    total = sum(weights)
    exact = [limit * weight / total for weight in weights]
    shares = [int(value) for value in exact]
    by_remainder = sorted(range(len(files)), key=lambda i: shares[i] - exact[i])
    for index in by_remainder[: limit - sum(shares)]:
        shares[index] += 1
    return list(shares)


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's relative file names and contents.

    Raises:
        InputError: something in it cannot be read.
    """
    try:
        if path.is_file():
            return sha256_file(path)
        total = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(file.relative_to(path).as_posix().encode())
            total.update(sha256_file(file).encode())
        return total.hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", file=path) from error
