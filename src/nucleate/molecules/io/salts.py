"""Sorts the parts of a salt, solvate or mixture: the molecule that is meant, and its companions."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import Chem

from nucleate.core.settings import Settings, read_toml, validate
from nucleate.molecules.chemistry.chem import canonical, parse, uncharge, weight


class _Names(Settings):
    source: str
    names: dict[str, str]


class _Table(Settings):
    solvents: _Names
    reagents: _Names
    ions: _Names
    medicines: _Names
    metals: _Names


_RANKED = ("solvents", "reagents", "ions", "medicines")
"""Sections by SMILES; of nothing but companions, one of the last section is the parent."""

_ALKALI = ("Li", "Na", "K", "Rb", "Cs")
_ALKALINE_EARTH = ("Mg", "Ca", "Sr", "Ba")
_PARTNERS = ("O", "F", "Cl", "Br", "I")
_ALKALI_PARTNERS = (*_PARTNERS, "N", "P", "S", "Se")


@cache
def _table() -> _Table:
    path = Path(__file__).with_name("salts.toml")
    return validate(_Table, read_toml(path), str(path))


@cache
def _listed() -> dict[str, tuple[str, int]]:
    """Name and rank of the companions, by the SMILES listed and by what `_plain` makes of it."""
    found: dict[str, tuple[str, int]] = {}
    for rank, section in enumerate(_RANKED):
        names: dict[str, str] = getattr(_table(), section).names
        molecules = {smiles: parse(smiles) for smiles in names}
        for smiles, molecule in molecules.items():
            found.setdefault(canonical(molecule), (names[smiles], rank))
        for smiles, molecule in molecules.items():
            found.setdefault(_plain(molecule), (names[smiles], rank))
    return found


def _plain(part: Any) -> str:
    """SMILES without stereo, protons added or taken away until it is neutral where that can be."""
    return str(Chem.MolToSmiles(uncharge(part), isomericSmiles=False))


class Part(NamedTuple):
    """One fragment.

    Attributes:
        molecule: its RDKit molecule.
        plain: equal for all stereoisomers and protonation states.
        name: of a listed counter-ion or solvent, empty of anything else.
        rank: of its list; -1 of anything else.
        organic: whether it holds carbon.
    """

    molecule: Any
    plain: str
    name: str
    rank: int
    organic: bool

    @property
    def size(self) -> tuple[int, float, str]:
        """Orders parts: heavy atoms, then weight, then the SMILES itself."""
        heavy = self.molecule.GetNumHeavyAtoms()
        return heavy, weight(self.molecule), canonical(self.molecule)


class Parts(NamedTuple):
    """The fragments of a structure, sorted.

    Attributes:
        parents: the different organic fragments that are no listed companions, the largest first;
            of nothing but companions the one that is meant; none where nothing is organic.
        companions: all other fragments: listed ones, inorganic ones, further copies of parents.
    """

    parents: list[Part]
    companions: list[Part]

    @property
    def names(self) -> Counter[str]:
        """How often each listed counter-ion and solvent occurs; copies of the parent are none."""
        parents = {part.plain for part in self.parents}
        return Counter(p.name for p in self.companions if p.name and p.plain not in parents)

    @property
    def metals(self) -> list[str]:
        """Names of the metals."""
        return sorted({*self.names} & {*_table().metals.names.values()})


def parts(molecule: Any) -> Parts:
    """Sort the fragments of an RDKit molecule.

    A listed counter-ion or solvent is never the parent, however large (pamoic acid, meglumine),
    unless there is nothing else (sodium benzoate): then the largest organic part is, of those
    that are medicines, else ions, else reagents, else solvents.
    """
    found = [_sort(one) for one in Chem.GetMolFrags(molecule, asMols=True)]
    organic = [part for part in found if part.organic]
    if len(organic) > 1:  # sizes take time
        organic.sort(key=lambda part: part.size, reverse=True)
    parents: dict[str, Part] = {}
    for part in organic:
        if part.rank < 0:
            parents.setdefault(part.plain, part)
    if organic and not any(part.rank < 0 for part in found):
        only = max(organic, key=lambda part: part.rank)
        parents[only.plain] = only
    kept = list(parents.values())
    return Parts(kept, [part for part in found if not any(part is one for one in kept)])


def _sort(molecule: Any) -> Part:
    organic = any(atom.GetAtomicNum() == 6 for atom in molecule.GetAtoms())
    if molecule.GetNumAtoms() == 1:
        metal = _table().metals.names.get(molecule.GetAtomWithIdx(0).GetSymbol())
        if metal is not None:
            return Part(molecule, canonical(molecule), metal, _RANKED.index("ions"), False)
    raw = str(Chem.MolToSmiles(molecule, isomericSmiles=False))
    plain = _plain(molecule)
    name, rank = _listed().get(raw) or _listed().get(plain) or ("", -1)
    return Part(molecule, plain, name, rank, organic)


def split_ionic_bonds(molecule: Any) -> Any:
    """The molecule with bonds drawn between metals of salts and their ions (`CC(=O)O[Na]`) taken
    apart; itself where there are none.

    Bonds of alkali metals to what is neither carbon nor a metal, and those of alkaline earths to
    oxygen and halogens: with nitrogen or carbon they are complexes or organometallic.
    """
    ionic = [bond for atom in molecule.GetAtoms() for bond in _ionic_bonds(atom)]
    if not ionic:
        return molecule
    out = Chem.RWMol(molecule)
    for bond in ionic:
        metal, ion = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if out.GetAtomWithIdx(metal).GetSymbol() not in _ALKALI + _ALKALINE_EARTH:
            metal, ion = ion, metal
        out.RemoveBond(metal, ion)
        for index, charge in ((metal, 1), (ion, -1)):
            atom = out.GetAtomWithIdx(index)
            atom.SetFormalCharge(atom.GetFormalCharge() + charge)
            atom.SetNoImplicit(index == metal)
    Chem.SanitizeMol(out)
    return out.GetMol()


def _ionic_bonds(atom: Any) -> list[Any]:
    symbol = atom.GetSymbol()
    if symbol not in _ALKALI + _ALKALINE_EARTH or atom.GetFormalCharge():
        return []
    bonds = list(atom.GetBonds())
    others = [bond.GetOtherAtom(atom) for bond in bonds]
    allowed = _ALKALI_PARTNERS if symbol in _ALKALI else _PARTNERS
    fits = all(one.GetSymbol() in allowed and one.GetFormalCharge() == 0 for one in others)
    single = all(bond.GetBondType() == Chem.BondType.SINGLE for bond in bonds)
    return bonds if fits and single else []


def solvent(name: str) -> bool:
    """Whether a companion is a neutral solvent rather than an ion."""
    return name in _table().solvents.names.values()
