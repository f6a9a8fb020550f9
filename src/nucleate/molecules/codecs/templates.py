"""Templates: the texts that fragments of molecules are known by.

A template is a SMILES written from the atom where the fragment hangs on its parent, with `*` for
the parent (first, unless the fragment is a root) and for each child.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rdkit import Chem, rdBase

from nucleate.core.errors import StructureError


def is_root(template: str) -> bool:
    """Whether a template hangs on nothing and so starts a molecule."""
    return not template.startswith("*")


def arity(template: str) -> int:
    """Places for children."""
    return template.count("*") - (not is_root(template))


@dataclass(frozen=True)
class Template:
    """A canonical template and how it came from the text given.

    Attributes:
        text: the canonical text.
        order: for each place of `text`, which place of the given text it was.
    """

    text: str
    order: tuple[int, ...]


@lru_cache(maxsize=200_000)
def canonical_template(raw: str) -> Template:
    """One text for all spellings of a fragment with places.

    Places are numbered by the canonical order of the fragment without stereo; with the numbers as
    labels, stereocentres keep their meaning even where two children may be alike.

    Raises:
        StructureError: `unparsable`.
    """
    root = is_root(raw)
    flat = parse_template(raw)
    # Between alike places stereo would get lost: what has any is read with its places told apart.
    stereo = any(mark in raw for mark in "@/\\")
    if stereo:
        Chem.RemoveStereochemistry(flat)
    entry = first_atom(flat) if root else 0
    Chem.MolToSmiles(flat, rootedAtAtom=entry)
    first = _places_in_order(flat, root)
    told = parse_template(label_places(raw)) if stereo else flat
    stars = _places(told, root)
    for label, place in enumerate(first, start=1):
        told.GetAtomWithIdx(stars[place]).SetIsotope(label)
    text = Chem.MolToSmiles(told, rootedAtAtom=entry)
    order = _places_in_order(told, root)
    for label in range(1, len(order) + 1):
        text = text.replace(f"[{label}*]", "*")
    return Template(text, order)


_STAR = Chem.MolFromSmarts("[#0]")


def _places(molecule: Any, root: bool) -> list[int]:
    """Indices of the atoms that stand for places, in the order of the text that was read."""
    return sorted(atom for (atom,) in molecule.GetSubstructMatches(_STAR))[not root :]


def _places_in_order(molecule: Any, root: bool) -> tuple[int, ...]:
    """The places in the order of the text that was last written."""
    place = {atom: number for number, atom in enumerate(_places(molecule, root))}
    written = molecule.GetProp("_smilesAtomOutputOrder")  # "[2,0,1,]"
    order = map(int, written.strip("[,]").split(","))
    return tuple([place[atom] for atom in order if atom in place])


def label_places(template: str) -> str:
    """The text with the stars of its places written [1*], [2*] …; the parent's stays bare."""
    out, *parts = template.split("*")
    for number, part in enumerate(parts, start=int(is_root(template))):
        out += (f"[{number}*]" if number else "*") + part
    return out


def first_atom(molecule: Any) -> int:
    """The atom that a root template is written from: the first real one by canonical rank."""
    ranks = list(Chem.CanonicalRankAtoms(molecule, breakTies=True))
    real = [a.GetIdx() for a in molecule.GetAtoms() if a.GetAtomicNum() > 0]
    return int(min(real, key=lambda i: ranks[i]))


def parse_template(text: str) -> Any:
    """The RDKit molecule of a template, labelled or not.

    Raises:
        StructureError: `unparsable`.
    """
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(text)
    if molecule is None:
        raise StructureError("unparsable", f"fragment {text[:80]}")
    return molecule
