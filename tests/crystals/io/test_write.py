"""What is written can be read back by others, as the same crystal."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree

import ase.io
import gemmi
import pytest
from pymatgen.core import Composition, Structure
from pymatgen.io.cif import CifParser
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from nucleate.crystals.io.write import _hill
from nucleate.crystals.wyckoff.canonical import wyckoff_from_structure
from nucleate.crystals.wyckoff.wyckoff_string import to_string
from nucleate.matter import registry as matter
from nucleate.settings.data import DatasetSettings

CRYSTALS = matter.get("crystals")
TEXTS = [
    "225 a:Na b:Cl | 5.6402",
    "186 b:O(0) b:Zn(0.618) | 3.25 5.2",
    "155 a:Sc e:F(0.48843) | 5.7455 7.0683",
    "227 a:Si | 5.431",
    "62 c:Ti(0.04303,0.11769) d:O(0.30094,0.94238,0.19213) | 5.7134 7.7234 5.3656",
    "2 i:C(0.166,0.264,0.12) i:N(0.366,0.164,0.72) | 3.4233 4.426 5.039 69.3903 78.1674 65.1939",
]
OPTIONS = CRYSTALS.reader.resolve({}, "test")
CANONICAL = [CRYSTALS.reader.standardise(text, OPTIONS).structure for text in TEXTS]
ROWS = [
    {"candidate_id": f"c-{i}", "crystal": text, "energy": -1.5 * i, "note": 'a "quoted" word'}
    for i, text in enumerate(CANONICAL)
]


def test_candidates(tmp_path):
    written = CRYSTALS.export.write_candidates(tmp_path, ROWS)
    assert [path.name for path in written] == ["cif", "candidates.extxyz"]
    for row in ROWS:
        name = f"{row['candidate_id']}_{CRYSTALS.export.describe(row['crystal'])['formula']}.cif"
        crystal = Structure.from_file(tmp_path / "cif" / name)
        assert to_string(wyckoff_from_structure(crystal)) == row["crystal"]
        number = SpacegroupAnalyzer(crystal, 0.01).get_space_group_number()
        assert number == int(row["crystal"].split()[0])
    frames = ase.io.read(tmp_path / "candidates.extxyz", ":")
    assert [frame.info["id"] for frame in frames] == [row["candidate_id"] for row in ROWS]
    for frame, row in zip(frames, ROWS, strict=True):
        crystal = Structure.from_ase_atoms(frame)
        assert to_string(wyckoff_from_structure(crystal)) == row["crystal"]
        assert frame.info["crystal"] == row["crystal"]
    assert frames[1].get_potential_energy() == -1.5


def test_the_best_are_single_files_with_telling_names(tmp_path):
    rows = [{"structure": text} for text in CANONICAL]
    assert CRYSTALS.export.write_best(tmp_path, rows) == [tmp_path / "cif"]
    names = sorted(path.name for path in (tmp_path / "cif").iterdir())
    assert names[:2] == ["001-NaCl-225.cif", "002-ZnO-186.cif"]
    crystal = Structure.from_file(tmp_path / "cif" / names[1])
    assert to_string(wyckoff_from_structure(crystal)) == CANONICAL[1]


def test_a_crystal_s_title():
    assert CRYSTALS.export.title(CANONICAL[0]) == "NaCl, Fm-3m (225)"
    assert CRYSTALS.export.title("nonsense") == "nonsense"


def test_samples_and_reconstructions(tmp_path):
    path = CRYSTALS.export.write_samples(tmp_path, [{"id": "s-1", "crystal": CANONICAL[0]}])
    assert path.name == "samples.extxyz"
    assert ase.io.read(path).info["id"] == "s-1"
    rows = [
        {"id": "mp-1", "crystal": CANONICAL[0], "reconstructed": CANONICAL[1]},
        {"id": "mp-2", "crystal": CANONICAL[0], "reconstructed": None},
    ]
    (path,) = CRYSTALS.export.write_reconstructions(tmp_path, rows)
    frames = ase.io.read(path, ":")
    assert [frame.info["id"] for frame in frames] == ["mp-1"]
    assert sorted(set(frames[0].get_chemical_symbols())) == ["O", "Zn"]


def test_nothing_to_write_is_still_a_file(tmp_path):
    for path in (
        *CRYSTALS.export.write_candidates(tmp_path, []),
        CRYSTALS.export.write_samples(tmp_path, []),
    ):
        assert path.exists()


def test_describe():
    told = CRYSTALS.export.describe("225 a:Na b:Cl | 5.6402")
    assert told["formula"] == "NaCl"
    assert (told["space_group"], told["space_group_number"]) == ("Fm-3m", 225)
    assert told["atoms"] == 2
    assert told["density"] == pytest.approx(2.163, abs=0.002)  # CRC Handbook: 2.17
    assert CRYSTALS.identity.split_key("136 a:Ti f:O(0.3) | 4.6 2.9", "formula") == "TiO2"
    assert CRYSTALS.identity.split_key("227 a:Si | 5.431", "formula") == "Si"


@pytest.mark.parametrize("text", [*TEXTS, "not a crystal"])
def test_drawings_are_self_contained(text):
    root = ElementTree.fromstring(CRYSTALS.export.draw(text, 220, 180))
    assert root.tag.endswith("svg")
    assert root.get("width") == "220"
    assert "href" not in CRYSTALS.export.draw(text)
    circles = [node for node in root.iter() if node.tag.endswith("circle")]
    for circle in circles:
        assert -1 <= float(circle.get("cx")) <= 221
        assert -1 <= float(circle.get("cy")) <= 181
    assert bool(circles) == (text != "not a crystal")


@pytest.mark.parametrize("text", CANONICAL)
def test_cifs_say_what_they_hold(text):
    cif = CRYSTALS.export.exchange(text)
    block = gemmi.cif.read_string(cif).sole_block()
    group = gemmi.find_spacegroup_by_name(block.find_value("_space_group_name_H-M_alt")[1:-1])
    assert group.number == int(text.split()[0])
    assert group.hall == block.find_value("_space_group_name_Hall")[1:-1]
    listed = block.find_values("_space_group_symop_operation_xyz")
    operations = gemmi.GroupOps([gemmi.Op(gemmi.cif.as_string(one)) for one in listed])
    assert gemmi.find_spacegroup_by_ops(operations) == group
    parser = CifParser.from_str(cif)
    (crystal,) = parser.parse_structures(primitive=False)
    assert parser.check(crystal) is None  # the formula against the atoms
    units = int(block.find_value("_cell_formula_units_Z"))
    formula = Composition(block.find_value("_chemical_formula_sum")[1:-1])
    assert crystal.composition == formula * units
    atoms = ase.io.read(io.StringIO(cif), format="cif")
    assert sorted(atoms.get_chemical_symbols()) == sorted(s.specie.symbol for s in crystal)


@pytest.mark.parametrize(
    ("count", "formula"),
    [({"O": 4, "Mg": 1, "Al": 2}, "Al2 Mg O4"), ({"O": 2, "H": 4, "C": 6, "B": 1}, "C6 H4 B O2")],
)
def test_formulas_are_in_hill_s_order(count, formula):
    assert _hill(count) == formula


def test_what_is_written_is_read_again(tmp_path):
    for path in CRYSTALS.export.write_candidates(tmp_path, ROWS):
        rows = CRYSTALS.reader.read_rows(path, DatasetSettings(source=str(path)))
        found = {row.id: CRYSTALS.reader.standardise(row.payload, OPTIONS) for row in rows}
        assert sorted(one.structure for one in found.values()) == sorted(CANONICAL)
        assert {name.partition("_")[0] for name in found} == {row["candidate_id"] for row in ROWS}
        assert not any(one.notes for one in found.values())
