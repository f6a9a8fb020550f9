"""Tells a salt or solvate from a mixture, and names its counter-ions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import Chem

from nucleate.core.settings import Settings, read_toml, validate
from nucleate.molecules.chemistry.chem import parse, uncharge


class _Names(Settings):
    source: str
    names: dict[str, str]


class _Table(Settings):
    solvents: _Names
    ions: _Names


@cache
def _table() -> _Table:
    path = Path(__file__).with_name("salts.toml")
    return validate(_Table, read_toml(path), str(path))


class Parts(NamedTuple):
    """A structure of several fragments, sorted.

    Attributes:
        parents: canonical SMILES of the different fragments that are neither ions nor solvents.
        companions: names of the counter-ions and solvents, each once, in alphabetic order.
    """

    parents: list[str]
    companions: list[str]


@cache
def _names_by_smiles() -> dict[str, str]:
    names = _table().ions.names | _table().solvents.names
    return {_plain(parse(smiles)): name for smiles, name in names.items()}


def _plain(fragment: Any) -> str:
    """SMILES without stereo, protons added or taken away until it is neutral where that can be."""
    return str(Chem.MolToSmiles(uncharge(fragment), isomericSmiles=False))


def parts(molecule: Any) -> Parts:
    """Sort the fragments of an RDKit molecule into parents and companions.

    Where every fragment is a known companion (sodium benzoate), the largest organic one is the
    parent.
    """
    fragments = Chem.GetMolFrags(molecule, asMols=True)
    named = [(fragment, _names_by_smiles().get(_plain(fragment), "")) for fragment in fragments]
    if all(name for _, name in named):
        organic = [one for one, _ in named if any(a.GetAtomicNum() == 6 for a in one.GetAtoms())]
        largest = max(organic, key=lambda one: one.GetNumHeavyAtoms(), default=None)
        named = [(one, "" if one is largest else name) for one, name in named]
    parents = {_plain(one): str(Chem.MolToSmiles(one)) for one, name in named if not name}
    return Parts(list(parents.values()), sorted({name for _, name in named if name}))


def solvent(name: str) -> bool:
    """Whether a companion is a neutral solvent rather than an ion."""
    return name in _table().solvents.names.values()
