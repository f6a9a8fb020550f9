"""Molecules around a scaffold: which tokens are forced, and whether the scaffold is kept.

A growing site is marked by a methyl group of an unusual isotope. It is a fragment of its own,
whatever the rest, and stands for a slot in the sequence of fragments. So the templates of the
scaffold come from the codec's own cutting, stereo included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import EnumerateStereoisomers as stereo

from nucleate.core.errors import SettingsError, StructureError
from nucleate.matter.codec import Codec
from nucleate.matter.conditions import ScaffoldConstraint
from nucleate.molecules.chemistry.chem import canonical, parse
from nucleate.molecules.codecs.fragment_codec import FragmentCodec
from nucleate.molecules.codecs.fragments import fragments
from nucleate.molecules.codecs.preorder import CLOSURES
from nucleate.molecules.codecs.templates import canonical_template
from nucleate.molecules.conditions.forced_tokens import OPEN_SLOT, ForcedLegality, ForcedTokens

_ISOTOPE = 900
_MAXIMUM_MARKS = 20
_SITES = 3  # at which an unmarked scaffold grows at most
_PROGRAMS = 64  # for one call of `legality`
_TRIES = 6  # choices of sites among which one whose templates are known is looked for
_STEREOISOMERS = 4
_HEAD = -1
_HEAD_ENDS = 0.4
"""Chance at each step that the decoder is made to begin with the scaffold."""


class ScaffoldGrowth(ScaffoldConstraint):
    """Growing a scaffold at its marks (`*`: exactly there), or at any one to three hydrogens.

    Args:
        text: SMILES of the scaffold.
        codec: of the model; None if only the text is to be checked.
        where: the option, for messages.

    Raises:
        SettingsError: no molecule, marks that are not on single bonds, nowhere to grow, or beyond
            the codec's symbols or longest sequence.
    """

    def __init__(self, text: str, codec: Codec | None, where: str = "scaffold"):
        self.where = where
        self.molecule = _read(text, where)
        self.marks = [a.GetIdx() for a in self.molecule.GetAtoms() if a.GetAtomicNum() == 0]
        self.sites = [
            a.GetIdx()
            for a in self.molecule.GetAtoms()
            if a.GetAtomicNum() > 1 and a.GetTotalNumHs()
        ]
        if not self.marks and not self.sites:
            raise SettingsError(f"{where}: {text} has no hydrogen that could be replaced")
        self.part = canonical(_without_marks(self.molecule))
        heavy = self.molecule.GetNumHeavyAtoms()  # marks not counted
        self.minimum_size = heavy + max(1, len(self.marks))
        self.query = _query(self.molecule) if self.marks else self.molecule
        self._programs = cache(self._write)
        if codec is not None:
            if not isinstance(codec, FragmentCodec):
                raise SettingsError(f"{where}: needs a model whose codec writes fragments")
            self.codec = codec
            self._check()

    def _check(self) -> None:
        """Refuse a scaffold that cannot be written, saying why."""
        reason: StructureError | None = None
        for sites in [()] if self.marks else [(site,) for site in self.sites]:
            try:
                self._programs(sites)
                return  # one site that works is enough
            except StructureError as error:
                reason = reason or error
        raise SettingsError(f"{self.where}: the model cannot write {self.part}: {reason}")

    def holds(self, structures: Sequence[str]) -> NDArray[np.bool_]:
        found = [parse(structure) for structure in structures]
        kept = [m is not None and m.HasSubstructMatch(self.query, useChirality=True) for m in found]
        return np.array(kept, dtype=bool)

    def legality(self, count: int, generator: np.random.Generator) -> ForcedLegality:
        pool = [self.draw(generator) for _ in range(min(count, _PROGRAMS))]
        rows = generator.integers(len(pool), size=count)
        return ForcedLegality(self.codec.schema, [pool[i] for i in rows], CLOSURES)

    def draw(self, generator: np.random.Generator) -> ForcedTokens:
        """A random choice of growing sites and of where the sequence enters the scaffold, of those
        whose templates the vocabulary knows if there are any."""
        best: tuple[int, list[ForcedTokens]] | None = None
        tries = 1 if self.marks else _TRIES
        while tries > 0 or best is None:
            tries -= 1
            try:
                found = self._programs(self._choose_sites(generator))
            except StructureError:
                continue
            if best is None or found[0] < best[0]:
                best = found
            if best[0] == 0:
                break
        chosen = best[1][int(generator.integers(len(best[1])))]
        room = self.codec.schema.maximum_steps - len(chosen.tokens)
        head = min(int(generator.geometric(_HEAD_ENDS)), max(1, room))
        return replace(chosen, latest=head)

    def _choose_sites(self, generator: np.random.Generator) -> tuple[int, ...]:
        if self.marks:
            return ()
        most = min(_SITES, len(self.sites))
        count = int(generator.integers(1, most + 1))
        chosen = generator.choice(self.sites, size=count, replace=False)
        return tuple(sorted(int(i) for i in chosen))

    def _write(self, sites: tuple[int, ...]) -> tuple[int, list[ForcedTokens]]:
        """Programs for growing at these sites (and at the marks) that open as few fragments as can
        be, and the number of those."""
        programs: dict[ForcedTokens, int] = {}
        failed: StructureError | None = None
        labels = len(sites) + len(self.marks)
        marks = _leaves(labels)
        for spelling in _spellings(_label_sites(self.molecule, self.marks, sites)):
            try:
                tree = fragments(spelling)
                tokens = self.codec.program(tree, marks)
            except StructureError as error:
                failed = failed or error
                continue
            headed = tokens[0] == _HEAD
            program = ForcedTokens(tuple(tokens[1:] if headed else tokens), headed)
            steps, most = len(tokens), self.codec.schema.maximum_steps
            if steps > most:
                failed = failed or StructureError("too_long", f"{steps} steps, at most {most}")
                continue
            known = (t.template in marks or self.codec.knows(t.template) for t in tree)
            programs[program] = sum(not k for k in known)
        if not programs:
            raise failed or StructureError("unparsable", self.part)
        least = min(programs.values())
        return least, [p for p, opened in programs.items() if opened == least]


def _read(text: str, where: str) -> Any:
    molecule = parse(text)
    if molecule is None or molecule.GetNumHeavyAtoms() == 0:
        raise SettingsError(f"{where}: {text!r} is not a valid SMILES of a molecule")
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise SettingsError(f"{where}: {text} is more than one molecule")
    marks = 0
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(0)
        if atom.GetAtomicNum() == 0:
            atom.SetIsotope(0)
            marks += 1
            bonds = atom.GetBonds()
            single = len(bonds) == 1 and bonds[0].GetBondType() == Chem.BondType.SINGLE
            if not single or bonds[0].GetOtherAtom(atom).GetAtomicNum() == 0:
                raise SettingsError(
                    f"{where}: each * must hang on one atom by a single bond: {text}"
                )
    if marks > _MAXIMUM_MARKS:
        raise SettingsError(f"{where}: {marks} marks in {text}, at most {_MAXIMUM_MARKS}")
    return molecule


def _without_marks(molecule: Any) -> Any:
    out = Chem.RWMol(molecule)
    for atom in out.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomicNum(1)
    with rdBase.BlockLogs():
        return Chem.RemoveHs(out.GetMol())


def _query(molecule: Any) -> Any:
    """Matches molecules that grow at the marks and nowhere else."""
    options: Any = Chem.AdjustQueryParameters.NoAdjustments()
    options.makeDummiesQueries = True
    options.adjustDegree = True
    options.adjustDegreeFlags = Chem.ADJUST_IGNOREDUMMIES
    return Chem.AdjustQueryProperties(molecule, options)


def _label_sites(molecule: Any, marks: Sequence[int], sites: Sequence[int]) -> Any:
    """The scaffold with a methyl group of its own isotope at each mark and site."""
    out = Chem.RWMol(Chem.AddHs(molecule, onlyOnAtoms=list(sites)) if sites else molecule)
    leaves = list(marks)
    for site in sites:
        neighbours = out.GetAtomWithIdx(site).GetNeighbors()
        # The atom itself is replaced, so that stereo marks keep their meaning.
        leaves.append(next(n.GetIdx() for n in neighbours if n.GetAtomicNum() == 1))
    for number, index in enumerate(leaves, start=1):
        atom = out.GetAtomWithIdx(index)
        atom.SetAtomicNum(6)
        atom.SetIsotope(_ISOTOPE + number)
        atom.SetNoImplicit(False)
    with rdBase.BlockLogs():
        Chem.SanitizeMol(out)
        return Chem.RemoveHs(out.GetMol())


def _leaves(count: int) -> dict[str, int]:
    """Templates of the labelled methyl groups: as leaves (slots) and as roots (heads)."""
    names = [f"[{_ISOTOPE + number}CH3]" for number in range(1, count + 1)]
    slots = {canonical_template(f"*{name}").text: OPEN_SLOT for name in names}
    return slots | {canonical_template(f"{name}*").text: _HEAD for name in names}


def _spellings(molecule: Any) -> Iterator[str]:
    """SMILES that start at a growing site or at an end of the scaffold, with what stereo growing
    makes possible left open or set."""
    options = stereo.StereoEnumerationOptions(maxIsomers=_STEREOISOMERS, rand=1, unique=True)
    with rdBase.BlockLogs():
        variants = [molecule, *stereo.EnumerateStereoisomers(molecule, options=options)]
    for variant in variants:
        Chem.AssignStereochemistry(variant, cleanIt=True, force=True)
        ends = [a.GetIdx() for a in variant.GetAtoms() if a.GetDegree() == 1]
        yield from (str(Chem.MolToSmiles(variant, rootedAtAtom=atom)) for atom in ends)
