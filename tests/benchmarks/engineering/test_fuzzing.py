"""The fuzzer's own judgement, and a few hundred of its inputs through every reader and codec."""

from __future__ import annotations

import pytest

from nucleate_benchmarks.engineering.corpus import read_corpus
from nucleate_benchmarks.engineering.expectations import contradiction, lost_rows, unfounded_number
from nucleate_benchmarks.engineering.fuzzing import Input, fuzz, input_bytes
from nucleate_benchmarks.engineering.mutated_records import CODECS

SALT = "225 a:Na b:Cl | 5.64"
CIF = "data_x\n_chemical_formula_sum 'Na Cl'\n_cell_length_a 5.64\n"


@pytest.mark.parametrize(
    ("payload", "structure", "matter", "wrong"),
    [
        ("CCO", "CCO", "molecules", False),
        ("CCO", "CCN", "molecules", True),
        ("CCO.Cl", "CCO", "molecules", False),
        ("CCO.Cl", "CO", "molecules", True),
        ({"cif": CIF}, SALT, "crystals", False),
        ({"cif": CIF.replace("'Na Cl'", "'Na Cl2'")}, SALT, "crystals", True),
        ({"cif": CIF.replace("'Na Cl'", "?")}, SALT, "crystals", False),
        (
            {"extxyz": "2\nProperties=species:S:1:pos:R:3\nNa 0 0 0\nCl 2 0 0\n"},
            SALT,
            "crystals",
            0,
        ),
        (
            {"extxyz": "2\nProperties=species:S:1:pos:R:3\nNa 0 0 0\nBr 2 0 0\n"},
            SALT,
            "crystals",
            1,
        ),
        ({"poscar": "x\n1\n1 0 0\n0 1 0\n0 0 1\nNa_pv Cl\n1 1\nDirect\n"}, SALT, "crystals", False),
        ({"poscar": "x\n1\n1 0 0\n0 1 0\n0 0 1\nNa Cl\n1 2\nDirect\n"}, SALT, "crystals", True),
    ],
)
def test_compositions_are_compared(
    payload: object, structure: str, matter: str, wrong: bool
) -> None:
    assert bool(contradiction(payload, structure, matter)) == bool(wrong)


def test_numbers_and_rows_are_looked_for_in_the_file() -> None:
    assert not unfounded_number(5.65, b"a;5,65;x")
    assert not unfounded_number(0.286, b"a;,286")
    assert not unfounded_number(1234.0, b"1,234 ")
    assert not unfounded_number(float("nan"), b"")
    assert unfounded_number(4.0, b"a,5.65")
    assert lost_rows(b"smiles\nC\nCC\n", "molecules.csv", 1)
    assert not lost_rows(b"smiles\nC\nCC\n", "molecules.csv", 2)
    assert lost_rows(b"x\n$$$$\ny\n$$$$\n", "molecules.sdf", 1)


def test_an_input_is_made_of_its_number() -> None:
    corpus = read_corpus(None)["molecules.csv"]
    first = [input_bytes(corpus, Input(n, "molecules.csv", 0)) for n in range(20)]
    assert first == [input_bytes(corpus, Input(n, "molecules.csv", 0)) for n in range(20)]
    assert len(set(first)) > 15


@pytest.mark.parametrize("name", [*read_corpus(None), *CODECS])
def test_no_input_of_a_few_is_read_wrongly(name: str) -> None:
    found = fuzz(60, 7, [name], None, processes=0)
    counts = found["formats"][name]
    assert not counts["complaints"], found["shown"]
    assert counts["inputs"] == 60
    assert counts["read"] > 2
