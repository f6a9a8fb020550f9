"""The crystal set: how it is made, resumed and assembled, and what is in the bundled one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from pymatgen.core import Composition

from nucleate.core.paths import data_folder
from nucleate.crystals.energy.energy_model import energy_model
from nucleate.crystals.energy.relaxation import relax
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import from_string, structure_from_wyckoff, to_string
from nucleate.datasets.resumable import whole_lines
from nucleate_data.prototypes import assemble, make
from nucleate_data.prototypes.plan import Job
from nucleate_data.prototypes.substitution import allowed_elements, choices


def result(number: int, crystal: str, energy: float, origin: str = "substitution") -> Any:
    """A row as `make` gives it."""
    structure = structure_from_wyckoff(from_string(crystal))
    return {
        "job": number,
        "prototype": 0,
        "elements": {},
        "origin": origin,
        "energy": energy,
        "lattice": structure.lattice.matrix.tolist(),
        "numbers": list(structure.atomic_numbers),
        "coordinates": structure.frac_coords.tolist(),
    }


RESULTS = [
    result(0, "229 a:Na | 4.2", -1.3, "elemental"),
    result(1, "64 f:Cl(0.117,0.102) | 8.3 4.3 6.3", -1.8, "elemental"),
    result(2, "225 a:Na b:Cl | 5.7", -3.4),
    result(3, "225 a:Na b:Cl | 5.71", -3.399),
    result(4, "221 a:Na b:Cl | 3.5", -3.3),
    result(5, "216 a:Na c:Cl | 6.3", -2.9),
    result(6, "225 a:K b:Cl | 6.4", -3.4),
    {"job": 7, "prototype": 0, "elements": {}, "origin": "substitution", "reason": "clash"},
]


def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(assemble, "labels", lambda: {0: "AB_cF8_225_a_b"})
    out = tmp_path / "set.parquet"
    written = assemble.write_set({row["job"]: row for row in RESULTS}, out, {})
    rows: list[dict[str, Any]] = pq.read_table(out).to_pylist()
    assert rows == written
    return rows


def test_doubles_unstable_and_unreferenced_crystals_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = write(tmp_path, monkeypatch)
    # 3 is 2 at higher energy, 5 lies .5 eV above 2, potassium has no element, 7 failed.
    assert [row["id"] for row in rows] == [f"proto-{n:06d}" for n in (0, 1, 2, 4)]
    heights = {row["id"]: row["energy_above_hull"] for row in rows}
    assert heights["proto-000002"] == 0
    assert heights["proto-000004"] == pytest.approx(0.1)
    assert rows[2]["volume_per_atom"] == pytest.approx(5.7**3 / 8, abs=1e-3)


def test_choices_are_charge_balanced_and_without_noble_gases() -> None:
    found = choices(Composition("CaF2"), np.random.default_rng(0))
    ionic = [tuple(elements.values()) for elements, origin in found if origin == "substitution"]
    assert len(set(ionic)) > 100
    assert {e for pair in ionic for e in pair} <= set(allowed_elements())
    assert not {"He", "Xe", "Po", "Pu"} & set(allowed_elements())
    # (A, X2): the usual charges of these elements leave no other partner.
    charges = {"Na": 1, "K": 1, "Mg": 2, "Ca": 2, "Sr": 2, "Ba": 2, "Al": 3, "F": -1, "O": -2}
    checked = [
        pair for elements, _ in found if set(pair := tuple(elements.values())) <= set(charges)
    ]
    assert checked
    for elements, _ in found:
        if set(elements.values()) <= set(charges):
            assert charges[elements["Ca"]] + 2 * charges[elements["F"]] == 0
    metals = choices(Composition("MgZn2"), np.random.default_rng(0))
    assert {origin for _, origin in metals} == {"intermetallic"}


JOBS = [Job(number, 0, {}, "substitution") for number in range(100)]


def test_a_killed_run_goes_on_and_makes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def fake(jobs: Sequence[Job]) -> list[dict[str, Any]]:
        if len(made) == 2 * make.CHUNK and jobs[0].number == 2 * make.CHUNK:
            made.append(-1)
            raise KeyboardInterrupt
        made.extend(job.number for job in jobs)
        return [{**RESULTS[job.number % 7], "job": job.number} for job in jobs]

    monkeypatch.setattr(assemble, "labels", lambda: {0: "AB_cF8_225_a_b"})
    monkeypatch.setattr(make, "plan", lambda count, seed: JOBS)
    monkeypatch.setattr(make, "make", fake)
    monkeypatch.setattr(make, "prepare", lambda: None)
    out, work = tmp_path / "set.parquet", tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        make.build_prototypes(out, work, 50, 1, 0)
    kept = work / "relaxed-0-50.jsonl"
    with kept.open("a") as file:
        file.write(json.dumps(RESULTS[0])[:40])  # as a kill while writing leaves it
    made.remove(-1)
    made.append(-2)
    summary = make.build_prototypes(out, work, 50, 1, 0)
    assert [n for n in made if n >= 0] == list(range(100))
    assert (summary["jobs"], summary["crystals"]) == (100, 4)
    assert {json.loads(line)["job"] for line in whole_lines(kept)} == set(range(100))
    text = out.with_suffix(".md").read_text()
    assert "Of 100 relaxations tried, 100 converged and 4 crystals were kept." in text


@pytest.fixture(scope="module")
def bundled() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(data_folder() / "prototypes.parquet").to_pylist()
    return rows


def test_bundled_set_is_large_small_and_diverse(bundled: list[dict[str, Any]]) -> None:
    assert len(bundled) >= 3000
    assert (data_folder() / "prototypes.parquet").stat().st_size <= 4_000_000
    for column in ("id", "crystal"):
        assert len({row[column] for row in bundled}) == len(bundled)
    assert len({row["prototype"] for row in bundled}) > 150
    assert len({row["space_group"] for row in bundled}) > 50
    assert all(0 <= row["energy_above_hull"] <= assemble.MAXIMUM_ABOVE_HULL for row in bundled)


def test_bundled_strings_are_canonical(bundled: list[dict[str, Any]]) -> None:
    for row in bundled[:: len(bundled) // 60]:
        gene = from_string(row["crystal"])
        assert gene.space_group == row["space_group"]
        assert to_string(wyckoff_from_structure(structure_from_wyckoff(gene))) == row["crystal"]


def test_bundled_energies_are_chgnets_at_its_minimum(bundled: list[dict[str, Any]]) -> None:
    rows = bundled[:: len(bundled) // 6]
    crystals = [row["crystal"] for row in rows]
    structures = [structure_from_wyckoff(from_string(crystal)) for crystal in crystals]
    energies = energy_model().predict(structures, gradients=False).per_atom
    assert energies == pytest.approx([row["energy_per_atom"] for row in rows], abs=2e-3)
    for relaxed in relax(crystals):
        assert relaxed.converged
        assert relaxed.start_energy - relaxed.energy < 0.01
