"""POSCARs of every version of VASP: what they say is read, what they do not is not made up."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io.vasp import write_vasp
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Poscar

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import NUMBERS, SYMBOLS
from nucleate.crystals.io.poscar import read_poscar

CELL = "0.0 2.825 2.825\n2.825 0.0 2.825\n2.825 2.825 0.0\n"
POINTS = "0 0 0\n.25 .25 .25\n"
GALLIUM_ARSENIDE = ["Ga", "As"]


def poscar(comment="x", scale="1.0", cell=CELL, species="Ga As\n1 1\n", rest="Direct\n" + POINTS):
    return f"{comment}\n{scale}\n{cell}{species}{rest}"


def symbols(text):
    return [SYMBOLS[z - 1] for z in read_poscar(text).arrays[2]]


def reason(text):
    with pytest.raises(StructureError) as caught:
        read_poscar(text)
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        poscar(),
        poscar(comment=""),
        poscar(comment="Ga As", species="1 1\n"),
        poscar(species="Ga_d/0a1b2c As/ffeedd\n1 1\n"),
        poscar(species="GA AS\n 1 1 ! of each\n"),
        poscar(species="Ga As ! symbols\n\n1 1\n\n"),
        poscar(species="1 1\n", rest="Direct\n0 0 0 Ga\n.25 .25 .25 As\n"),
        poscar(species="1 1\n", rest="Direct\n0 0 0 # Ga1\n.25 .25 .25 ! As2\n"),
        poscar(rest="Selective dynamics\nDirect\n0 0 0 T T F\n.25 .25 .25 F F F\n"),
        poscar(rest="s\nd\n0 0 0 T T F Ga\n.25 .25 .25 F F F As\n"),
        poscar(rest="Direct\n0 0 0 F F F\n.25 .25 .25 F F F\n"),
        poscar(rest="Direct\n0 0 0 site one\n.25 .25 .25 site two\n"),
        poscar(rest="Cartesian\n0 0 0\n1.4125 1.4125 1.4125\n"),
        poscar(rest="Direct\n" + POINTS + "\n0 0 0\n0 0 0\n\n1\n0.5\n0 0 0\n0 0 0\n0 0 0\n"),
        poscar(rest="Direct\n" + POINTS + "Lattice velocities and vectors\n1\n" + CELL * 2 + "\n"),
        poscar(rest="Direct\n0.0d0 0 0\n2.5D-01 25e-2 +.25\n"),
        poscar().replace("\n", "\r"),
        poscar().replace("\n", "\r\n"),
        poscar().replace(" ", "\t"),
        "\n\n" + poscar(),
        poscar() + "\n\n\n",
        poscar(scale="1.0 1.0 1.0"),
        poscar(scale="-45.0905312500 ! volume"),
    ],
)
def test_gallium_arsenide(text):
    lattice, points, numbers = read_poscar(text).arrays
    assert [SYMBOLS[z - 1] for z in numbers] == GALLIUM_ARSENIDE
    np.testing.assert_allclose(lattice, 2.825 * (1 - np.eye(3)), atol=1e-6)
    np.testing.assert_allclose(points, [[0, 0, 0], [0.25, 0.25, 0.25]], atol=1e-9)


@pytest.mark.parametrize(
    ("text", "word", "told"),
    [
        (poscar(comment="relaxed cell, run 12", species="1 1\n"), "no_element_symbols", ""),
        (poscar(comment="Ga As bulk", species="1 1\n"), "no_element_symbols", ""),
        (poscar(comment="Ga1 As1", species="1 1\n"), "no_element_symbols", ""),
        (poscar(comment="GaAs", species="1 1\n"), "no_element_symbols", ""),
        (poscar(comment="Ga As O", species="1 1\n"), "no_element_symbols", ""),
        (poscar(species="1 1\n", rest="d\n0 0 0 Ga\n0 0 .5\n"), "no_element_symbols", ""),
        (poscar(comment="Al As"), "contradiction", "Al As"),
        (poscar(comment="Al4 As4"), "contradiction", "Al4 As4"),
        (poscar(rest="d\n0 0 0 As\n.25 .25 .25 Ga\n"), "contradiction", "atom 1 is Ga"),
        (poscar(species="2\n", rest="d\n0 0 0 Ga\n0 0 .5 As\n"), "contradiction", "atom 2 is Ga"),
        (poscar(species="Ga Va\n1 1\n"), "unknown_element", "'Va'"),
        (poscar(species="Ga CO\n1 1\n"), "unknown_element", "'CO'"),
        (poscar(species="Ga As2\n1 1\n"), "unknown_element", "'As2'"),
        (poscar(species="Ga As\n1 1 1\n"), "unreadable", "2 symbols for 3 numbers"),
        (poscar(species="Ga As\n2\n"), "unreadable", "2 symbols for 1 numbers"),
        (poscar(species="Ga As\n-1 1\n"), "unreadable", ""),
        (poscar(species="Ga As\n1 2\n"), "unreadable", "2 lines of coordinates for 3 atoms"),
        (poscar(rest="d\n" + POINTS + ".5 .5 .5\n"), "unreadable", "3 lines of coordinates for 2"),
        (poscar(rest="d\n0 0 0\n\n.25 .25 .25\n"), "unreadable", "1 lines of coordinates for 2"),
        (poscar(rest="d\n" + POINTS + "\n.5 .5 .5\n"), "unreadable", "1 more lines"),
        (poscar(rest="d\n0 0 0\n.25 .25\n"), "unreadable", "1 lines of coordinates"),
        (poscar(rest="d\n0 0 0\n.25 .25 nan\n"), "unreadable", "1 lines of coordinates"),
        (poscar(rest="d\n0 0 0\n0,25 0,25 0,25\n"), "unreadable", "1 lines of coordinates"),
        (poscar(rest=POINTS), "unreadable", "neither Direct nor Cartesian"),
        (poscar(rest=""), "unreadable", "ends before"),
        (poscar(species="Ga As\n0 0\n"), "empty", ""),
        (poscar(scale="0"), "unreadable", "scale"),
        (poscar(scale="1 -1 1"), "unreadable", "scale"),
        (poscar(scale="1 2"), "unreadable", "scale"),
        (poscar(scale="one"), "unreadable", "scale"),
        (poscar(cell="1 0\n0 1 0\n0 0 1\n"), "unreadable", "line 3 is not a lattice vector"),
        (poscar(cell="1 0 0 0\n0 1 0\n0 0 1\n"), "unreadable", "lattice vector"),
        (poscar(cell="1 0 0\n2 0 0\n0 0 1\n"), "zero_volume", ""),
        ("", "unreadable", "ends before"),
    ],
)
def test_what_is_not_said_is_not_made_up(text, word, told):
    found, detail = reason(text)
    assert found == word
    assert told in detail


def test_scales_apply_to_cell_and_cartesian_coordinates():
    half = "Cartesian\n0 0 0\n.7 .7 .7\n"
    lattice, points, _ = read_poscar(poscar(scale="-45.09", rest=half)).arrays
    assert abs(np.linalg.det(lattice)) == pytest.approx(45.09)
    np.testing.assert_allclose(points[1], [0.7 / 5.65] * 3, atol=1e-9)
    lattice, points, _ = read_poscar(
        poscar(scale="1 2 3", cell="4 0 0\n0 4 0\n1 0 4\n", rest=half)
    ).arrays
    np.testing.assert_allclose(lattice, [[4, 0, 0], [0, 8, 0], [1, 0, 12]])
    np.testing.assert_allclose(points[1] @ lattice, [0.7, 1.4, 2.1])


def test_isotopes_are_told():
    found = read_poscar(poscar(species="Li D\n1 1\n"))
    assert found.arrays[2].tolist() == [3, 1]
    assert found.notes == ("deuterium read as hydrogen",)


def test_where_elements_were_found_is_told():
    assert read_poscar(poscar()).notes == ()
    (told,) = read_poscar(poscar(comment="Ga As", species="1 1\n")).notes
    assert "first line" in told
    (told,) = read_poscar(poscar(comment="As Ga")).notes
    assert "another order" in told
    labelled = "d\n0 0 0 Ga\n.25 .25 .25 As\n"
    (told,) = read_poscar(poscar(species="1 1\n", rest=labelled)).notes
    assert "labels" in told


def test_symbols_may_come_again_and_lists_may_be_broken():
    assert symbols(poscar(species="Ga As Ga\n1 0 1\n")) == ["Ga", "Ga"]
    many = ["Fe", "O"] * 11
    rows = "".join(f"{n / 30:.6f} 0 0\n" for n in range(22))
    for species in (
        " ".join(many) + "\n" + "1 " * 22 + "\n",
        " ".join(many[:20]) + "\n" + " ".join(many[20:]) + "\n" + "1 " * 20 + "\n 1 1\n",
    ):
        assert symbols(poscar(species=species, rest="Direct\n" + rows)) == many


@st.composite
def structures(draw):
    edges = [draw(st.floats(2.5, 9)) for _ in range(3)]
    angles = [draw(st.floats(70, 110)) for _ in range(3)]
    atoms = draw(
        st.lists(st.sampled_from(["Na", "Cl", "F", "C", "O", "Co"]), min_size=1, max_size=6)
    )
    unit = st.floats(-1, 2).map(lambda value: round(value, 6))
    points = [[draw(unit) for _ in range(3)] for _ in atoms]
    return Structure(Lattice.from_parameters(*edges, *angles), atoms, points)


@settings(max_examples=40, deadline=None)
@given(structures(), st.booleans(), st.booleans())
def test_as_pymatgen_and_ase_write_and_read(tmp_path_factory, structure, direct, old):
    text = Poscar(structure).get_str(direct=direct, vasp4_compatible=old, significant_figures=12)
    assert_same(text, Poscar.from_str(text).structure)
    path = tmp_path_factory.mktemp("ase") / "POSCAR"
    write_vasp(path, Atoms(structure.to_ase_atoms()), direct=direct, vasp5=not old)
    assert_same(path.read_text(), structure)


def assert_same(text, structure):
    lattice, points, numbers = read_poscar(text).arrays
    np.testing.assert_allclose(lattice, structure.lattice.matrix, atol=1e-9)
    np.testing.assert_allclose(points, structure.frac_coords, atol=1e-8)
    assert numbers.tolist() == [NUMBERS[site.specie.symbol] for site in structure]
