"""Crystals of a person's file as canonical Wyckoff strings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nucleate.crystals.io.read import read_rows
from nucleate.crystals.io.standardise import StandardiseOptions, standardise
from nucleate.matter.reader import RawRow, Reader, Standardised
from nucleate.settings.data import DatasetSettings


class CrystalReader(Reader):
    """Reads CIF, POSCAR, extxyz, JSON and tables of them."""

    Options = StandardiseOptions
    screening_options = {"maximum_atoms": 200, "maximum_input_atoms": 500}  # noqa: RUF012 (constant)

    def read_rows(self, source: Path, dataset: DatasetSettings) -> Iterator[RawRow]:
        return read_rows(source, dataset)

    def standardise(self, payload: Any, options: Any) -> Standardised:
        return standardise(payload, options)
