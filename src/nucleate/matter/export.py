"""Part of a kind of matter: structures for people and for other programs."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from nucleate.core.files import atomic_path
from nucleate.matter.part import MatterPart

Rows = Sequence[Mapping[str, Any]]


class Export(MatterPart):
    """Shows and writes structures; as text and CSV where that is not overridden.

    Attributes:
        exchange_key: what `exchange` writes, in a word, e.g. `cif`; the structure column if empty.
        object_forms: libraries whose objects `to_object` makes, the usual one first.
    """

    exchange_key: ClassVar[str] = ""
    object_forms: ClassVar[tuple[str, ...]] = ()

    def describe(self, structure: str) -> dict[str, Any]:
        """Columns for people: formula, space group, number of heavy atoms."""
        return {}

    def title(self, structure: str) -> str:
        """The structure in a few words, for the terminal."""
        return structure

    def exchange(self, structure: str) -> str:
        """The structure as text that other programs read: SMILES, CIF. Equal structures give equal
        texts.

        Raises:
            StructureError: the structure cannot be read.
        """
        return structure

    def to_object(self, structure: str, form: str) -> Any:
        """The structure as an object of one of the libraries in `object_forms`.

        Raises:
            StructureError: the structure cannot be read.
        """
        raise NotImplementedError(f"{self.matter.name} makes no objects")

    def draw(self, structure: str, width: int = 220, height: int = 180) -> str:
        """The structure as one self-contained SVG element; its text if not overridden."""
        return text_svg(self.title(structure), width, height)

    def write_candidates(self, folder: Path, rows: Rows, embed: bool = False) -> list[Path]:
        """Write the field's own formats (SDF; CIF folder and extxyz), atomically, beside the table
        that every kind of matter gets.

        Args:
            rows: candidate rows; each has at least `candidate_id` and the structure column.
            embed: compute coordinates for those that have none yet, which takes time.
        """
        return []

    def write_samples(self, folder: Path, rows: Rows) -> Path:
        """Write samples atomically: `samples.csv` with id, structure, and every column of plain
        values (no latent vectors).

        Args:
            rows: each has `structure` or the structure column.
        """
        first = ("id", self.matter.structure_column)
        left_out = {*first, "structure", "latent"}  # a latent vector may be missing, a plain None
        records = []
        for index, row in enumerate(rows):
            record = {"id": row.get("id", index + 1), first[1]: self._structure(row)}
            record |= {k: v for k, v in row.items() if k not in left_out and is_plain(v)}
            records.append(record)
        names = dict.fromkeys(first if records else [*first, "log_likelihood"])
        for record in records:
            names.update(dict.fromkeys(record))
        return write_csv(folder / "samples.csv", list(names), records)

    def write_best(self, folder: Path, rows: Rows) -> list[Path]:
        """Write a search's few best structures as single files, atomically, where people expect
        such; nothing if not overridden.

        Args:
            rows: best first; each has at least `structure`.
        """
        return []

    def write_reconstructions(self, folder: Path, rows: Rows) -> list[Path]:
        """Write what was rebuilt in the field's own formats, atomically, beside the table that
        every kind of matter gets.

        Args:
            rows: mappings with `id`, the structure column (the input, canonical) and
                `reconstructed` (structure string or None where nothing was rebuilt).
        """
        return []

    def _structure(self, row: Mapping[str, Any]) -> str:
        value = row.get("structure", row.get(self.matter.structure_column))
        return "" if value is None else str(value)


def text_svg(text: str, width: int, height: int) -> str:
    """The beginning of a text as an SVG element."""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}'><text x='4' y='20' font-size='10'>"
        f"{escape(text[:60])}</text></svg>"
    )


def is_plain(value: Any) -> bool:
    """Whether a value fits a cell of a table: text, a number, nothing."""
    return value is None or isinstance(value, (str, bool, int, float)) or _is_scalar(value)


def write_csv(path: Path, names: list[str], records: Rows) -> Path:
    """Write a table atomically; missing and non-finite values become empty cells."""
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        for record in records:
            writer.writerow({name: _cell(value) for name, value in record.items()})
    return path


def _is_scalar(value: Any) -> bool:
    return hasattr(value, "item") and getattr(value, "size", 1) == 1


def _cell(value: Any) -> Any:
    value = value.item() if _is_scalar(value) else value
    return "" if value is None or (isinstance(value, float) and not math.isfinite(value)) else value
