"""Every column of a candidate describes the structure that is handed out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from nucleate.settings.data import DatasetSettings
from nucleate.settings.screen import ScreenSettings
from nucleate.stages.screen import screen_file

CHECKS = ("legal", "density", "distances", "coordination", "vacuum", "bond_valence", "relaxation")


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("columns")
    # Each a little off its minimum, so that relaxation changes it.
    (folder / "ideas.csv").write_text(
        "crystal\n225 a:Mg b:O | 4.35\n221 a:Sn c:Pd | 3.95\n136 a:Ti f:O(0.31) | 4.7 3.0\n"
    )
    checks = (*CHECKS, "energy_above_hull")
    made = screen_file(
        ScreenSettings(checks=tuple({"name": name} for name in checks), processes=0),
        DatasetSettings(source=str(folder / "ideas.csv")),
        folder / "screen",
        matter_name="crystals",
        seed=0,
        device="cpu",
    )
    return Path(made.folder)


def test_columns_are_those_of_the_written_file(screened: Path) -> None:
    table = pd.read_csv(screened / "candidates.csv")
    assert len(table) == 3
    for row in table.to_dict("records"):
        (path,) = (screened / "cif").glob(f"{row['candidate_id']}*.cif")
        found = Structure.from_file(path)
        assert found.composition.reduced_formula == Composition(row["formula"]).reduced_formula
        assert found.density == pytest.approx(row["density"], rel=2e-3)
        assert row["density_value"] == pytest.approx(row["density"], rel=1e-4)
        assert found.volume / len(found) == pytest.approx(row["volume_per_atom"], rel=1e-3)
        distances = found.distance_matrix + 99 * np.eye(len(found))
        vectors = [np.linalg.norm(found.lattice.matrix, axis=1).min()]
        shortest = min(distances.min(), *vectors)
        assert row["shortest_distance"] == pytest.approx(shortest, abs=2e-3)
        i, j = np.unravel_index(distances.argmin(), distances.shape)
        pair = {found[i].specie.symbol, found[j].specie.symbol}
        assert set(row["closest_pair"].split("-")) == pair
        group = SpacegroupAnalyzer(found, symprec=1e-2)
        assert row["space_group_number"] == group.get_space_group_number()
        assert row["space_group"].replace("_", "") == group.get_space_group_symbol().replace(
            "_", ""
        )
        assert row["legal_value"] == f"{row['space_group']} ({row['space_group_number']})"
        assert row["relaxation_volume_change"] != 0


def test_no_number_of_a_space_group_stands_alone(screened: Path) -> None:
    table = pd.read_csv(screened / "candidates.csv")
    named = [name for name in table.columns if "space_group" in name]
    assert set(named) >= {"space_group", "space_group_number", "released_space_group"}
    for name in set(named) - {"space_group_number"}:
        assert table[name].dtype == object or str(table[name].dtype).startswith("str")
