"""Molecules with one known fault each, and the same molecule without it."""

from __future__ import annotations

from typing import NamedTuple


class Defect(NamedTuple):
    """One fault.

    Attributes:
        faulty: SMILES with the fault.
        check: the check that must be the first to reject it.
        reason: regular expression that its reason must hold.
        sound: the same molecule without the fault, which passes; empty where there is none.
    """

    faulty: str
    check: str
    reason: str
    sound: str = ""


DEFECTS: tuple[Defect, ...] = (
    # What it is made of
    Defect("CC(C)(C)(C)c1ccc(C(N)=O)cc1", "parses", "valence", "CC(C)(C)c1ccc(C(N)=O)cc1"),
    Defect("Cc1ccc(C(N)=O)c1", "parses", "kekulize", "Cc1ccc(C(N)=O)[nH]1"),
    Defect("CC(C)Cc1ccc(C(C)C(=O)O)cc", "parses", "valid SMILES", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"),
    Defect("[CH2]c1ccc(C(N)=O)cc1C", "parses", "unpaired electrons", "Cc1ccc(C(N)=O)cc1C"),
    Defect(
        "CN(C)CCOC(c1ccccc1)c1ccccc1.Cl",
        "salt",
        "salt with chloride",
        "CN(C)CCOC(c1ccccc1)c1ccccc1",
    ),
    Defect(
        "CC(=O)Nc1ccc(O)cc1.Cn1c(=O)c2c(ncn2C)n(C)c1=O",
        "salt",
        "mixture of 2 molecules",
        "CC(=O)Nc1ccc(O)cc1",
    ),
    Defect("C[Se]c1ccc(C(N)=O)cc1", "elements", "holds Se", "CSc1ccc(C(N)=O)cc1"),
    Defect("[13CH3]c1ccc(C(N)=O)cc1", "elements", "labelled with 13C", "Cc1ccc(C(N)=O)cc1"),
    Defect("*c1ccc(C(N)=O)cc1", "elements", "undefined atom", "Oc1ccc(C(N)=O)cc1"),
    Defect("C[N+](C)(C)CCCC[N+](C)(C)C", "charge", "net charge 2", "C[N+](C)(C)CCCCOc1ccccc1"),
    Defect("[CH2-]c1ccc(C(N)=O)cc1", "charge", "carbon carries the charge -1"),
    Defect("CC(N)=O", "size", "heavy atom count 4"),
    Defect("NC(Cc1cc(I)c(Oc2cc(I)c(O)c(I)c2)c(I)c1)C(=O)O", "size", "molecular weight 776"),
    # Hazards
    Defect("O=[N+]([O-])OCCc1ccc(C(N)=O)cc1", "hazards", "nitrate", "OCCc1ccc(C(N)=O)cc1"),
    Defect(
        "Cc1c([N+](=O)[O-])cc([N+](=O)[O-])cc1[N+](=O)[O-]",
        "hazards",
        "3 nitro groups",
        "Cc1ccc([N+](=O)[O-])cc1C(N)=O",
    ),
    Defect(
        "O=P(F)(c1ccccc1)c1ccccc1",
        "hazards",
        "phosphorus fluoride .*organophosphorus",
        "O=P(O)(c1ccccc1)c1ccccc1",
    ),
    Defect("CC(C)(C)OOCc1ccc(C(N)=O)cc1", "hazards", "peroxide", "CC(C)(C)OCc1ccc(C(N)=O)cc1"),
    Defect(
        "NC(=O)c1ccc(N(CCCl)CCCl)cc1", "hazards", "nitrogen mustard", "NC(=O)c1ccc(N(CCO)CCO)cc1"
    ),
    Defect("[N-]=[N+]=NCc1ccccc1", "hazards", "azide of few carbons", "OCCc1ccccc1"),
    Defect("O=NN1CCC(c2ccccc2)CC1", "hazards", "N-nitroso", "CN1CCC(c2ccccc2)CC1"),
    # Rings and strain
    Defect("O=C1CCCCCCCCCCCN1Cc1ccccc1", "rings", "a ring of 13", "O=C1CCCCN1Cc1ccccc1"),
    Defect("O=C(N1CCOCC1)C1C=C2CCC1C2", "rings", "at a bridgehead", "O=C(N1CCOCC1)C1CC2CCC1C2"),
    Defect("O=C(O)C1=CC=C1c1ccccc1", "rings", "cyclobutadiene", "O=C(O)C1CCC1c1ccccc1"),
    Defect(
        "O=C(NCc1ccccc1)C1=CC1", "rings", "within a three-membered ring", "O=C(NCc1ccccc1)C1CC1"
    ),
    Defect("C=C=CCc1ccc(C(N)=O)cc1", "rings", "cumulated", "C=CCc1ccc(C(N)=O)cc1"),
    Defect("NC(=O)c1ccc(C2CCC#CC2)cc1", "rings", "triple bond", "NC(=O)c1ccc(C2CCCCC2)cc1"),
    Defect("NC(=O)c1cc2ccc1CCCC2", "rings", "bent by a short", "NC(=O)c1ccc2c(c1)CCCC2"),
    Defect("O=C(Nc1ccccc1)C1CC23CCC12CC3", "rings", "propellane", "O=C(Nc1ccccc1)C12CCC(CC1)CC2"),
    Defect(r"OC1CCC/C=C/CC1", "rings", "trans double bond", r"OC1CCC/C=C\CC1"),
    Defect("O=C(Nc1ccccc1)C12CC1C2", "rings", "fused to small", "O=C(Nc1ccccc1)C12CC(C1)C2"),
    # Unstable and reactive groups
    Defect("NC(=O)c1ccc(C(C)(O)O)cc1", "stability", "geminal diol", "NC(=O)c1ccc(C(C)O)cc1"),
    Defect("CC(O)NCc1ccc(C(N)=O)cc1", "stability", "hemiaminal: loses", "CC(C)NCc1ccc(C(N)=O)cc1"),
    Defect("CC(O)=CCc1ccc(C(N)=O)cc1", "stability", "enol: .*ketone", "CC(=O)CCc1ccc(C(N)=O)cc1"),
    Defect("O=C(Cl)CCc1ccc(C(N)=O)cc1", "stability", "acyl halide", "O=C(O)CCc1ccc(C(N)=O)cc1"),
    Defect("CC(=O)OC(=O)c1ccc(C)cc1", "stability", "anhydride", "CC(=O)OCc1ccc(C)cc1"),
    Defect("ClN1CCC(c2ccccc2)CC1", "stability", "heteroatom-halogen", "CCN1CCC(c2ccccc2)CC1"),
    Defect("CN(C)N(C)N(C)Cc1ccccc1", "stability", "chain of three heteroatoms"),
    Defect("O=C=NCc1ccc(C(N)=O)cc1", "stability", "isocyanate", "NCc1ccc(C(N)=O)cc1"),
    Defect("CCN=C=NCc1ccccc1", "stability", "carbodiimide", "CCNC(=O)NCc1ccccc1"),
    Defect(
        "O=C(O)NCc1ccc(C(N)=O)cc1", "stability", "loses carbon dioxide", "COC(=O)NCc1ccc(C(N)=O)cc1"
    ),
    Defect("CC(=N)c1ccc(C(N)=O)cc1", "stability", "unsubstituted imine", "CC(=O)c1ccc(C(N)=O)cc1"),
    Defect("CC(=S)c1ccc(C(N)=O)cc1", "stability", "thioketone", "NC(=S)c1ccc(C(N)=O)cc1"),
    Defect("ClSc1ccc(C(N)=O)cc1", "stability", "heteroatom-halogen", "CSc1ccc(C(N)=O)cc1"),
    Defect("O=S(=O)(Cl)c1ccc(C(N)=O)cc1", "stability", "sulfonyl", "NS(=O)(=O)c1ccc(C(N)=O)cc1"),
    Defect("O=C1C=CC(=Cc2ccccc2)C=C1", "stability", "quinone methide", "Oc1ccc(Cc2ccccc2)cc1"),
    Defect("NC(=O)c1ccc(C2CO2)cc1", "stability", "epoxide", "NC(=O)c1ccc(C2CC2)cc1"),
    Defect("CN(C)C#Cc1ccc(C(N)=O)cc1", "stability", "on an alkyne", "CC#Cc1ccc(C(N)=O)cc1"),
    Defect("CP(C)c1ccc(C(N)=O)cc1", "stability", "phosphine", "CP(C)(=O)c1ccc(C(N)=O)cc1"),
    Defect(
        "FS(F)(F)c1ccc(C(N)=O)cc1", "stability", "halide|halogen", "FS(F)(F)(F)(F)c1ccc(C(N)=O)cc1"
    ),
    Defect("ICCCc1ccc(C(N)=O)cc1", "stability", "alkyl bromide or iodide", "FCCCc1ccc(C(N)=O)cc1"),
    Defect("NC(=O)C1C=CC(=O)C=C1", "stability", "keto form of a phenol", "NC(=O)c1ccc(O)cc1"),
    Defect("COC(OC)(OC)c1ccc(C(N)=O)cc1", "stability", "orthoester", "COC(OC)c1ccc(C(N)=O)cc1"),
    # Stereo, synthesis, alerts, likeness, shape
    Defect("OCC1OC(OC2C(CO)OC(O)C(O)C2O)C(O)C(O)C1O", "stereo", "10 stereocentres"),
    Defect("O=C1CC2OCC=C3CN4CCC56C4CC3C2C6N1c1ccccc15", "sa_score", "SA score .* is above"),
    Defect("O=C1NC(=S)SC1=Cc1ccccc1", "alerts", "PAINS_A", "O=C1NC(=O)SC1Cc1ccccc1"),
    Defect("CC(C)NCC(O)c1ccc(O)c(O)c1", "alerts", "catechol", "CC(C)NCC(O)c1cccc(O)c1"),
    Defect("O=CCCc1ccc(C(N)=O)cc1", "alerts", "aldehyde", "OCCCc1ccc(C(N)=O)cc1"),
    Defect("SCCc1ccc(C(N)=O)cc1", "alerts", "thiol", "CSCCc1ccc(C(N)=O)cc1"),
    Defect("CCCCCCCCCCCCCCCCCCCC", "druglike", "logP .* is above"),
    Defect("NC(=O)C12C3C4C1C5C2C3C45", "spacial_score", "spacial score 88.* is above"),
    Defect(
        "O=C(Nc1ccccc1)[C@@H]1C[C@@H]2C[C@H]2C1",
        "embedding",
        "no coordinates",
        "O=C(Nc1ccccc1)[C@@H]1C[C@@H]2C[C@@H]2C1",
    ),
)
