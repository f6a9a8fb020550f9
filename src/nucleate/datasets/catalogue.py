"""The catalogue of datasets (`data/catalogue.toml`): what exists, where, and how to trust it."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nucleate.core.errors import DatasetError
from nucleate.core.paths import data_folder
from nucleate.core.settings import Settings, read_toml, validate

Role = Literal["train", "validation", "test"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


class Column(Settings):
    """A column that a dataset's rows carry."""

    name: str
    unit: str = ""
    """Empty if dimensionless or not a number."""
    description: str = ""


class File(Settings):
    """One file of a dataset: public (`address`, `blob`, `mirror`) or embedded (`path`)."""

    part: Name
    """Its name within the dataset: `DATASET/PART` takes this file alone."""
    role: Role | None = None
    """Its part in the literature's split."""
    format: Literal["csv", "tsv", "smi", "parquet", "sdf", "cif", "poscar", "extxyz", "json"]
    rows: Annotated[int, Field(gt=0)] | None = None
    address: str | None = None
    """Public address at a fixed commit."""
    blob: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """Git blob id: SHA-1 of `blob <size>\\0` and the content."""
    size: Annotated[int, Field(gt=0)] | None = None
    """Bytes."""
    mirror: Annotated[str, Field(pattern=r"^[^/]")] | None = None
    """Path inside a mirror folder and inside the folder of downloads."""
    package: str | None = None
    """Installed package that holds the embedded file; the catalogue's own folder if not given."""
    path: Annotated[str, Field(pattern=r"^[^/]")] | None = None
    """Path of an embedded file."""

    @model_validator(mode="after")
    def _one_place(self) -> File:
        if self.path is not None:
            if self.address or self.blob or self.mirror:
                raise ValueError("an embedded file (path) has no address, blob or mirror")
        elif not (self.address and self.blob and self.mirror):
            raise ValueError("a public file needs address, blob and mirror")
        return self


class Dataset(Settings):
    """One catalogued dataset."""

    name: Name
    title: str
    matter: str
    """Registry name of the kind of matter."""
    use: Literal["structures", "reference_energies"] = "structures"
    """Only sets of structures can be featurized."""
    rows: Annotated[int, Field(gt=0)] | None = None
    licence: str
    citation: str
    structure_column: str | None = None
    id_column: str | None = None
    builder: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    """`module:function` that makes an embedded set anew (`nucleate datasets build NAME`)."""
    notes: tuple[str, ...] = ()
    """What a user must know: traps, provenance."""
    columns: tuple[Column, ...] = ()
    files: Annotated[tuple[File, ...], Field(min_length=1)]

    @property
    def embedded(self) -> bool:
        """Whether every file is at hand without a network."""
        return all(file.path is not None for file in self.files)

    def select(self, part: str | None) -> tuple[File, ...]:
        """All files, or the one that is called `part`.

        Raises:
            DatasetError: no such part; lists those there are.
        """
        if part is None:
            return self.files
        chosen = tuple(file for file in self.files if file.part == part)
        if not chosen:
            known = ", ".join(file.part for file in self.files)
            raise DatasetError(f"dataset {self.name} has no part {part!r}; it has: {known}")
        return chosen


class Catalogue(Settings):
    """The whole file."""

    dataset: tuple[Dataset, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Catalogue:
        names = [dataset.name for dataset in self.dataset]
        if len(set(names)) != len(names):
            raise ValueError("dataset names repeat")
        for dataset in self.dataset:
            parts = [file.part for file in dataset.files]
            if len(set(parts)) != len(parts):
                raise ValueError(f"parts of {dataset.name} repeat")
        return self


def load(path: Path | None = None) -> dict[str, Dataset]:
    """Every catalogued dataset by name, in the file's order.

    Args:
        path: another catalogue file; the project's own if not given.

    Raises:
        SettingsError: the file is missing or not a valid catalogue.
    """
    return dict(_load(path or data_folder() / "catalogue.toml"))


@cache
def _load(path: Path) -> dict[str, Dataset]:
    catalogue = validate(Catalogue, read_toml(path), str(path))
    return {dataset.name: dataset for dataset in catalogue.dataset}


def get(name: str) -> Dataset:
    """The dataset of that name.

    Raises:
        DatasetError: no such dataset; names the likeliest ones.
    """
    known = load()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(known)}"
        raise DatasetError(f"no catalogued dataset named {name!r}{hint}")
    return known[name]


def table() -> list[dict[str, Any]]:
    """One row per dataset, for people: name, matter, rows, parts, title, where it comes from."""
    return [
        {
            "name": dataset.name,
            "matter": dataset.matter,
            "rows": dataset.rows,
            "parts": ", ".join(file.part for file in dataset.files),
            "title": dataset.title,
            "network": "no" if dataset.embedded else "yes",
        }
        for dataset in load().values()
    ]


def describe(name: str) -> dict[str, Any]:
    """Everything about one dataset as plain values (JSON-ready).

    Raises:
        DatasetError: no such dataset.
    """
    dataset = get(name)
    return dataset.model_dump(mode="json", exclude_none=True)
