"""Molecules near a lead: parts of it cut off and grown anew, or grown in addition."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from nucleate.core.errors import SettingsError
from nucleate.matter.conditions import Variation
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.codecs.preorder import CLOSURES
from nucleate.molecules.conditions.forced_tokens import FREE, ForcedLegality, ForcedTokens
from nucleate.molecules.conditions.scaffold_growth import ScaffoldGrowth

_LARGEST_SHARE = 0.5  # of the lead's heavy atoms that are cut off
_PAIRS = 40
_PROGRAMS = 64  # for one call of `legality`


class Regrowth(Variation):
    """Keeps all of a lead but one or two branches, at most half of it, or all of it.

    Args:
        lead: canonical SMILES.
        codec: of the model.
    """

    def __init__(self, lead: str, codec: FragmentCodec):
        self.codec = codec
        self.cores = [*_cores(lead), lead]
        self._growths: dict[str, ScaffoldGrowth | None] = {}

    def legality(self, kept: NDArray[np.bool_], generator: np.random.Generator) -> ForcedLegality:
        wanted = min(int(kept.sum()), _PROGRAMS)
        pool = [p for p in (self._draw(generator) for _ in range(wanted)) if p is not None]
        programs = [FREE] * len(kept)
        for row in np.flatnonzero(kept) if pool else ():
            programs[row] = pool[int(generator.integers(len(pool)))]
        return ForcedLegality(self.codec.schema, programs, CLOSURES)

    def _draw(self, generator: np.random.Generator) -> ForcedTokens | None:
        core = self.cores[int(generator.integers(len(self.cores)))]
        if core not in self._growths:
            try:
                self._growths[core] = ScaffoldGrowth(core, self.codec)
            except SettingsError:
                self._growths[core] = None  # nowhere to grow, or beyond the vocabulary
        growth = self._growths[core]
        return None if growth is None else growth.draw(generator)


def _cores(lead: str) -> Iterator[str]:
    """The lead without one branch or two, a mark in the place of each."""
    molecule = parse(lead)
    if molecule is None:
        return
    branches = list(_branches(molecule))
    most = _LARGEST_SHARE * molecule.GetNumHeavyAtoms()
    pairs = [
        (a, b)
        for a, b in combinations(branches, 2)
        if not a[1] & b[1] and a[0] not in b[1] and b[0] not in a[1]
        if len(a[1]) + len(b[1]) <= most
    ]
    # The smallest pairs: what is left is nearest to the lead.
    pairs.sort(key=lambda pair: len(pair[0][1]) + len(pair[1][1]))
    single = [(b,) for b in branches if len(b[1]) <= most]
    found = dict.fromkeys(_without(molecule, chosen) for chosen in [*single, *pairs[:_PAIRS]])
    yield from found


Branch = tuple[int, frozenset[int]]
"""Its first atom, and all its atoms."""


def _branches(molecule: Any) -> Iterator[Branch]:
    """What hangs on the rest by one single bond outside rings, from either side."""
    for bond in molecule.GetBonds():
        if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE:
            continue
        ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        for first, other in (ends, ends[::-1]):
            atoms, waiting = {first}, [first]
            while waiting:
                for neighbour in molecule.GetAtomWithIdx(waiting.pop()).GetNeighbors():
                    index = neighbour.GetIdx()
                    if index != other and index not in atoms:
                        atoms.add(index)
                        waiting.append(index)
            yield first, frozenset(atoms)


def _without(molecule: Any, branches: tuple[Branch, ...]) -> str:
    """SMILES of what is left, each branch's first atom a mark."""
    out = Chem.RWMol(molecule)
    gone: set[int] = set()
    for first, atoms in branches:
        atom = out.GetAtomWithIdx(first)
        atom.SetAtomicNum(0)
        atom.SetFormalCharge(0)
        atom.SetNumExplicitHs(0)
        atom.SetNoImplicit(True)
        atom.SetIsAromatic(False)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        gone |= atoms - {first}
    out.BeginBatchEdit()
    for index in gone:
        out.RemoveAtom(index)
    out.CommitBatchEdit()
    return canonical(out.GetMol())
