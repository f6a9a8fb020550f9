"""Fixed descriptors of fragment templates, so that rare fragments share what is learnt."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from nucleate.molecules.codecs.smiles_tree import MARKS, parse_tree

_ELEMENTS = ("C", "N", "O", "S", "F", "Cl", "Br", "I", "P", "B", "Si", "Se", "H")
_HASHED = 64
SIZE = len(_ELEMENTS) + 10 + _HASHED


def template_features(template: str) -> NDArray[np.float32]:
    """Counts of elements, bonds, rings, charges and hashed bonded pairs of atoms, float32 [SIZE].

    All are log(1 + count). Read off the text alone: a codec of thousands of templates is rebuilt
    in every worker process.
    """
    tree = parse_tree(template)
    out = np.zeros(SIZE, np.float32)
    kinds = [_kind(atom) for atom in tree.atoms]
    for element, aromatic, charge in kinds:
        if element in _ELEMENTS:
            out[_ELEMENTS.index(element)] += 1
        base = len(_ELEMENTS)
        out[base] += aromatic
        out[base + 1] += charge > 0
        out[base + 2] += charge < 0
        out[base + 3] += element == "*"
    base = len(_ELEMENTS) + 4
    out[base] = len(tree.closures)
    out[base + 1] = sum(b == "=" for b in tree.bond)
    out[base + 2] = sum(b == "#" for b in tree.bond)
    out[base + 3] = sum("@" in a for a in tree.atoms)
    out[base + 4] = sum(b in MARKS for b in tree.bond)
    out[base + 5] = template.startswith("*")
    edges = [(tree.parent[i], i, tree.bond[i]) for i in range(1, len(tree.atoms))]
    for a, b, bond in [*edges, *tree.closures]:
        ends = sorted((_text(kinds[a]), _text(kinds[b])))
        word = f"{ends[0]}{bond if bond not in MARKS else ''}{ends[1]}"
        out[SIZE - _HASHED + zlib.crc32(word.encode()) % _HASHED] += 1
    return np.log1p(out)


def _kind(atom: str) -> tuple[str, bool, int]:
    """Element, aromaticity and sign of the charge of a SMILES atom."""
    if not atom.startswith("["):
        return atom.capitalize() if atom != "*" else "*", atom.islower(), 0
    body = atom[1:-1].lstrip("0123456789")
    name = body[:2] if len(body) > 1 and body[1].islower() and body[:2] != "se" else body[:1]
    name = "se" if body.startswith("se") else name
    charge = ("+" in body) - ("-" in body)
    return name.capitalize(), name.islower(), charge


def _text(kind: tuple[str, bool, int]) -> str:
    element, aromatic, charge = kind
    return (element.lower() if aromatic else element) + {1: "+", -1: "-", 0: ""}[charge]
