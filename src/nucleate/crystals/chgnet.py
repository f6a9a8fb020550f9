"""CHGNet (Deng et al. 2023, doi:10.1038/s42256-023-00716-3): energies and gradients in batches.

The weights are those inside the `chgnet` wheel. Energies are eV/atom and are comparable with the
Materials Project's corrected GGA/GGA+U energies. Structures with clashing atoms are refused before
the model sees them: it was not trained there and its energies explode.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleate.crystals.distances import nearest

if TYPE_CHECKING:
    from pymatgen.core import Structure

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


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Drop the prints and warnings of CHGNet, ASE and pymatgen inside the block."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


@cache
def model(device: str = "cpu") -> Any:
    """The pretrained CHGNet, loaded once per process and device."""
    with silenced():
        from chgnet.model.model import CHGNet

        return CHGNet.load(use_device=device, verbose=False)


def refuse(structure: Structure) -> str:
    """Why CHGNet must not see a structure; empty if it may."""
    numbers = np.array([site.specie.Z for site in structure])
    if numbers.max() > MAXIMUM_ELEMENT:
        return f"element {structure[int(numbers.argmax())].specie} is unknown to CHGNet"
    if not np.isfinite(structure.lattice.matrix).all() or not structure.volume > 1:
        return "the cell has no volume"
    if structure.volume < SMALLEST_VOLUME * len(structure):
        return f"only {structure.volume / len(structure):.2f} A^3 per atom"
    found = nearest(structure.lattice.matrix, structure.frac_coords, numbers)
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
    if not structures:
        return []
    network = model(device)
    graphs: list[Any] = []
    places: list[int] = []
    results: list[Prediction | None] = [None] * len(structures)
    with silenced():
        for place, structure in enumerate(structures):
            try:
                graphs.append(network.graph_converter(structure).to(device))
            except (ValueError, RuntimeError):
                continue
            places.append(place)
    start = 0
    while start < len(graphs):
        stop, atoms, angles = start, 0, 0
        while stop < len(graphs) and atoms < BATCH_ATOMS and angles < BATCH_ANGLES:
            atoms += len(graphs[stop].atomic_number)
            angles += len(graphs[stop].bond_graph)
            stop += 1
        found = _evaluate(network, graphs[start:stop], gradients)
        for place, one in zip(places[start:stop], found, strict=True):
            results[place] = one
        start = stop
    return results


def _evaluate(network: Any, graphs: Sequence[Any], gradients: bool) -> list[Prediction]:
    """One batch through CHGNet.

    `CHGNet.predict_graph` gives the same numbers, but goes backwards twice (forces, stress) and
    keeps what a second derivative would need: half of a relaxation's time.
    """
    import torch
    from chgnet.model.model import BatchedGraph

    with silenced(), torch.set_grad_enabled(gradients):
        batch = BatchedGraph.from_graphs(
            graphs,
            bond_basis_expansion=network.bond_basis_expansion,
            angle_basis_expansion=network.angle_basis_expansion,
            compute_stress=gradients,
        )
        computed = network._compute(batch)
        energies = computed["e"] + network.composition_model(graphs)
        if not gradients:
            return [Prediction(float(energy)) for energy in energies.tolist()]
        total = (computed["e"] * computed["atoms_per_graph"]).sum()
        found = torch.autograd.grad(total, [*batch.atom_positions, *batch.strains])
    arrays = [gradient.cpu().numpy().astype(np.float64) for gradient in found]
    volumes = batch.volumes.tolist()
    return [
        Prediction(float(energy), -positions, strain / volume)
        for energy, positions, strain, volume in zip(
            energies.tolist(), arrays[: len(graphs)], arrays[len(graphs) :], volumes, strict=True
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
