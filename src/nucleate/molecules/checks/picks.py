"""Molecules that are as unlike each other as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from rdkit import DataStructs
from rdkit.SimDivFilters.rdSimDivPickers import MaxMinPicker

from nucleate.core.settings import Settings
from nucleate.matter.checks import Candidate, Check, Verdict
from nucleate.molecules.checks.novelty import unreadable
from nucleate.molecules.chemistry.chem import fingerprint, molecule


class PicksOptions(Settings):
    number: Annotated[int, Field(ge=1)] = 100
    """Molecules to pick."""


class PicksCheck(Check):
    """As unlike each other as can be: MaxMin picks (Ashton et al., Quant. Struct.-Act. Relat. 2002,
    21, 598) of RDKit, by Tanimoto distance of Morgan bits, from the best candidate on.

    The value is the turn in which a molecule was picked, from 1. Column: `pick_distance`, to the
    nearest one picked before it.
    """

    name = "picks"
    description = "so many molecules, each as unlike those picked before it as can be (MaxMin)"
    Options = PicksOptions
    usual = False

    @property
    def threshold(self) -> str:
        """See `Check.threshold`."""
        return f"among {self.options.number} picks"

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        """See `Check.run`."""
        prints: list[Any] = []
        readable: list[int] = []
        for row, candidate in enumerate(candidates):
            found = molecule(candidate.structure)
            if found is not None:
                prints.append(fingerprint(found))
                readable.append(row)
        number = min(self.options.number, len(readable))
        picks: list[int] = []
        if number:
            picker: Any = MaxMinPicker()
            # The first pick is the best candidate; the seed would matter without it only.
            picks = list(picker.LazyBitVectorPick(prints, len(prints), number, [0]))
        reason = f"not among the {number} picked to be unlike each other"
        verdicts = [Verdict(False, None, reason) for _ in candidates]
        for row in set(range(len(candidates))) - set(readable):
            verdicts[row] = unreadable(candidates[row].structure)
        for turn, pick in enumerate(picks, 1):
            before = [prints[other] for other in picks[: turn - 1]]
            alike = DataStructs.BulkTanimotoSimilarity(prints[pick], before)
            distance = round(1 - max(alike), 4) if alike else None
            verdicts[readable[pick]] = Verdict(True, turn, columns={"pick_distance": distance})
        return verdicts
