"""Numbers computed for molecules: RDKit's descriptors, synthetic accessibility, PMO's goals."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs, RDConfig, rdBase
from rdkit.Chem import Descriptors, rdMolDescriptors

from nucleate.core.errors import SettingsError
from nucleate.core.spelling import near
from nucleate.matter.properties import Properties, Property
from nucleate.molecules.chemistry.chem import fingerprints, logp, molecule, parse, weight
from nucleate.molecules.chemistry.drug_likeness import qed
from nucleate.molecules.oracles.pmo import ORACLES, description, oracle
from nucleate.settings.objectives import PropertySettings

Function = Callable[[Any], float]


@cache
def _sascorer() -> Any:
    """RDKit's own contributed module, loaded from where its distribution keeps it.

    It reads its fragment table (from RDKit's installed files) by itself at the first call.
    """
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    spec = importlib.util.spec_from_file_location("nucleate_sascorer", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SettingsError(f"sa_score needs RDKit's contributed files, not found at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=256)
def sa_score(found: Any) -> float:
    """Synthetic accessibility, 1 (easy) to 10 (hard), of an RDKit molecule.

    Remembered by the object, which is not to be changed: a check and the score ask in turn.
    """
    return float(_sascorer().calculateScore(found))


_SYNTHETIC_ACCESS = "synthetic accessibility, 1 easy to 10 hard (Ertl and Schuffenhauer 2009)"
_SURFACE = "topological polar surface area of N and O (Ertl et al. 2000)"
FUNCTIONS: dict[str, tuple[Function, str, str]] = {
    "qed": (qed, "", "quantitative estimate of drug-likeness, 0 to 1 (Bickerton et al. 2012)"),
    "sa_score": (sa_score, "", _SYNTHETIC_ACCESS),
    "logp": (logp, "", "octanol-water partition coefficient, logarithm (Wildman and Crippen 1999)"),
    "tpsa": (rdMolDescriptors.CalcTPSA, "angstrom^2", _SURFACE),
    "molecular_weight": (weight, "g/mol", "average molecular weight"),
    "heavy_atoms": (lambda m: m.GetNumHeavyAtoms(), "", "atoms other than hydrogen"),
    "rings": (rdMolDescriptors.CalcNumRings, "", "rings of the smallest set"),
    "aromatic_rings": (rdMolDescriptors.CalcNumAromaticRings, "", "aromatic rings"),
    "rotatable_bonds": (rdMolDescriptors.CalcNumRotatableBonds, "", "rotatable bonds, no amides"),
    "hydrogen_bond_donors": (rdMolDescriptors.CalcNumHBD, "", "hydrogen bond donors"),
    "hydrogen_bond_acceptors": (rdMolDescriptors.CalcNumHBA, "", "hydrogen bond acceptors"),
    "fraction_sp3": (rdMolDescriptors.CalcFractionCSP3, "", "share of carbons that are sp3"),
    "formal_charge": (Chem.GetFormalCharge, "e", "net formal charge"),
}
"""Name -> function of an RDKit molecule, unit, description."""
_SIMILARITY = (
    "Tanimoto similarity of Morgan counts (radius 2, ECFP4) to the molecule given as `smiles`: "
    "similarity:smiles=CCO"
)
_GOALS = tuple(name for name in ORACLES if name not in FUNCTIONS)  # `qed` stands above


@cache
def _rdkit_descriptors() -> dict[str, Function]:
    return dict(Descriptors.descList)


class MoleculeProperties(Properties):
    """Descriptors of RDKit and goals of PMO."""

    def descriptions(self) -> dict[str, str]:
        """Name -> description of every property, RDKit's descriptors by their exact names last."""
        own = {name: text for name, (_, _, text) in FUNCTIONS.items()}
        own["similarity"] = _SIMILARITY
        own |= {name: description(name) for name in _GOALS}
        rest = (name for name in _rdkit_descriptors() if name not in own)  # both have `qed`
        return own | {name: f"RDKit descriptor {name}" for name in rest}

    def usual(self) -> list[str]:
        """Names of all but RDKit's descriptors."""
        return [*FUNCTIONS, "similarity", *_GOALS]

    def build(self, name: str, arguments: Mapping[str, Any]) -> Property:
        """A property by name.

        Args:
            arguments: `{"smiles": ...}` for `similarity`; for a goal of the PMO benchmark (see
                `guacamol`) `{"definitions": "pmo"}` or `"guacamol"`, the default; otherwise empty.

        Raises:
            SettingsError: unknown name or argument, or an unreadable `smiles`.
        """
        if name == "similarity":
            return _similarity(arguments)
        if name in _GOALS:
            return _goal(name, arguments)
        if arguments:
            raise SettingsError(
                f"property {name!r} takes no arguments, got {', '.join(sorted(arguments))}"
            )
        if name in FUNCTIONS:
            function, unit, text = FUNCTIONS[name]
            return Property(name, unit, text, _bulk(function), is_cheap=True)
        if name in _rdkit_descriptors():
            function = _rdkit_descriptors()[name]
            return Property(name, "", f"RDKit descriptor {name}", _bulk(function))
        # RDKit has some two hundred: only those that may have been meant.
        meant = near(name, self.usual()) or near(name, _rdkit_descriptors())
        hint = f" (did you mean {' or '.join(meant)}?)" if meant else ""
        raise SettingsError(
            f"no property named {name!r} for molecules{hint}; known: "
            f"{', '.join(self.usual())}, and RDKit's descriptors by their "
            "exact names, such as BertzCT"
        )

    def default_objectives(self) -> tuple[PropertySettings, ...]:
        """Drug-like (QED), easy to make (SA score), and of a moderate logP."""
        return (
            PropertySettings(property="qed", low=0.0, high=1.0),
            PropertySettings(property="sa_score", goal="minimise", low=2.0, high=6.0),
            PropertySettings(
                property="logp", goal="range", low=0.0, high=4.0, tolerance=1.0, weight=0.5
            ),
        )


def _bulk(function: Function) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """Values of many; NaN for a molecule that cannot be read or a function that fails on it."""

    def evaluate(smiles: str) -> float:
        found = molecule(smiles)
        if found is None:
            return math.nan
        try:
            with rdBase.BlockLogs():
                value = float(function(found))
        except (ValueError, RuntimeError, ZeroDivisionError, OverflowError, TypeError):
            return math.nan
        return value if math.isfinite(value) else math.nan

    def compute(structures: Sequence[str]) -> NDArray[np.float64]:
        return np.array([evaluate(smiles) for smiles in structures], dtype=np.float64)

    return compute


def _goal(name: str, arguments: Mapping[str, Any]) -> Property:
    unknown = set(arguments) - {"definitions"}
    if unknown or not isinstance(arguments.get("definitions", ""), str):
        raise SettingsError(
            f"property {name!r} takes one argument, `definitions`, `pmo` or `guacamol`"
        )
    goal = oracle(name, **arguments)
    return Property(name, "", goal.description, goal.compute)


def _similarity(arguments: Mapping[str, Any]) -> Property:
    unknown = set(arguments) - {"smiles"}
    if unknown or not isinstance(arguments.get("smiles"), str):
        raise SettingsError(
            "property 'similarity' takes one argument, `smiles`: write similarity:smiles=CCO, or "
            "arguments = { smiles = 'CCO' } in a settings file"
        )
    target = parse(arguments["smiles"])
    if target is None or target.GetNumAtoms() == 0:
        raise SettingsError(f"property 'similarity': {arguments['smiles']!r} is not a valid SMILES")
    count = fingerprints().GetCountFingerprint
    reference = count(target)
    return Property(
        "similarity",
        "",
        _SIMILARITY,
        _bulk(lambda found: DataStructs.TanimotoSimilarity(reference, count(found))),
    )
