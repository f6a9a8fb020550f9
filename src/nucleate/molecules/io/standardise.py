"""A row's text -> canonical SMILES, or the reason why not."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdqueries
from rdkit.Chem.MolStandardize import rdMolStandardize

from nucleate.core.errors import StructureError
from nucleate.matter.reader import Standardised
from nucleate.molecules.chemistry.chem import (
    canonical,
    has_radicals,
    one_atom_query,
    parse,
    uncharge,
)
from nucleate.molecules.options import MAXIMUM_TEXT, StandardiseOptions

# Below this length a SMILES cannot be costly for RDKit; above, its size is looked at first.
_HARMLESS_TEXT = 300


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


_CHOOSER: Any = rdMolStandardize.LargestFragmentChooser(True)  # organic fragments first


def standardise(payload: Any, options: StandardiseOptions) -> Standardised:
    """Canonical SMILES of a SMILES (its first word) or of an SD record (text with line breaks).

    Raises:
        StructureError: `empty`, `too_long_text`, `unparsable`, `salt`, `isotope`, `element`,
            `radical`, `too_small` or `too_large`.
    """
    with rdBase.BlockLogs():
        molecule = _read(payload, options)
        salt = len(Chem.GetMolFrags(molecule)) > 1
        if salt:
            if options.fragment == "refuse":
                raise StructureError("salt", f"{canonical(molecule)[:80]} has several fragments")
            molecule = _CHOOSER.choose(molecule)
        changed = _atoms(molecule, options)
        if options.neutralise == "always" or (salt and options.neutralise == "salts"):
            molecule = uncharge(molecule)
            changed = True
        smiles = canonical(molecule)
        if changed or salt:
            # Hydrogens and stereo marks may have changed meaning: read it once more.
            again = parse(smiles)
            if again is None:
                raise StructureError("unparsable", f"{smiles[:80]} after standardisation")
            smiles = canonical(again)
    return Standardised(smiles, smiles)


def _read(payload: Any, options: StandardiseOptions) -> Any:
    """Parse and sanitise, with a bound on what RDKit is given."""
    text = payload if isinstance(payload, str) else ""
    if "\n" in text.strip():
        molecule = Chem.MolFromMolBlock(text)
        if molecule is None:
            raise StructureError("unparsable", "the SD record is not a valid molecule")
    else:
        words = text.split(None, 1)
        if not words:
            raise StructureError("empty", "no SMILES")
        smiles = words[0]
        if len(smiles) > MAXIMUM_TEXT:
            raise StructureError("too_long_text", f"SMILES of more than {MAXIMUM_TEXT} characters")
        if len(smiles) > _HARMLESS_TEXT:
            _refuse_giants(smiles, options)
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise StructureError("unparsable", f"{smiles[:80]!r} is not a valid SMILES")
    if molecule.GetNumAtoms() == 0:
        raise StructureError("empty", "no atoms")
    return molecule


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


def _atoms(molecule: Any, options: StandardiseOptions) -> bool:
    """Refuse what the options forbid; drop labels in place. Returns whether labels were dropped."""
    unusual = molecule.HasSubstructMatch(_unusual_atom(options.elements))
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


def _drop_labels(molecule: Any, options: StandardiseOptions) -> bool:
    """Refuse other elements and isotopes; drop labels. Returns whether any were dropped."""
    allowed = _atomic_numbers(options.elements)
    dropped = False
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() not in allowed:
            raise StructureError("element", f"{atom.GetSymbol()} is not among the allowed elements")
        if atom.GetIsotope():
            if options.isotopes == "refuse":
                label = f"{atom.GetIsotope()}{atom.GetSymbol()}"
                raise StructureError("isotope", f"{label} is labelled")
            atom.SetIsotope(0)
            dropped = True
        if atom.GetAtomMapNum():
            atom.SetAtomMapNum(0)
            dropped = True
    return dropped
