"""Frames of extended XYZ, sound and broken; JSON of pymatgen Structures."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.io.extxyz import frames, read_extxyz
from nucleate.crystals.io.objects import read_json

CUBE = 'Lattice="4 0 0 0 4 0 0 0 4"'
ATOMS = "Cs 0 0 0\nCl 2 2 2\n"


def frame(comment=CUBE, atoms=ATOMS, count=2):
    return f"{count}\n{comment}\n{atoms}"


@pytest.mark.parametrize(
    "text",
    [
        frame(),
        frame(CUBE + ' pbc="T T T" Properties=species:S:1:pos:R:3'),
        frame(CUBE + " pbc=[True, True, True] energy=-3.5 name='of two words' note=\"a=b c\" flag"),
        frame(CUBE + ' pbc=T stress="1 2 3 4 5 6" virial={1 2}'),
        frame("lattice='4.0 0 0  0 4 0  0 0 4.d0'"),
        frame(CUBE + " Properties=pos:R:3:species:S:1", "0 0 0 Cs\n2 2 2 Cl\n"),
        frame(
            CUBE + " Properties=id:I:1:species:S:1:momenta:R:3:pos:R:3:Z:I:1",
            "1 Cs 9 9 9 0 0 0 55\n2 Cl 8 8 8 2 2 2 17\n",
        ),
        frame(CUBE + " Properties=Z:I:1:pos:R:3:forces:R:3", "55 0 0 0 1 1 1\n17 2 2 2 1 1 1\n"),
        frame(atoms="Cs 0 0 0 0.5\nCl 2 2 2 -.5 note\n"),
        frame().replace("\n", "\r\n"),
        "\n" + frame() + "\n\n",
    ],
)
def test_caesium_chloride(text):
    lattice, points, numbers = read_extxyz(text).arrays
    assert [SYMBOLS[z - 1] for z in numbers] == ["Cs", "Cl"]
    np.testing.assert_allclose(lattice, 4 * np.eye(3))
    np.testing.assert_allclose(points, [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_lattice_vectors_are_rows():
    skew = frame('Lattice="4 0 0 1 4 0 2 3 5"')
    lattice, points, _ = read_extxyz(skew).arrays
    np.testing.assert_allclose(lattice, [[4, 0, 0], [1, 4, 0], [2, 3, 5]])
    np.testing.assert_allclose(points[1] @ lattice, [2, 2, 2])


def test_isotopes_are_hydrogen_and_told():
    found = read_extxyz(frame(atoms="Li 0 0 0\nD 2 2 2\n"))
    assert found.arrays[2].tolist() == [3, 1]
    assert found.notes == ("deuterium read as hydrogen",)


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        (frame('pbc="T T T"'), "not_periodic", "no Lattice"),
        (frame(""), "not_periodic", "no Lattice"),
        (frame(CUBE + ' pbc="T T F"'), "not_periodic", "'T T F'"),
        (frame(CUBE + " pbc=0"), "not_periodic", "'0'"),
        (frame(CUBE + ' pbc="T F"'), "unreadable", "pbc"),
        (frame(CUBE + " pbc=xyz"), "unreadable", "pbc"),
        (frame('Lattice="4 4 4"'), "unreadable", "3 numbers in Lattice"),
        (frame('Lattice="4 0 0 0 4 0 0 0 x"'), "unreadable", "'x'"),
        (frame('Lattice="4 0 0 8 0 0 0 0 4"'), "zero_volume", ""),
        (frame(atoms="X 0 0 0\nCl 2 2 2\n"), "unknown_element", "'X' (atom 1)"),
        (frame(atoms="CS 0 0 0\nCl 2 2 2\n"), "unknown_element", "'CS'"),
        (frame(atoms="Cs1 0 0 0\nCl 2 2 2\n"), "unknown_element", "'Cs1'"),
        (
            frame(CUBE + " Properties=Z:I:1:pos:R:3", "0 0 0 0\n17 2 2 2\n"),
            "unknown_element",
            "'0'",
        ),
        (
            frame(CUBE + " Properties=Z:I:1:species:S:1:pos:R:3", "55 Cs 0 0 0\n17 Br 2 2 2\n"),
            "contradiction",
            "17 and Br|Br and 17",
        ),
        (frame(CUBE + " Properties=species:S:1"), "unreadable", "Properties"),
        (frame(CUBE + " Properties=species:S:1:pos:R:2"), "unreadable", "Properties"),
        (frame(CUBE + " Properties=species:S:1:pos:R"), "unreadable", "Properties"),
        (frame(CUBE + " Properties=species:S:1:pos:R:3:pos:R:3"), "unreadable", "Properties"),
        (
            frame(CUBE + " Properties=species:S:1:pos:R:3:q:R:1"),
            "unreadable",
            "atom 1 has 4 columns",
        ),
        (
            frame(CUBE + " Properties=species:S:1:pos:R:3", "Cs 0 0 0 1\nCl 2 2 2\n"),
            "unreadable",
            "5 columns",
        ),
        (frame(atoms="Cs 0 0\nCl 2 2 2\n"), "unreadable", "atom 1 has 3 columns"),
        (frame(atoms="Cs 0 0 nan\nCl 2 2 2\n"), "unreadable", "'nan'"),
        (frame(atoms="Cs 0 0 0\nCl 2,0 2 2\n"), "unreadable", "'2,0'"),
        (frame(count=3), "unreadable", "2 atoms follow where '3'"),
        (frame(count=1), "unreadable", "2 atoms follow where '1'"),
        (frame(count=0, atoms=""), "empty", ""),
        ("two\n" + CUBE + "\n" + ATOMS, "unreadable", "'two'"),
        ("2", "unreadable", ""),
    ],
)
def test_reasons(text, reason, told):
    with pytest.raises(StructureError) as caught:
        read_extxyz(text)
    assert caught.value.reason == reason
    assert any(part in caught.value.detail for part in told.split("|"))


def test_wrong_counts_break_no_other_frame():
    good = frame(CUBE + ' id=007 name="a b" energy=-1.5')
    text = good + frame(count=3) + good + "\n" + frame(count=1) + good + frame(count=9)
    found = list(frames(StringIO(text)))
    assert [one.error for one in found] == [
        "",
        "2 atoms follow where 3 are announced",
        "",
        "2 atoms follow where 1 are announced",
        "",
        "2 atoms follow where 9 are announced",
    ]
    assert {key: found[2].info[key] for key in ("id", "name", "energy")} == {
        "id": "007",
        "name": "a b",
        "energy": "-1.5",
    }
    assert read_extxyz(found[4].text).arrays[2].tolist() == [55, 17]
    with pytest.raises(ValueError, match="number of atoms"):
        next(frames(StringIO("hello\n")))
    assert not list(frames(StringIO("\n\n")))


def salt(species=("Cs", "Cl"), **lattice):
    return Structure(Lattice.cubic(4, **lattice), species, [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_json_of_structures():
    for species in (["Cs", "Cl"], ["Cs+", "Cl-"]):
        lattice, points, numbers = read_json(salt(species).to_json()).arrays
        assert numbers.tolist() == [55, 17]
        np.testing.assert_allclose(lattice, 4 * np.eye(3))
        np.testing.assert_allclose(points[1], [0.5] * 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "unreadable"),
        ("[]", "unreadable"),
        ('{"lattice": 3}', "unreadable"),
        (json.dumps({"lattice": {"matrix": [[1]]}, "sites": []}), "unreadable"),
        (salt([{"Cs": 0.5}, "Cl"]).to_json(), "partial_occupancy"),
        (salt([{"Cs": 0.5, "K": 0.5}, "Cl"]).to_json(), "disorder"),
        (salt(["X", "Cl"]).to_json(), "unknown_element"),
        (salt(pbc=(True, True, False)).to_json(), "not_periodic"),
        (Structure(Lattice.cubic(4), [], []).to_json(), "empty"),
    ],
)
def test_json_that_is_no_crystal(text, reason):
    with pytest.raises(StructureError) as caught:
        read_json(text)
    assert caught.value.reason == reason
