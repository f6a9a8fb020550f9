"""CHGNet (Deng et al. 2023, doi:10.1038/s42256-023-00716-3): energies and gradients in batches.

The weights are those inside the `chgnet` wheel. Energies are eV/atom and are comparable with the
Materials Project's corrected GGA/GGA+U energies. Structures with clashing atoms are refused before
the model sees them: it was not trained there and its energies explode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.crystals.geometry.distances import nearest

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from nucleate.crystals.energy.chgnet_network import Graph

MAXIMUM_ELEMENT = 94
"""CHGNet embeds the elements up to plutonium."""
CLASH_RATIO = 0.45
"""Shortest allowed distance over the sum of covalent radii."""
CLASH_DISTANCE = 0.6
"""Shortest allowed distance in angstrom (H2 has 0.74)."""
SMALLEST_VOLUME = 4.0
"""A^3 per atom (diamond has 5.7): denser cells have graphs of gigabytes."""
PLAUSIBLE_ENERGY = (-25.0, 15.0)
"""eV/atom outside which a CHGNet energy is taken for an extrapolation failure."""
MOST_EDGES = 400_000
"""Pairs of atoms within CHGNet's 6 A that a cell may have: beyond, its graph takes gigabytes."""
BATCH_ATOMS = 100
"""Atoms per graph batch: larger ones gain nothing on a CPU core and cost memory."""
BATCH_ANGLES = 60_000
"""Angles per graph batch: dense cells have hundreds an atom."""


@dataclass(frozen=True)
class Prediction:
    """Energy (eV/atom), forces [n, 3] (eV/A) and stress [3, 3] (eV/A^3, tension positive)."""

    energy: float
    forces: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    stress: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))


def refuse(structure: Structure) -> str:
    """Why CHGNet must not see a structure; empty if it may."""
    numbers = np.array([site.specie.Z for site in structure])
    if numbers.max() > MAXIMUM_ELEMENT:
        return f"element {structure[int(numbers.argmax())].specie} is unknown to CHGNet"
    if not np.isfinite(structure.lattice.matrix).all() or not structure.volume > 1:
        return "the cell has no volume"
    if structure.volume < SMALLEST_VOLUME * len(structure):
        return f"only {structure.volume / len(structure):.2f} A^3 per atom"
    edges = len(structure) ** 2 / structure.volume * 4 / 3 * np.pi * 6.0**3
    if edges > MOST_EDGES:
        return f"{len(structure)} atoms make a graph of about {edges:.0f} edges"
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


def predict(
    structures: Sequence[Structure], device: str, gradients: bool
) -> list[Prediction | None]:
    """CHGNet's predictions of structures that `refuse` allows; None for isolated atoms.

    Args:
        gradients: whether forces and stress are wanted, which takes twice the time.
    """
    from nucleate.crystals.energy.chgnet_network import build_graph

    graphs: list[Graph] = []
    places: list[int] = []
    results: list[Prediction | None] = [None] * len(structures)
    for place, structure in enumerate(structures):
        numbers = np.array(structure.atomic_numbers, np.int64)
        graph = build_graph(structure.lattice.matrix, structure.frac_coords, numbers)
        if graph is not None:
            graphs.append(graph)
            places.append(place)
    start = 0
    while start < len(graphs):
        stop, atoms, angles = start, 0, 0
        while stop < len(graphs) and atoms < BATCH_ATOMS and angles < BATCH_ANGLES:
            atoms += len(graphs[stop].numbers)
            angles += len(graphs[stop].angles)
            stop += 1
        found = _evaluate(graphs[start:stop], device, gradients)
        for place, one in zip(places[start:stop], found, strict=True):
            results[place] = one
        start = stop
    return results


def _evaluate(graphs: Sequence[Graph], device: str, gradients: bool) -> list[Prediction]:
    """One batch through CHGNet."""
    import torch

    from nucleate.crystals.energy.chgnet_network import Batch, network

    batch = Batch.of(graphs, device)
    with torch.set_grad_enabled(gradients):
        per_atom, positions, strains = network(device).energies(batch, gradients)
        energies = [float(energy) for energy in per_atom.tolist()]
        if not gradients:
            return [Prediction(energy) for energy in energies]
        counts = torch.bincount(batch.owner, minlength=len(graphs))
        found = torch.autograd.grad((per_atom * counts).sum(), [positions, strains])
    slopes, virials = (gradient.cpu().numpy().astype(np.float64) for gradient in found)
    ends = np.cumsum(counts.cpu().numpy())[:-1]
    volumes = [abs(float(np.linalg.det(graph.lattice))) for graph in graphs]
    return [
        Prediction(energy, -slope, virial / volume)
        for energy, slope, virial, volume in zip(
            energies, np.split(slopes, ends), virials, volumes, strict=True
        )
    ]


def energies(structures: Sequence[Structure], device: str = "cpu") -> NDArray[np.float64]:
    """CHGNet energies of structures as they are.

    Args:
        structures: pymatgen structures, ordered; primitive cells are cheapest.
        device: torch device name.

    Returns:
        float64 [n], eV/atom; NaN where refused (see `refuse`) or implausible.
    """
    values = np.full(len(structures), np.nan)
    allowed = [i for i, structure in enumerate(structures) if not refuse(structure)]
    found = predict([structures[i] for i in allowed], device, gradients=False)
    for i, one in zip(allowed, found, strict=True):
        if one is not None and PLAUSIBLE_ENERGY[0] < one.energy < PLAUSIBLE_ENERGY[1]:
            values[i] = one.energy
    return values
