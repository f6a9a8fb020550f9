"""Every named hazard is found in a small molecule that has it: none is dead."""

from __future__ import annotations

import pytest

from nucleate.molecules.alerts.hazards import IN_NUMBERS, hazard_patterns, hazards
from nucleate.molecules.chemistry.chem import parse

HAZARD_EXAMPLES = {
    "nitrate ester": "CO[N+](=O)[O-]",
    "N-nitro compound": "CN(C)[N+](=O)[O-]",
    "geminal dinitro compound": "CC([N+](=O)[O-])[N+](=O)[O-]",
    "acyl or sulfonyl azide": "CC(=O)N=[N+]=[N-]",
    "diazonium": "c1ccccc1[N+]#N",
    "diazo compound": "CC=[N+]=[N-]",
    "triazene": "CN(C)N=NC",
    "aliphatic azo compound": "CN=NC",
    "chain of nitrogens": "CN=NN=NC",
    "perchlorate, chlorate or hypohalite": "COCl",
    "fulminate": "[C-]#[N+]O",
    "geminal N-halo compound": "CN(Cl)Cl",
    "haloacetylene": "CC#CCl",
    "hydroperoxide": "COO",
    "peroxide": "COOC",
    "phosphorus fluoride": "CP(C)(=O)F",
    "phosphorus cyanide": "CP(C)(=O)C#N",
    "phosphorus halide": "CP(C)(=O)Cl",
    "aminoalkyl phosphorothiolate": "O=P(O)(O)SCCN",
    "phosphorothioate ester": "COP(=S)(OC)OC",
    "dialkyl aryl or vinyl phosphate": "COP(=O)(OC)Oc1ccccc1",
    "caged phosphate": "O=P12OCC(CO1)CO2",
    "sulfur mustard or half mustard": "CCSCCCl",
    "nitrogen mustard": "O=CN(CCCl)CCCl",
    "beta-haloethyl amine": "CN(C)CCCl",
    "arsenic halide": "C[As](C)Cl",
    "fluoroacetate": "O=C(O)CF",
    "cyanogen halide": "N#CCl",
    "phosgene or its like": "O=C(Cl)Cl",
    "trihalonitromethane": "O=[N+]([O-])C(Cl)(Cl)Cl",
    "perfluoroisobutene": "FC(F)=C(C(F)(F)F)C(F)(F)F",
    "tetrahalodibenzodioxin or -furan": "Clc1cc2Oc3cc(Cl)c(Cl)cc3Oc2cc1Cl",
    "N-nitroso compound": "CN(C)N=O",
    "azoxyalkane": "C[N+]([O-])=NC",
    "halomethyl ether": "COCCl",
}


def test_every_group_has_an_example() -> None:
    assert HAZARD_EXAMPLES.keys() == {g.name for g in hazard_patterns().groups} - IN_NUMBERS.keys()


@pytest.mark.parametrize(("name", "smiles"), HAZARD_EXAMPLES.items())
def test_hazard_is_found(name: str, smiles: str) -> None:
    assert any(flag.startswith(f"{name} (") for flag in hazards(parse(smiles)))
