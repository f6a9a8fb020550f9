"""Round trips of crystals: texts say what the crystal is, and a wrong one is found."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np
import pytest
from pymatgen.io.cif import CifWriter

from nucleate.core.files import read_json
from nucleate.matter import registry
from nucleate.matter.reader import RawRow
from nucleate_benchmarks.engineering import readers, round_trips, stated
from nucleate_benchmarks.engineering.round_trips import Trips
from nucleate_benchmarks.engineering.texts import FORMS, Subject

CRYSTALS = registry.get("crystals")
TEXTS = [
    "225 a:Cl b:Na | 5.6402",
    "167 c:Al(0.352) e:O(0.306) | 4.7602 12.9933",
    "227 a:Mg d:Al e:O(0.26) | 8.08",
]


def test_each_crystal_survives_every_form():
    rows = [RawRow(n, str(n), text) for n, text in enumerate([*TEXTS, "nonsense"], start=1)]
    found = round_trips.measure(rows, 0, 1)
    assert list(found) == [*FORMS, "texts in CSV", "texts in parquet", "texts in zip"]
    for name, trips in found.items():
        assert trips.total == len(TEXTS) * (len(FORMS) if name.startswith("texts") else 1)
        assert not trips.failures, name


@pytest.mark.parametrize("name", [name for name, (kind, _) in FORMS.items() if kind == "cif"])
def test_cifs_hold_what_gemmi_finds_in_them(name):
    """Of gemmi alone, so that a CIF written wrongly is told from one read wrongly."""
    options = CRYSTALS.reader.resolve({}, "test")
    for place, text in enumerate(TEXTS):
        crystal = CRYSTALS.reader.standardise(text, options).structure
        cif = FORMS[name][1](Subject(crystal, np.random.default_rng(place)))
        block = gemmi.cif.read_string(cif).sole_block()
        small = gemmi.make_small_structure_from_block(block)
        listed = list(block.find_values("_space_group_symop_operation_xyz"))
        group = gemmi.GroupOps([gemmi.Op(gemmi.cif.as_string(one)) for one in listed])
        if not listed and (found := small.determine_and_set_spacegroup("S.H2")):
            pytest.fail(found)
        operations = list(group if listed else small.spacegroup.operations())
        points = {
            (
                site.element.name,
                *(round(v % 1 % 0.9999, 3) for v in one.apply_to_xyz(site.fract.tolist())),
            )
            for site in small.sites
            for one in operations
        }
        volume = small.cell.volume / len(points)
        told = CRYSTALS.export.describe(crystal)["volume_per_atom"]
        assert volume == pytest.approx(told, rel=1e-3)


def test_a_crystal_that_comes_back_as_another_is_a_failure():
    trips = Trips()
    trips.add(TEXTS[0], TEXTS[0], "", CRYSTALS)
    trips.add(TEXTS[0], TEXTS[0].replace("Na", "K"), "", CRYSTALS)
    trips.add(TEXTS[0], "", "unreadable", CRYSTALS)
    assert (trips.total, trips.identical, trips.same, len(trips.failures)) == (3, 1, 0, 2)
    assert "unreadable" in trips.failures[1]


def test_what_was_measured_is_written(tmp_path: Path):
    source = tmp_path / "crystals.csv"
    source.write_text("\n".join(["crystal", *(f'"{text}"' for text in TEXTS)]) + "\n")
    settings = readers.ReaderSettings(source=str(source), count=2, processes=1)
    results, paths = readers.run(settings, tmp_path / "out", "the command")
    assert [path.name for path in paths] == ["out.json", "out.md"]
    written = read_json(paths[0])
    assert written["sections"][0]["figures"][0]["n"] == 2
    assert results["failed"] == {}


def test_what_sets_state_is_compared():
    written = [CRYSTALS.export.to_object(text, "pymatgen") for text in TEXTS]
    cifs = [str(CifWriter(one)) for one in written]
    groups = [225.0, 167.0, 227.0]
    rows = [
        RawRow(n, str(n), {"cif": cif}, {stated.GROUP: group})
        for n, (cif, group) in enumerate(zip(cifs, groups, strict=True))
    ]
    found = stated.measure(rows, 1)
    assert (found.rows, found.composition, found.units, found.group) == (3, 3, 3, 3)
    wrong = [
        RawRow(1, "1", cifs[0], {stated.GROUP: 221.0}),
        RawRow(2, "2", cifs[0].replace("'Na1 Cl1'", "'Na2 Cl1'")),
        RawRow(3, "3", cifs[0].replace("formula_sum   'Na1 Cl1'", "x 'Na1 Cl1'")),
    ]
    found = stated.measure(wrong, 1)
    assert (found.units, found.group, found.group_loosely, len(found.differences)) == (1, 0, 0, 3)
    assert [figure.n for figure in stated.section({"x": found}).figures] == [3, 3, 1]
