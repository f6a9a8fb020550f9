"""Conditions on crystals as people write them, and what is said of those that cannot be met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.conditions.constraint import CrystalConstraint
from nucleate.crystals.conditions.options import CrystalConditions, formula, ranges_text
from nucleate.generation.task import check_conditions
from nucleate.matter import registry
from nucleate.settings.sample import ConditionSettings

CODEC = WyckoffCodec.fit([], CodecOptions(maximum_sites=20, maximum_atoms=20))
SALT = "225 a:Na b:Cl | 5.6402"
CUBIC = tuple(range(195, 231))


def asked(**values: Any) -> CrystalConditions:
    return validate(CrystalConditions, values, "test")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (225, (225,)),
        ("225,221", (221, 225)),
        ("221 225;1", (1, 221, 225)),
        ([62, "cubic"], (62, *CUBIC)),
        ("Cubic", CUBIC),
        ("195..230", CUBIC),
        ("1-3", (1, 2, 3)),
        ("Fm-3m", (225,)),
        ("P2_1/c, P21/c", (14,)),
        ("triclinic", (1, 2)),
    ],
)
def test_space_groups_as_written(text: Any, numbers: tuple[int, ...]) -> None:
    assert asked(space_group=text).space_group == numbers


@pytest.mark.parametrize("text", ["Li-Fe-O", "O,Fe,Li", ["Fe", "Li", "O", "O"], "Li Fe O"])
def test_elements_as_written(text: Any) -> None:
    assert asked(chemical_system=text).chemical_system == ("Li", "O", "Fe")


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("LiFePO4", {"Li": 1, "O": 4, "P": 1, "Fe": 1}),
        ("Li2Fe2P2O8", {"Li": 1, "O": 4, "P": 1, "Fe": 1}),
        ("Ca(OH)2", {"H": 2, "O": 2, "Ca": 1}),
        ("O2", {"O": 1}),
    ],
)
def test_formulas_in_lowest_terms(text: str, counts: dict[str, int]) -> None:
    assert formula(text) == counts


@pytest.mark.parametrize(("text", "units"), [(2, (2, 2)), ("3", (3, 3)), ("1..4", (1, 4))])
def test_formula_units_as_written(text: Any, units: tuple[int, int]) -> None:
    assert asked(composition="NaCl", formula_units=text).formula_units == units


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"space_group": 231}, "numbers are 1 to 230"),
        ({"space_group": "0"}, "numbers are 1 to 230"),
        ({"space_group": "9..5"}, "ranges rise"),
        ({"space_group": "quasi"}, "no space group 'quasi'.*Fm-3m.*cubic"),
        ({"include": "Li,Xx"}, "no element 'Xx'"),
        ({"composition": "Na#"}, "not a formula"),
        ({"composition": "NaQq"}, "composition"),
        ({"composition": "Li0.5CoO2"}, "0.5 Li .* no whole number"),
        ({"include": "Li,O", "exclude": "O,Pb"}, "include and exclude name the same element: O"),
        ({"chemical_system": "Li-O", "include": "Fe"}, "include Fe: chemical_system has only Li"),
        ({"chemical_system": "Li-O", "exclude": "O"}, "exclude O: chemical_system has Li, O"),
        ({"chemical_system": "Li-O", "exclude": "Li,O", "subsets": True}, "exclude Li, O"),
        ({"composition": "NaCl", "exclude": "Cl"}, "exclude Cl: composition has Na, Cl"),
        ({"composition": "NaCl", "include": "K"}, "include K: composition has only Na, Cl"),
        ({"composition": "NaCl", "chemical_system": "Na-Cl-K"}, "disagree"),
        ({"composition": "NaCl", "chemical_system": "Na-K", "subsets": True}, "disagree"),
        ({"minimum_sites": 4, "maximum_sites": 3}, "minimum_sites 4 exceeds maximum_sites 3"),
        ({"minimum_atoms": 4, "maximum_atoms": 3}, "minimum_atoms 4 exceeds maximum_atoms 3"),
        ({"formula_units": 2}, "give one as well"),
        ({"composition": "NaCl", "formula_units": "4..1"}, "first number exceeds"),
        ({"composition": "NaCl", "formula_units": "few"}, "write a number of formula units"),
        ({"subsets": True}, "give one as well"),
        ({"higher_symmetry": "maybe"}, "'reject' or 'keep'"),
        ({"distance": "0.4..0.1"}, "exceeds the upper end"),
        ({"distance": "0..1"}, "distance is that to a crystal"),
        ({"similarity": "0..1", "like": SALT}, "use distance"),
        ({"spacegroup": 1}, "spacegroup: unknown key for crystals; known keys: .*space_group"),
    ],
)
def test_contradictions_are_found_without_a_model(values: dict[str, Any], words: str) -> None:
    conditions = validate(ConditionSettings, values, "x.toml")
    with pytest.raises(SettingsError, match=words):
        check_conditions(conditions, registry.get("crystals"), "x.toml [here]")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"composition": "SrTiO3", "space_group": 225, "formula_units": 1},
            r"SrTiO3 cannot fill space group 225 with 1 formula unit \(5 atoms in the primitive "
            r"cell\); space groups that can: .*\b221\b.*; with 2, 6, .* \(10, 30, .*could be done",
        ),
        (
            {"composition": "SrTiO3", "maximum_sites": 2},
            "any space group with 1 to 4 .* and 1 to 2 sites; no space group can$",
        ),
        (
            {"composition": "LiFePO4", "space_group": "Pnma"},
            r"cannot fill space group 62 with 1 to 2 .*; with 4,? .*formula units \(28, .*atoms\)",
        ),
        ({"composition": "NaCl", "space_group": 225, "formula_units": 3}, "with 1-2, 6-"),
        ({"composition": "LiFePO4", "formula_units": 3}, "LiFePO4 has 1 to 2"),
        ({"composition": "LiFePO4", "maximum_atoms": 6}, "a formula unit has 7 atoms"),
        (
            {"composition": "LiFePO4", "minimum_atoms": 8, "maximum_atoms": 13},
            "a formula unit has 7 atoms, but crystals have 8 to 13 .*; 7 or 14 atoms would do",
        ),
        ({"include": "Po"}, "include: Po: no data for this element; the model knows H, Li, "),
        ({"chemical_system": "He-O"}, "chemical_system: He: a noble gas"),
        ({"composition": "CmO2"}, "composition: Cm: no data beyond Pu"),
        (
            {"space_group": 230, "maximum_atoms": 7},
            "space group 230 cannot have .*: the smallest crystal there has 8 atoms; "
            "space groups that can: 1-229",
        ),
        ({"space_group": "225,227", "minimum_sites": 15}, "space groups 225, 227 cannot have"),
        ({"include": "Li,Na,K", "maximum_sites": 2}, "3 elements need as many sites"),
        ({"minimum_atoms": 21}, "minimum_atoms 21: the model writes at most 20 atoms"),
        ({"minimum_sites": 30}, "minimum_sites 30: the model writes at most 20 sites"),
    ],
)
def test_what_cannot_be_met_says_what_could(values: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        CrystalConstraint(asked(**values), CODEC)


def test_element_that_no_training_crystal_has() -> None:
    codec = WyckoffCodec.fit([SALT], CodecOptions())
    again = WyckoffCodec.load(codec.to_json())
    words = "trained on no crystal with K; the model knows Na, Cl"
    for known in (codec, again):
        with pytest.raises(SettingsError, match=words):
            CrystalConstraint(asked(composition="KCl"), known)
        CrystalConstraint(asked(composition="NaCl", space_group=225), known)


def test_groups_that_are_left_out_are_named() -> None:
    found = CrystalConstraint(asked(composition="SrTiO3", space_group="221,230"), CODEC)
    assert found.plan.groups == [221]
    assert found.notes == ["space groups that cannot meet the conditions were left out: 230"]


def test_numbers_of_formula_units_that_cost_much_are_left_out_unless_asked_for() -> None:
    codec = WyckoffCodec.fit([], CodecOptions(maximum_sites=24, maximum_atoms=52))
    values = {"composition": "LiNaKRbO4", "space_group": 2}
    found = CrystalConstraint(asked(**values), codec)
    assert found.plan.units == [1, 2, 3, 4]
    assert found.notes == ["5-6 formula units were left out; formula_units asks for them"]
    assert CrystalConstraint(asked(**values, formula_units="5..9"), codec).plan.units == [5, 6]


@pytest.mark.parametrize(
    ("numbers", "text"), [([3, 1, 2, 7, 9, 8], "1-3, 7-9"), ([5], "5"), ([], "")]
)
def test_numbers_are_listed_shortly(numbers: list[int], text: str) -> None:
    assert ranges_text(numbers) == text


CIF = """data_salt
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 Na 0 0 0
Na2 Na 0 0.5 0.5
Na3 Na 0.5 0 0.5
Na4 Na 0.5 0.5 0
Cl1 Cl 0.5 0.5 0.5
Cl2 Cl 0.5 0 0
Cl3 Cl 0 0.5 0
Cl4 Cl 0 0 0.5
"""
POSCAR = """salt
1.0
0 2.82 2.82
2.82 0 2.82
2.82 2.82 0
Na Cl
1 1
direct
0 0 0
0.5 0.5 0.5
"""


def test_crystals_are_read_from_files_and_strings(tmp_path: Path) -> None:
    guide = registry.get("crystals").guide
    (tmp_path / "salt.cif").write_text(CIF)
    (tmp_path / "POSCAR").write_text(POSCAR)
    texts = [str(tmp_path / "salt.cif"), str(tmp_path / "POSCAR"), "225 b:Na a:Cl | 5.64"]
    assert {guide.read(text, "like") for text in texts} == {"225 a:Na b:Cl | 5.64"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.cif", None, "neither a file nor a Wyckoff string"),
        ("empty.cif", "", "is empty"),
        ("text.cif", "hello", "not a CIF file"),
        ("half.cif", CIF.replace("_cell_length_a 5.64\n", ""), "unit cell"),
        ("text.txt", "hello", "not a known format"),
    ],
)
def test_unreadable_files_are_named(
    tmp_path: Path, name: str, content: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a message cuts long names short
    path = Path(name)
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=f"between: .*{words}") as error:
        registry.get("crystals").guide.read(str(path), "between")
    assert name in str(error.value)


def test_a_broken_wyckoff_string_is_named() -> None:
    with pytest.raises(SettingsError, match=r"like: 225 q:Na \| 5: .*no position 'q'"):
        registry.get("crystals").guide.read("225 q:Na | 5", "like")
