"""The plan: which prototype gets which elements, in an order whose every beginning is diverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from nucleate.core.quiet import silenced
from nucleate_data.prototypes.substitution import Choice, allowed_elements, choices

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAXIMUM_ATOMS = 20
"""Atoms in the primitive cell of a prototype that is used."""
CHANCE_BY_ATOMS = ((4, 1.0), (6, 0.35), (8, 0.15), (10, 0.08), (14, 0.04))
"""Chance that a prototype is used in a round, by atoms in its cell; 0.02 above."""
PACKED = ("A1", "A2", "A3", "A3'", "A5", "A7", "A11", "A20")
"""Strukturbericht symbols tried for every element that is not molecular."""
COVALENT = ("A4", "A8", "A9", "A10", "A17", "A_h")
COVALENT_LABELS = ("A_hR12_166_2h", "A_mP4_4_2a", "A_hP4_194_f", "A_cI16_206_c")
"""Further ones for metalloids and other elements with covalent bonds."""
MOLECULAR_LABELS = (
    "A_cP8_205_c", "A_tP4_136_f", "A_oC8_64_f", "A_mC4_12_i", "A_hR2_166_c", "A_cP8_198_2a",
)  # fmt: skip
"""Tried for elements of diatomic molecules."""
DIATOMIC = frozenset(("H", "N", "O", "F", "Cl", "Br", "I"))


@dataclass(frozen=True)
class Job:
    """One crystal to make: a prototype with its elements replaced.

    Attributes:
        number: place in the plan; the crystal's id is made of it.
        prototype: place in pymatgen's library.
        elements: symbol in the prototype -> symbol in the crystal.
        origin: `elemental`, `prototype` (its own elements), `substitution` (ionic model) or
            `intermetallic` (metals near by Pettifor's scale).
    """

    number: int
    prototype: int
    elements: dict[str, str]
    origin: str


@dataclass(frozen=True)
class Prototype:
    """An AFLOW prototype in its primitive cell."""

    index: int
    label: str
    strukturbericht: str
    structure: Structure


@cache
def library() -> tuple[Prototype, ...]:
    """The usable prototypes: ordered, at most `MAXIMUM_ATOMS` atoms in the primitive cell."""
    with silenced():
        from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY

        found = []
        for index, entry in enumerate(AFLOW_PROTOTYPE_LIBRARY):
            structure = entry["snl"].structure.get_primitive_structure()
            structure.remove_oxidation_states()
            if len(structure) <= MAXIMUM_ATOMS and structure.is_ordered:
                tags = entry["tags"]
                found.append(
                    Prototype(index, tags["aflow"], str(tags["strukturbericht"]), structure)
                )
        return tuple(found)


@cache
def by_index() -> dict[int, Prototype]:
    """The library by place in pymatgen's."""
    return {prototype.index: prototype for prototype in library()}


def labels() -> dict[int, str]:
    """AFLOW label by place in pymatgen's library."""
    return {prototype.index: prototype.label for prototype in library()}


def plan(count: int, seed: int) -> list[Job]:
    """What to make, in an order whose every beginning is diverse.

    Elements first (the hull needs them), then the prototypes' own compositions, then rounds over
    the prototypes with one substitution each, smaller cells more often.

    Args:
        count: number of crystals that are planned besides the elements.
        seed: of the substitutions drawn.
    """
    random = np.random.default_rng(seed)
    entries: list[tuple[int, dict[str, str], str]] = []
    seen: set[tuple[int, str]] = set()

    def add(prototype: Prototype, elements: Mapping[str, str], origin: str) -> bool:
        key = (prototype.index, ",".join(f"{a}:{b}" for a, b in sorted(elements.items())))
        if key in seen:
            return False
        seen.add(key)
        entries.append((prototype.index, dict(elements), origin))
        return True

    for prototype, symbol in _elemental():
        add(prototype, {prototype.structure[0].specie.symbol: symbol}, "elemental")
    start = len(entries)
    compounds = [p for p in library() if len(p.structure.composition) > 1]
    for prototype in compounds:
        symbols = [e.symbol for e in prototype.structure.composition]
        if all(symbol in allowed_elements() for symbol in symbols):
            add(prototype, {s: s for s in symbols}, "prototype")
    queues = [(p, choices(p.structure.composition, random)) for p in compounds]
    used: Counter[str] = Counter()
    systems: Counter[frozenset[str]] = Counter()
    while queues and len(entries) - start < count:
        remaining = []
        for prototype, queue in queues:
            size = len(prototype.structure)
            chance = next((c for limit, c in CHANCE_BY_ATOMS if size <= limit), 0.02)
            if queue and queue[0][1] == "intermetallic":
                chance *= 0.5
            if queue and random.random() < chance:
                place = _least_used(queue, used, systems)
                elements, origin = queue.pop(place)
                system = frozenset(elements.values())
                if systems[system] < 6 and add(prototype, elements, origin):
                    used.update(system)
                    systems[system] += 1
            if queue:
                remaining.append((prototype, queue))
        queues = remaining
    return [Job(number, *entry) for number, entry in enumerate(entries)]


def _elemental() -> Iterator[tuple[Prototype, str]]:
    for prototype in library():
        if len(prototype.structure.composition) > 1:
            continue
        packed = prototype.strukturbericht in PACKED
        covalent = (
            packed or prototype.strukturbericht in COVALENT or prototype.label in COVALENT_LABELS
        )
        molecular = prototype.label in MOLECULAR_LABELS
        for symbol, element in allowed_elements().items():
            metal = element.is_metal and not element.is_metalloid
            if molecular if symbol in DIATOMIC else packed if metal else covalent:
                yield prototype, symbol


def _least_used(
    queue: Sequence[Choice], used: Counter[str], systems: Counter[frozenset[str]]
) -> int:
    """Among the next choices, the one whose elements have been used least."""

    def cost(place: int) -> float:
        elements = queue[place][0].values()
        rare = sum(used[e] for e in elements) / len(elements)
        return rare + 20 * systems[frozenset(elements)]

    return min(range(min(12, len(queue))), key=cost)
