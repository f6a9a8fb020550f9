"""Which elements may take the places of a prototype's own, and how likely."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.quiet import silenced

if TYPE_CHECKING:
    from pymatgen.core import Composition, Element

GUMBEL_SCALE = 1.5
"""Noise on log substitution probabilities: zero takes the likeliest only."""
USUAL_SPECIES = {
    -3: "N3-", -2: "O2-", -1: "F-",
    1: "Na+", 2: "Ca2+", 3: "Al3+", 4: "Ti4+", 5: "Nb5+", 6: "W6+",
}  # fmt: skip
"""Where substitution starts when a prototype's own species is unknown to the model, or when its
anions and cations change places."""
HOMOLOGUES = {"H-": "F-", "Te2-": "Se2-", "P3-": "N3-", "As3-": "N3-", "Sb3-": "N3-", "Bi3-": "N3-"}
"""Anions that the model was not trained on, and whose probabilities they borrow, less a half."""

Choice = tuple[dict[str, str], str]
"""Symbol in the prototype -> symbol in the crystal, and the origin of that choice."""


@cache
def allowed_elements() -> dict[str, Element]:
    """Hydrogen to bismuth without noble gases, and thorium and uranium."""
    from pymatgen.core import Element

    numbers = [*range(1, 84), 90, 92]
    elements = [Element.from_Z(z) for z in numbers]
    return {e.symbol: e for e in elements if not e.is_noble_gas}


def choices(composition: Composition, random: np.random.Generator) -> list[Choice]:
    """Substitutions for a prototype, likeliest first up to Gumbel noise, at most 400.

    By the data-mined ionic model where the prototype has a charge-balanced reading (two of it for
    one with anions and cations exchanged), else by nearness on Pettifor's scale.
    """
    readings = _readings(composition)
    if not readings:
        return _intermetallic(composition, random)
    lists = [_ionic(composition, species, random) for species in readings]
    merged: list[Choice] = []
    for place in range(400):
        for which, found in enumerate(lists):
            step = 2 if which == 0 else 1
            merged.extend(found[place * step : place * step + step])
    return merged[:400]


def _readings(composition: Composition) -> list[dict[str, str]]:
    """Element -> species of a charge-balanced reading, and of the same with signs exchanged."""
    from pymatgen.core import Species

    guesses = composition.oxi_state_guesses()
    whole = [g for g in guesses if all(float(q).is_integer() and q for q in g.values())]
    if not whole:
        return []
    charges = {symbol: int(q) for symbol, q in whole[0].items()}
    known = _substitution_model()[0].species
    natural = {
        symbol: str(Species(symbol, q)) if Species(symbol, q) in known else USUAL_SPECIES.get(q)
        for symbol, q in charges.items()
    }
    exchanged = {symbol: USUAL_SPECIES.get(-q) for symbol, q in charges.items()}
    return [
        {symbol: species for symbol, species in reading.items() if species}
        for reading in (natural, exchanged)
        if all(reading.values())
    ]


@cache
def _substitution_model() -> tuple[Any, tuple[Any, ...]]:
    with silenced():
        from pymatgen.analysis.structure_prediction.substitution_probability import (
            SubstitutionProbability,
        )

        table = SubstitutionProbability()
    species = sorted((s for s in table.species if s.oxi_state), key=str)
    from pymatgen.core import Species

    species += [Species.from_str(text) for text in HOMOLOGUES]
    return table, tuple(s for s in species if s.element.symbol in allowed_elements())


def _ionic(
    composition: Composition, charges: Mapping[str, str], random: np.random.Generator
) -> list[Choice]:
    """Charge-balanced substitutions by the data-mined model."""
    from pymatgen.core import Species

    table, species = _substitution_model()
    symbols = sorted(charges)
    amounts = [composition[symbol] for symbol in symbols]
    width = {2: len(species), 3: 60, 4: 24}.get(len(symbols), 12)
    options: list[list[int]] = []
    scores: list[NDArray[np.float64]] = []
    for symbol in symbols:
        start = Species.from_str(charges[symbol])
        value = np.array([_log_probability(table, s, start) for s in species])
        value += GUMBEL_SCALE * random.gumbel(size=len(species))
        best = np.argsort(-value)[:width]
        options.append([int(b) for b in best])
        scores.append(value[best])
    charge: Any = 0
    score: Any = 0
    for axis, (choice, value, amount) in enumerate(zip(options, scores, amounts, strict=True)):
        shape = [1] * len(symbols)
        shape[axis] = len(choice)
        q = np.array([species[c].oxi_state for c in choice]) * amount
        charge = charge + q.reshape(shape)
        score = score + value.reshape(shape)
    score = score + GUMBEL_SCALE * random.gumbel(size=score.shape)
    score = np.where(np.abs(charge) < 1e-6, score, -np.inf)
    found: list[Choice] = []
    for flat in np.argsort(-score, axis=None)[:2000]:
        place = np.unravel_index(int(flat), score.shape)
        if not np.isfinite(score[place]) or len(found) >= 400:
            break
        chosen = [species[c[int(p)]].element.symbol for c, p in zip(options, place, strict=True)]
        if len(set(chosen)) == len(chosen):
            found.append((dict(zip(symbols, chosen, strict=True)), "substitution"))
    return found


def _log_probability(table: Any, species: Any, start: Any) -> float:
    from pymatgen.core import Species

    homologue = HOMOLOGUES.get(str(species))
    if homologue is None:
        return float(np.log(table.cond_prob(species, start)))
    return float(np.log(table.cond_prob(Species.from_str(homologue), start))) - 0.5


def _intermetallic(composition: Composition, random: np.random.Generator) -> list[Choice]:
    """Elements near the original ones on Pettifor's scale (Mendeleev numbers)."""
    from pymatgen.core import Element

    symbols = sorted(e.symbol for e in composition)
    elements = [e for e in allowed_elements().values() if e.is_metal or e.is_metalloid]
    numbers = np.array([e.mendeleev_no for e in elements], dtype=float)
    found: list[Choice] = []
    for _ in range(400):
        chosen = []
        for symbol in symbols:
            distance = np.abs(numbers - Element(symbol).mendeleev_no)
            pick = int(np.argmax(-distance / 6 + random.gumbel(size=len(elements))))
            chosen.append(elements[pick].symbol)
        if len(set(chosen)) == len(chosen):
            found.append((dict(zip(symbols, chosen, strict=True)), "intermetallic"))
    return found
