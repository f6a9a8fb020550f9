"""Checks on what a molecule is made of: readable, one molecule, its elements, charge and size."""

from __future__ import annotations

from typing import Any, Literal

from rdkit import Chem, rdBase

from nucleate.core.settings import Settings
from nucleate.matter.checks import Candidate, Verdict
from nucleate.molecules.checks.single_check import SingleCheck, window
from nucleate.molecules.chemistry.chem import canonical, has_radicals, parse, weight
from nucleate.molecules.io.salts import parts, solvent
from nucleate.molecules.options import MAXIMUM_TEXT

_KIND = Chem.BondType
# The dative ones of metals, which are refused by element.
_BONDS = frozenset((_KIND.SINGLE, _KIND.DOUBLE, _KIND.TRIPLE, _KIND.AROMATIC, _KIND.DATIVE))
_UNUSUAL = frozenset("~$<>")  # write a bond that is none of these, in SMILES


class ParsesCheck(SingleCheck):
    """The structure string is a molecule to RDKit, and reading it again changes nothing."""

    name = "parses"
    description = "RDKit reads and sanitises it (valences, rings), and writes the same one again"

    def one(self, candidate: Candidate) -> Verdict:
        """As `SingleCheck.one`; where the SMILES cannot be read, the reason says what is wrong."""
        verdict = super().one(candidate)
        if verdict.passed or "not a valid SMILES" not in verdict.reason:
            return verdict
        fault = _fault(candidate.structure)
        return Verdict(False, None, f"{verdict.reason} ({fault})" if fault else verdict.reason)

    def judge(self, found: Any, smiles: str) -> Verdict:
        # Atoms and bonds are looked at one by one only where the text could hold such a thing.
        if "[" in smiles and has_radicals(found):
            return Verdict(False, None, "has unpaired electrons")
        if ":" in smiles and any(atom.GetAtomMapNum() for atom in found.GetAtoms()):
            return Verdict(False, None, "carries atom map numbers")
        unusual = not _UNUSUAL.isdisjoint(smiles)
        if unusual and any(bond.GetBondType() not in _BONDS for bond in found.GetBonds()):
            return Verdict(False, None, "has a bond that is neither single, double nor triple")
        text = canonical(found)
        if text == smiles:  # it has just been read from this very text
            return Verdict(True)
        again = parse(text)
        if again is None or canonical(again) != text:
            return Verdict(False, None, "does not read back as itself")
        return Verdict(True, structure=text)


def _fault(smiles: str) -> str:
    """What keeps RDKit from a molecule, in its own words; empty if the text itself is at fault."""
    if len(smiles) > MAXIMUM_TEXT:
        return f"{len(smiles)} characters, at most {MAXIMUM_TEXT} are read"
    with rdBase.BlockLogs():
        raw = Chem.MolFromSmiles(smiles, sanitize=False)
        if raw is None or raw.GetNumAtoms() == 0:
            return ""
        problems = Chem.DetectChemistryProblems(raw)
    return str(problems[0].Message()).strip()[:120] if problems else ""


class SaltOptions(Settings):
    fragments: Literal["refuse", "parent"] = "refuse"
    """Refuse whatever has several fragments, or go on with the parent of a salt or solvate."""


class SaltCheck(SingleCheck):
    """One molecule. The value tells a salt or a solvate (with what) from a mixture.

    Zwitterions are one molecule. Counter-ions and solvents are those of
    `nucleate.molecules.io.salts`.
    """

    name = "salt"
    description = "a single molecule, neither a salt or solvate nor a mixture"
    Options = SaltOptions
    needs = ("parses",)

    def judge(self, found: Any, smiles: str) -> Verdict:
        if len(Chem.GetMolFrags(found)) == 1:
            return Verdict(True, "single")
        sorted_parts = parts(found)
        names = sorted(sorted_parts.names)
        companions = ", ".join(names)
        number = len(sorted_parts.parents)
        if number == 0:
            value = f"salt of {companions} only"
        elif number > 1:
            value = f"mixture of {number} molecules" + (f" with {companions}" if companions else "")
        elif companions:
            kind = "solvate" if all(map(solvent, names)) else "salt"
            value = f"{kind} with {companions}"
        else:
            value = "one molecule several times"
        if self.options.fragments == "parent" and number == 1:
            parent = canonical(sorted_parts.parents[0].molecule)
            return Verdict(True, value, structure=parent)
        return Verdict(False, value, f"several fragments: {value}")


class ElementsOptions(Settings):
    elements: tuple[str, ...] = ("H", "B", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
    """Allowed elements."""
    carbon: bool = True
    """Whether at least one carbon is needed."""
    isotopes: bool = False
    """Whether labelled atoms (deuterium, carbon-13) may occur."""


class ElementsCheck(SingleCheck):
    """Allowed elements only. The value lists those present."""

    name = "elements"
    description = "only allowed elements, carbon among them, no isotope labels"
    Options = ElementsOptions

    @property
    def threshold(self) -> str:
        return "of " + " ".join(self.options.elements)

    def judge(self, found: Any, smiles: str) -> Verdict:
        atoms = list(found.GetAtoms())
        present = sorted({atom.GetSymbol() for atom in atoms})
        strange = [s for s in present if s not in self.options.elements]
        value = " ".join(present)
        if strange:
            named = ["an undefined atom" if s == "*" else s for s in strange]
            return Verdict(False, value, f"holds {', '.join(named)}")
        if self.options.carbon and "C" not in present:
            return Verdict(False, value, "holds no carbon")
        labels = sorted({f"{a.GetIsotope()}{a.GetSymbol()}" for a in atoms if a.GetIsotope()})
        if labels and not self.options.isotopes:
            return Verdict(False, value, f"is labelled with {', '.join(labels)}")
        return Verdict(True, value)


class ChargeOptions(Settings):
    minimum: int = -1
    maximum: int = 1
    """Bounds of the net formal charge."""
    charged_carbon: bool = False
    """Whether carbanions and carbocations may occur (isocyanides and ylides always may)."""


class ChargeCheck(SingleCheck):
    """Net charge in a window, no bare carbanion or carbocation. The value is the net charge."""

    name = "charge"
    description = "net formal charge within bounds, no charged carbon without a counter-charge"
    Options = ChargeOptions

    @property
    def threshold(self) -> str:
        return f"{self.options.minimum} to {self.options.maximum}"

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

    @property
    def threshold(self) -> str:
        options = self.options
        return (
            f"{options.minimum_heavy_atoms} to {options.maximum_heavy_atoms} heavy atoms, "
            f"{options.minimum_weight:g} to {options.maximum_weight:g} g/mol"
        )

    def judge(self, found: Any, smiles: str) -> Verdict:
        options = self.options
        grams = round(weight(found), 3)
        heavy = found.GetNumHeavyAtoms()
        low, high = options.minimum_heavy_atoms, options.maximum_heavy_atoms
        passed, reason = window(heavy, low, high, "heavy atom count")
        if passed:
            low, high = options.minimum_weight, options.maximum_weight
            passed, reason = window(grams, low, high, "molecular weight")
        return Verdict(passed, grams, reason)
