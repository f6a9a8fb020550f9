"""The short way through plain CIFs agrees with pymatgen, and gives up on all others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifParser, CifWriter

from nucleate.core.errors import StructureError
from nucleate.crystals.io.cif.interpreted import interpret_cif
from nucleate.crystals.io.cif.plain import plain_arrays

PLAIN = """# a comment
data_test
_symmetry_space_group_name_H-M   'P 1'
_cell_length_a   4.00(2)
_cell_length_b   5.0
_cell_length_c   6.0
_cell_angle_alpha   90
_cell_angle_beta   100.0
_cell_angle_gamma   90.0
_symmetry_Int_Tables_number   1
_chemical_formula_sum   'Na1 Cl2'
loop_
 _symmetry_equiv_pos_site_id
 _symmetry_equiv_pos_as_xyz
  1  'x, y, z'
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_symmetry_multiplicity
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
  Na  Na0  1  0.0000(3)  0.0  -0.25  1
  Cl  Cl1  1  0.33333  0.66667  0.5  1.0
  Cl  Cl2  1  0.7  0.66667  0.5  1
"""


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pymatgen tells what it rounds


def sorted_sites(numbers, coordinates):
    rows = np.column_stack([numbers, np.round(coordinates % 1.0, 9) % 1.0])
    return rows[np.lexsort(rows.T)]


def assert_as_pymatgen(text):
    found = plain_arrays(text)
    assert found is not None
    lattice, coordinates, numbers = found
    theirs = CifParser.from_str(text).parse_structures(primitive=False)[0]
    np.testing.assert_allclose(Lattice(lattice).parameters, theirs.lattice.parameters, rtol=1e-12)
    ours = sorted_sites(numbers, coordinates)
    np.testing.assert_allclose(ours, sorted_sites(theirs.atomic_numbers, theirs.frac_coords))


def test_a_plain_text():
    lattice, coordinates, numbers = plain_arrays(PLAIN)
    assert Lattice(lattice).parameters == pytest.approx((4, 5, 6, 90, 100, 90))
    assert numbers.tolist() == [11, 17, 17]
    assert coordinates[0].tolist() == [0, 0, -0.25]
    assert coordinates[1].tolist() == [1 / 3, 2 / 3, 0.5]
    assert_as_pymatgen(PLAIN)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_what_pymatgen_writes(seed):
    rng = np.random.default_rng(seed)
    lattice = Lattice.from_parameters(*rng.uniform(3, 9, 3), *rng.uniform(70, 110, 3))
    points = np.stack([rng.permutation(12) / 12 for _ in range(3)], axis=1)[: rng.integers(1, 8)]
    points = points - rng.integers(0, 2, points.shape)
    names = rng.choice(["H", "Fe", "O", "Xe", "U"], len(points)).tolist()
    assert_as_pymatgen(str(CifWriter(Structure(lattice, names, points))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'P 1'", "'P -1'"),
        ("  1  'x, y, z'", "  1  'x, y, z'\n  2  '-x, -y, -z'"),
        ("_symmetry_Int_Tables_number   1", "_symmetry_Int_Tables_number   2"),
        ("0.7  0.66667  0.5  1", "0.7  0.66667  0.5  0.5"),
        ("0.7  0.66667  0.5  1", "1.33333  0.66667  0.5  1"),
        ("0.7  0.66667  0.5  1", "?  0.66667  0.5  1"),
        ("Cl  Cl2", "Cl-  Cl2"),
        ("Cl  Cl2", "D  D2"),
        ("_atom_site_symmetry_multiplicity", "_atom_site_disorder_group"),
        ("_chemical_formula_sum", "_space_group_magn.number_BNS"),
        ("_cell_length_b   5.0", ""),
        ("_cell_length_b   5.0", "_cell_length_b   0"),
        ("_cell_length_b   5.0", "_cell_length_b   long"),
        ("# a comment", "data_other\n_cell_volume 1"),
        ("  Na  Na0", "  Na"),
        ("'Na1 Cl2'", "'Na1 Cl3'"),
        ("'Na1 Cl2'", "'Na1 Cl1.99'"),
        ("'Na1 Cl2'", "'Na1 Cl1 Cl1'"),
        ("'Na1 Cl2'", "'Na1 Cl2'\n_cell_formula_units_Z 2"),
        ("'Na1 Cl2'", "'Na1 Cl2'\n_cell_volume 100"),
        ("Na  Na0", "Na  K0"),
        ("Cl  Cl2  1", "Cl  Cl2  2"),
        ("_cell_length_b   5.0", "_cell_length_b   5_0"),
    ],
)
def test_anything_else_takes_the_long_way(old, new):
    assert old in PLAIN
    assert plain_arrays(PLAIN.replace(old, new)) is None


def test_both_ways_give_one_crystal():
    plain, long = plain_arrays(PLAIN), interpret_cif(PLAIN, 99).arrays
    for ours, theirs in zip(plain, long, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_p1_may_be_told_by_name_alone():
    start = PLAIN.index("loop_")
    named = PLAIN[:start] + PLAIN[PLAIN.index("loop_", start + 1) :]
    assert_as_pymatgen(named)
    assert plain_arrays(named.replace("_symmetry_space_group_name_H-M   'P 1'", "")) is None


def test_the_long_way_says_what_is_wrong():
    with pytest.raises(StructureError, match="no complete unit cell"):
        interpret_cif(PLAIN.replace("_cell_length_b   5.0", ""), 99)
    with pytest.raises(StructureError, match="unit cell"):
        interpret_cif(PLAIN.replace("_cell_length_b   5.0", "_cell_length_b   0"), 99)
