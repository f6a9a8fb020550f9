"""The hull: by hand for a binary, by pymatgen's own answer for the bundled set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.core.errors import DatasetError
from nucleate.core.paths import data_folder
from nucleate.crystals.energy.hull import Hull, read_reference

HULL = Hull(["Na", "Na", "Cl", "NaCl", "Na3Cl"], [-1.0, -0.9, -2.0, -2.5, -1.4])
"""Formation energies per atom: NaCl -1.0; Na3Cl -0.15, above the line of -0.5."""


def test_heights_above_a_hand_made_binary_hull() -> None:
    formulas = ["NaCl", "Na3Cl", "NaCl3", "NaCl3", "Na", "Cl"]
    energies = [-2.5, -1.4, -2.25, -2.35, -0.9, -2.0]
    expected = [0.0, 0.35, 0.0, -0.1, 0.1, 0.0]
    assert HULL.energy_above_hull(formulas, energies) == pytest.approx(expected, abs=1e-9)


def test_compositions_may_be_tables_and_need_not_be_reduced() -> None:
    assert HULL.hull_energy({"Na": 4, "Cl": 4}) == pytest.approx(-2.5)
    assert HULL.hull_energy("Na2Cl2") == pytest.approx(-2.5)


def test_competing_entries_are_distinct_compositions() -> None:
    assert HULL.competing_phases("NaCl") == 4
    assert HULL.competing_phases("Na") == 1


def test_no_reference_and_no_energy_give_nan() -> None:
    assert np.isnan(HULL.energy_above_hull(["KCl", "NaCl"], [-2.0, float("nan")])).all()


def test_bundled_set_agrees_with_its_own_column() -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(data_folder() / "prototypes.parquet").slice(0, 1500).to_pylist()[::75]
    heights = Hull.bundled().energy_above_hull(
        [row["formula"] for row in rows], [row["energy_per_atom"] for row in rows]
    )
    assert heights == pytest.approx([row["energy_above_hull"] for row in rows], abs=1e-4)


def test_a_damaged_set_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prototypes.parquet"
    file.write_bytes(b"not parquet")
    with pytest.raises(DatasetError, match=r"prototypes\.parquet"):
        read_reference(file)
