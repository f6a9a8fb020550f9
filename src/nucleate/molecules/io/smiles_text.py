"""What a person's text of one molecule means: SMILES, CXSMILES or InChI, and a name behind it."""

from __future__ import annotations

import re
import string
from typing import Any, NamedTuple

from rdkit import Chem

from nucleate.core.errors import StructureError
from nucleate.molecules.io.features import read_extension, refuse_features

# Most SMILES are of nothing but these and hold nothing that needs a second look. (A regular
# expression takes ten times as long between two calls of RDKit.)
_PLAIN = (string.ascii_letters + string.digits + "()[]=#+-@/\\%.").encode()
_SMILES = re.compile(r"(?:\[[^\]\s]{0,100}\]|[^\s,;|])*")
_QUOTES = "\"'`"
# What spreadsheets, web pages and PDF files put in place of plain characters, or between them.
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"),
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u00b4\u2032", "'"),
        **dict.fromkeys("\u00a0\u2007\u202f\u3000", " "),
    }
)
_INCHI_KEY = re.compile(r"(?:InChIKey=)?[A-Z]{14}-[A-Z]{10}-[A-Z]")
_EXCEL = re.compile(r"#(?:NAME|REF|VALUE|N/A|NULL|NUM|DIV/0)[?!]?")
_R_GROUP = re.compile(r"\[(?:\d*R[\d#']*|\*?:?_?AP\d+|Pol|Du)\]")


class SmilesText(NamedTuple):
    """A text taken apart.

    Attributes:
        smiles: SMILES or InChI, not looked at yet.
        extension: of a CXSMILES, without its bars.
        rest: a name, or whatever else stands behind it.
        plain: whether it can be nothing but atoms and bonds of usual kinds.
    """

    smiles: str
    extension: str = ""
    rest: str = ""
    plain: bool = False


def split_text(text: str) -> SmilesText:
    """Take apart `SMILES |extension| name`, separated by white space, commas or semicolons.

    Raises:
        StructureError: `unparsable`, for an extension or a quote that is not closed.
    """
    text = text.strip()
    if _is_plain(text):
        return SmilesText(text, plain=True)
    text = text.translate(_CHARACTERS).strip()
    if text[:1] in _QUOTES and text:
        smiles, mark, rest = text[1:].partition(text[0])
        if not mark:
            raise StructureError("unparsable", f"a quote in {text[:80]!r} is never closed")
        inner = split_text(smiles)
        return inner if not rest.strip(" \t,;") else inner._replace(rest=_name(rest))
    if text.startswith("InChI="):
        smiles, _, rest = text.partition(" ")
        return SmilesText(smiles.rstrip(_QUOTES + ",;"), "", _name(rest))
    smiles = _SMILES.match(text)[0]  # type: ignore[index]  # matches nothing at least
    rest = text[len(smiles) :].lstrip(" \t,;")
    if not rest.startswith("|"):
        return SmilesText(smiles, "", _name(rest), _is_plain(smiles))
    extension, mark, rest = rest[1:].partition("|")
    if not mark:
        raise StructureError("unparsable", f"the extension |{extension[:60]} is not closed")
    return SmilesText(smiles, extension, _name(rest))


def _is_plain(text: str) -> bool:
    return text.isascii() and not text.encode().translate(None, _PLAIN)


def _name(text: str) -> str:
    return text.strip(" \t,;").strip(_QUOTES).strip()


def read_text(given: SmilesText) -> tuple[Any, list[str]]:
    """The sanitised RDKit molecule of a text and notes of what was left out on reading.

    Raises:
        StructureError: `unparsable`, `reaction`, `query`, `attachment_point`, and what
            `read_extension` and `refuse_features` raise.
    """
    smiles = given.smiles
    if smiles.startswith("InChI="):
        molecule = Chem.MolFromInchi(smiles)
        if molecule is None:
            raise StructureError("unparsable", f"{smiles[:80]!r} is not a valid InChI")
        return molecule, ["read from InChI"]
    if given.plain:
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            _refuse_unread(smiles)
        return molecule, []
    if ">" in smiles.replace("->", "").replace("<-", ""):
        raise StructureError("reaction", f"{smiles[:80]!r} is a reaction, not a molecule")
    notes = read_extension(given.extension) if given.extension else []
    molecule = Chem.MolFromSmiles(f"{smiles} |{given.extension}|" if given.extension else smiles)
    if molecule is None:
        if given.extension and Chem.MolFromSmiles(smiles) is not None:
            raise StructureError("unparsable", f"the extension |{given.extension[:80]}| is damaged")
        _refuse_unread(smiles)
    return molecule, notes + refuse_features(molecule)


def _refuse_unread(smiles: str) -> None:
    """Say what a text is that RDKit does not read as a SMILES.

    Raises:
        StructureError: always.
    """
    group = _R_GROUP.search(smiles)
    if group:
        raise StructureError("attachment_point", f"{group[0]} stands for what is not given")
    if _INCHI_KEY.fullmatch(smiles):
        what = "is an InChIKey, from which no structure can be read; give its SMILES"
        raise StructureError("unparsable", f"{smiles!r} {what}")
    if _EXCEL.match(smiles):
        raise StructureError("unparsable", f"{smiles[:20]!r} is an error value of a spreadsheet")
    pattern = any(mark in smiles for mark in ";&!,?$~") and Chem.MolFromSmarts(smiles) is not None
    if pattern:
        raise StructureError("query", f"{smiles[:80]!r} is a SMARTS pattern, not a molecule")
    raise StructureError("unparsable", f"{smiles[:80]!r} is not a valid SMILES")
