"""Tells a salt or solvate from a mixture, and names its counter-ions."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from nucleate.molecules.chemistry.chem import parse

_SOLVENTS = {
    "O": "water", "CO": "methanol", "CCO": "ethanol", "CC(C)O": "isopropanol", "CC(C)=O": "acetone",
    "CCOC(C)=O": "ethyl acetate", "CC#N": "acetonitrile", "CS(C)=O": "dimethyl sulfoxide",
    "CN(C)C=O": "dimethylformamide", "ClCCl": "dichloromethane", "ClC(Cl)Cl": "chloroform",
    "C1CCOC1": "tetrahydrofuran", "C1COCCO1": "dioxane", "Cc1ccccc1": "toluene",
}  # fmt: skip
_IONS = {
    "F": "fluoride", "Cl": "chloride", "Br": "bromide", "I": "iodide", "[Li+]": "lithium",
    "[Na+]": "sodium", "[K+]": "potassium", "[Cs+]": "caesium", "[Mg+2]": "magnesium",
    "[Ca+2]": "calcium", "[Ba+2]": "barium", "[Zn+2]": "zinc", "[Al+3]": "aluminium",
    "[Ag+]": "silver", "[Sr+2]": "strontium", "[Bi+3]": "bismuth", "N": "ammonium",
    "CN(C)C": "trimethylammonium", "CCN(CC)CC": "triethylammonium", "CCNCC": "diethylammonium",
    "NCCO": "ethanolammonium", "OCCNCCO": "diethanolammonium", "OCC(N)(CO)CO": "tromethamine",
    "CNCC(O)C(O)C(O)C(O)CO": "meglumine", "C[N+](C)(C)CCO": "choline",
    "CC[N+](CC)(CC)CC": "tetraethylammonium", "CCCC[N+](CCCC)(CCCC)CCCC": "tetrabutylammonium",
    "NCCCCC(N)C(=O)O": "lysine", "N=C(N)NCCCC(N)C(=O)O": "arginine", "C1CNCCN1": "piperazine",
    "O=C(O)C(F)(F)F": "trifluoroacetate", "CC(=O)O": "acetate", "O=CO": "formate",
    "CCC(=O)O": "propionate", "O=C(O)C(=O)O": "oxalate", "O=C(O)CC(=O)O": "malonate",
    "O=C(O)C=CC(=O)O": "maleate or fumarate", "O=C(O)CCC(=O)O": "succinate",
    "O=C(O)CCCCC(=O)O": "adipate", "O=C(O)CC(O)C(=O)O": "malate",
    "O=C(O)C(O)C(O)C(=O)O": "tartrate", "O=C(O)CC(O)(CC(=O)O)C(=O)O": "citrate",
    "CC(O)C(=O)O": "lactate", "O=C(O)CO": "glycolate", "O=C(O)c1ccccc1": "benzoate",
    "O=C(O)c1ccccc1O": "salicylate", "O=C(O)C(O)c1ccccc1": "mandelate",
    "O=C(O)C(O)C(O)C(O)C(O)CO": "gluconate", "O=C(O)c1ccncc1": "isonicotinate",
    "O=C(O)c1cc2ccccc2c(Cc2c(O)c(C(=O)O)cc3ccccc23)c1O": "pamoate",
    "CCCCCCCCCCCCCCCCCC(=O)O": "stearate", "O=C(O)O": "carbonate",
    "CS(=O)(=O)O": "mesylate", "CCS(=O)(=O)O": "esylate", "O=S(=O)(O)CCO": "isethionate",
    "O=S(=O)(O)CCS(=O)(=O)O": "edisylate", "O=S(=O)(O)C(F)(F)F": "triflate",
    "O=S(=O)(O)c1ccccc1": "besylate", "Cc1ccc(S(=O)(=O)O)cc1": "tosylate",
    "O=S(=O)(O)c1cccc2ccccc12": "napsylate", "O=S(=O)(O)c1ccc2ccccc2c1": "napsylate",
    "CC1(C)C2CCC1(CS(=O)(=O)O)C(=O)C2": "camsylate", "O=S(=O)(O)O": "sulfate",
    "O=P(O)(O)O": "phosphate", "O=[N+]([O-])O": "nitrate", "[O-]Cl(=O)(=O)=O": "perchlorate",
    "[O-][Cl+3]([O-])([O-])[O-]": "perchlorate", "F[B-](F)(F)F": "tetrafluoroborate",
    "F[P-](F)(F)(F)(F)F": "hexafluorophosphate", "[OH-]": "hydroxide", "N#CS": "thiocyanate",
}  # fmt: skip


class Parts(NamedTuple):
    """A structure of several fragments, sorted.

    Attributes:
        parents: canonical SMILES of the different fragments that are neither ions nor solvents.
        companions: names of the counter-ions and solvents, each once, in alphabetic order.
    """

    parents: list[str]
    companions: list[str]


@cache
def _known() -> dict[str, str]:
    return {_plain(parse(smiles)): name for smiles, name in {**_IONS, **_SOLVENTS}.items()}


@cache
def _uncharger() -> Any:
    return rdMolStandardize.Uncharger(True)


def _plain(fragment: Any) -> str:
    """SMILES without stereo, protons added or taken away until it is neutral where that can be."""
    return str(Chem.MolToSmiles(_uncharger().uncharge(fragment), isomericSmiles=False))


def parts(molecule: Any) -> Parts:
    """Sort the fragments of an RDKit molecule into parents and companions.

    Where every fragment is a known companion (sodium benzoate), the largest organic one is the
    parent.
    """
    fragments = Chem.GetMolFrags(molecule, asMols=True)
    named = [(fragment, _known().get(_plain(fragment), "")) for fragment in fragments]
    if all(name for _, name in named):
        organic = [one for one, _ in named if any(a.GetAtomicNum() == 6 for a in one.GetAtoms())]
        largest = max(organic, key=lambda one: one.GetNumHeavyAtoms(), default=None)
        named = [(one, "" if one is largest else name) for one, name in named]
    parents = {_plain(one): str(Chem.MolToSmiles(one)) for one, name in named if not name}
    return Parts(list(parents.values()), sorted({name for _, name in named if name}))


def solvent(name: str) -> bool:
    """Whether a companion is a neutral solvent rather than an ion."""
    return name in _SOLVENTS.values()
