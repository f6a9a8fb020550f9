"""Checks that find one molecule under several drawings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from nucleate.core.settings import Settings
from nucleate.matter.checks import Candidate, Check, Verdict
from nucleate.molecules.checks.single_check import SingleCheck
from nucleate.molecules.chemistry.chem import canonical
from nucleate.molecules.chemistry.tautomers import inchikey, standard_tautomer


class IdentityOptions(Settings):
    tautomer: bool = True
    """Whether to look for the standard tautomer, by far the slower of the two names."""
    transforms: Annotated[int, Field(ge=1)] = 100
    """Hydrogen shifts that are tried at most; bounds the time a molecule takes."""


class IdentityCheck(SingleCheck):
    """Gives each molecule the names by which doubles are found; rejects none that can be read.

    The value tells whether the molecule is drawn as its standard tautomer. Columns: `inchikey` and
    `tautomer`, the canonical SMILES of the standard tautomer.
    """

    name = "identity"
    description = "names it by InChIKey and standard tautomer, so that doubles are recognised"
    Options = IdentityOptions
    # Up to tens of milliseconds: only what the budget has left is worth it.
    expensive = True

    def judge(self, found: Any, smiles: str) -> Verdict:
        columns = {"inchikey": inchikey(found)}
        if not self.options.tautomer:
            return Verdict(True, None, columns=columns)
        standard = standard_tautomer(found, self.options.transforms)
        value = "standard tautomer" if standard == canonical(found) else "another tautomer"
        return Verdict(True, value, columns=columns | {"tautomer": standard})


class DoublesOptions(Settings):
    stereoisomers: bool = False
    """Whether stereoisomers of a better candidate count as its doubles."""


class DoublesCheck(Check):
    """No better candidate is the same molecule. The value is the SMILES of the one that is.

    Two candidates are the same if they share the InChIKey, which looks through most prototropic
    tautomers, or the standard tautomer. Reads the columns `inchikey` and `tautomer`.
    """

    name = "doubles"
    description = "no better candidate is the same molecule by InChIKey or by standard tautomer"
    Options = DoublesOptions
    needs = ("identity",)
    expensive = True  # so that all candidates are in order by now

    def run(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        seen: dict[tuple[str, str], str] = {}
        return [self._one(candidate, seen) for candidate in candidates]

    def _one(self, candidate: Candidate, seen: dict[tuple[str, str], str]) -> Verdict:
        key, tautomer = (str(candidate.columns.get(c) or "") for c in ("inchikey", "tautomer"))
        if self.options.stereoisomers:
            key = key.split("-")[0]  # the first block names the skeleton
        names = [(kind, name) for kind, name in (("InChIKey", key), ("tautomer", tautomer)) if name]
        for name in names:
            if name in seen:
                reason = f"shares the {name[0]} {name[1]} with the better candidate {seen[name]}"
                return Verdict(False, seen[name], reason)
        for name in names:
            seen.setdefault(name, candidate.structure)
        return Verdict(True, "")
