"""A row's text -> canonical SMILES, or the reason why not."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdqueries

from nucleate.core.errors import StructureError
from nucleate.matter.reader import Standardised
from nucleate.molecules.chemistry.chem import (
    canonical,
    has_radicals,
    one_atom_query,
    parse,
    uncharge,
)
from nucleate.molecules.io.features import refuse_dummy
from nucleate.molecules.io.molblock import read_block
from nucleate.molecules.io.salts import Parts, parts, split_ionic_bonds
from nucleate.molecules.io.smiles_text import read_text, split_text
from nucleate.molecules.options import MAXIMUM_PAYLOAD, MAXIMUM_TEXT, StandardiseOptions

# Below this length a SMILES cannot be costly for RDKit; above, its size is looked at first.
_HARMLESS_TEXT = 300
_ALIKE = 0.5
"""Heavy atoms, over those of the largest, from which on another molecule may be the one meant."""
# A carbanion that nothing but carbon holds, isocyanides and carbon monoxide apart.
_CARBANION: Any = Chem.MolFromSmarts("[#6-;!$(*#[!#6]);!$(*~*=,#[!#6]);!$(*~[+])]")


@cache
def _atomic_numbers(elements: tuple[str, ...]) -> frozenset[int]:
    table = Chem.GetPeriodicTable()
    numbers = set()
    for symbol in elements:
        with suppress(RuntimeError):  # not an element: nothing can match it
            numbers.add(int(table.GetAtomicNumber(symbol)))
    return frozenset(numbers)


@cache
def _unusual_atom(elements: tuple[str, ...]) -> Any:
    """Matches an atom of another element than these, and one with a label or unpaired electrons.

    Most molecules have none, which one match tells faster than a walk over their atoms.
    """
    atom = rdqueries.IsotopeGreaterQueryAtom(0)
    atom.ExpandQuery(rdqueries.HasPropQueryAtom("molAtomMapNumber"), Chem.COMPOSITE_OR)
    atom.ExpandQuery(rdqueries.NumRadicalElectronsGreaterQueryAtom(0), Chem.COMPOSITE_OR)
    other = rdqueries.AtomNumEqualsQueryAtom(0)
    other.ExpandQuery(rdqueries.AtomNumGreaterQueryAtom(0), Chem.COMPOSITE_OR)
    for number in sorted(_atomic_numbers(elements)):
        other.ExpandQuery(rdqueries.AtomNumEqualsQueryAtom(number, negate=True))
    atom.ExpandQuery(other, Chem.COMPOSITE_OR)
    return one_atom_query(atom)


_MAP = "molAtomMapNumber"
_ARRANGEMENTS = frozenset(
    {
        Chem.ChiralType.CHI_ALLENE,
        Chem.ChiralType.CHI_SQUAREPLANAR,
        Chem.ChiralType.CHI_TRIGONALBIPYRAMIDAL,
        Chem.ChiralType.CHI_OCTAHEDRAL,
    }
)


def standardise(payload: Any, options: StandardiseOptions) -> Standardised:
    """Canonical SMILES of a text (SMILES, CXSMILES, InChI; a name may follow) or of an SD record
    (text with line breaks).

    Raises:
        StructureError: `empty`, `too_long_text`, `unparsable`, `salt`, `mixture`, `isotope`,
            `element`, `radical`, `organometallic`, `too_small` or `too_large`; and for what a
            SMILES cannot hold those that `read_text` and `read_block` raise.
    """
    with rdBase.BlockLogs():
        molecule, notes = _read(payload, options)
        unusual = molecule.HasSubstructMatch(_unusual_atom(options.elements))
        if unusual:
            molecule = split_ionic_bonds(molecule)
        salt = len(Chem.GetMolFrags(molecule)) > 1
        if salt:
            if options.fragment == "refuse":
                raise StructureError("salt", f"{canonical(molecule)[:80]} has several fragments")
            molecule, left_out = _parent(molecule, options)
            notes += left_out
            unusual = unusual and molecule.HasSubstructMatch(_unusual_atom(options.elements))
        changed = _atoms(molecule, unusual, options)
        changed |= _drop_arrangements(molecule, notes)
        if options.neutralise == "always" or (salt and options.neutralise == "salts"):
            charges = [atom.GetFormalCharge() for atom in molecule.GetAtoms()]
            molecule = uncharge(molecule)
            if charges != [atom.GetFormalCharge() for atom in molecule.GetAtoms()]:
                notes.append("neutralised")
            changed = True
        smiles = canonical(molecule)
        if changed or salt or "\n" in payload:
            # Hydrogens, charges and stereo marks may have changed meaning: read it once more.
            again = parse(smiles)
            if again is None:
                raise StructureError("unparsable", f"{smiles[:80]} after standardisation")
            if has_radicals(again):
                raise StructureError("radical", f"unpaired electrons in {smiles[:80]}")
            smiles = canonical(again)
    return Standardised(smiles, smiles, tuple(notes))


def _drop_arrangements(molecule: Any, notes: list[str]) -> bool:
    """Forget how the neighbours of a centre that is not tetrahedral are arranged, in place: RDKit
    has no canonical spelling of it. Returns whether there was any."""
    centres = [atom for atom in molecule.GetAtoms() if atom.GetChiralTag() in _ARRANGEMENTS]
    for atom in centres:
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    if centres:
        notes.append("left out the arrangement at centres that are not tetrahedral")
    return bool(centres)


def _read(payload: Any, options: StandardiseOptions) -> tuple[Any, list[str]]:
    """Parse and sanitise, with a bound on what RDKit is given."""
    text = payload if isinstance(payload, str) else ""
    if "\n" in text.strip():
        molecule, notes = read_block(text)
    else:
        if len(text) > MAXIMUM_PAYLOAD:
            raise StructureError("too_long_text", f"more than {MAXIMUM_PAYLOAD} characters")
        given = split_text(text)
        if not given.smiles:
            raise StructureError("empty", "no SMILES")
        if len(given.smiles) > MAXIMUM_TEXT:
            raise StructureError("too_long_text", f"SMILES of more than {MAXIMUM_TEXT} characters")
        if len(given.smiles) > _HARMLESS_TEXT and not given.smiles.startswith("InChI="):
            _refuse_giants(given.smiles, options)
        molecule, notes = read_text(given)
        if given.rest:
            notes.append("left out the text behind the SMILES")
    if molecule.GetNumAtoms() == 0:
        raise StructureError("empty", "no atoms")
    return molecule, notes


def _parent(molecule: Any, options: StandardiseOptions) -> tuple[Any, list[str]]:
    """The fragment that is meant, and notes of what is left out.

    Raises:
        StructureError: `element`, for a part that is no listed companion; `organometallic`;
            `mixture`; `salt`, where nothing is organic.
    """
    found = parts(molecule)
    allowed = _atomic_numbers(options.elements)
    for part in [*found.parents, *found.companions]:
        if not part.name:
            _refuse_elements(part.molecule, allowed)
    if not found.parents:
        raise StructureError("salt", f"{canonical(molecule)[:80]} has no organic part to keep")
    parent, *others = found.parents
    if found.metals and parent.molecule.HasSubstructMatch(_CARBANION):
        raise StructureError("organometallic", f"a carbanion beside {', '.join(found.metals)}")
    if others and options.mixture == "refuse":
        sizes = [part.molecule.GetNumHeavyAtoms() for part in (parent, others[0])]
        if sizes[1] >= _ALIKE * sizes[0]:
            several = f"different molecules of {sizes[0]} and {sizes[1]} heavy atoms"
            raise StructureError("mixture", f"{several}; which one is meant is not told")
    return parent.molecule, _left_out(found)


def _left_out(found: Parts) -> list[str]:
    """One note for each kind of part that is left out."""
    parent, *others = found.parents
    names, copies, isomers = found.names, 0, 0
    for part in [*others, *found.companions]:
        if part.plain == parent.plain:
            one, other = (canonical(uncharge(which.molecule)) for which in (parent, part))
            same = one == other
            copies, isomers = copies + same, isomers + (not same)
        elif not part.name:
            names[canonical(part.molecule)] += 1
    notes = [name if count == 1 else f"{count} {name}" for name, count in sorted(names.items())]
    notes += [f"{copies} more of the same molecule"] if copies else []
    notes += [f"{isomers} of its stereoisomers"] if isomers else []
    return [f"left out {note}" for note in notes]


def _refuse_giants(smiles: str, options: StandardiseOptions) -> None:
    """Refuse a big molecule before ring perception and canonicalisation, which may take long."""
    raw = Chem.MolFromSmiles(smiles, sanitize=False)
    if raw is None:
        raise StructureError("unparsable", f"{smiles[:80]!r}… is not a valid SMILES")
    for fragment in Chem.GetMolFrags(raw):
        heavy = sum(raw.GetAtomWithIdx(i).GetAtomicNum() != 1 for i in fragment)
        if heavy > options.maximum_heavy_atoms:
            _too_large(heavy, options)


def _too_large(heavy: int, options: StandardiseOptions) -> None:
    raise StructureError("too_large", f"{heavy} heavy atoms, at most {options.maximum_heavy_atoms}")


def _atoms(molecule: Any, unusual: bool, options: StandardiseOptions) -> bool:
    """Refuse what the options forbid; drop labels in place. Returns whether labels were dropped."""
    dropped = unusual and _drop_labels(molecule, options)
    heavy = molecule.GetNumHeavyAtoms()
    if heavy < options.minimum_heavy_atoms:
        least = options.minimum_heavy_atoms
        raise StructureError("too_small", f"{heavy} heavy atoms, at least {least}")
    if heavy > options.maximum_heavy_atoms:
        _too_large(heavy, options)
    if unusual and has_radicals(molecule):
        symbols = sorted({a.GetSymbol() for a in molecule.GetAtoms() if a.GetNumRadicalElectrons()})
        raise StructureError("radical", f"unpaired electrons on {', '.join(symbols)}")
    return dropped


def _refuse_elements(molecule: Any, allowed: frozenset[int]) -> None:
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() == 0:
            refuse_dummy(atom)
        if atom.GetAtomicNum() not in allowed:
            raise StructureError("element", f"{atom.GetSymbol()} is not among the allowed elements")


def _drop_labels(molecule: Any, options: StandardiseOptions) -> bool:
    """Refuse other elements and isotopes; drop labels. Returns whether any were dropped."""
    _refuse_elements(molecule, _atomic_numbers(options.elements))
    dropped = False
    for atom in molecule.GetAtoms():
        if atom.GetIsotope():
            if options.isotopes == "refuse":
                label = f"{atom.GetIsotope()}{atom.GetSymbol()}"
                raise StructureError("isotope", f"{label} is labelled")
            atom.SetIsotope(0)
            dropped = True
        if atom.HasProp(_MAP):  # which may be 0, and is written all the same
            atom.ClearProp(_MAP)
            dropped = True
    return dropped
