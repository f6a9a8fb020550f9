"""Groups that fall apart, rearrange or react with what is in every flask, as SMARTS of our own.

A group stands here because a molecule that has it cannot be made, kept or dissolved in water as it
is drawn, whatever it is for. What is merely unwanted in a medicine (anilines, nitro groups, long
chains) is left to the catalogues of alerts; what is dangerous to handle to
`nucleate.molecules.hazards`.
"""

from __future__ import annotations

from functools import cache

from nucleate.molecules.patterns import Group, Patterns

_WATER = "falls apart in water"
_TAUTOMER = "is a minor tautomer of something else"
_REACTIVE = "reacts with any nucleophile, water and amines first"
_NEVER = "is not known in a molecule that can be kept"
_WEAK = "weak bond between heteroatoms"

# Nitrogen with a free lone pair; acyl, sulfonyl and aryl groups take it up, and acetals last.
_AMINE = "[N;X3,X4;!$([N+;H0]);!$([N+]=*);!$(N-*=[O,S,N]);!$(N-a);!$(N-C#N)]"
# A double bond's far carbon without a neighbour that draws electrons off; such a neighbour keeps
# enols and enamines as they are.
_PLAIN_ALKENE = (
    "[#6X3;A;!$([#6]-[#6]=[O,N,S]);!$([#6]-C#N);!$([#6]-[N+](=O));!$([#6]-[#16](=O));"
    "!$([#6]-[#6]=[#6]-[#6]=[O,N])]"
)

UNSTABLE: tuple[Group, ...] = (
    # Two or more heteroatoms on one saturated carbon
    Group(
        "geminal diol",
        "[CX4;!$(C-[CX4](F)(F)F);!$(C-[CX4](Cl)(Cl)Cl)]([OX2H])[OX2H]",
        "loses water to the carbonyl",
    ),
    Group(
        "acyclic hemiacetal",
        "[OX2H]-[CX4;!$(C-[CX4](F)(F)F);!$(C-[CX4](Cl)(Cl)Cl)]-!@[OX2H0]",
        "loses an alcohol to the carbonyl",
    ),
    Group(
        "hemiaminal",
        f"[OX2H]-[CX4]-!@[#7X3;+0] | [OX2H]-[CX4]-{_AMINE}",
        "loses an amine or water to the carbonyl or imine",
    ),
    Group(
        "hemithioacetal or geminal thiol",
        "[OX2H]-[CX4]-!@[SX2] | [SX2H]-[CX4]-[SX2H] | [SX2H]-[CX4]-!@[OX2,NX3]",
        "loses a thiol or hydrogen sulfide",
    ),
    Group(
        "aminal or amino ether",
        f"{_AMINE}-!@[CX4]-{_AMINE} | {_AMINE}-[CX4]-!@[OX2H0;!$(O-*=O)] | "
        f"{_AMINE}-!@[CX4]-[OX2H0,SX2;!$(O-*=O)] | "
        "[NX3;H1;$(N-a)]-!@[CX4]-!@[OX2H0;!$(O-*=O)] | "
        "[NX3;H2;+0;$(N-[CX4])]-[CX4;!$(C-C#N)]-[NX3,OX2,SX2;+0]",
        _WATER,
    ),
    Group(
        "cyclic aminal or amino ether with NH",
        "[NX3;H1;+0;!$(N-*=[O,S,N]);!$(N-a)]@[CX4]@[NX3;+0;!$(N-*=[O,S,N])] | "
        "[NX3;H1;+0;!$(N-*=[O,S,N]);!$(N-a)]@[CX4]@[OX2;!$(O-*=O)]",
        _WATER,
    ),
    Group(
        "alpha-halo amine",
        f"[F,Cl,Br,I]-[CX4]-{_AMINE} | [Cl,Br,I]-[CX4]-[NX3;A] | [F]-[CX4]-[NX3;H1,H2;A]",
        "expels the halide",
    ),
    Group(
        "alpha-halo alcohol or ether",
        "[F,Cl,Br,I]-[CX4]-[OX2H,SX2H] | [Cl,Br,I]-[CX4;!$(C-C(F)F);!$(CF)]-[OX2,SX2] | "
        "F-[CX4;H0,H1;!$(C(F)F)]-[OX2]",
        "expels the halide",
    ),
    Group(
        "orthoester or its like",
        "[CX4;!$(C[F,Cl])]([OX2,SX2,NX3;+0])([OX2,SX2,NX3;+0])[OX2,SX2,NX3;+0]",
        _WATER,
    ),
    Group("cyanohydrin", "[OX2H]-[CX4]-C#N", "releases hydrogen cyanide"),
    # Tautomers that give way to another
    Group(
        "enol",
        f"[OX2H]-[#6X3;A;!$([#6;R]-[#6;R]=[O,N])]={_PLAIN_ALKENE}",
        "is the minor tautomer of a ketone or aldehyde",
    ),
    Group("enethiol", f"[SX2H]-[#6X3;A]={_PLAIN_ALKENE}", "is a minor tautomer of a thioketone"),
    Group(
        "primary or secondary enamine",
        f"[NX3;H2;!$(N-*=[O,S])]-[#6X3;A]={_PLAIN_ALKENE} | "
        f"[NX3;H1;!R;!$(N-*=[O,S]);!$(N-a)]-[#6X3;A]={_PLAIN_ALKENE} | "
        "[NX4;+]-[CX3;A]=[CX3;A]",
        "is the minor tautomer of an imine",
    ),
    Group(
        "simple enamine",
        f"{_AMINE}-[#6X3;A;!$([#6](-[#7])-[#7,#8,#16]);!$([#6]-[#6]=[O,N,S]);!$([#6]-C#N)]="
        f"{_PLAIN_ALKENE}",
        "hydrolyses to the carbonyl",
    ),
    Group(
        "enolate of a simple ketone",
        f"[OX1-]-[#6X3;A]={_PLAIN_ALKENE}",
        "takes a proton from water",
    ),
    Group(
        "imidic or thioimidic acid",
        "[OX2H,SX2H]-[#6X3;A]=[NX2;!$(N-[#8]);!$(N-[#7])]",
        "is the minor tautomer of an amide",
    ),
    Group(
        "unsubstituted imine",
        "[NX2;H1]=[#6X3;!$([#6]-[#7]);!$([#6]:[#7])] | [NX2;H1]=[#6;a;r5] | "
        "[NX2;H1]=[#6;r5;$([#6]@[#6]=[#6])]",
        "hydrolyses to the carbonyl or turns into the amine",
    ),
    Group(
        "acyclic imine",
        "[CX3;$([CX3;H1][#6]),$([CX3;H2]),$([CX3]([#6])[#6])]=!@[NX2;!H1;!$(N-[!#6]);!$(N-C#N)]",
        "hydrolyses to the carbonyl and the amine",
    ),
    Group(
        "acyclic imidate",
        "[CX3;A](=!@[NX2;!$(N-[!#6]);!$(N-*=[O,N])])-!@[OX2H0,SX2H0;!$([O,S]-*=*)]",
        "hydrolyses to the ester, and alkylates",
    ),
    Group(
        "keto form of a phenol",
        "O=C1[CX4;!H0]C=CC=C1 | O=C1C=C[CX4;!H0]C=C1 | O=C1[CX4;!H0][#6]:[#6]C=C1",
        _TAUTOMER,
    ),
    Group(
        "non-aromatic form of an arene",
        "[CX4;!H0]1C=CC(=[#6X3,NX2])C=C1 | [CX4;!H0]1C=CC=CC1=[#6X3,NX2;!R]",
        _TAUTOMER,
    ),
    Group(
        "non-aromatic form of an azole",
        "[CX4;!H0]1~[#6X3,#7X2]=,:[#6X3,#7X2]-[#6X3,#7X2]=[#7X2]1 | "
        "[CX4;!H0]1[#6X3]=[#7X2]-[#6X3,#7X2]=[#6X3,#7X2]1",
        _TAUTOMER,
    ),
    Group(
        "primary amine beside a ketone it closes a ring with",
        "[N;H2,H3;X3,X4]-!@[CX4]-!@[CX4]-!@[CX4]-!@[CX3](=O)-[#6] | "
        "[N;H2,H3;X3,X4]-!@[CX4]-!@[CX4]-!@[CX4]-!@[CX4]-!@[CX3](=O)-[#6]",
        "turns into the cyclic imine",
    ),
    Group("nitroso next to CH", "[CX4;!H0]-[NX2;+0]=O", "is the minor tautomer of an oxime"),
    # Acyl transfer
    Group("acyl halide", "[#6X3;A](=[O,S,N])-[F,Cl,Br,I]", _REACTIVE),
    Group("sulfonyl or sulfinyl halide", "[#16](=O)-[F,Cl,Br,I;D1;$(*-[SX3,SX4])]", _REACTIVE),
    Group(
        "anhydride",
        "[#6X3;A,$(c=O)](=[O,S])-[#8X2,#16X2;!$([#16]~[#16])]-[#6X3](=[O,S]) | "
        "[CX3](=[O,S])-[OX2]-[P,S;X4](=O) | [SX4](=O)(=O)-[OX2]-[SX4](=O)=O",
        _REACTIVE,
    ),
    Group(
        "active ester or amide",
        "[CX3](=O)-O-n | [CX3](=O)-O-N(-C=O)-C=O | [CX3](=O)-n1cncc1 | [CX3](=O)-n1nncc1 | "
        "[CX3](=O)-O-c1c(F)c(F)c(F)c(F)c1F | [CX3](=O)-C#N",
        _REACTIVE,
    ),
    Group("thioester", "[#6]-[CX3](=O)-[SX2]-[#6]", "hands its acyl group on to amines"),
    Group("beta-lactone", "O=C1[#6][#6]O1", _REACTIVE),
    Group("isocyanate or isothiocyanate", "[#6,#7,#16]-N=C=[O,S]", _REACTIVE),
    Group("carbodiimide", "N=C=N", _REACTIVE),
    Group("ketene", "[#6,#7,#15]=C=[O,S] | C=C=N", _REACTIVE),
    Group("cyanate or thiocyanate", "[OX2,SX2;!R]-C#N", "hands on its cyanide or cyano group"),
    Group("isocyanide or fulminate", "[C-]#[NX2+]", "is a foul, reactive ligand"),
    Group("nitrile oxide", "[CX2]#[N+]-[O-]", "adds to itself"),
    Group(
        "carbamic or carbonic acid",
        "[#7,OX2;!$(O-[#7])]-[CX3](=[O,S])-[OX2H,SX2H,OX1-,SX1-]",
        "loses carbon dioxide",
    ),
    Group("beta-keto acid", "[#6]-[CX3](=O)-[CX4]-[CX3](=O)-[OX2H,OX1-]", "loses carbon dioxide"),
    # Alkylating agents
    Group("alkyl bromide or iodide", "[Br,I]-[CX4;!$(C(F)F)]", "alkylates"),
    Group(
        "activated halide",
        "[Cl,Br,I]-[CX4;H2,$([CH](-[#6])-[#6])]-[CX3]=O | "
        "[Cl,Br,I]-[CX4;H1,H2]-[c,$(C=C),$(C#*)] | F-[CX4;!$(C(F)F)]-[CX3;A]=[CX3;A] | "
        "[Cl,Br,I]-[CX4]-[$([N+](=O)),$(S(=O)(=O)),$(C#N)]",
        "alkylates",
    ),
    Group("primary alkyl chloride", "Cl-[CX4;H2;!$(C-[#7,#8,#16])]", "alkylates"),
    Group(
        "sulfonate or sulfate ester",
        "[CX4,a]-[OX2;!R]-[SX4;!$(S-N)](=O)(=O)-[CX4,c,$([OX2]-[CX4])]",
        "alkylates or hands on its sulfonyl group",
    ),
    Group("epoxide", "[#6]1[#6]O1", "is opened by nucleophiles"),
    Group("aziridine", "[#6]1[#6][#7]1", "is opened by nucleophiles"),
    Group("thiirane", "[#6]1[#6][#16]1", "is opened by nucleophiles or loses sulfur"),
    Group("exocyclic double bond on an epoxide or aziridine", "[O,N,S]1C(=*)C1", _NEVER),
    Group(
        "quinone methide",
        "O=C1C=CC(=[CX3])C=C1 | O=C1C(=[CX3])C=CC=C1 | O=C1C(=[CX3;!R])c2ccccc2C=C1",
        _REACTIVE,
    ),
    Group(
        "cyclopentadienone or cyclopentadiene", "O=C1C=CC=C1 | [CX4;H2]1C=CC=C1", "adds to itself"
    ),
    # Small rings of heteroatoms
    Group("three-membered ring of two heteroatoms", "[!#6;!#1]1[!#6;!#1]*1", _WEAK),
    Group(
        "four-membered ring with neighbouring heteroatoms",
        "[N,O,S]1[N,O,S]~*~*1 | [N,O]1*[O,S]*1",
        _WEAK,
    ),
    Group(
        "unsaturated four-membered heterocycle",
        "[#7,#8,#16]1[#6]=[#6][#6]1 | [#7]1=[#6][#6][#6]1 | [#7]1=[#6][#6]~[#7,#8,#16]1",
        "opens to the diene or adds nucleophiles",
    ),
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
        "[NX3;A]-[SX2H] | [NX2]=[SX2,SX3;A;!$(S(=N)(=N))]",
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


@cache
def unstable() -> Patterns:
    """`UNSTABLE`, compiled."""
    return Patterns(UNSTABLE)
