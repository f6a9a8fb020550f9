"""Rings and bonds too strained to exist, told from the graph alone."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from nucleate.molecules.chemistry.smarts import read_patterns

_TABLE = Path(__file__).with_name("strain.toml")
_BRIDGE = 9  # atoms: a ring up to this size that holds three atoms of an arene bends it too much
_PROPELLANE = 6  # atoms beside the shared bond; [3.2.1]propellane is the last that is hard to keep


def strain(found: Any) -> str:
    """The first feature of an RDKit molecule that cannot be, in a few words; empty if none."""
    named = read_patterns(_TABLE).matches(found)
    if named:
        return named[0].name
    info = found.GetRingInfo()
    rings = [frozenset(ring) for ring in info.AtomRings()]
    if _has_trans_bond(found, rings):
        return "a trans double bond in an eight-membered ring"
    if len(rings) < 2:
        return ""
    return (
        _double_at_bridgehead(found, rings)
        or _fused_small_rings(rings)
        or _bent_arene(found, rings)
        or _propellane([frozenset(bonds) for bonds in info.BondRings()])
        or _strained_bridge(rings)
    )


def _has_trans_bond(found: Any, rings: list[frozenset[int]]) -> bool:
    """A trans double bond in a ring of eight; RDKit takes those of smaller rings for cis."""
    for ring in rings:
        if len(ring) != 8:
            continue
        for bond in found.GetBonds():
            ends = bond.GetStereoAtoms()
            if len(ends) == 2 and {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} <= ring:
                across = bond.GetStereo() in (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS)
                if across == ((ends[0] in ring) == (ends[1] in ring)):
                    return True
    return False


def _double_at_bridgehead(found: Any, rings: list[frozenset[int]]) -> str:
    """Bredt's rule: no double (or aromatic) bond at a bridgehead of small rings."""
    heads: Any = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(found, heads)
    for index in heads:
        small = all(len(r) < 8 for r in rings if index in r)
        atom = found.GetAtomWithIdx(index)
        # Sulfur and phosphorus carry double bonds without flattening.
        flat = atom.GetAtomicNum() in (6, 7)
        if small and flat and any(b.GetBondTypeAsDouble() > 1 for b in atom.GetBonds()):
            return "a double bond at a bridgehead"
    return ""


def _fused_small_rings(rings: list[frozenset[int]]) -> str:
    """Three-membered rings that share a bond with another ring of three or four atoms."""
    for first, second in combinations([ring for ring in rings if len(ring) <= 4], 2):
        if min(len(first), len(second)) == 3 and len(first & second) > 1:
            return "three-membered rings fused to small rings"
    return ""


def _bent_arene(found: Any, rings: list[frozenset[int]]) -> str:
    """An aromatic ring of which another, small ring holds three atoms or more: the bridge of a
    cyclophane that is too short."""
    for arene in rings:
        if len(arene) > 6 or not all(found.GetAtomWithIdx(i).GetIsAromatic() for i in arene):
            continue
        for ring in rings:
            if ring != arene and len(ring) <= _BRIDGE and len(ring & arene) > 2:
                return "an aromatic ring bent by a short bridge"
    return ""


def _propellane(rings: list[frozenset[int]]) -> str:
    """A bond that three small rings share."""
    shared = Counter(bond for ring in rings for bond in ring)
    for bond, count in shared.items():
        if count > 2:
            sizes = sorted(len(ring) for ring in rings if bond in ring)
            if sum(size - 2 for size in sizes[:3]) <= _PROPELLANE:
                return "a small propellane"
    return ""


def _strained_bridge(rings: list[frozenset[int]]) -> str:
    """A three-membered ring that shares two bonds, or all its atoms, with another small ring."""
    for first, second in combinations(rings, 2):
        if min(len(first), len(second)) == 3 and len(first & second) == 3:
            return "a three-membered ring within another ring"
    return ""


def unspecified_stereo(found: Any) -> tuple[int, int]:
    """Numbers of stereocentres and of double bonds whose configuration is left open."""
    centres = bonds = 0
    for element in Chem.FindPotentialStereo(found):
        if element.specified == Chem.StereoSpecified.Specified:
            continue
        centres += element.type == Chem.StereoType.Atom_Tetrahedral
        bonds += element.type == Chem.StereoType.Bond_Double
    return centres, bonds
