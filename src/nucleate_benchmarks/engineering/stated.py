"""Real CIFs whose composition, Z and symmetry are known from elsewhere, against what is read."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nucleate.core.errors import NucleateError
from nucleate.core.parallel import map_ordered
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.io.standardise import parse
from nucleate.crystals.wyckoff.wyckoff_string import expand, from_string
from nucleate.matter import registry
from nucleate.matter.reader import RawRow
from nucleate_benchmarks.common.figures import Figure, Section

GROUP = "spacegroup.number"
"""Column of the space group, as Materials Project found it."""
LOOSE = 0.1
"""Angstrom; Materials Project's tolerance."""
OPTIONS = {"maximum_atoms": 200, "maximum_input_atoms": 500}
CHUNK = 100


@dataclass
class Agreement:
    """How many rows are as they are said to be.

    Attributes:
        rows: that were tried.
        composition, units: of the formula that the text states, and so many of them in its cell.
        group: of the row's space group, of those that state one.
        group_loosely: further ones that are of it at Materials Project's tolerance.
        grouped: rows that state one.
        differences: one line for each other row.
    """

    rows: int = 0
    composition: int = 0
    units: int = 0
    group: int = 0
    group_loosely: int = 0
    grouped: int = 0
    differences: list[str] = field(default_factory=list)

    def join(self, other: Agreement) -> None:
        """Add what was found of other rows."""
        for name in ("rows", "composition", "units", "group", "group_loosely", "grouped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differences += other.differences


def measure(rows: Sequence[RawRow], processes: int) -> Agreement:
    """Compare rows whose payload is a CIF text."""
    total = Agreement()
    chunks = [list(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
    for found in map_ordered(_measure_chunk, chunks, processes=processes):
        total.join(found)
    return total


def _measure_chunk(rows: list[RawRow]) -> Agreement:
    found = Agreement()
    for row in rows:
        found.rows += 1
        try:
            _compare(row, found)
        except NucleateError as error:
            found.differences.append(f"{row.id}: {error}")
    return found


def _compare(row: RawRow, found: Agreement) -> None:
    """Count one row.

    Raises:
        NucleateError: it cannot be read.
    """
    reader = registry.get("crystals").reader
    structure = reader.standardise(row.payload, reader.resolve(OPTIONS, "stated")).structure
    lattice, _, numbers = expand(structure)
    text = next(iter(row.payload.values())) if isinstance(row.payload, dict) else row.payload
    atoms, volume = stated_atoms(text)
    read = Counter(SYMBOLS[number - 1] for number in numbers.tolist())
    cells = volume / abs(float(np.linalg.det(lattice)))
    same = _fractions(read) == _fractions(atoms)
    found.composition += same
    whole = same and abs(cells * read.total() - atoms.total()) < 0.01 * atoms.total()
    found.units += whole
    if not whole:
        found.differences.append(f"{row.id}: {dict(atoms)} became {cells:.3f} times {dict(read)}")
    stated = row.properties.get(GROUP, np.nan)
    if np.isnan(stated):
        return
    found.grouped += 1
    number = from_string(structure).space_group
    if number == stated:
        found.group += 1
    elif _group_at(LOOSE, row.payload) == stated:
        found.group_loosely += 1
    else:
        found.differences.append(f"{row.id}: group {stated:g} became {number}")


def stated_atoms(text: str) -> tuple[Counter[str], float]:
    """Atoms of the cell, and its volume, by the items of a CIF that pymatgen wrote in P1.

    Its sum formula is that of the whole cell.
    """
    formula = re.search(r"(?m)^_chemical_formula_sum\s+'?([^'\n]+?)'?\s*$", text)
    volume = re.search(r"(?m)^_cell_volume\s+(\S+)", text)
    if formula is None or volume is None:
        return Counter(), np.nan
    parts = re.findall(r"([A-Z][a-z]?)(\d+)", formula[1])
    return Counter({symbol: int(n) for symbol, n in parts}), float(volume[1])


def _fractions(atoms: Counter[str]) -> dict[str, float]:
    return {symbol: round(n / atoms.total(), 6) for symbol, n in sorted(atoms.items())}


def _group_at(tolerance: float, payload: Any) -> int:
    """The space group by spglib."""
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    lattice, points, numbers = parse(payload, OPTIONS["maximum_input_atoms"]).arrays
    structure = Structure(lattice, [SYMBOLS[number - 1] for number in numbers.tolist()], points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(SpacegroupAnalyzer(structure, symprec=tolerance).get_space_group_number())


def section(found: dict[str, Agreement]) -> Section:
    """The figures of some sets, shares in percent."""
    figures = []
    for name, one in found.items():
        for what, count in (("composition", one.composition), ("composition and Z", one.units)):
            share = 100 * count / max(1, one.rows)
            figures.append(Figure(f"{name}: {what} as the CIF states, %", share, one.rows))
        if one.grouped:
            share = 100 * (one.group + one.group_loosely) / one.grouped
            note = f"{one.group} at 0.01 A, {one.group_loosely} at {LOOSE} A by spglib alone"
            title = f"{name}: space group as the set states, %"
            figures.append(Figure(title, share, one.grouped, note=note))
    return Section("Real CIFs", figures, "Computed crystals as Materials Project lists them.")
