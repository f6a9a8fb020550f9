"""From a settings file's `source` to the files to read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from nucleate.core.errors import DatasetError, InputError, printable
from nucleate.core.files import digest, sha256_file
from nucleate.datasets import catalogue
from nucleate.datasets.catalogue import Dataset, File
from nucleate.datasets.fetch import fetch_file
from nucleate.matter.base import Matter
from nucleate.settings.data import DatasetSettings


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
    files by their rows. Files keep the literature's split if a single whole set is asked for and a
    training file is among them. The files of `test_source` and `validation_source` come first and
    carry that role.

    Of several sources a catalogued one need not have every property column; its rows lack it.

    Args:
        matter: registry name of the kind of matter the structures must be of.
        mirror: see `fetch.fetch`.

    Raises:
        DatasetError: unknown, of another kind of matter, or cannot be fetched.
        InputError: neither catalogued nor an existing path, or a property that no source has.
    """
    held_out: tuple[tuple[catalogue.Role, str | None], ...] = (
        ("test", dataset.test_source),
        ("validation", dataset.validation_source),
    )
    named = [(role, name) for role, name in held_out if name is not None]
    mixed = bool(named) or len(dataset.sources) > 1
    found: list[Source] = []
    for role, name in named:
        files = _files((name,), dataset, matter, mirror, mixed)
        found.extend(replace(source, role=role) for source in files)
    found.extend(_files(dataset.sources, dataset, matter, mirror, mixed))
    if mixed:
        known = {name for source in found for name in source.settings.properties}
        absent = [name for name in dataset.properties if name not in known]
        if absent:
            raise InputError(f"no source has a column {', '.join(absent)}", file=dataset.label)
    return found


@dataclass(frozen=True)
class _Wanted:
    """A file to read; `known` and `file` are None for a person's own."""

    name: str
    known: Dataset | None = None
    file: File | None = None
    role: catalogue.Role | None = None


def _files(
    names: tuple[str, ...], dataset: DatasetSettings, matter: str, mirror: str | None, mixed: bool
) -> list[Source]:
    """The files of some sources, a limit shared out over all of them.

    Args:
        mixed: whether these are not the only ones: then the literature's split does not apply.
    """
    wanted = [file for name in names for file in _find_files(name, matter, keep_roles=not mixed)]
    rows = [one.file.rows if one.file else None for one in wanted]
    sources = []
    for one, limit in zip(wanted, _limits(dataset.limit, rows), strict=True):
        if limit == 0:
            continue
        one_set = dataset.model_copy(update={"source": one.name, "limit": limit})
        if one.known is None or one.file is None:
            path = Path(one.name).expanduser()
            sources.append(Source(path, one_set, None, printable(path.name), limit))
            continue
        sources.append(
            Source(
                path=fetch_file(one.known, one.file, mirror),
                settings=_fill_in(one_set, one.known, one.file, mixed),
                role=one.role,
                name=one.name,
                rows=one.file.rows if limit is None else limit,
            )
        )
    return sources


def _find_files(source: str, matter: str, keep_roles: bool) -> list[_Wanted]:
    name, _, part = source.partition("/")
    if name not in catalogue.load():
        path = Path(source).expanduser()
        if not path.exists():
            known = ", ".join(catalogue.load())
            message = f"no such file or folder, nor a catalogued dataset ({known})"
            raise InputError(message, file=path)
        return [_Wanted(source)]
    known_set = catalogue.get(name)
    if known_set.use != "structures":
        use = known_set.use.replace("_", " ")
        raise DatasetError(f"dataset {name} holds {use}, not structures")
    if known_set.matter != matter:
        raise DatasetError(f"dataset {name} holds {known_set.matter}, not {matter}")
    files = known_set.select(part or None)
    keep_roles = keep_roles and len(files) > 1 and any(file.role == "train" for file in files)
    return [
        _Wanted(
            name if len(known_set.files) == 1 else f"{name}/{file.part}",
            known_set,
            file,
            file.role if keep_roles else None,
        )
        for file in files
    ]


def _fill_in(dataset: DatasetSettings, known: Dataset, file: File, mixed: bool) -> DatasetSettings:
    """The person's settings win over the catalogue's."""
    columns = {column.name for column in known.columns}
    properties = tuple(name for name in dataset.properties if name in columns or not mixed)
    return dataset.model_copy(
        update={
            "format": file.format if dataset.format == "auto" else dataset.format,
            "structure_column": dataset.structure_column or known.structure_column,
            "id_column": dataset.id_column or known.id_column,
            "properties": properties,
        }
    )


def _limits(limit: int | None, rows: list[int | None]) -> list[int | None]:
    """A limit shared out in proportion to known row counts, remainders to the largest."""
    if limit is None or len(rows) == 1:
        return [limit] * len(rows)
    known = [count for count in rows if count]
    weights = known if len(known) == len(rows) else [1] * len(rows)
    total = sum(weights)
    exact = [limit * weight / total for weight in weights]
    shares = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: shares[i] - exact[i])
    for index in by_remainder[: limit - sum(shares)]:
        shares[index] += 1
    return list(shares)


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's relative file names and contents.

    Raises:
        InputError: the file cannot be read. (One in a folder is for its reader to tell.)
    """
    if not path.is_dir():
        return _digest_of(path)
    total = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        total.update(os.fsencode(file.relative_to(path).as_posix()))
        try:
            total.update(_digest_of(file).encode())
        except InputError as error:
            total.update(str(error).encode())
    return total.hexdigest()


def source_digest(source: Source, matter: Matter) -> str:
    """`content_digest` of a source and of the files that it names (a table of paths does).

    Raises:
        InputError: it cannot be read.
    """
    own = content_digest(source.path)
    named = sorted(set(matter.reader.files_named(source.path, source.settings)))
    return digest([own, *map(content_digest, named)]) if named else own


def _digest_of(file: Path) -> str:
    try:
        return sha256_file(file)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", file=file) from error
