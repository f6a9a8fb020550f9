"""CIFs as programs write them are the crystals that they say they are, or refused with a reason."""

from __future__ import annotations

import itertools

import pytest

from nucleate.core.errors import StructureError
from nucleate.crystals.io.standardise import StandardiseOptions, standardise
from nucleate.matter.reader import Standardised

OPTIONS = StandardiseOptions(maximum_atoms=200, maximum_input_atoms=500)
COLUMNS = "label type_symbol fract_x fract_y fract_z"
P1 = "_symmetry_space_group_name_H-M 'P 1'\n_symmetry_equiv_pos_as_xyz 'x, y, z'"


def cell(a: float, b: float = 0, c: float = 0, angles: tuple[float, ...] = (90, 90, 90)) -> str:
    edges = zip("abc", (a, b or a, c or a), strict=True)
    named = zip(("alpha", "beta", "gamma"), angles, strict=True)
    return "\n".join(
        [f"_cell_length_{n} {x}" for n, x in edges] + [f"_cell_angle_{n} {x}" for n, x in named]
    )


def cif(box: str, symmetry: str, sites: str, said: str = "", columns: str = COLUMNS) -> str:
    tags = "\n".join(f"_atom_site_{column}" for column in columns.split())
    return f"data_x\n{said}\n{box}\n{symmetry}\nloop_\n{tags}\n{sites}\n"


def read(text: str) -> Standardised:
    return standardise({"cif": text}, OPTIONS)


def refusal(text: str) -> str:
    with pytest.raises(StructureError) as caught:
        read(text)
    return str(caught.value)


def by_symbol(symbol: str) -> str:
    return f"_symmetry_space_group_name_H-M {symbol}"


SALT_CELL, SALT = cell(5.64), "Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5"
WHOLE_SALT = "\n".join(
    f"{symbol}{i}{j} {symbol} {x} {y} {z}"
    for i, (symbol, shift) in enumerate((("Na", 0), ("Cl", 0.5)))
    for j, (x, y, z) in enumerate(
        [(a + shift, b + shift, c + shift) for a, b, c in itertools.product((0, 0.5), repeat=3)]
    )
    if (2 * (x + y + z) - 3 * 2 * shift) % 2 == 0
)
SALT_FORMULA = "_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 4"
SALT_STRING = "225 a:Na b:Cl | 5.64"
SPINEL_CELL = cell(8.083)
SPINEL_1 = "Mg1 Mg 0 0 0\nAl1 Al 0.625 0.625 0.625\nO1 O 0.3874 0.3874 0.3874"
SPINEL_2 = "Mg1 Mg 0.125 0.125 0.125\nAl1 Al 0.5 0.5 0.5\nO1 O 0.2624 0.2624 0.2624"
SPINEL_FORMULA = "_chemical_formula_sum 'Al2 Mg1 O4'\n_cell_formula_units_Z 8"
SPINEL_STRING = "227 a:Mg d:Al e:O(0.2624) | 8.083"
RHOMBIC = (
    cell(5.128, angles=(55.28,) * 3),
    ("Al1 Al 0.35216 0.35216 0.35216\nO1 O 0.5564 -0.0564 0.25"),
)
HEXAGONAL = cell(4.758, 4.758, 12.992, (90, 90, 120)), "Al1 Al 0 0 0.35216\nO1 O 0.3064 0 0.25"
MONOCLINIC = cell(5.1, 4.2, 6.3, (90, 97, 90)), "Na1 Na 0.1 0.2 0.3\nF1 F 0.4 0.1 0.15"
MONOCLINIC_STRING = "14 e:F(0.25,0.9,0.85) e:Na(0.2,0.2,0.3) | 5.1 4.2 7.6071 124.7149"


# Symmetry


@pytest.mark.parametrize(
    "symbol",
    [
        "'F m -3 m'",
        "Fm-3m",
        "'F m 3 m'",
        "Fm3m",
        "'F 4/m -3 2/m'",
        "'F m 3- m'",
        "F_m_-3_m",
        "'F m -3 m (225)'",
        "F m -3 m",
        "'F m \\bar{3} m'",
        "'Fm-3m:1'",
        "'f m -3 m'",
        "'F m −3 m'",
        "'Fm-3m (No. 225)'",
    ],
)
def test_spellings_of_one_group(symbol: str) -> None:
    found = read(cif(SALT_CELL, by_symbol(symbol), SALT))
    assert found.structure == SALT_STRING
    assert found.notes == ()


@pytest.mark.parametrize(
    "symbol",
    [
        "P21/n",
        "'P 1 21/n 1'",
        "P2(1)/n",
        "P2_1/n",
        "'P 21/N'",
        "'P 1 2(1)/n 1'",
        "P_1_21/n_1",
        "P2<sub>1</sub>/n",
        "P 21/n",
        "'P 21/c:b2'",
        "'P 21/n (14)'",
        "'P 1 21/n 1, cell choice 2'",
        "P2~1~/n",
    ],
)
@pytest.mark.parametrize("number", ["", "\n_symmetry_Int_Tables_number 14"])
def test_settings_of_a_monoclinic_group(symbol: str, number: str) -> None:
    found = read(cif(MONOCLINIC[0], by_symbol(symbol) + number, MONOCLINIC[1]))
    assert found.structure == MONOCLINIC_STRING


def test_a_short_symbol_of_another_axis_is_told_by_the_cell() -> None:
    box = cell(5.1, 6.3, 4.2, (90, 90, 97))
    found = read(cif(box, by_symbol("'P 2/m'"), "Na1 Na .1 .3 .2\nF1 F .4 .15 .1"))
    assert found.structure.startswith("10 ")
    assert found.notes == ("space group P 1 1 2/m (10), told by the cell",)


@pytest.mark.parametrize(
    ("symmetry", "sites", "choice"),
    [
        (by_symbol("'F d -3 m'"), SPINEL_1, "1"),
        (by_symbol("'F d -3 m'"), SPINEL_2, "2"),
        (by_symbol("Fd3m"), SPINEL_2, "2"),
        (by_symbol("'F 41/d -3 2/m'"), SPINEL_1, "1"),
        ("_space_group_IT_number 227", SPINEL_2, "2"),
        (by_symbol("'F d -3 m S'"), SPINEL_1, ""),
        (by_symbol("'F d -3 m Z'"), SPINEL_2, ""),
        (by_symbol("'F d -3 m :1'"), SPINEL_1, ""),
        (by_symbol("Fd-3m:2"), SPINEL_2, ""),
        (by_symbol("'F d -3 m (origin choice 2)'"), SPINEL_2, ""),
        ("_symmetry_space_group_name_Hall '-F 4vw 2vw 3'", SPINEL_2, ""),
        ("_space_group_name_Hall F_4d_2_3_-1d", SPINEL_1, ""),
        (by_symbol("'F d -3 m'") + "\n_space_group_name_Hall '-F 4vw 2vw 3'", SPINEL_2, ""),
        ("_space_group_IT_number 227\n_space_group_IT_coordinate_system_code 2", SPINEL_2, ""),
    ],
)
def test_origins(symmetry: str, sites: str, choice: str) -> None:
    found = read(cif(SPINEL_CELL, symmetry, sites, SPINEL_FORMULA))
    assert found.structure == SPINEL_STRING
    told = f"origin choice {choice}, told by the formula"
    assert (told in found.notes) == bool(choice)


def test_origins_by_distances_or_not_at_all() -> None:
    found = read(cif(SPINEL_CELL, by_symbol("Fd-3m"), SPINEL_2))
    assert found.structure == SPINEL_STRING
    assert found.notes == ("origin choice 2, told by the distances",)
    diamond = cif(cell(5.43), by_symbol("Fd-3m"), "Si1 Si 0 0 0")
    assert refusal(diamond).startswith("ambiguous_setting")
    wrong = cif(SPINEL_CELL, by_symbol("'F d -3 m S'"), SPINEL_2, SPINEL_FORMULA)
    assert refusal(wrong).startswith("contradiction")


@pytest.mark.parametrize("ending", ["", " H", ":H", " R", ":R", " HR", "R", "H"])
@pytest.mark.parametrize("name", ["R -3 c", "R-3c", "R -3 2/c"])
@pytest.mark.parametrize("axes", ["R", "H"])
def test_rhombohedral_groups(name: str, ending: str, axes: str) -> None:
    text = cif(*[(RHOMBIC if axes == "R" else HEXAGONAL)[0]], by_symbol(f"'{name}{ending}'"), "")
    text += (RHOMBIC if axes == "R" else HEXAGONAL)[1] + "\n"
    mark = ending.strip(" :")
    if mark not in ("", "HR", axes):
        assert refusal(text).startswith("contradiction: the cell has not the symmetry of R -3 c")
        return
    found = read(text)
    assert found.structure.startswith("167 c:Al(0.14784) e:O(0.3064) | 4.75")
    full = {"R": "rhombohedral", "H": "hexagonal"}[axes]
    assert found.notes == ((f"{full} axes, told by the cell",) if mark in ("", "HR") else ())


@pytest.mark.parametrize(
    ("symmetry", "sites", "said", "result"),
    [
        (by_symbol("'Q 17'"), SALT, "", "unknown_space_group: Q 17 is not understood"),
        (by_symbol("'Q 17'") + "\n_space_group_IT_number 225", SALT, "", SALT_STRING),
        ("", SALT, "", "unknown_space_group: no space group"),
        ("", SALT, SALT_FORMULA, "contradiction: Z is 4"),
        ("", WHOLE_SALT, SALT_FORMULA, SALT_STRING),
        ("_space_group_IT_number 225", SALT, "", SALT_STRING),
        (by_symbol("P1") + "\n_space_group_IT_number 225", SALT, "", "contradiction"),
        (by_symbol("P1") + "\n_space_group_IT_number 225", SALT, SALT_FORMULA, SALT_STRING),
        (by_symbol("P1") + "\n_space_group_IT_number 225", WHOLE_SALT, "", SALT_STRING),
        (by_symbol("Fm-3m"), WHOLE_SALT, SALT_FORMULA, SALT_STRING),
        (by_symbol("Fm-3m") + "\n_symmetry_equiv_pos_as_xyz x,y,z", SALT, "", "contradiction"),
        (
            by_symbol("Fm-3m") + "\n_symmetry_equiv_pos_as_xyz x,y,z",
            SALT,
            SALT_FORMULA,
            SALT_STRING,
        ),
        (by_symbol("Pm-3m") + "\n_space_group_name_Hall '-F 4 2 3'", SALT, "", "contradiction"),
        (by_symbol("Pm-3m") + "\n_space_group_name_H-M_alt Fm-3m", SALT, "", "contradiction"),
        (by_symbol("P1") + "\n_symmetry_cell_setting cubic", SALT, "", "contradiction"),
        (by_symbol("P1") + "\n_symmetry_cell_setting cubic", WHOLE_SALT, SALT_FORMULA, SALT_STRING),
        (by_symbol("Fm-3m") + "\n_symmetry_cell_setting cubic", SALT, "", SALT_STRING),
        ("_space_group_IT_number 221\n_symmetry_Int_Tables_number 225", SALT, "", "contradiction"),
        (by_symbol("'P 3 2'"), SALT, "", "unknown_space_group"),
    ],
)
def test_what_is_said_of_symmetry_must_agree(
    symmetry: str, sites: str, said: str, result: str
) -> None:
    text = cif(SALT_CELL, symmetry, sites, said)
    if result[0].isdigit():
        assert read(text).structure == result
    else:
        assert refusal(text).startswith(result)


def operations(*triplets: str) -> str:
    return "\n".join(["loop_", "_space_group_symop_operation_xyz", *triplets])


@pytest.mark.parametrize(
    ("listed", "result"),
    [
        (operations("'x, y, z'", "'-x, -y, -z'"), "221 a:O b:Mg"),
        (operations("X,Y,Z", "-X,-Y,-Z"), "221 a:O b:Mg"),
        (operations("x, y, z", "-x, -y, - z"), "221 a:O b:Mg"),
        (operations("x,y,z", "-x,y,-z", "-x,-y,-z"), "unknown_space_group: the 3 symmetry"),
        (operations("x,y,z", "-x,y,-q"), "unknown_space_group: symmetry operation -x,y,-q"),
        (operations("x,y,z", "2*x,y,z"), "unknown_space_group: 2*x,y,z is no"),
        (operations("x,y,z", "-y,x-y,z", "-x+y,-x,z"), "contradiction: the cell has not"),
    ],
)
def test_operations(listed: str, result: str) -> None:
    text = cif(cell(4.12), listed, "Mg1 Mg 0 0 0\nO1 O .5 .5 .5")
    if result[0].isdigit():
        assert read(text).structure.startswith(result)
    else:
        assert refusal(text).startswith(result)


def test_magnetic_and_modulated_structures() -> None:
    turns = "loop_\n_space_group_symop_magn_operation.xyz\nx,y,z,+1\n-x,-y,-z,+1\n"
    shifts = "loop_\n_space_group_symop_magn_centering.xyz\nx,y,z,+1\nx+1/2,y+1/2,z+1/2,-1"
    found = read(cif(cell(2.87), turns + shifts, "Fe1 Fe 0 0 0"))
    assert found.structure == "229 a:Fe | 2.87"
    assert found.notes == ("magnetic structure read without its moments",)
    text = cif(cell(2.87), P1 + "\n_cell_modulation_dimension 1", "Fe1 Fe 0 0 0")
    assert refusal(text).startswith("modulated")


# What the file says beside the sites


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z ?", ""),
        ("_chemical_formula_sum 'Na4 Cl4'\n_cell_formula_units_Z 4", ""),
        ("_chemical_formula_sum 'Na4 Cl4'\n_cell_formula_units_Z 1", ""),
        ("_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 1", ""),
        ("_chemical_formula_sum 'Na0.999 Cl1.0'", ""),
        ("_chemical_formula_sum 'Na X'\n_cell_formula_units_Z 4", ""),
        ("_chemical_formula_sum ?", ""),
        ("_chemical_formula_moiety 'Na +, Cl -'\n_cell_formula_units_Z 4", ""),
        ("_chemical_formula_structural '(Na) (Cl)'", ""),
        ("_cell_volume 179.4(3)", ""),
        ("_cell_volume 179", ""),
        ("_exptl_crystal_density_diffrn 2.16", ""),
        ("_chemical_formula_sum 'Na2 Cl'", "contradiction"),
        ("_chemical_formula_sum 'Na0.9 Cl1'", "contradiction"),
        ("_chemical_formula_sum 'Na0.99 Cl1'", "contradiction"),
        ("_chemical_formula_sum 'K Cl'", "incomplete"),
        ("_chemical_formula_sum 'Na T'", "incomplete"),
        ("_chemical_formula_sum 'Na Cl'\n_cell_formula_units_Z 8", "contradiction"),
        ("_cell_formula_units_Z 3", "contradiction"),
        ("_chemical_formula_moiety 'Na +, Cl -, 2(H2 O)'", "incomplete"),
        ("_cell_volume 150", "contradiction"),
        ("_exptl_crystal_density_diffrn 1.08", "contradiction"),
    ],
)
def test_formula_z_volume_and_density(said: str, reason: str) -> None:
    text = cif(SALT_CELL, by_symbol("Fm-3m"), SALT, said)
    if reason:
        assert refusal(text).startswith(reason)
    else:
        assert read(text).structure == SALT_STRING


@pytest.mark.parametrize(
    ("first", "second", "right"),
    [("1", "3", True), ("48", "16", True), ("1", "6", False), ("2", "3", False), ("1", "1", True)],
)
def test_multiplicities(first: str, second: str, right: bool) -> None:
    columns = f"symmetry_multiplicity {COLUMNS}"
    sites = f"{first} Mg1 Mg 0 0 0\n{second} O1 O .5 .5 0"
    text = cif(cell(4), by_symbol("Pm-3m"), sites, columns=columns)
    if right:
        assert read(text).structure == "221 a:Mg c:O | 4"
    else:
        assert refusal(text).startswith("contradiction")


def test_coordinates_of_few_digits() -> None:
    box = cell(3.82, 3.82, 6.26, (90, 90, 120))
    for x, y in (("0.333", "0.667"), (".3333", ".6667"), ("0.33", "0.67"), ("1/3", "2/3")):
        text = cif(box, by_symbol("'P 63 m c'"), f"Zn1 Zn {x} {y} 0\nS1 S {x} {y} .375")
        assert read(text).structure == "186 b:S(0.5) b:Zn(0.125) | 3.82 6.26"


# Sites


def oxide(label: str, kind: str = "", formula: str = "") -> str:
    said = f"_chemical_formula_sum '{formula}'" if formula else ""
    columns = COLUMNS if kind else COLUMNS.replace(" type_symbol", "")
    sites = f"{label} {kind} 0 0 0\nO1 {'O' if kind else ''} .5 .5 .5"
    return cif(cell(4.12), P1, sites, said, columns)


@pytest.mark.parametrize(
    ("label", "kind", "formula", "element"),
    [
        ("Fe3+", "", "", "Fe"),
        ("Fe1", "Fe+3", "", "Fe"),
        ("FE1", "FE", "", "Fe"),
        ("fe1", "", "", "Fe"),
        ("Na(1)", "", "", "Na"),
        ("Fe1A", "", "", "Fe"),
        ("Cl1", "Cl1-", "", "Cl"),
        ("CA1", "", "Ca O", "Ca"),
        ("CA1", "", "C O", "C"),
        ("Ca1", "", "C O", "C"),
        ("CA1", "C", "", "C"),
        ("HO1", "", "Ho O", "Ho"),
        ("HO1", "Ho", "", "Ho"),
        ("NH4", "", "N O", "N"),
        ("Cat1", "", "Ca O", "Ca"),
        ("Si1", "T1", "Si O", "Si"),
        ("Si1", "?", "", "Si"),
        ("T1", "Si", "", "Si"),
        ("D1", "D", "D O", "H"),
        ("D1", "", "H O", "H"),
        ("H1", "2H", "", "H"),
        ("Mg_sv", "Mg", "", "Mg"),
        ("CO1", "CO", "Co O", "Co"),
        ("Fe1", "Mg", "", "Mg"),
    ],
)
def test_elements(label: str, kind: str, formula: str, element: str) -> None:
    structure = read(oxide(label, kind, formula)).structure
    assert sorted(part[2:] for part in structure.split(" | ")[0].split()[1:]) == sorted(
        [element, "O"]
    )


@pytest.mark.parametrize(
    ("label", "kind", "formula"),
    [
        *[(label, "", "") for label in ("OH", "Wat", "Ow", "Va", "T1", "M1", "NH4", "X1", "H2O")],
        *[(label, "", "") for label in ("CA1", "HO1", "CO1", "Mg_sv", "FeM1", "Fe/Mg", "12")],
        *[("A1", kind, "") for kind in ("Va", "T1", "T", "X", "Q", "Vac", "Fe,Mg", "O-H", "OH")],
        ("CO1", "CO", ""),
        ("Va1", "Va", "Mg O"),
    ],
)
def test_labels_that_name_no_element_are_named(label: str, kind: str, formula: str) -> None:
    assert refusal(oxide(label, kind, formula)).startswith(f"unknown_element: site {label}")


@pytest.mark.parametrize(
    ("label", "kind", "formula"),
    [
        ("OH1", "O", ""),
        ("O-H", "O", ""),
        ("Wat1", "O", ""),
        ("OW1", "O", ""),
        ("NH4", "N", ""),
        ("NH4", "N", "N H4 O"),
        ("O-H", "", "O2 H"),
        ("OH", "", "O2 H"),
        ("Mg1", "Mg", "Mg O H2"),
    ],
)
def test_hydrogens_that_are_missing(label: str, kind: str, formula: str) -> None:
    assert refusal(oxide(label, kind, formula)).startswith("incomplete")


@pytest.mark.parametrize(
    ("column", "values", "result"),
    [
        *[("occupancy", (word, "1"), "") for word in ("1.0", "1.002(3)", "0.998(2)", "0.9999")],
        *[("occupancy", (word, "1"), "") for word in ("?", ".", "0.98(3)", "0,9999")],
        *[("occupancy", (w, "1"), "partial_occupancy") for w in ("0.98(1)", ".5", "0", "0.8(3)")],
        *[("occupancy", (word, "1"), "disorder") for word in ("1.05", "2", "100")],
        ("occupancy", ("one", "1"), "unreadable: occupancy of Mg1"),
        ("disorder_group", (".", "1"), ""),
        ("disorder_group", ("1", "2"), "disorder"),
        ("attached_hydrogens", ("0", "1"), "incomplete: O1"),
        ("attached_hydrogens", ("0", "."), ""),
        ("calc_flag", ("d", "dum"), "incomplete: O1"),
    ],
)
def test_columns_of_sites(column: str, values: tuple[str, str], result: str) -> None:
    sites = f"Mg1 Mg 0 0 0 {values[0]}\nO1 O .5 .5 .5 {values[1]}"
    text = cif(cell(4.12), P1, sites, columns=f"{COLUMNS} {column}")
    if result:
        assert refusal(text).startswith(result)
    else:
        assert read(text).structure == "221 a:O b:Mg | 4.12"


def test_dummy_sites_are_left_out_where_the_formula_has_no_more() -> None:
    sites = "Mg1 Mg 0 0 0 d\nO1 O .5 .5 .5 d\nCg1 Cg .1 .1 .1 dum"
    said = "_chemical_formula_sum 'Mg O'"
    found = read(cif(cell(4.12), P1, sites, said, f"{COLUMNS} calc_flag"))
    assert (found.structure, found.notes) == ("221 a:O b:Mg | 4.12", ("left out dummy sites",))


@pytest.mark.parametrize(
    ("sites", "result"),
    [
        ("Fe1 Fe2+ 0 0 0 .5\nFe2 Fe3+ 0 0 0 .5\nO1 O .5 .5 .5 1", ""),
        ("Fe1 Fe 0 0 0 1\nFe1 Fe 1 0 0 1\nO1 O .5 .5 .5 1", ""),
        ("Fe1 Fe 0 0 0 .5\nMg1 Mg 0 0 0 .5\nO1 O .5 .5 .5 1", "disorder: a site is shared: Fe1"),
        ("Fe1 Fe 0 0 0 .5\nFe2 Fe 0 0 0 .7\nO1 O .5 .5 .5 1", "disorder"),
        ("Fe1 Fe 0 0 0 .5\nFe2 Fe 0 0 0 .2\nO1 O .5 .5 .5 1", "partial_occupancy"),
    ],
)
def test_sites_on_one_place(sites: str, result: str) -> None:
    text = cif(cell(4.12), P1, sites, columns=f"{COLUMNS} occupancy")
    if result:
        assert refusal(text).startswith(result)
    else:
        assert read(text).structure == "221 a:O b:Fe | 4.12"


# Texts

PLAIN = cif(cell(4.12), P1, "Mg1 Mg 0 0 0\nO1 O .5 .5 .5")


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("0 0 0", "-0.25 0 0", "99 a:O(0) b:Mg(0.25)"),
        ("0 0 0", "\u22120.25 0 0", "99 a:O(0) b:Mg(0.25)"),
        ("0 0 0", "\u2013.25 0 0", "99 a:O(0) b:Mg(0.25)"),
        ("0 0 0", "0,75 0 0", "99 a:O(0) b:Mg(0.25)"),
        ("0 0 0", "-1/4 0 0", "99 a:O(0) b:Mg(0.25)"),
        ("0 0 0", "0.75(2 0 0", "99 a:O(0) b:Mg(0.25)"),
        ("_length_b 4.12", "_length_b 4.12(2", "221"),
        ("_length_b 4.12", "_length_b '4.12 (2)'", "221"),
        ("_cell_length_b", "_Cell_Length_B", "221"),
        ("_atom_site_", "_atom_site.", "221"),
        ("data_x", "data_global\n_publ_contact x\ndata_x", "221"),
        ("data_x", "\ufeffdata_x", "221"),
        ("data_x", "data_x\n_publ_author M. Smith, J.", "221"),
        ("data_x", "data_x\n_publ_author 'Smith", "221"),
        ("data_x", "data_x\nloop_\n_publ_a\n_publ_b\n1 2 3", "221"),
        ("data_x", "data_x\n_publ_a 1\n_publ_a 2", "221"),
        ("data_x", "data_x\n_cell_length_a 4.12", "221"),
        ("\n", "\r", "221"),
        ("\n", "\r\n", "221"),
        ("data_x", "data_x\n_cell_length_a 5", "unreadable: _cell_length_a is given twice"),
        ("data_x", "", "unreadable: no line `data_...`"),
        ("0 0 0", ". . .", "unreadable: Mg1 has no coordinates"),
        ("0 0 0", "0 ? 0", "unreadable: Mg1 has no coordinates"),
        ("0 0 0", "1_0 0 0", "unreadable: coordinates of Mg1: 1_0"),
        ("0 0 0", "nan 0 0", "unreadable: coordinates of Mg1: nan"),
        ("0 0 0", "0 0", "unreadable: a loop's values do not fill its columns"),
        ("_fract_", "_Cartn_", "unreadable: _atom_site_fract_x is missing: only Cartesian"),
        ("_atom_site_fract_y\n", "", "unreadable"),
        ("_cell_angle_beta 90", "", "unreadable: no complete unit cell: _cell_angle_beta"),
        ("_length_b 4.12", "_length_b four", "unreadable: no complete unit cell: _cell_length_b"),
    ],
)
def test_texts(old: str, new: str, result: str) -> None:
    assert old in PLAIN
    text = PLAIN.replace(old, new)
    if result[0].isdigit():
        assert read(text).structure.startswith(result)
    else:
        assert refusal(text).startswith(result)


def test_two_crystals_in_one_text() -> None:
    assert refusal(PLAIN + PLAIN.replace("data_x", "data_y")).startswith("several_structures")


BENZENE = """data_BENZEN
_chemical_formula_moiety 'C6 H6'
_chemical_formula_sum 'C6 H6'
_exptl_crystal_density_diffrn 1.09
_symmetry_cell_setting orthorhombic
_symmetry_space_group_name_H-M 'P b c a'
_symmetry_Int_Tables_number 61
_cell_length_a 7.39(2)
_cell_length_b 9.42(2)
_cell_length_c 6.81(2)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_cell_volume 474(2)
_cell_formula_units_Z 4
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
C1 C -0.05690(10) 0.13870(10) -0.00540(10)
C2 C -0.13350(10) 0.04600(10) 0.12640(10)
C3 C 0.07740(10) 0.09250(10) -0.12950(10)
H1 H -0.09760(10) 0.24470(10) -0.01770(10)
H2 H -0.24090(10) 0.07940(10) 0.22180(10)
H3 H 0.13710(10) 0.16310(10) -0.23120(10)
"""


def test_a_molecule_on_an_inversion_centre() -> None:
    found = read(BENZENE)
    assert found.structure.startswith("61 c:H")
    generated = "C1A C 0.0569 -0.1387 0.0054\nH1A H 0.0976 -0.2447 0.0177\n"
    again = read(BENZENE + generated)
    assert (again.structure, again.notes) == (found.structure, ("sites listed twice",))
    for lost in ("H1 ", "H3 ", "H"):
        lines = [line for line in BENZENE.splitlines() if not line.startswith(lost)]
        assert refusal("\n".join(lines)).startswith("incomplete")
