"""The atoms and bonds of an SD record or MOL file, and what else it says of them."""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem

from nucleate.core.errors import StructureError
from nucleate.molecules.io.features import refuse_features

# Lines of properties that RDKit reads into the molecule, or that only say how it is drawn.
_READ = frozenset(
    re.findall(
        r"\w+",
        "CHG RAD ISO RGP LOG AAL ALS SUB UNS RBC RBD STY SST SLB SCN SDS SAL SBL SPA SMT SDI SBV "
        "SDT SDD SCD SED SPL SNC CRS SAP SCL SBT PXA REG ZBO ZCH HYD MRV END",
    )
)
_REFUSED = {
    "APO": ("attachment_point", "an attachment point"),
    "LIN": ("polymer", "a link node, repeated a number of times that is not given"),
    "$3D": ("query", "a wanted geometry"),
}
_REFUSED_V3000 = {
    "ATTCHPT=": _REFUSED["APO"],
    "LINKNODE": _REFUSED["LIN"],
    "RGROUPS=": ("attachment_point", "an R-group"),
    "BEGIN RGROUP": ("attachment_point", "an R-group"),
    "ENDPTS=": ("position_variation", "a bond to any of several atoms"),
    "BEGIN TEMPLATE": ("alias", "templates in place of atoms"),
}
_CODE = re.compile(r"^M {1,2}(\S+)", re.MULTILINE)
_ALIAS = re.compile(r"^A {1,2}( *\d+).*\n(.*)$", re.MULTILINE)
_GROUP_NAME = re.compile(r"^G {1,2} *\d+.*\n(.*)$", re.MULTILINE)
_ATOM = re.compile(r"^(?: *-?\d+\.\d+){3} (\S{1,3})", re.MULTILINE)


def read_block(text: str) -> tuple[Any, list[str]]:
    """The sanitised RDKit molecule of a MOL block, V2000 or V3000, and notes of what it drops.

    Raises:
        StructureError: `unparsable`, `alias`, `attachment_point`, `polymer`, `query`,
            `position_variation`, `radical`, and what `refuse_features` raises.
    """
    text = _with_header(text)
    _refuse_lines(text)
    molecule = Chem.MolFromMolBlock(text)
    if molecule is None:
        raw = Chem.MolFromMolBlock(text, sanitize=False, removeHs=False)
        if raw is None:
            raise StructureError("unparsable", _unread(text))
        refuse_features(raw)
        problems = [str(problem.Message()) for problem in Chem.DetectChemistryProblems(raw)]
        told = problems[0] if problems else "not a valid molecule"
        raise StructureError("unparsable", f"the SD record: {told}"[:200])
    return molecule, [*refuse_features(molecule), *_settle_stereo(molecule)]


def _with_header(text: str) -> str:
    """The text with three lines before the one with the counts, whose kind is told at its end.

    A blank title gets lost where a table's cell holds the block, others in files made by hand.
    """
    mark = re.search(r"^ *\d.* V[23]000 *$", text[:2000], re.MULTILINE)
    lost = 0 if mark is None else 3 - text.count("\n", 0, mark.start())
    return "\n" * lost + text


def _settle_stereo(molecule: Any) -> list[str]:
    """Leave out what coordinates cannot tell of stereo; notes of it.

    Without coordinates, wedges and double bonds tell nothing. In three dimensions a protonated
    amine has a geometry, but no configuration: it loses its proton and turns over.
    """
    if molecule.GetNumConformers() == 0 or molecule.GetNumAtoms() < 2:
        return []
    conformer = molecule.GetConformer()
    if conformer.Is3D():
        for atom in molecule.GetAtoms():
            if atom.GetAtomicNum() == 7 and atom.GetTotalNumHs() > 0:
                atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        Chem.AssignStereochemistry(molecule, cleanIt=True, force=True)
    elif not conformer.GetPositions().any() and len(Chem.FindPotentialStereo(molecule)) > 0:
        return ["left out stereo, for want of coordinates"]
    return []


def _refuse_lines(text: str) -> None:
    """Refuse lines that RDKit passes over although they change what is meant."""
    *head, body = text.split("\n", 4)
    if "\t" in body:
        raise StructureError("unparsable", "tabs in an SD record, whose columns have fixed places")
    if "V3000" in head[-1]:
        for mark, (reason, detail) in _REFUSED_V3000.items():
            if mark in body:
                raise StructureError(reason, detail)
        return
    if "\nA " in body:
        for number, label in _ALIAS.findall(body):
            refuse_alias(Chem.MolFromMolBlock(text, removeHs=False), int(number), label)
    if "\nG " in body:
        for label in _GROUP_NAME.findall(body):
            raise StructureError("alias", f"a group is labelled {label[:40]!r}")
    codes = _CODE.findall(body[body.find("\nM ") :])
    for code in codes:
        if code in _REFUSED:
            raise StructureError(*_REFUSED[code])
        if code not in _READ:
            raise StructureError("unparsable", f"the property line 'M  {code}' is not understood")
    # Charges and radicals of the atom lines do not count where such a property line follows.
    if not {"RAD", "CHG"} & set(codes) and any(
        line[36:39] == "  4" and _ATOM.match(line) for line in body.split("\n")
    ):
        raise StructureError("radical", "an unpaired electron")


def _unread(text: str) -> str:
    """Why a record cannot be read: an atom of no element, or only that it cannot."""
    table = Chem.GetPeriodicTable()
    for symbol in _ATOM.findall(text):
        try:
            table.GetAtomicNumber(symbol)
        except RuntimeError:
            return f"{symbol!r} in the SD record is no element"
    return "the SD record is not a valid molecule"


def refuse_alias(molecule: Any, number: int, label: str) -> None:
    """Refuse a label that says something else than its atom, with hydrogens or without.

    Args:
        molecule: an RDKit molecule; None if it cannot be read.
        number: of the atom, from 1.

    Raises:
        StructureError: `alias`.
    """
    label = label.strip()
    if not label or (molecule is not None and _says_the_same(molecule, number, label)):
        return
    raise StructureError("alias", f"atom {number} is labelled {label[:40]!r}")


def _says_the_same(molecule: Any, number: int, label: str) -> bool:
    if not 1 <= number <= molecule.GetNumAtoms():
        return False
    atom = molecule.GetAtomWithIdx(number - 1)
    if atom.NeedsUpdatePropertyCache():
        return label == atom.GetSymbol()
    symbol, hydrogens = atom.GetSymbol(), atom.GetTotalNumHs(includeNeighbors=True)
    count = "" if hydrogens == 1 else str(hydrogens)
    return label in (symbol, f"{symbol}H{count}", f"H{count}{symbol}")
