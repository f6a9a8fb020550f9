"""Structures as people hold them: texts, objects of the field's libraries, tables, files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleate.core.errors import InputError, StructureError
from nucleate.core.progress import bar
from nucleate.datasets import catalogue
from nucleate.datasets.sources import resolve
from nucleate.matter import registry
from nucleate.matter.base import Matter
from nucleate.settings.data import DatasetSettings

USUAL_COLUMNS = ("smiles", "crystal", "cif", "structure", "molecule", "mol", "romol")
"""Names of the column that holds the structures, whatever their case."""


@dataclass
class StructureList:
    """Structures in canonical form, one for each that was given.

    Attributes:
        structures: structure strings; None where one was refused.
        reasons: why, in the same order; empty where it was not.
        notes: what was decided or left out on reading each (`Standardised.notes`).
        labels: of the rows: a table's index, a file's ids, else numbers.
    """

    structures: list[str | None] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[tuple[str, ...]] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)

    @property
    def places(self) -> list[int]:
        """Positions of those that were not refused."""
        return [place for place, one in enumerate(self.structures) if one is not None]

    @property
    def accepted(self) -> list[str]:
        """Structure strings of those that were not refused."""
        return [one for one in self.structures if one is not None]


def is_source(text: str) -> bool:
    """Whether a text names a catalogued dataset or a file or folder that is there, and is no
    structure itself."""
    if text.partition("/")[0] in catalogue.load():
        return True
    try:
        path = Path(text).expanduser()
        return (bool(path.suffix) or "/" in text) and path.exists()
    except (OSError, ValueError):  # a structure, too long for a file's name
        return False


def as_dataset(structures: Any, **reading: Any) -> DatasetSettings | None:
    """The dataset that is named, by its settings, path or name; None where structures themselves
    are given."""
    if isinstance(structures, DatasetSettings):
        return structures.model_copy(update=reading)
    if isinstance(structures, Path):
        return DatasetSettings(source=str(structures), **reading)
    if isinstance(structures, str) and is_source(structures):
        return DatasetSettings(source=structures, **reading)
    return None


def read_structures(structures: Any, matter: Matter) -> StructureList:
    """Standardise structures of any form.

    Args:
        structures: a SMILES, CIF or Wyckoff text, an RDKit molecule, a pymatgen Structure or ASE
            Atoms; a list, an array or a pandas Series of these; a DataFrame with a column of them;
            the path of a file or folder, or a catalogued dataset's name.
        matter: which they must be of.

    Raises:
        InputError: a file that cannot be read, a table without a column of structures, or
            structures that are all of another kind of matter.
    """
    options = matter.reader.resolve({}, "standardise")
    found, first = StructureList(), None
    for label, payload, reason in _payloads(structures, matter):
        first = payload if first is None else first
        standard, notes = None, tuple[str, ...]()
        if not reason:
            try:
                read = matter.reader.standardise(payload, options)
                standard, notes = read.structure, read.notes
            except StructureError as error:
                reason = str(error)
        found.labels.append(label)
        found.structures.append(standard)
        found.reasons.append(reason)
        found.notes.append(notes)
    if found.labels and not found.accepted and isinstance(first, str):
        _refuse_other_kind(first, matter)
    return found


def written_structures(structures: Any, matter: Matter, file: Path, **reading: Any) -> Any:
    """Settings of a dataset, structures themselves being written to a file first: a parquet file
    if the kind of matter reads such, else a CSV.

    Args:
        reading: keys of `DatasetSettings`; `properties` are columns of a DataFrame.

    Raises:
        InputError: see `read_structures`; or a property that is no column.
    """
    import pandas as pd

    named = as_dataset(structures, **reading)
    if named is not None:
        return named
    rows = list(_payloads(structures, matter))
    if not rows:
        raise InputError("no structure was given")
    if all(reason for _, _, reason in rows):
        raise InputError(f"no structure of {matter.name}: {rows[0][2]}")
    column = matter.structure_column
    table = pd.DataFrame(
        {"id": [str(label) for label, _, _ in rows], column: [text for _, text, _ in rows]}
    )
    reading.pop("structure_column", None)
    for name in reading.get("properties") or ():
        if name not in getattr(structures, "columns", ()):
            raise InputError(f"properties: the structures come with no column {name!r}")
        table[name] = structures[name].to_numpy()
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix in matter.reader.suffixes:
        table.to_parquet(file)
    else:
        file = file.with_suffix(".csv")
        table.to_csv(file, index=False)
    return DatasetSettings(source=str(file), structure_column=column, id_column="id", **reading)


def structure_text(thing: Any, matter: Matter) -> str:
    """The text of one structure, as settings take it.

    Raises:
        InputError: it is of another kind of matter, or of none.
    """
    ((_, text, reason),) = _payloads([thing], matter)
    if reason:
        raise InputError(reason)
    return str(text)


def _payloads(structures: Any, matter: Matter) -> Iterator[tuple[Any, Any, str]]:
    """Label, what `Reader.standardise` takes, and why there is nothing, of each structure."""
    dataset = as_dataset(structures)
    if dataset is not None:
        for source in resolve(dataset, matter.name):
            for row in matter.reader.read_rows(source.path, source.settings):
                yield row.id, row.payload, row.error
        return
    if isinstance(structures, str) and _is_missing_file(structures, matter):
        raise InputError("no such file or folder", file=structures)
    labels, items = _items(structures, matter)
    others = {}
    for label, item in zip(labels, bar(items, description="reading"), strict=True):
        if isinstance(item, str):
            yield label, item, ""
            continue
        text, reason = None, ""
        try:
            text = matter.reader.from_object(item)
        except StructureError as error:
            reason = str(error)
        if text is None and not reason:
            kind = type(item)
            if kind not in others:
                others[kind] = _other_kind(item, matter)
            reason = others[kind] or f"a {kind.__name__} is no structure of {matter.name}"
            if others[kind] and len(items) == 1:
                raise InputError(reason)
        yield label, text, reason


def _is_missing_file(text: str, matter: Matter) -> bool:
    """Whether a text can mean nothing but a file: by its ending, in one line."""
    lower = text.strip().lower()
    packed = next((end for end in (".gz", ".zip") if lower.endswith(end)), "")
    return "\n" not in lower and lower.removesuffix(packed).endswith(matter.reader.suffixes)


def _items(structures: Any, matter: Matter) -> tuple[Sequence[Any], list[Any]]:
    """Labels and structures of whatever holds them."""
    if hasattr(structures, "columns"):  # a DataFrame
        lower = {str(name).lower(): name for name in reversed(list(structures.columns))}
        names = (matter.structure_column, *USUAL_COLUMNS)
        column = next((lower[name] for name in names if name in lower), None)
        if column is None:
            raise InputError(
                f"the table has no column {' or '.join(dict.fromkeys(names))}; it has: "
                + ", ".join(map(str, structures.columns))
                + ". Give the column itself, as table['name']"
            )
        structures = structures[column]
    if getattr(structures, "ndim", 1) == 0:  # numpy's array of one
        structures = structures.item()
    if getattr(structures, "ndim", 1) > 1:
        raise InputError(
            f"structures are one, or a list or column of them, not a table {structures.shape}"
        )
    if isinstance(structures, Mapping):
        raise InputError("structures are one, or a list or column of them, not a dictionary")
    if hasattr(structures, "index") and hasattr(structures, "to_list"):  # a Series
        return list(structures.index), structures.to_list()
    one = isinstance(structures, (str, bytes)) or not isinstance(structures, Iterable)
    # Structures and molecules of libraries are iterable too, over their atoms.
    listed = isinstance(structures, (list, tuple, Set, ValuesView)) or hasattr(structures, "dtype")
    if not one and not listed:
        one = not isinstance(structures, Iterator)
    items = [structures] if one else list(structures)
    return range(len(items)), items


def _other_kind(item: Any, matter: Matter) -> str:
    """What is said of an object of another kind of matter; empty where none knows it."""
    for name in registry.names():
        if name == matter.name:
            continue
        try:
            known = registry.get(name).reader.from_object(item) is not None
        except StructureError:
            known = True
        if known:
            what = type(item).__name__
            return (
                f"wrong_matter: a {what} is one of {name}, this is for {matter.name}; "
                f"name {name!r} or a model of them"
            )
    return ""


def _refuse_other_kind(text: str, matter: Matter) -> None:
    """Refuse texts of which none could be read if the first is a structure of another kind."""
    for name in registry.names():
        if name == matter.name:
            continue
        reader = registry.get(name).reader
        try:
            reader.standardise(text, reader.resolve({}, "standardise"))
        except StructureError:
            continue
        raise InputError(
            f"{text[:40]!r} is one of {name}, this is for {matter.name}; name {name!r} or a "
            "model of them"
        )
