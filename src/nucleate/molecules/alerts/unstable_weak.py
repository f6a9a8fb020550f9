"""Weak bonds between heteroatoms, carbon-heteroatom multiple bonds, charges that do not last."""

from __future__ import annotations

from nucleate.molecules.chemistry.smarts import Group

_WATER = "falls apart in water"
_REACTIVE = "reacts with any nucleophile, water and amines first"
_WEAK = "weak bond between heteroatoms"
# A double bond's far carbon without a neighbour that draws electrons off; such a neighbour keeps
# enols and enamines as they are.
_PLAIN_ALKENE = (
    "[#6X3;A;!$([#6]-[#6]=[O,N,S]);!$([#6]-C#N);!$([#6]-[N+](=O));!$([#6]-[#16](=O));"
    "!$([#6]-[#6]=[#6]-[#6]=[O,N])]"
)

WEAK: tuple[Group, ...] = (
    # Chains of heteroatoms
    Group(
        "heteroatom-halogen bond",
        "[#7,#8,#16;X2,X3;!$([#16X3]=O)]-[F,Cl,Br,I]",
        "oxidises and halogenates",
    ),
    Group(
        "halogen of more than one bond",
        "[F,Cl,Br,I;X2,X3,X4,X5] | [F,Cl,Br,I]-[F,Cl,Br,I]",
        "oxidises",
    ),
    Group("boron or phosphorus halide", "[#5X3,#15,#14,#33]-[F,Cl,Br,I]", _REACTIVE),
    Group(
        "hypervalent sulfur halide",
        "[#16;X3,X4,X5;!$([#16]=O)](-[F,Cl,Br,I])-[F,Cl,Br,I]",
        _REACTIVE,
    ),
    Group(
        "chain of three heteroatoms",
        "[NX3,OX2,SX2;A;+0]-[NX3,OX2,SX2;A;+0]-[NX3,OX2,SX2;A;+0] | "
        "[NX2,NX3;A;+0]-[NX3;A;+0]-[NX2,NX3;A;+0]",
        _WEAK,
    ),
    Group(
        "chain of four nitrogens and oxygens",
        "[#7,#8;A]~[#7,#8;A]~[#7,#8;A]~[#7,#8;A] | [#7;A]~[#7;A]~[#7;A]~[#7]",
        _WEAK,
    ),
    Group("sulfenamide", "[NX3;A;!$(N-S(=O))]-[SX2] | [NX2;!R]-[SX2;!R]", _WEAK),
    Group(
        "sulfenic or sulfinic acid or ester",
        "[SX2,SX3;!$([#16]-[OX2]-[#16])]-[OX2] | [SX3](=O)-[OX1-]",
        "disproportionates or rearranges",
    ),
    Group(
        "thiohydroxylamine or aminosulfur",
        "[NX3;A]-[SX2H] | [NX2]=[SX1,SX2,SX3;A]",
        _WEAK,
    ),
    Group(
        "alkyl hydrazine with NH",
        "[NX3;H1,H2;!$(N-*=[O,S,N]);!$(N-a)]-[NX3;+0;!$(N-*=[O,S,N]);!$(N-a)]",
        "is oxidised by air and condenses with carbonyls",
    ),
    Group(
        "oxoammonium or hydroxylamine anion",
        "[#6]-[N+](=O)-[#6] | [NX3;+0;!$(N-*=O)]-[OX1-]",
        "oxidises what it meets",
    ),
    Group(
        "free hydroxylamine",
        "[NX3;H2;+0]-[OX2] | [NX3;H1;$(N-[CX4])]-[OX2H] | [NX3;$(N-c);!$(N-*=[O,S])]-[OX2H]",
        "is oxidised by air and condenses with carbonyls",
    ),
    Group(
        "acylated hydroxylamine",
        "[NX3;!$(N-*=[O,S]);A]-[OX2]-[#6X3,#16X4]=O",
        "hands on its nitrogen",
    ),
    Group("nitroso on carbon", "[#6]-[NX2;+0]=O", "dimerises or rearranges"),
    Group("nitrite ester", "[#6]-[OX2]-[NX2]=O", "falls apart in light and water"),
    Group(
        "aliphatic or acyl azo",
        "[CX4,$([CX3]=[O,N])]-[NX2]=[NX2]-[#6,#7] | [NX2;H1]=[NX2]",
        "loses nitrogen or rearranges",
    ),
    Group("diazo or diazonium", "[#6]=[N+]=[N-] | [#6-]-[N+]#N | [#6]-[N+]#N", "loses nitrogen"),
    Group(
        "azide",
        "[NX2]=[N+]=[N-] | [NX2-]-[N+]#N | [NX3]~[NX2]~[NX1]",
        "loses nitrogen, adds to alkynes",
    ),
    Group(
        "acyclic azine",
        "[#6X3;A]=!@[NX2]-!@[NX2]=[#6X3;A]",
        "hydrolyses to the carbonyls and hydrazine",
    ),
    Group("hydrazone or oxime of no carbon", "[CX3;H2]=[NX2]-[#7,#8]", "releases formaldehyde"),
    # Carbon-heteroatom multiple bonds
    Group(
        "thioaldehyde or thioketone",
        "[#6X3;A;$([#6](-[#6,#1])-[#6]),$([#6;H1,H2])]=[#16;X1;+0]",
        "trimerises or oxidises",
    ),
    Group(
        "thioacid or dithioester",
        "[CX3](=[O,S])-[SX2H,SX1-;!$(S-[#7])] | [CX3;!$(C-[#7])](=S)-[OX2,SX2] | "
        "[#7]-[CX3](=S)-[SX2H,OX2H]",
        "is hydrolysed and oxidised",
    ),
    Group(
        "sulfine, sulfur ylide or carbon-sulfur triple bond",
        "[#6X3;A]=[#16;X2,X3,X4] | [#16X1]=[#16] | [#16]#*",
        _REACTIVE,
    ),
    Group(
        "carbon-phosphorus or phosphorus-nitrogen double bond", "[#6]=[#15] | [#7]=[#15]", _WATER
    ),
    Group("phosphine or phosphite", "[#15X3;A] | [#15;H1,H2,H3]", "is oxidised by air"),
    Group(
        "borane",
        "[#5;H1,H2,H3,H4] | [#5;A]-[#7X3;A;H1,H2] | [#5]-[#5;!$(B(-O)(-O)-B(-O)-O)]",
        "is oxidised and hydrolysed",
    ),
    Group("hydrosilane or silanamine", "[#14;!H0] | [#14]-[#7,#14,#16]", _WATER),
    Group(
        "heteroatom on an alkyne",
        "[NX3;!$(N-*=[O,S])]-C#C | [OX2,SX2H,F,Cl,Br]-C#C",
        "takes up water or polymerises",
    ),
    Group(
        "ketene acetal",
        f"[OX2,NX3;A;!$(*-*=[O,S])]-[#6X3;A](-[OX2,NX3;A;!$(*-*=[O,S])])={_PLAIN_ALKENE}",
        _WATER,
    ),
    # Alkenes
    Group(
        "acyclic triene or terminal diene",
        "[CX3;!R]=[CX3;!R]-[CX3;!R]=[CX3;!R]-[CX3]=[CX3] | [CX3;H2]=[CX3]-[CX3]=[CX3]",
        "polymerises and takes up oxygen",
    ),
    Group("iodoalkene", "I-[CX3;A]=[CX3;A]", "loses iodine in light"),
    # Charges that last in no solvent
    Group("oxonium or halonium", "[O,S;+;X3;$([O+])] | [O+;X2]=* | [F,Cl,Br,I;+]", _REACTIVE),
    Group("acylammonium", "[NX4;+]-[CX3]=[O,S]", "hands its acyl group on to water"),
    Group(
        "iminium", "[CX3;A;!$(C-[#7,#8,#16]);!$(C=C)]=[N+;A;X3;!$(N-[O-]);!$(N=[N-])]", _REACTIVE
    ),
    Group(
        "nitrenium or amide anion",
        "[NX2;+;!$(*=*);!$(*#*)] | [N-;X2;H1,$(N(-[CX4])-[CX4])] | [N-;X1;H1]",
        _REACTIVE,
    ),
    Group("alkoxide", "[CX4]-[O-]", "takes a proton from water"),
)
