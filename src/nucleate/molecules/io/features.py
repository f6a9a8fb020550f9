"""What a drawing or CXSMILES may hold beyond atoms and bonds: honoured, noted or refused by name.

Nothing of it survives in a plain SMILES, so that a molecule with a label `OMe` on a carbon would
be read as another one without a word.
"""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdqueries

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import one_atom_query

_POLYMERS = ("SRU", "MON", "MER", "COP", "CRO", "MOD", "GRA", "ANY")
_MIXTURES = ("COM", "MIX", "FOR")
_SHOWN_ONLY = ("SUP", "DAT", "MUL")  # names for groups whose atoms are all there, data, repeats
_BONDS = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")
_STEREO = {
    "STEREO_AND": "racemic centres: the drawn isomer kept",
    "STEREO_OR": "one of two isomers, unknown which: the drawn one kept",
}
_AXIAL = (Chem.BondStereo.STEREOATROPCW, Chem.BondStereo.STEREOATROPCCW)


def _no_atom() -> Any:
    atom = rdqueries.AtomNumEqualsQueryAtom(0)
    atom.ExpandQuery(rdqueries.HasPropQueryAtom("molAttchpt"), Chem.COMPOSITE_OR)
    return one_atom_query(atom)


# What most molecules have none of is looked for by RDKit, before a slower walk over their atoms.
_NO_ATOM: Any = _no_atom()
_AXIS: Any = Chem.MolFromSmarts("[^2;D3]-!@[^2;D3]")
_ODD_BONDS: Any = [Chem.MolFromSmarts(pattern) for pattern in ("*!-!=!#!:*", "[!a]:*")]

# Sections of the extension by what becomes of them. Those that RDKit reads into the molecule are
# looked at there (radicals, polymer groups, coordinate bonds, stereo groups).
_READ = ("^", "Sg", "a", "o", "&", "c", "t", "ctu", "C", "LN", "m", "H", "Z", "rb", "s", "u")
_DROPPED = {
    "w": "wedged bonds",
    "wU": "wedged bonds",
    "wD": "wedged bonds",
    "SgD": "data of groups",
    "SgH": "hierarchy of groups",
    "f": "grouping of parts",
    "r": "mark of relative stereo",
    "lp": "lone pairs",
    "LO": "order of ligands",
    "atomProp": "data of atoms",
}
_REFUSED = {
    "m": ("position_variation", "a bond to any of several atoms"),
    "LN": ("polymer", "a link node, repeated a number of times that is not given"),
    "H": ("bond", "a hydrogen bond"),
    "Z": ("bond", "a bond of order zero"),
    "C": ("bond", "a coordinate bond"),
    "rb": ("query", "an atom with a wanted number of ring bonds"),
    "s": ("query", "an atom with a wanted number of neighbours"),
    "u": ("query", "an atom that must be unsaturated"),
    "L": ("query", "an atom of any of several elements"),
    "RG": ("attachment_point", "an R-group"),
    "LOG": ("attachment_point", "an R-group"),
}
_BLOCKS = re.compile(r"\$[^$]*\$|\([^)]*\)|\{[^}]*\}")
_SECTION = re.compile(r"(?:^|,)([A-Za-z&^@!*][A-Za-z&^@!*_]*)\d*(?=[:,]|$)")


def read_extension(extension: str) -> list[str]:
    """Notes of what is dropped of a CXSMILES extension (text without its bars).

    Raises:
        StructureError: `attachment_point`, `query`, `polymer`, `position_variation`, `bond`,
            `alias`, `unparsable` for what changes the meaning or is not known.
    """
    notes = []
    for block in _BLOCKS.findall(extension):
        if block.startswith("$") and not block.startswith("$_AV:"):
            notes += _labels(block.strip("$").split(";"))
        elif block.startswith("("):
            notes.append("left out the CXSMILES coordinates")
        else:
            notes.append("left out the CXSMILES data of atoms")
    for name in _SECTION.findall(_BLOCKS.sub("", extension)):
        if name in _REFUSED:
            raise StructureError(_REFUSED[name][0], f"CXSMILES {name}: {_REFUSED[name][1]}")
        if name in _DROPPED:
            notes.append(f"left out the CXSMILES {_DROPPED[name]}")
        elif name not in _READ:
            raise StructureError("unparsable", f"CXSMILES {name}: is not understood")
    return list(dict.fromkeys(notes))


def _labels(labels: list[str]) -> list[str]:
    """Labels of atoms: R-groups, attachment points and pseudo-atoms are no atoms."""
    found = [label for label in labels if label]
    for label in found:
        if re.fullmatch(r"_?(R\d*'*|AP\d+)", label):
            raise StructureError("attachment_point", f"{label.strip('_')} is no atom")
        if label.endswith("_p") or label == "star_e":
            raise StructureError("attachment_point", f"{label[:40]} is no atom")
        if label.endswith("_e"):
            raise StructureError("query", f"{label[:40]} stands for any of several atoms")
        if not re.fullmatch(r"[A-Z][a-z]?\d*'*", label):
            raise StructureError("alias", f"an atom is labelled {label[:40]!r}")
    return ["left out the CXSMILES labels of atoms"] if found else []


def refuse_features(molecule: Any) -> list[str]:
    """Notes of what of an RDKit molecule a SMILES cannot hold.

    Raises:
        StructureError: `attachment_point`, `query`, `polymer`, `mixture`, `bond`, `generic_group`.
    """
    for group in Chem.GetMolSubstanceGroups(molecule):
        _refuse_group(group)
    if molecule.HasProp("_molLinkNodes"):
        raise StructureError("polymer", f"a link node ({molecule.GetProp('_molLinkNodes')})")
    if molecule.HasQuery() or molecule.HasSubstructMatch(_NO_ATOM):
        for atom in molecule.GetAtoms():
            _refuse_atom(atom)
    if molecule.HasQuery() or any(map(molecule.HasSubstructMatch, _ODD_BONDS)):
        for bond in molecule.GetBonds():
            _refuse_bond(bond)
    axial = molecule.HasSubstructMatch(_AXIS) and any(
        bond.GetStereo() in _AXIAL for bond in molecule.GetBonds()
    )
    groups = {_STEREO.get(str(g.GetGroupType()), "") for g in molecule.GetStereoGroups()}
    notes = sorted(note for note in groups if note)
    return [*notes, "left out axial chirality"] if axial else notes


def _refuse_group(group: Any) -> None:
    kind = str(group.GetProp("TYPE"))
    if kind in _POLYMERS:
        raise StructureError("polymer", f"a polymer's repeat unit (group {kind})")
    if kind in _MIXTURES:
        raise StructureError("mixture", f"parts of a mixture or formulation (group {kind})")
    if kind not in _SHOWN_ONLY:
        raise StructureError("generic_group", f"brackets without a told meaning (group {kind})")
    if kind == "MUL":
        times = str(group.GetProp("MULT")) if group.HasProp("MULT") else ""
        drawn, once = len(group.GetAtoms()), len(group.GetParentAtoms())
        if not times.isdecimal() or drawn != once * int(times):
            raise StructureError("generic_group", f"a group repeated {times or 'some'} times")


def _refuse_atom(atom: Any) -> None:
    if atom.HasProp("molAttchpt"):
        raise StructureError("attachment_point", f"an attachment point on {atom.GetSymbol()}")
    if atom.GetAtomicNum() == 0 and not atom.HasQuery():
        refuse_dummy(atom)
    if atom.HasQuery():
        label = atom.GetProp("dummyLabel") if atom.HasProp("dummyLabel") else ""
        if label.startswith("R"):
            raise StructureError("attachment_point", f"{label} stands for what is not given")
        what = atom.GetQueryType() or atom.GetSmarts()
        raise StructureError("query", f"atom {what} stands for any of several")


def refuse_dummy(atom: Any) -> None:
    """Refuse an atom of no element.

    Raises:
        StructureError: `attachment_point`.
    """
    label = atom.GetProp("dummyLabel") if atom.HasProp("dummyLabel") else "*"
    number = f":{atom.GetAtomMapNum()}" if atom.GetAtomMapNum() else ""
    shown = f"{atom.GetIsotope() or ''}*{number}" if label == "*" else label
    raise StructureError("attachment_point", f"{shown} is no element: an attachment point, say")


def _refuse_bond(bond: Any) -> None:
    kind = str(bond.GetBondType())
    ends = f"between {bond.GetBeginAtom().GetSymbol()} and {bond.GetEndAtom().GetSymbol()}"
    if bond.HasQuery() or kind == "UNSPECIFIED":
        raise StructureError("query", f"a bond {ends} whose order is left open")
    aromatic = bond.GetBeginAtom().GetIsAromatic() and bond.GetEndAtom().GetIsAromatic()
    if kind not in _BONDS or (kind == "AROMATIC" and not aromatic):
        raise StructureError("bond", f"a bond {ends} of the kind {kind.lower()}")
