"""Checks on how drug-like a molecule is and how hard to make."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import Field
from rdkit.Chem import QED, SpacialScore, rdMolDescriptors

from nucleate.core.settings import Settings
from nucleate.matter.checks import Verdict
from nucleate.molecules.alerts.unstable import reagents
from nucleate.molecules.checks.single_check import SingleCheck, window
from nucleate.molecules.chemistry.drug_likeness import qed_properties
from nucleate.molecules.properties import sa_score


class DruglikeOptions(Settings):
    minimum_logp: float | None = -2.0
    maximum_logp: float | None = 7.5
    """Bounds of Crippen's octanol-water logP; the upper one, and those of polar surface and
    rotatable bonds, are where the extended rule of five of Doak et al. (Chem. Biol. 2014) ends."""
    minimum_qed: Annotated[float, Field(ge=0, le=1)] | None = 0.15
    """Least QED. This bound and the others are left out with any value wide enough."""
    maximum_tpsa: float | None = 200.0
    """Largest topological polar surface area, angstrom^2; absorption from the gut ends near 140."""
    maximum_donors: int | None = 7
    maximum_acceptors: int | None = 15
    """Most hydrogen bond donors and acceptors; Lipinski's rule has 5 and 10."""
    maximum_rotatable_bonds: int | None = 20
    """Most rotatable bonds, amides not counted; Veber's rule has 10."""
    minimum_polar_atoms: int | None = 1
    """Least nitrogen and oxygen atoms: without any a molecule is a solvent or a building block."""
    allowed: tuple[str, ...] = ()
    """Reagents' groups to overlook, by the name that verdicts give."""


class DruglikeCheck(SingleCheck):
    """logP, QED, polar surface and flexibility within wide bounds; no reagent. The value is QED.

    Sulfonic acids, protecting groups and tools of synthesis are told by their groups, each with its
    reason in `molecules/alerts/reagents.toml`.

    Columns: `logp`, `tpsa` (angstrom^2), `hydrogen_bond_donors`, `hydrogen_bond_acceptors`,
    `rotatable_bonds`, by the definitions of the properties of the same names.
    """

    name = "druglike"
    description = (
        "logP, QED, polar surface, hydrogen bonds and rotatable bonds within wide bounds; "
        "no sulfonic acid, protecting group or reagent"
    )
    Options = DruglikeOptions

    @property
    def threshold(self) -> str:
        return f"QED at least {self.options.minimum_qed:g}" if self.options.minimum_qed else ""

    def judge(self, found: Any, smiles: str) -> Verdict:
        options = self.options
        parts = qed_properties(found)
        drug_likeness = round(float(QED.qed(found, qedProperties=parts)), 4)
        acceptors = rdMolDescriptors.CalcNumHBA(found)
        columns: dict[str, float | int] = {
            "logp": parts.ALOGP,
            "tpsa": parts.PSA,
            "hydrogen_bond_donors": parts.HBD,
            "hydrogen_bond_acceptors": acceptors,
            "rotatable_bonds": parts.ROTB,
        }
        bounds = (
            (parts.ALOGP, options.minimum_logp, options.maximum_logp, "logP"),
            (drug_likeness, options.minimum_qed, None, "QED"),
            (parts.PSA, None, options.maximum_tpsa, "polar surface area"),
            (parts.HBD, None, options.maximum_donors, "donor count"),
            (acceptors, None, options.maximum_acceptors, "acceptor count"),
            (parts.ROTB, None, options.maximum_rotatable_bonds, "rotatable bond count"),
            (
                rdMolDescriptors.CalcNumLipinskiHBA(found),
                options.minimum_polar_atoms,
                None,
                "count of nitrogens and oxygens",
            ),
        )
        for bound in bounds:
            passed, reason = window(*bound)
            if not passed:
                return Verdict(False, drug_likeness, reason, columns)
        for group in reagents().matches(found):
            if group.name not in options.allowed:
                reason = f"{group.name}: {group.explanation}"
                return Verdict(False, drug_likeness, reason, columns)
        return Verdict(True, drug_likeness, columns=columns)


class MaximumCheck(SingleCheck):
    """A score of a molecule is at most the option `maximum`. The value is the score."""

    score_name: ClassVar[str]

    @property
    def threshold(self) -> str:
        return f"at most {self.options.maximum:g}"

    @abstractmethod
    def score(self, found: Any) -> float:
        """The score of an RDKit molecule."""

    def judge(self, found: Any, smiles: str) -> Verdict:
        value = round(self.score(found), 3)
        passed, reason = window(value, None, self.options.maximum, self.score_name)
        return Verdict(passed, value, reason)


class SyntheticAccessOptions(Settings):
    maximum: Annotated[float, Field(ge=1, le=10)] = 5.5
    """Largest score. Most molecules of catalogues lie between 2 and 4.5, morphine at 5.3; Ertl and
    Schuffenhauer call what is above 6 hard to make."""


class SyntheticAccessCheck(MaximumCheck):
    """The synthetic accessibility score of Ertl and Schuffenhauer (2009) is low enough."""

    name = "sa_score"
    description = "synthetic accessibility score (1 easy, 10 hard) below a bound"
    Options = SyntheticAccessOptions
    score_name = "SA score"

    def score(self, found: Any) -> float:
        return sa_score(found)


class SpacialOptions(Settings):
    maximum: Annotated[float, Field(gt=0)] = 70.0
    """Largest score per heavy atom; steroids have about 50, adamantanes 64."""


class SpacialCheck(MaximumCheck):
    """The normalised spacial score (nSPS; Krzyzanowski et al., J. Med. Chem. 2023) is low enough.

    It counts what the SA score knows from experience only: stereocentres, sp3 atoms and branching
    in rings, per heavy atom. Flat molecules have about 10.
    """

    name = "spacial_score"
    description = (
        "spacial complexity per heavy atom (nSPS): a second estimate of how hard it is to make"
    )
    Options = SpacialOptions
    score_name = "spacial score"

    def score(self, found: Any) -> float:
        return float(SpacialScore.SPS(found))
