"""Checks on what a molecule is made of and how large, how drug-like and how makeable it is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from rdkit import Chem

from nucleate.config import Settings
from nucleate.matter import Verdict
from nucleate.molecules.checks.single import SingleCheck, window
from nucleate.molecules.chem import canonical, has_radicals, logp, parse, weight
from nucleate.molecules.drug_likeness import qed
from nucleate.molecules.properties import sa_score


class ParsesCheck(SingleCheck):
    """The structure string is a molecule to RDKit, and reading it again changes nothing."""

    name = "parses"
    description = "RDKit reads and sanitises it as one molecule, and writes the same one again"

    def judge(self, found: Any, smiles: str) -> Verdict:
        if len(Chem.GetMolFrags(found)) > 1:
            return Verdict(False, None, "has several fragments")
        if has_radicals(found):
            return Verdict(False, None, "has unpaired electrons")
        text = canonical(found)
        again = parse(text)
        if again is None or canonical(again) != text:
            return Verdict(False, None, "does not read back as itself")
        return Verdict(True, structure=None if text == smiles else text)


class ElementsOptions(Settings):
    elements: tuple[str, ...] = ("H", "B", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
    """Allowed elements."""
    carbon: bool = True
    """Whether at least one carbon is needed."""


class ElementsCheck(SingleCheck):
    """Allowed elements only."""

    name = "elements"
    description = "only allowed elements, and carbon among them"
    Options = ElementsOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        present = sorted({a.GetSymbol() for a in found.GetAtoms()})
        strange = [s for s in present if s not in self.options.elements]
        value = " ".join(present)
        if strange:
            return Verdict(False, value, f"holds {', '.join(strange)}")
        if self.options.carbon and "C" not in present:
            return Verdict(False, value, "holds no carbon")
        return Verdict(True, value)


class ChargeOptions(Settings):
    minimum: int = -1
    maximum: int = 1
    """Bounds of the net formal charge."""
    charged_carbon: bool = False
    """Whether carbanions and carbocations may occur (isocyanides and ylides always may)."""


class ChargeCheck(SingleCheck):
    """Net charge in a window, no bare carbanion or carbocation."""

    name = "charge"
    description = "net formal charge within bounds, no charged carbon without a counter-charge"
    Options = ChargeOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        net = Chem.GetFormalCharge(found)
        passed, reason = window(net, self.options.minimum, self.options.maximum, "net charge")
        if not passed:
            return Verdict(False, net, reason)
        if not self.options.charged_carbon:
            for atom in found.GetAtoms():
                charge = atom.GetFormalCharge()
                balanced = any(n.GetFormalCharge() * charge < 0 for n in atom.GetNeighbors())
                if charge and atom.GetAtomicNum() == 6 and not balanced:
                    return Verdict(False, net, f"a carbon carries the charge {charge:+d}")
        return Verdict(True, net)


class SizeOptions(Settings):
    minimum_heavy_atoms: int = 8
    maximum_heavy_atoms: int = 50
    minimum_weight: float = 100.0
    maximum_weight: float = 650.0
    """Of the average molecular weight, g/mol."""


class SizeCheck(SingleCheck):
    """Heavy atoms and molecular weight within bounds. The value is the weight in g/mol."""

    name = "size"
    description = "heavy atoms and molecular weight within bounds"
    Options = SizeOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        options = self.options
        grams = round(weight(found), 3)
        heavy = found.GetNumHeavyAtoms()
        passed, reason = window(
            heavy, options.minimum_heavy_atoms, options.maximum_heavy_atoms, "heavy atom count"
        )
        if passed:
            passed, reason = window(
                grams, options.minimum_weight, options.maximum_weight, "molecular weight"
            )
        return Verdict(passed, grams, reason)


class DruglikeOptions(Settings):
    minimum_logp: float | None = -2.0
    maximum_logp: float | None = 6.0
    minimum_qed: Annotated[float, Field(ge=0, le=1)] | None = 0.2
    """Bounds of Crippen logP and of QED; leave out with any value wide enough."""


class DruglikeCheck(SingleCheck):
    """logP and QED within wide bounds. The value is QED."""

    name = "druglike"
    description = "logP (Crippen) and QED within wide bounds"
    Options = DruglikeOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        options = self.options
        drug_likeness = round(qed(found), 4)
        passed, reason = window(logp(found), options.minimum_logp, options.maximum_logp, "logP")
        if passed:
            passed, reason = window(drug_likeness, options.minimum_qed, None, "QED")
        return Verdict(passed, drug_likeness, reason)


class SyntheticAccessOptions(Settings):
    maximum: Annotated[float, Field(ge=1, le=10)] = 4.5


class SyntheticAccessCheck(SingleCheck):
    """The synthetic accessibility score of Ertl and Schuffenhauer (2009) is low enough."""

    name = "sa_score"
    description = "synthetic accessibility score (1 easy, 10 hard) below a bound"
    Options = SyntheticAccessOptions

    def judge(self, found: Any, smiles: str) -> Verdict:
        value = round(sa_score(found), 3)
        passed, reason = window(value, None, self.options.maximum, "SA score")
        return Verdict(passed, value, reason)
