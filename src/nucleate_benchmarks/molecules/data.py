"""Training and test molecules for the benchmarks: a file, a catalogued set, a featurized set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nucleate.core.errors import DatasetError, InputError
from nucleate.datasets import catalogue
from nucleate.datasets.sources import Source, resolve
from nucleate.settings.data import DatasetSettings
from nucleate_benchmarks.molecules import features

Role = Literal["train", "test"]
RECORDS = "records.parquet"


@dataclass(frozen=True)
class MoleculeSet:
    """Distinct molecules of one role.

    Attributes:
        name: as it was given.
        smiles: canonical SMILES with stereo, in the order of the files.
        rows: rows read.
        unreadable: rows that RDKit refuses.
    """

    name: str
    smiles: list[str]
    rows: int
    unreadable: int = 0

    def summary(self) -> dict[str, str | int]:
        """For the report."""
        return {
            "name": self.name,
            "rows": self.rows,
            "unreadable": self.unreadable,
            "molecules": len(self.smiles),
        }


def load(
    source: str, role: Role, mirror: str | None = None, processes: int = 1, limit: int | None = None
) -> MoleculeSet:
    """Molecules of a set for one role.

    Args:
        source: a file of molecules (all of it is taken); `NAME/PART` of the catalogue (that file);
            `NAME` (the literature's split: the test file, or the training file without the
            molecules of the held-out files); or a folder of `nucleate featurize` (its split).
        mirror: see `datasets.fetch`.
        limit: keep the first so many distinct molecules.

    Raises:
        InputError: no such file, or no molecule in it.
        DatasetError: unknown, of another kind of matter, or without a split.
    """
    folder = Path(source).expanduser()
    if (folder / RECORDS).is_file():
        found = _featurized(source, folder, role)
    else:
        files = resolve(DatasetSettings(source=source), "molecules", mirror)
        if source in catalogue.load() and len(files) > 1:
            found = _split(source, files, role, processes)
        elif source in catalogue.load():
            raise DatasetError(
                f"dataset {source} has no split of its own: featurize it and give that folder, or "
                "give two files"
            )
        else:
            found = _read(source, files, processes)
    if not found.smiles:
        raise InputError(f"holds no molecule for {role}", file=source)
    if limit is None or limit >= len(found.smiles):
        return found
    return MoleculeSet(source, found.smiles[:limit], found.rows, found.unreadable)


def _read(name: str, files: Sequence[Source], processes: int) -> MoleculeSet:
    from nucleate.molecules.io.read import read_rows

    texts: list[str] = []
    for file in files:
        rows = read_rows(file.path, file.settings)
        texts += ["" if row.error else features.smiles_of(row.payload) for row in rows]
    canonical = features.compute(texts, ["canonical"], processes)["canonical"]
    valid = [smiles for smiles in canonical if smiles]
    return MoleculeSet(name, list(dict.fromkeys(valid)), len(texts), len(texts) - len(valid))


def _split(name: str, files: Sequence[Source], role: Role, processes: int) -> MoleculeSet:
    chosen = [file for file in files if file.role == role]
    if role == "test":
        # A set may have several test files (MOSES: one by scaffold); the plain one is called test.
        chosen = [file for file in chosen if file.name == f"{name}/test"] or chosen
    found = _read(name, chosen, processes)
    if role == "test":
        return found
    held_out = set(_read(name, [f for f in files if f.role != "train"], processes).smiles)
    kept = [smiles for smiles in found.smiles if smiles not in held_out]
    return MoleculeSet(name, kept, found.rows, found.unreadable)


def _featurized(name: str, folder: Path, role: Role) -> MoleculeSet:
    from nucleate.datasets import tables

    table = tables.read(folder / RECORDS, ["structure", "split"])
    splits = table["split"].to_pylist()
    chosen = [
        smiles
        for smiles, split in zip(table["structure"].to_pylist(), splits, strict=True)
        if split == role
    ]
    return MoleculeSet(name, chosen, len(chosen))


def scaffold_source(test: str) -> str | None:
    """The scaffold test set that belongs to a catalogued test set, or None."""
    known = catalogue.load().get(test.partition("/")[0])
    if known is None or not any(file.part == "test_scaffolds" for file in known.files):
        return None
    return f"{known.name}/test_scaffolds"


def read_samples(path: Path) -> list[str | None]:
    """Samples of somebody's own as they stand in a file: one per row, unreadable rows kept.

    Raises:
        InputError: the file cannot be read or holds no rows.
    """
    from nucleate.molecules.io.read import read_rows

    rows = read_rows(path, DatasetSettings(source=str(path)))
    return [None if row.error else features.smiles_of(row.payload) or None for row in rows]
