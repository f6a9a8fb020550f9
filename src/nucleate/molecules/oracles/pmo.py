"""The 20 goals of the PMO benchmark that need RDKit alone, most of them GuacaMol's.

Sources: GuacaMol, Brown et al. 2019, doi 10.1021/acs.jcim.8b00839; PMO, Gao et al. 2022, arXiv
2206.12411. There are two sets of definitions:

- `guacamol`, the right ones, for real use;
- `pmo`, the same but for the four goals with a molecular formula (`TEXT_COUNTED`), where the number
  of all atoms is taken from the text of the SMILES (see `isomer`). The figures that PMO published,
  and those of papers that stand beside them, come from these.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from rdkit import rdBase
from rdkit.Chem import GraphDescriptors, rdMolDescriptors

from nucleate.core.errors import SettingsError
from nucleate.molecules.chemistry.chem import logp, molecule
from nucleate.molecules.chemistry.drug_likeness import qed
from nucleate.molecules.oracles.guacamol_parts import (
    Term,
    arithmetic,
    clipped,
    descriptor,
    gaussian,
    geometric,
    isomer,
    known,
    max_gaussian,
    median,
    min_gaussian,
    pattern,
    pharmacophore_similarity,
    similarity,
)

Definitions = Literal["pmo", "guacamol"]

ALBUTEROL = "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1"
AMLODIPINE = r"Clc1ccccc1C2C(=C(/N/C(=C2/C(=O)OCC)COCCN)C)\C(=O)OC"
CAMPHOR = "CC1(C)C2CCC1(C)C(=O)C2"
CELECOXIB = "CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F"
FEXOFENADINE = "CC(C)(C(=O)O)c1ccc(cc1)C(O)CCCN2CCC(CC2)C(O)(c3ccccc3)c4ccccc4"
HOP_START = "CCCOc1cc2ncnc(Nc3ccc4ncsc4c3)c2cc1S(=O)(=O)C(C)(C)C"
MENTHOL = "CC(C)C1CCC(C)CC1O"
MESTRANOL = "COc1ccc2[C@H]3CC[C@@]4(C)[C@@H](CC[C@@]4(O)C#C)[C@@H]3CCc2c1"
OSIMERTINIB = "COc1cc(N(C)CCN(C)C)c(NC(=O)C=C)cc1Nc2nccc(n2)c3cn(C)c4ccccc34"
PERINDOPRIL = "O=C(OCC)C(NC(C(=O)N1C(C(=O)O)CC2CCCCC12)C)CCC"
RANOLAZINE = "COc1ccccc1OCC(O)CN2CCN(CC(=O)Nc3c(C)cccc3C)CC2"
SILDENAFIL = "CCCC1=NN(C2=C1N=C(NC2=O)C3=C(C=CC(=C3)S(=O)(=O)N4CCN(CC4)C)OCC)C"
SITAGLIPTIN = "Fc1cc(c(F)cc1F)CC(N)CC(=O)N3Cc2nnc(n2CC3)C(F)(F)F"
TADALAFIL = "O=C1N(CC(N2C1CC3=C(C2C4=CC5=C(OCO5)C=C4)NC6=C3C=CC=C6)=O)C"
THIOTHIXENE = "CN(C)S(=O)(=O)c1ccc2Sc3ccccc3C(=CCCN4CCN(C)CC4)c2c1"
TROGLITAZONE = "Cc1c(C)c2OC(C)(COc3ccc(CC4SC(=O)NC4=O)cc3)CCc2c(C)c1O"
ZALEPLON = "O=C(C)N(CC)C1=CC=CC(C2=CC=NC3=C(C=NN23)C#N)=C1"

HOP_SCAFFOLD = "[#7]-c1n[c;h1]nc2[c;h1]c(-[#8])[c;h0][c;h1]c12"
HOP_DECORATION = "[#7]-c1ccc2ncsc2c1"
HOP_SULFONE = "CS([#6])(=O)=O"
HOP_CHAIN = "[#6]-[#6]-[#6]-[#8]-[#6]~[#6]~[#6]~[#6]~[#6]-[#7]-c1ccc2ncsc2c1"
VALSARTAN_PART = "CN(C=O)Cc1ccc(c2ccccc2)cc1"

_tpsa = rdMolDescriptors.CalcTPSA


def _deco_hop() -> Term:
    return arithmetic(
        pharmacophore_similarity(HOP_START, clipped(0.85)),
        pattern(HOP_SULFONE, wanted=False),
        pattern(HOP_DECORATION, wanted=False),
        pattern(HOP_SCAFFOLD),
    )


def _scaffold_hop() -> Term:
    return arithmetic(
        pharmacophore_similarity(HOP_START, clipped(0.75)),
        pattern(HOP_CHAIN),
        pattern(HOP_SCAFFOLD, wanted=False),
    )


def _fexofenadine() -> Term:
    return geometric(
        descriptor(_tpsa, max_gaussian(90, 10)),
        descriptor(logp, min_gaussian(4, 1)),
        similarity("AP", FEXOFENADINE, clipped(0.8)),
    )


def _osimertinib() -> Term:
    return geometric(
        descriptor(_tpsa, max_gaussian(100, 10)),
        descriptor(logp, min_gaussian(1, 1)),
        similarity("FCFP4", OSIMERTINIB, clipped(0.8)),
        similarity("ECFP6", OSIMERTINIB, min_gaussian(0.85, 0.1)),
    )


def _ranolazine() -> Term:
    return geometric(
        descriptor(_tpsa, max_gaussian(95, 20)),
        descriptor(logp, max_gaussian(7, 1)),
        descriptor(
            lambda m: sum(atom.GetAtomicNum() == 9 for atom in m.GetAtoms()), gaussian(1, 1)
        ),
        similarity("AP", RANOLAZINE, clipped(0.7)),
    )


def _sitagliptin(by_text: bool) -> Term:
    drug = known(SITAGLIPTIN)
    return geometric(
        descriptor(_tpsa, gaussian(_tpsa(drug), 5)),
        descriptor(logp, gaussian(logp(drug), 0.2)),
        isomer("C16H15F6N5O", by_text),
        similarity("ECFP4", SITAGLIPTIN, gaussian(0, 0.1)),
    )


def _valsartan() -> Term:
    drug = known(SITAGLIPTIN)
    bertz = GraphDescriptors.BertzCT
    return geometric(
        pattern(VALSARTAN_PART),
        descriptor(_tpsa, gaussian(_tpsa(drug), 5)),
        descriptor(logp, gaussian(logp(drug), 0.2)),
        descriptor(bertz, gaussian(bertz(drug), 30)),
    )


def _rings(target: str, count: Callable[..., int], wanted: int) -> Term:
    return geometric(descriptor(count, gaussian(wanted, 0.5)), similarity("ECFP4", target))


# Name -> what is wanted, and the maker of the term; `by_text` is true under `pmo`.
_MADE: dict[str, tuple[str, Callable[[bool], Term]]] = {
    "albuterol_similarity": (
        "similarity of functional groups to albuterol, full from 0.75",
        lambda _: similarity("FCFP4", ALBUTEROL, clipped(0.75)),
    ),
    "amlodipine_mpo": (
        "similar to amlodipine, with three rings",
        lambda _: _rings(AMLODIPINE, rdMolDescriptors.CalcNumRings, 3),
    ),
    "celecoxib_rediscovery": (
        "similarity to celecoxib",
        lambda _: similarity("ECFP4", CELECOXIB, clipped(1)),
    ),
    "deco_hop": ("keeps a kinase inhibitor's scaffold, not its decoration", lambda _: _deco_hop()),
    "fexofenadine_mpo": (
        "similar to fexofenadine, TPSA from 90, logP to 4",
        lambda _: _fexofenadine(),
    ),
    "isomers_c7h8n2o2": (
        "closeness to the formula C7H8N2O2",
        lambda by_text: isomer("C7H8N2O2", by_text),
    ),
    "isomers_c9h10n2o2pf2cl": (
        "closeness to the formula C9H10N2O2PF2Cl",
        lambda by_text: isomer("C9H10N2O2PF2Cl", by_text),
    ),
    "median1": (
        "similar to camphor and menthol at once",
        lambda _: median("ECFP4", CAMPHOR, MENTHOL),
    ),
    "median2": (
        "similar to tadalafil and sildenafil at once",
        lambda _: median("ECFP6", TADALAFIL, SILDENAFIL),
    ),
    "mestranol_similarity": (
        "similarity of atom pairs to mestranol, full from 0.75",
        lambda _: similarity("AP", MESTRANOL, clipped(0.75)),
    ),
    "osimertinib_mpo": (
        "similar to osimertinib, not the same, TPSA from 100, logP to 1",
        lambda _: _osimertinib(),
    ),
    "perindopril_mpo": (
        "similar to perindopril, with two aromatic rings",
        lambda _: _rings(PERINDOPRIL, rdMolDescriptors.CalcNumAromaticRings, 2),
    ),
    "qed": ("quantitative estimate of drug-likeness", lambda _: qed),
    "ranolazine_mpo": (
        "similar to ranolazine, TPSA from 95, logP from 7, one fluorine",
        lambda _: _ranolazine(),
    ),
    "scaffold_hop": (
        "keeps a kinase inhibitor's decoration, not its scaffold",
        lambda _: _scaffold_hop(),
    ),
    "sitagliptin_mpo": ("sitagliptin's formula, logP and TPSA in another molecule", _sitagliptin),
    "thiothixene_rediscovery": (
        "similarity to thiothixene",
        lambda _: similarity("ECFP4", THIOTHIXENE, clipped(1)),
    ),
    "troglitazone_rediscovery": (
        "similarity to troglitazone",
        lambda _: similarity("ECFP4", TROGLITAZONE, clipped(1)),
    ),
    "valsartan_smarts": (
        "a part of valsartan with sitagliptin's logP, TPSA and complexity",
        lambda _: _valsartan(),
    ),
    "zaleplon_mpo": (
        "similar to zaleplon, with the formula C19H17N3O2",
        lambda by_text: geometric(isomer("C19H17N3O2", by_text), similarity("ECFP4", ZALEPLON)),
    ),
}

ORACLES: tuple[str, ...] = tuple(_MADE)
"""The names, as PMO writes them."""

TEXT_COUNTED = ("isomers_c7h8n2o2", "isomers_c9h10n2o2pf2cl", "sitagliptin_mpo", "zaleplon_mpo")
"""Those that differ between `pmo` and `guacamol`."""


@dataclass(frozen=True)
class Oracle:
    """One goal, from 0 to 1, to be made as large as possible.

    Attributes:
        name: one of `ORACLES`.
        definitions: `pmo` or `guacamol`.
        description: one line.
        term: the score of an RDKit molecule.
    """

    name: str
    definitions: Definitions
    description: str
    term: Term = field(repr=False)

    def compute(self, structures: Sequence[str]) -> NDArray[np.float64]:
        """Scores of SMILES, float64 [n], each from 0 to 1.

        What cannot be read, is empty, or makes RDKit fail scores 0, as in PMO; never NaN.
        """
        with rdBase.BlockLogs():
            return np.array([self._score(smiles) for smiles in structures], dtype=np.float64)

    def _score(self, smiles: str) -> float:
        found = molecule(smiles)
        if found is None or found.GetNumAtoms() == 0:
            return 0.0
        try:
            value = self.term(found)
        except (ValueError, RuntimeError, ZeroDivisionError, OverflowError):
            return 0.0
        return value if math.isfinite(value) else 0.0


@cache
def oracle(name: str, definitions: Definitions = "guacamol") -> Oracle:
    """A goal by name, built once.

    Raises:
        SettingsError: no such name or set of definitions.
    """
    if name not in _MADE:
        near = difflib.get_close_matches(name, ORACLES, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise SettingsError(f"no oracle named {name!r}{meant}; known: {', '.join(ORACLES)}")
    if definitions not in get_args(Definitions):
        raise SettingsError(
            f"oracle {name!r}: `definitions` is `pmo` or `guacamol`, not {definitions!r}"
        )
    return Oracle(name, definitions, description(name), _MADE[name][1](definitions == "pmo"))


def description(name: str) -> str:
    """One line for one of `ORACLES`."""
    return f"{_MADE[name][0]}, 0 to 1 (GuacaMol, Brown et al. 2019; PMO, Gao et al. 2022)"
