"""Recognises molecules that are dangerous in themselves: a safety filter.

It serves to keep such molecules out of searches and out of lists of candidates. It holds detection
patterns and the names of categories, nothing else. A molecule that is not flagged is not thereby
safe: these are the well-known classes only.

A few medicines belong to these classes (nitroglycerin, nitrogen mustards) and are flagged too.
Bridged endoperoxides of natural products (artemisinin, ergosterol peroxide) are not: see
`_bridged`.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from nucleate.molecules.chemistry.chem import molecule as read
from nucleate.molecules.chemistry.smarts import Group, Patterns, pattern

EXPLOSIVE = "explosophore"
PEROXIDE = "organic peroxide"
PHOSPHORUS = "toxic organophosphorus compound"
MUSTARD = "alkylating mustard"
TOXIC = "highly toxic"
CARCINOGEN = "potent carcinogen"

HAZARDS: tuple[Group, ...] = (
    Group("nitrate ester", "[#6]-[OX2]-[N+](=O)[O-]", EXPLOSIVE),
    Group("N-nitro compound", "[#7]-[N+](=O)[O-]", EXPLOSIVE),
    Group("geminal dinitro compound", "[CX4](-[N+](=O)[O-])-[N+](=O)[O-]", EXPLOSIVE),
    Group("acyl or sulfonyl azide", "[C,S,P](=[O,S,N])-[NX2]=[N+]=[N-]", EXPLOSIVE),
    Group("diazonium", "[#6]-[N+]#[NX1]", EXPLOSIVE),
    Group("diazo compound", "[#6]=[N+]=[N-] | [#6-]-[N+]#[NX1]", EXPLOSIVE),
    Group("triazene", "[NX3;A]-[NX2;A]=[NX2;A]", EXPLOSIVE),
    Group("aliphatic azo compound", "[CX4]-[NX2]=[NX2]-[CX4]", EXPLOSIVE),
    Group(
        "chain of nitrogens", "[#7;A]~[#7;A]~[#7;A]~[#7;A] | [#7]~[#7]~[#7]~[#7]~[#7]", EXPLOSIVE
    ),
    Group("perchlorate, chlorate or hypohalite", "[Cl,Br,I]~[#8]", EXPLOSIVE),
    Group("fulminate", "[C-]#[N+]-[#8]", EXPLOSIVE),
    Group("geminal N-halo compound", "[#7](-[Cl,Br,I])-[Cl,Br,I]", EXPLOSIVE),
    Group("haloacetylene", "[Cl,Br]-C#C", EXPLOSIVE),
    Group("hydroperoxide", "[OX2;H1]-[OX2] | [OX1-]-[OX2]", PEROXIDE),
    Group("peroxide", "[#8X2;H0]~[#8X2;H0]", PEROXIDE),
    Group("phosphorus fluoride", "[#15]-F", PHOSPHORUS),
    Group("phosphorus cyanide", "[#15]-C#N", PHOSPHORUS),
    Group("phosphorus halide", "[#15]-[Cl,Br,I]", PHOSPHORUS),
    Group(
        "aminoalkyl phosphorothiolate",
        "[#15](=[O,S])-[SX2,SeX2]-[CX4]-[CX4]-[NX3,NX4] | "
        "[CX4;H2,H3]-[#15](=[O,S])-[OX2]-[CX4]-[CX4]-[NX3;H0]",
        PHOSPHORUS,
    ),
    Group(
        "phosphorothioate ester",
        "[#15](=S)(-[OX2]-[CX4])-[OX2,SX2]-[#6] | [#15](=O)(-[OX2]-[CX4])-[SX2]-[#6]",
        PHOSPHORUS,
    ),
    Group(
        "dialkyl aryl or vinyl phosphate",
        "[#15](=O)(-[OX2]-[CX4])(-[OX2]-[CX4])-[OX2]-[c,$(C=C)]",
        PHOSPHORUS,
    ),
    Group("caged phosphate", "P12OCC(CO1)CO2", PHOSPHORUS),
    Group("sulfur mustard or half mustard", "[SX2]-[CX4;H2]-[CX4;H2,H1]-[Cl,Br,I]", MUSTARD),
    Group("nitrogen mustard", "[#7](-[CX4]-[CX4]-[Cl,Br,I])-[CX4]-[CX4]-[Cl,Br,I]", MUSTARD),
    Group(
        "beta-haloethyl amine",
        "[NX3;!$(N-*=[O,S,N])]-[CX4;!R]-[CX4;H2;!R]-[Cl,Br,I]",
        MUSTARD,
    ),
    Group("arsenic halide", "[#33]-[F,Cl,Br,I]", TOXIC),
    Group("fluoroacetate", "F-[CX4;H2]-[CX3](=O)-[OX2,OX1-,F,Cl]", TOXIC),
    Group("cyanogen halide", "[F,Cl,Br,I]-C#N", TOXIC),
    Group("phosgene or its like", "[Cl,Br]-C(=[O,S])-[Cl,Br,$(OC(Cl)(Cl)Cl)]", TOXIC),
    Group("trihalonitromethane", "[N+](=O)([O-])-C([Cl,Br])([Cl,Br])[Cl,Br]", TOXIC),
    Group("perfluoroisobutene", "FC(F)=C(C(F)(F)F)C(F)(F)F", TOXIC),
    Group(
        "tetrahalodibenzodioxin or -furan",
        "[Cl,Br]-c1cc2Oc3cc(-[Cl,Br])c(-[Cl,Br])cc3Oc2cc1-[Cl,Br] | "
        "[Cl,Br]-c1cc2oc3cc(-[Cl,Br])c(-[Cl,Br])cc3c2cc1-[Cl,Br]",
        TOXIC,
    ),
    Group("N-nitroso compound", "[#7]-[NX2;+0]=O", CARCINOGEN),
    Group("azoxyalkane", "[CX4]-[N+]([O-])=[NX2]-[CX4]", CARCINOGEN),
    Group("halomethyl ether", "[Cl,Br,I]-[CX4;H2]-[OX2]-[#6]", CARCINOGEN),
    # What is looked at more closely below
    Group("nitro groups", "[N+](=O)[O-]", ""),
    Group("azide", "[NX2]=[N+]=[N-]", ""),
    Group("tetrazole", "[#7]1~[#7]~[#7]~[#7]~[#6]1", ""),
)

_NITRO = 3
_ATOMS_PER_NITRO = 7  # heavy atoms: dinitrobenzenes have 6, one ring more makes them tame
_SAFE_AZIDE = 3  # (carbon + oxygen) / nitrogen of N-N bonds, a rule of thumb of azide chemistry
_NITROGEN_SHARE = 0.5  # of the heavy atoms of a tetrazole
# Ascaridole, a bridged one of 10 carbons, explodes on heating; artemisinin has 15.
_CARBONS_PER_PEROXIDE = 12


@cache
def _patterns() -> Patterns:
    return Patterns(HAZARDS)


def hazards(molecule: Any) -> list[str]:
    """What makes a molecule dangerous to handle: `name (category)` of each class it belongs to.

    Args:
        molecule: a sanitised RDKit molecule, which is not to be changed afterwards.

    Returns:
        Empty if none is recognised.
    """
    return list(_hazards(molecule))


@lru_cache(maxsize=256)
def _hazards(molecule: Any) -> tuple[str, ...]:
    # Remembered by the object: the check and a search's objective ask in turn.
    found = []
    for group in _patterns().matches(molecule):
        name, category = group.name, group.reason
        if name == "peroxide" and _bridged(molecule):
            continue
        if not category:
            name, category = _closer(name, molecule), EXPLOSIVE
        if name:
            found.append(f"{name} ({category})")
    return tuple(found)


def _closer(name: str, molecule: Any) -> str:
    """The hazard's name where a group is dangerous only in numbers; empty where it is not."""
    heavy = molecule.GetNumHeavyAtoms()
    if name == "nitro groups":
        count = len(molecule.GetSubstructMatches(_nitro()))
        crowded = count > 1 and heavy < _ATOMS_PER_NITRO * count
        return f"{count} nitro groups" if count >= _NITRO or crowded else ""
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    if name == "azide":
        nitrogen = len({i for match in molecule.GetSubstructMatches(_paired()) for i in match})
        ratio = (numbers.count(6) + numbers.count(8)) / nitrogen
        return "azide of few carbons" if ratio < _SAFE_AZIDE else ""
    return "nitrogen-rich tetrazole" if numbers.count(7) >= _NITROGEN_SHARE * heavy else ""


def _bridged(molecule: Any) -> bool:
    """Whether the only peroxide is held by rings of a large skeleton, as in artemisinin.

    Both its ends are saturated carbons without nitrogen that belong to another ring besides. Ketone
    peroxides and HMTD, which have several O-O bonds, and open-chain, acyl and small ones are not.
    """
    carbons = sum(atom.GetAtomicNum() == 6 for atom in molecule.GetAtoms())
    return (
        carbons >= _CARBONS_PER_PEROXIDE
        and len(molecule.GetSubstructMatches(_peroxide())) == 1
        and molecule.HasSubstructMatch(_endoperoxide())
    )


@cache
def _peroxide() -> Any:
    return pattern("[#8]-[#8]")


@cache
def _endoperoxide() -> Any:
    end = "[CX4;!x2;!$(C-[#7])]"  # in a ring by the bond below, so with three ring bonds or four
    return pattern(f"{end}-[OX2]-;@[OX2]-{end}")


@cache
def _nitro() -> Any:
    return pattern("[N+](=O)[O-]")


@cache
def _paired() -> Any:
    return pattern("[#7]~[#7]")


def forbidden(smiles: str) -> str:
    """Why a search must not be paid for a molecule; empty where it may, or it cannot be read."""
    found = read(smiles)
    flags = [] if found is None else hazards(found)
    return f"hazard: {'; '.join(flags)}" if flags else ""
