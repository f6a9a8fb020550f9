"""Groups of unstable and reactive molecules, and reagents: each is found, look-alikes are not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from rdkit.Chem.rdMolDescriptors import CalcNumHeavyAtoms

from nucleate.molecules.alerts.unstable import reagents, unstable
from nucleate.molecules.chemistry.chem import parse
from nucleate.molecules.chemistry.smarts import Patterns, pattern

DATA = tomllib.loads(Path(__file__).with_name("unstable_groups.toml").read_text(encoding="utf-8"))
EXOTIC = {"[NX2;+;!$(*=*);!$(*#*)]"}
"""SMARTS of species whose SMILES RDKit reads as radicals."""


def names(patterns: Patterns, smiles: str) -> list[str]:
    return [group.name for group in patterns.matches(parse(smiles))]


@pytest.mark.parametrize(("smiles", "group"), DATA["faulty"])
def test_unstable_group_is_named(smiles: str, group: str) -> None:
    assert group in names(unstable(), smiles)


@pytest.mark.parametrize(("smiles", "group"), DATA["reagents"])
def test_reagent_is_named(smiles: str, group: str) -> None:
    assert group in names(reagents(), smiles)


@pytest.mark.parametrize(("smiles", "what"), DATA["fine"] + DATA["medicines"])
def test_look_alike_passes(smiles: str, what: str) -> None:
    assert names(unstable(), smiles) == [], what
    assert names(reagents(), smiles) == [], what


@pytest.mark.parametrize(("smiles", "group"), DATA["struck_medicines"])
def test_medicine_is_struck_for_what_it_is(smiles: str, group: str) -> None:
    assert group in names(unstable(), smiles) + names(reagents(), smiles)


@pytest.mark.parametrize("patterns", [unstable(), reagents()], ids=["unstable", "reagents"])
def test_every_smarts_is_met_by_a_molecule(patterns: Patterns) -> None:
    planted = [parse(smiles) for smiles, _ in DATA["faulty"] + DATA["reagents"]]
    dead = {
        smarts
        for group in patterns.groups
        for smarts in group.smarts.split(" | ")
        if not any(molecule.HasSubstructMatch(pattern(smarts)) for molecule in planted)
    }
    assert dead - EXOTIC == set()


def test_the_lists_are_what_they_say() -> None:
    for rows in DATA.values():
        assert len({smiles for smiles, _ in rows}) == len(rows)
    assert len(DATA["faulty"]) >= 150
    assert len(DATA["fine"]) >= 60
    assert {True, False} == {CalcNumHeavyAtoms(parse(s)) > 18 for s, _ in DATA["faulty"]}
