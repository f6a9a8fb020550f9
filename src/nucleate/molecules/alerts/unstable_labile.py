"""Groups that lose a part in water, or are the minor tautomer of something else."""

from __future__ import annotations

from nucleate.molecules.chemistry.smarts import Group

_WATER = "falls apart in water"
_TAUTOMER = "is a minor tautomer of something else"
# Nitrogen with a free lone pair; acyl, sulfonyl and aryl groups take it up, and acetals last.
_AMINE = "[N;X3,X4;!$([N+;H0]);!$([N+]=*);!$(N-*=[O,S,N]);!$(N-a);!$(N-C#N)]"
# A double bond's far carbon without a neighbour that draws electrons off; such a neighbour keeps
# enols and enamines as they are.
_PLAIN_ALKENE = (
    "[#6X3;A;!$([#6]-[#6]=[O,N,S]);!$([#6]-C#N);!$([#6]-[N+](=O));!$([#6]-[#16](=O));"
    "!$([#6]-[#6]=[#6]-[#6]=[O,N])]"
)

LABILE: tuple[Group, ...] = (
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
        "[CX3;A](=!@[NX2;!$(N-[!#6]);!$(N-*=O)])-!@[OX2H0,SX2H0]",
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
)
