"""Molecules that are dangerous in themselves: a safety filter.

It serves to keep such molecules out of searches and out of lists of candidates. `hazards.toml`
holds detection patterns and the names of categories, nothing else. A molecule that is not flagged
is not thereby safe: these are the well-known classes only.

A few medicines belong to these classes (nitroglycerin, nitrogen mustards) and are flagged too.
Bridged endoperoxides of natural products (artemisinin, ergosterol peroxide) are not: see
`_is_bridged`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from nucleate.molecules.chemistry.chem import molecule as read
from nucleate.molecules.chemistry.smarts import Patterns, pattern, read_patterns

_TABLE = Path(__file__).with_name("hazards.toml")
_NITRO = 3
_ATOMS_PER_NITRO = 7  # heavy atoms: dinitrobenzenes have 6, one ring more makes them tame
_SAFE_AZIDE = 3  # (carbon + oxygen) / nitrogen of N-N bonds, a rule of thumb of azide chemistry
_NITROGEN_SHARE = 0.5  # of the heavy atoms of a tetrazole
# Ascaridole, a bridged one of 10 carbons, explodes on heating; artemisinin has 15.
_CARBONS_PER_PEROXIDE = 12


def hazard_patterns() -> Patterns:
    """The groups of `hazards.toml`, compiled; `explanation` is the category."""
    return read_patterns(_TABLE)


@lru_cache(maxsize=256)
def hazards(molecule: Any) -> tuple[str, ...]:
    """The classes that make a molecule dangerous to handle, each as `name (category)`.

    Remembered by the object: the check and a search's objective ask in turn.

    Args:
        molecule: a sanitised RDKit molecule, which is not to be changed afterwards.

    Returns:
        Empty if none is recognised.
    """
    found = []
    for group in hazard_patterns().matches(molecule):
        name = IN_NUMBERS[group.name](molecule) if group.name in IN_NUMBERS else group.name
        if name and not (name == "peroxide" and _is_bridged(molecule)):
            found.append(f"{name} ({group.explanation})")
    return tuple(found)


def _nitro_groups(molecule: Any) -> str:
    count = len(molecule.GetSubstructMatches(pattern("[N+](=O)[O-]")))
    crowded = count > 1 and molecule.GetNumHeavyAtoms() < _ATOMS_PER_NITRO * count
    return f"{count} nitro groups" if count >= _NITRO or crowded else ""


def _count(molecule: Any, *numbers: int) -> int:
    return sum(atom.GetAtomicNum() in numbers for atom in molecule.GetAtoms())


def _azide(molecule: Any) -> str:
    pairs = molecule.GetSubstructMatches(pattern("[#7]~[#7]"))
    ratio = _count(molecule, 6, 8) / len({atom for pair in pairs for atom in pair})
    return "azide of few carbons" if ratio < _SAFE_AZIDE else ""


def _tetrazole(molecule: Any) -> str:
    rich = _count(molecule, 7) >= _NITROGEN_SHARE * molecule.GetNumHeavyAtoms()
    return "nitrogen-rich tetrazole" if rich else ""


IN_NUMBERS: dict[str, Callable[[Any], str]] = {
    "nitro groups": _nitro_groups,
    "azide": _azide,
    "tetrazole": _tetrazole,
}
"""Groups that are dangerous only in numbers -> the hazard's name; empty where it is none."""


def _is_bridged(molecule: Any) -> bool:
    """Whether the only peroxide is held by rings of a large skeleton, as in artemisinin.

    Both its ends are saturated carbons without nitrogen that belong to another ring besides. Ketone
    peroxides and HMTD, which have several O-O bonds, and open-chain, acyl and small ones are not.
    """
    # In a ring by the bond between the oxygens, so with three ring bonds or four.
    end = "[CX4;!x2;!$(C-[#7])]"
    return (
        _count(molecule, 6) >= _CARBONS_PER_PEROXIDE
        and len(molecule.GetSubstructMatches(pattern("[#8]-[#8]"))) == 1
        and molecule.HasSubstructMatch(pattern(f"{end}-[OX2]-;@[OX2]-{end}"))
    )


def reason_to_forbid(smiles: str) -> str:
    """Why a search must not be paid for a molecule; empty where it may, or it cannot be read."""
    found = read(smiles)
    flags = () if found is None else hazards(found)
    return f"hazard: {'; '.join(flags)}" if flags else ""
