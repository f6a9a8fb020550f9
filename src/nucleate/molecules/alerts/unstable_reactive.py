"""Groups that acylate, alkylate or open with the first nucleophile they meet."""

from __future__ import annotations

from nucleate.molecules.chemistry.smarts import Group

_REACTIVE = "reacts with any nucleophile, water and amines first"
_NEVER = "is not known in a molecule that can be kept"
_WEAK = "weak bond between heteroatoms"

REACTIVE: tuple[Group, ...] = (
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
)
