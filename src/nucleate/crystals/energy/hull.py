"""Energies above the convex hull of a reference set: the bundled one (CHGNet), or a file's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucleate.core.errors import DatasetError, InputError
from nucleate.core.paths import data_folder
from nucleate.datasets.archives import opened
from nucleate.datasets.cells import read_number
from nucleate.datasets.tabular import Row, open_table


class Hull:
    """Competing phases by chemical system, and the hull over each.

    Energies are eV/atom by one model: only differences between entries of one `Hull` have a
    meaning.
    """

    def __init__(self, formulas: Sequence[str], energies: ArrayLike):
        """
        Args:
            formulas: n chemical formulas.
            energies: [n], eV/atom; NaN entries are left out.
        """
        # Of one composition only the lowest polymorph can touch the hull.
        lowest: dict[tuple[tuple[str, float], ...], float] = {}
        for formula, energy in zip(formulas, np.asarray(energies, dtype=float), strict=True):
            if np.isfinite(energy):
                key = _fractions(formula)
                lowest[key] = min(float(energy), lowest.get(key, np.inf))
        self._by_system: dict[frozenset[str], list[tuple[dict[str, float], float]]] = defaultdict(
            list
        )
        for key, energy in lowest.items():
            self._by_system[frozenset(symbol for symbol, _ in key)].append((dict(key), energy))
        self._diagram = lru_cache(maxsize=4096)(self._build)

    @classmethod
    @cache
    def bundled(cls) -> Hull:
        """The hull of `data/prototypes.parquet`, read once per process.

        Raises:
            DatasetError: the file is missing or damaged.
        """
        table = read_reference(data_folder() / "prototypes.parquet")
        return cls(table["formula"], table["energy_per_atom"])

    @classmethod
    def from_file(cls, file: Path) -> Hull:
        """The hull of a CSV or Parquet file with columns `formula` and `energy` (eV/atom).

        Raises:
            DatasetError: the file cannot be read, lacks a column, or holds no formula or no number
                where one is due.
        """
        names = ["formula", "energy"]
        try:
            with opened(file) as (stream, name):
                parquet = name.lower().endswith((".parquet", ".pq"))
                table = open_table(file, stream, name, "parquet" if parquet else "csv")
                if not set(names) <= set(table.columns):
                    raise InputError("no columns `formula` and `energy`", file=file)
                entries = [_entry(row, table.decimal_comma, file) for row in table.rows(names)]
        except InputError as error:
            raise DatasetError(f"{error}; a hull is a table of `formula` and `energy`") from None
        return cls([formula for formula, _ in entries], [energy for _, energy in entries])

    @property
    def elements(self) -> frozenset[str]:
        """Elements that have a reference."""
        return frozenset(chain.from_iterable(s for s in self._by_system if len(s) == 1))

    def energy_above_hull(
        self, formulas: Sequence[str | Mapping[str, float]], energies: ArrayLike
    ) -> NDArray[np.float64]:
        """How far each crystal lies above (negative: below) the hull of the reference entries.

        Args:
            formulas: n formulas or compositions.
            energies: [n] CHGNet energies, eV/atom.

        Returns:
            float64 [n], eV/atom; NaN where the energy is NaN or an element has no reference.
        """
        values = np.array(energies, dtype=float)
        for i in np.flatnonzero(np.isfinite(values)).tolist():
            values[i] -= self.hull_energy(formulas[i])
        return values

    def hull_energy(self, formula: str | Mapping[str, float]) -> float:
        """Energy (eV/atom) of the best mixture of reference entries; NaN without references."""
        from pymatgen.core import Composition

        fractions = dict(_fractions(formula))
        if not self.elements.issuperset(fractions):
            return float("nan")
        if len(fractions) == 1:
            return self._by_system[frozenset(fractions)][0][1]
        diagram = self._diagram(frozenset(fractions))
        return float(diagram.get_hull_energy_per_atom(Composition(fractions)))

    def competing_phases(self, formula: str | Mapping[str, float], least: int = 1) -> int:
        """Number of distinct reference compositions of `least` elements or more within the
        chemical system: a hull that rests on few entries is optimistic."""
        entries = self._entries(frozenset(dict(_fractions(formula))))
        return sum(len(parts) >= least for parts, _ in entries)

    def _entries(self, system: frozenset[str]) -> list[tuple[dict[str, float], float]]:
        symbols = sorted(system)
        parts = chain.from_iterable(combinations(symbols, k + 1) for k in range(len(symbols)))
        return [entry for part in parts for entry in self._by_system.get(frozenset(part), ())]

    def _build(self, system: frozenset[str]) -> Any:
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core import Composition

        # Fractions sum to one, so that a total energy is an energy per atom.
        entries = [PDEntry(Composition(parts), energy) for parts, energy in self._entries(system)]
        return PhaseDiagram(entries)


@lru_cache(maxsize=65536)
def _amounts(formula: str) -> dict[str, float]:
    from pymatgen.core import Composition

    return dict(Composition(formula).get_el_amt_dict())


def _fractions(formula: str | Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Atomic fractions, sorted by symbol."""
    amounts = _amounts(formula) if isinstance(formula, str) else formula
    total = sum(amounts.values())
    return tuple(sorted((str(symbol), round(n / total, 8)) for symbol, n in amounts.items()))


@cache
def bundled() -> dict[str, str]:
    """Wyckoff string -> id of the bundled set; empty where it is not installed."""
    try:
        found = read_reference(data_folder() / "prototypes.parquet")
    except DatasetError:
        return {}
    return dict(zip(found["crystal"], found["id"], strict=True))


def read_reference(file: Path) -> dict[str, Any]:
    """Columns `id`, `crystal`, `formula`, `energy_per_atom` of the crystal set, as lists.

    Raises:
        DatasetError: the file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = ["id", "crystal", "formula", "energy_per_atom"]
        found: dict[str, Any] = pq.read_table(file, columns=columns).to_pydict()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DatasetError(f"{file}: not a readable crystal set ({error})") from None
    return found


def _entry(row: Row, decimal_comma: bool, file: Path) -> tuple[str, float]:
    """Formula and energy of a row; NaN where there is no energy.

    Raises:
        InputError: one of them is none.
    """
    from pymatgen.core import Composition

    formula = str(row.cells.get("formula", "")).strip()
    energy, unread = read_number(row.cells.get("energy"), decimal_comma)
    if row.error or unread:
        raise InputError(row.error or f"energy {unread!r} is no number", file=file, row=row.number)
    try:
        composition = Composition(formula)
        if not composition or not composition.valid:
            raise ValueError
    except (ValueError, KeyError):
        raise InputError(f"no formula {formula!r}", file=file, row=row.number) from None
    return formula, energy
