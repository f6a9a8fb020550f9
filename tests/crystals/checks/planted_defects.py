"""Fifty crystals with one known fault each, made from real prototypes.

Each has the check that must catch it first, in the order of the default funnel, and words that the
reason must hold. Data only: `test_planted_defects.py` judges them.
"""

from __future__ import annotations

from typing import NamedTuple


class Defect(NamedTuple):
    """A crystal with one fault.

    Attributes:
        fault: in words.
        crystal: Wyckoff string, or what stands in its place.
        check: the first that must reject it.
        words: that its reason must hold.
    """

    fault: str
    crystal: str
    check: str
    words: str


# The sound originals: rock salt, rutile, perovskite, fluorite, pyrite, diamond, graphite, MoS2,
# periclase, zinc blende, NiAl, tungsten, calcite.
SOUND = (
    "225 a:Na b:Cl | 5.6402",
    "136 a:Ti f:O(0.30479) | 4.5937 2.9581",
    "221 a:Sr b:Ti c:O | 3.905",
    "225 a:Ca c:F | 5.463",
    "205 a:Fe c:S(0.385) | 5.42",
    "227 a:C | 3.567",
    "194 b:C c:C | 2.46 6.71",
    "194 c:Mo f:S(0.6214) | 3.16 12.3",
    "225 a:Mg b:O | 4.212",
    "216 a:Zn c:S | 5.409",
    "221 a:Al c:Ni | 3.57",
    "229 a:W | 3.165",
    "167 a:C b:Ca e:O(0.2568) | 4.99 17.06",
)

DEFECTS = (
    # Strings that are no crystal.
    Defect("no string at all", "garbage", "legal", "expected `<space group>"),
    Defect("empty", "", "legal", "not_a_wyckoff_string"),
    Defect("space group 231", "231 a:Na b:Cl | 5.64", "legal", "231"),
    Defect("space group 0", "0 a:Na b:Cl | 5.64", "legal", "not_a_wyckoff_string"),
    Defect("letter the group lacks", "225 z:Na b:Cl | 5.64", "legal", "no position 'z'"),
    Defect("unknown element", "225 a:Xx b:Cl | 5.64", "legal", "no element 'Xx'"),
    Defect("element in small letters", "225 a:na b:Cl | 5.64", "legal", "is not a site"),
    Defect("a fixed position twice", "225 a:Na a:Cl | 5.64", "legal", "occupied twice"),
    Defect("parameter missing", "136 a:Ti f:O | 4.59 2.96", "legal", "has 1 free parameters"),
    Defect("parameter too many", "225 a:Na(0.1) b:Cl | 5.64", "legal", "0 free parameters"),
    Defect("NaN parameter", "136 a:Ti f:O(nan) | 4.59 2.96", "legal", "not finite"),
    Defect("NaN cell", "225 a:Na b:Cl | nan", "legal", "not finite"),
    Defect("infinite cell", "225 a:Na b:Cl | inf", "legal", "not finite"),
    Defect("negative cell edge", "225 a:Na b:Cl | -5.64", "legal", "not_a_wyckoff_string"),
    Defect("cell edge of zero", "225 a:Na b:Cl | 0", "legal", "not_a_wyckoff_string"),
    Defect(
        "lattice parameter missing", "136 a:Ti f:O(0.305) | 4.59", "legal", "lattice parameters"
    ),
    Defect("lattice parameter too many", "225 a:Na b:Cl | 5.6 5.6", "legal", "lattice parameters"),
    Defect("angle of 180 degrees", "14 a:Na | 5 5 5 180", "legal", "not_a_wyckoff_string"),
    Defect(
        "angles that close no cell",
        "2 a:Na | 5 5 5 30 30 100",
        "legal",
        "not_a_wyckoff_string",
    ),
    Defect("no sites", "225 | 5.64", "legal", "expected `<space group>"),
    Defect("no bar", "225 a:Na b:Cl 5.64", "legal", "expected `<space group>"),
    # Too dense or too thin.
    Defect(
        "rutile at four times its density",
        "136 a:Ti f:O(0.30479) | 2.894 1.8635",
        "density",
        "A^3 per atom",
    ),
    Defect("diamond at a fifth of its volume", "227 a:C | 2.086", "density", "A^3 per atom"),
    Defect("tungsten squeezed", "229 a:W | 2.6", "density", "g/cm3 is outside"),
    Defect("lithium as a gas", "229 a:Li | 8", "density", "g/cm3 is outside"),
    Defect("caesium chloride blown up", "221 a:Cs b:Cl | 6.9", "density", "A^3 per atom"),
    # Atoms that clash, all pairs and each kind of them.
    Defect(
        "oxygen pushed onto titanium",
        "136 a:Ti f:O(0.1) | 4.5937 2.9581",
        "distances",
        "a contact of 0.65 A",
    ),
    Defect(
        "two coinciding atoms",
        "63 c:C(0.11443) c:Mn(0.10726) | 2.7134 7.5586 6.0909",
        "distances",
        "a contact of 0.05 A",
    ),
    Defect(
        "carbon pushed onto oxygen",
        "167 a:C b:Ca e:O(0.14) | 4.99 17.06",
        "distances",
        "covalent radii",
    ),
    Defect(
        "oxide ions adjacent",
        "205 a:Ti c:O(0.42) | 4.9",
        "distances",
        "two oxide or fluoride ions O-O",
    ),
    Defect("sulphide ions adjacent", "205 a:Ti c:S(0.4) | 5.6", "distances", "two anions S-S"),
    Defect("cations adjacent", "225 a:O c:K | 5.8", "distances", "two cations K-K"),
    Defect("metals too near", "221 a:Cs b:Au | 3.05", "distances", "covalent radii"),
    Defect("hydride too short", "225 a:Na b:H | 3.55", "distances", "hydrogen and another atom"),
    Defect("no atoms touch", "225 a:Li b:F | 7.4", "distances", "no atoms touch"),
    # An atom without neighbours, or with too many.
    Defect(
        "a lithium atom in the void between cubes of tungsten",
        "221 a:Li g:W(0.38) | 10",
        "coordination",
        "Li has no neighbour within 5 A",
    ),
    Defect("argon as a gas", "225 a:Ar | 7.6", "distances", "no atoms touch"),
    # Vacuum.
    Defect(
        "a layer of MoS2 under 15 A of vacuum",
        "187 a:Mo h:S(0.0861) | 3.16 18.1",
        "vacuum",
        "holds no atom",
    ),
    Defect("graphene in vacuum", "191 c:C | 2.46 15", "vacuum", "a slab of 15.0 A"),
    Defect("a slab of rock salt", "129 a:Na c:Cl(0.5) | 4 20", "vacuum", "a slab of 10.0 A"),
    # Charges that do not cancel.
    Defect("Mg and one Cl", "225 a:Mg b:Cl | 5.2", "smact", "no neutral oxidation states"),
    Defect("Na and four F", "221 a:Na b:F c:F | 4.4", "smact", "no neutral oxidation states"),
    Defect("Ca and one F", "216 a:Ca c:F | 5.6", "smact", "no neutral oxidation states"),
    Defect("Al with one fluorine", "225 a:Al b:F | 4.5", "smact", "no neutral oxidation states"),
    Defect("compound of neon", "225 a:Na b:Ne | 5.6", "smact", "no neutral oxidation states"),
    Defect("compound of helium", "225 a:Ca c:He | 5.4", "smact", "no neutral oxidation states"),
    # Bonds that add up to something else.
    Defect("MgO squeezed to 3.5 A", "225 a:Mg b:O | 3.5", "bond_valence", "add up to"),
    Defect(
        "titanium and strontium exchanged",
        "221 a:Ti b:Sr c:O | 3.905",
        "bond_valence",
        "add up to",
    ),
    # What only CHGNet sees.
    Defect("salt stretched by a third", "225 a:Na b:Cl | 7.2", "relaxation", "the volume changes"),
    Defect(
        "boron held in a cage of lead and oxygen by symmetry alone",
        "216 a:B c:Pb d:O | 6.0",
        "relaxation",
        "only its symmetry holds it",
    ),
)
