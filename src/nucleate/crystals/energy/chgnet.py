"""CHGNet (Deng et al. 2023, doi:10.1038/s42256-023-00716-3), the energy model of the package.

The weights are those inside the `chgnet` wheel. Structures with clashing atoms are refused before
the model sees them: it was not trained there and its energies explode.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nucleate.core.errors import StructureError
from nucleate.crystals.elements import SYMBOLS
from nucleate.crystals.energy.energy_model import ElementReferences, EnergyModel, Predictions
from nucleate.crystals.geometry.distances import nearest

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from nucleate.crystals.energy.chgnet_network import Graph, Network

REFERENCES_PATH = Path(__file__).with_name("references.json")
"""Element references regressed on the Materials Project, made by
`nucleate_benchmarks.crystals.stability.references`: the least sum of
|E_CHGNet - E_formation - sum of x_Z mu_Z| over training crystals, x_Z atomic fractions."""
MAXIMUM_ELEMENT = 94
"""CHGNet embeds the elements up to plutonium."""
CLASH_RATIO = 0.45
"""Shortest allowed distance over the sum of covalent radii."""
CLASH_DISTANCE = 0.6
"""Shortest allowed distance in angstrom (H2 has 0.74)."""
SMALLEST_VOLUME = 4.0
"""A^3 per atom (diamond has 5.7): denser cells have graphs of gigabytes."""
MOST_EDGES = 400_000
"""Pairs of atoms within CHGNet's 6 A that a cell may have: beyond, its graph takes gigabytes."""
BATCH_ANGLES = 60_000
"""Angles per graph batch: dense cells have hundreds an atom."""


class Chgnet(EnergyModel):
    """CHGNet, batched. Larger batches than `batch_atoms` gain nothing on a CPU core."""

    name: ClassVar[str] = "chgnet"
    title: ClassVar[str] = "CHGNet"
    scheme: ClassVar[str] = "Materials Project, corrected GGA/GGA+U"
    plausible: ClassVar[tuple[float, float]] = (-25.0, 15.0)

    @property
    def version(self) -> str:
        return f"{version('chgnet')} {self._network.network.version}"

    @cached_property
    def _network(self) -> Network:
        from nucleate.crystals.energy.chgnet_network import network

        return network(self.device)

    def references(self) -> ElementReferences:
        return element_references()

    def refuse_element(self, number: int) -> str:
        known = number <= MAXIMUM_ELEMENT
        return "" if known else f"element {SYMBOLS[number - 1]} is unknown to CHGNet"

    def beyond(self, structure: Structure) -> str:
        if beyond := super().beyond(structure):
            return beyond
        if not structure.volume > 1:
            return ""
        edges = len(structure) ** 2 / structure.volume * 4 / 3 * np.pi * 6.0**3
        large = f"{len(structure)} atoms make a graph of about {edges:.0f} edges"
        return large if edges > MOST_EDGES else ""

    def refuse(self, structure: Structure) -> str:
        if refusal := super().refuse(structure):
            return refusal
        if not np.isfinite(structure.lattice.matrix).all() or not structure.volume > 1:
            return "the cell has no volume"
        if structure.volume < SMALLEST_VOLUME * len(structure):
            return f"only {structure.volume / len(structure):.2f} A^3 per atom"
        numbers = np.array(structure.atomic_numbers)
        try:
            found = nearest(structure.lattice.matrix, structure.frac_coords, numbers)
        except StructureError as error:
            return str(error)
        if found.distance < CLASH_DISTANCE or found.scaled < CLASH_RATIO:
            return (
                f"atoms clash: {found.pair_distance:.2f} A is {found.scaled:.2f} of the sum of "
                "covalent radii"
            )
        return ""

    def compute(self, structures: Sequence[Structure], gradients: bool) -> Predictions:
        from nucleate.crystals.energy.chgnet_network import build_graph

        out = Predictions.unknown(structures)
        graphs: dict[int, Graph] = {}
        for place, one in enumerate(structures):
            numbers = np.array(one.atomic_numbers, np.int64)
            graph = build_graph(one.lattice.matrix, one.frac_coords, numbers)
            if graph is None:
                out.reasons[place] = "an atom has no neighbour within 6 A"
            else:
                graphs[place] = graph
        for places in self._batches(graphs):
            part = [graphs[place] for place in places]
            energies, forces, stresses = self._network.evaluate(part, gradients)
            out.energies[places] = energies * out.atoms[places]
            for row, place in enumerate(places if gradients else ()):
                out.forces[out.rows(place)] = forces[row]
                out.stresses[place] = stresses[row]
        return out

    def _batches(self, graphs: dict[int, Graph]) -> Iterator[list[int]]:
        places: list[int] = []
        atoms = angles = 0
        for place, graph in graphs.items():
            if atoms >= self.batch_atoms or angles >= BATCH_ANGLES:
                yield places
                places, atoms, angles = [], 0, 0
            places.append(place)
            atoms += len(graph.numbers)
            angles += len(graph.angles)
        if places:
            yield places


@cache
def element_references() -> ElementReferences:
    """CHGNet's references, which come with the package."""
    found = json.loads(REFERENCES_PATH.read_text(encoding="utf-8"))
    return ElementReferences(**{key: found[key] for key in ElementReferences.__annotations__})
