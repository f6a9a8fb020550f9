"""The 20 goals of the PMO benchmark that need RDKit alone, most of them GuacaMol's.

Sources: GuacaMol, Brown et al. 2019, doi 10.1021/acs.jcim.8b00839; PMO, Gao et al. 2022, arXiv
2206.12411. What each goal is made of stands in `pmo.toml`. There are two sets of definitions:

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
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from rdkit import rdBase
from rdkit.Chem import GraphDescriptors, rdMolDescriptors

from nucleate.core.errors import SettingsError
from nucleate.core.settings import Settings, read_toml, validate
from nucleate.molecules.chemistry.chem import Fingerprint, logp, molecule
from nucleate.molecules.chemistry.drug_likeness import qed
from nucleate.molecules.oracles import guacamol_parts as parts
from nucleate.molecules.oracles.guacamol_parts import Modifier, Term

Definitions = Literal["pmo", "guacamol"]

DESCRIPTORS: dict[str, Callable[[Any], float]] = {
    "tpsa": rdMolDescriptors.CalcTPSA,
    "logp": logp,
    "qed": qed,
    "rings": rdMolDescriptors.CalcNumRings,
    "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
    "fluorines": lambda m: sum(atom.GetAtomicNum() == 9 for atom in m.GetAtoms()),
    "bertz": GraphDescriptors.BertzCT,
}


class _Term(Settings):
    """One term of a goal; the head of `pmo.toml` says what the keys mean."""

    kind: Literal["descriptor", "similarity", "pharmacophores", "formula", "pattern"]
    of: str = ""
    to: tuple[str, ...] = ()
    modifier: Literal["clipped", "gaussian", "min_gaussian", "max_gaussian"] | None = None
    at: float | str = 0.0
    width: float = 1.0
    wanted: bool = True

    def build(self, by_text: bool) -> Term:
        """The function of a molecule; `by_text` counts atoms as `pmo` does."""
        if self.kind == "formula":
            return parts.isomer(self.of, by_text)
        if self.kind == "pattern":
            return parts.pattern(self.of, self.wanted)
        if self.kind == "descriptor":
            return parts.descriptor(DESCRIPTORS[self.of], self.build_modifier())
        targets = [TARGETS[name] for name in self.to]
        if self.kind == "pharmacophores":
            return parts.pharmacophore_similarity(targets[0], self.build_modifier())
        fingerprint: Fingerprint = self.of  # type: ignore[assignment]
        if len(targets) > 1:
            return parts.median(fingerprint, *targets)
        return parts.similarity(fingerprint, targets[0], self.build_modifier())

    def build_modifier(self) -> Modifier:
        at = self.at
        if isinstance(at, str):
            at = DESCRIPTORS[self.of](parts.read_target(TARGETS[at]))
        if self.modifier is None:
            return float
        if self.modifier == "clipped":
            return parts.clipped(at)
        bell: Callable[[float, float], Modifier] = getattr(parts, self.modifier)
        return bell(at, self.width)


class _Goal(Settings):
    name: str
    description: str
    mean: Literal["geometric", "arithmetic"] = "geometric"
    terms: tuple[_Term, ...]


class _Table(Settings):
    source: str
    targets: dict[str, str]
    goal: tuple[_Goal, ...]


_PATH = Path(__file__).with_name("pmo.toml")
_TABLE = validate(_Table, read_toml(_PATH), str(_PATH))
_GOALS = {goal.name: goal for goal in _TABLE.goal}

TARGETS = _TABLE.targets
"""SMILES of the molecules that goals are like, by name."""

ORACLES: tuple[str, ...] = tuple(_GOALS)
"""The names, as PMO writes them."""

TEXT_COUNTED = tuple(g.name for g in _TABLE.goal if any(t.kind == "formula" for t in g.terms))
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
    if name not in _GOALS:
        near = difflib.get_close_matches(name, ORACLES, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise SettingsError(f"no oracle named {name!r}{meant}; known: {', '.join(ORACLES)}")
    if definitions not in get_args(Definitions):
        raise SettingsError(
            f"oracle {name!r}: `definitions` is `pmo` or `guacamol`, not {definitions!r}"
        )
    goal = _GOALS[name]
    terms = [term.build(definitions == "pmo") for term in goal.terms]
    mean = parts.geometric if goal.mean == "geometric" else parts.arithmetic
    whole = terms[0] if len(terms) == 1 else mean(*terms)
    return Oracle(name, definitions, description(name), whole)


def description(name: str) -> str:
    """One line for one of `ORACLES`."""
    return f"{_GOALS[name].description}, 0 to 1 (GuacaMol, Brown et al. 2019; PMO, Gao et al. 2022)"
