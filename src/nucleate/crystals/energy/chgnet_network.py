"""CHGNet's energy of a batch of crystals, with the same weights and less work.

`chgnet` builds its graphs from Python objects and concatenates the features of both ends of each
edge, and of both bonds of each angle, before a linear layer. Here graphs are built by sorting, and
the linear layer is applied to atoms, bonds and angles before they are gathered: W [a, b, c] is
W1 a + W2 b + W3 c, and there are far fewer atoms and bonds than edges and angles. The last update
of the angles, which nothing reads, is left out. Equal to `chgnet` within rounding (see the tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nucleate.core.quiet import silenced
from nucleate.crystals.geometry.distances import find_neighbours


@cache
def model(device: str = "cpu") -> Any:
    """The pretrained CHGNet, loaded once per process and device."""
    with silenced():
        from chgnet.model.model import CHGNet

        return CHGNet.load(use_device=device, verbose=False)


Array = NDArray[np.float64]
WIDTH = 64
"""Features of atoms, bonds and angles."""
EDGE_REACH = 6.0
"""Angstrom; atoms so near exchange messages."""
BOND_REACH = 3.0
"""Angstrom; edges so short make angles."""


@dataclass(frozen=True)
class Graph:
    """Neighbours of the atoms of one cell.

    Attributes:
        lattice: [3, 3], rows in angstrom.
        coordinates: [n, 3], fractional.
        numbers: [n], atomic numbers.
        edges: [E, 2], atoms of each directed edge.
        images: [E, 3], cell of the second atom.
        undirected: [E], number of the edge regardless of direction, below E / 2.
        angles: [A, 2], directed edges of one atom, both shorter than `BOND_REACH`.
    """

    lattice: Array
    coordinates: Array
    numbers: NDArray[np.int64]
    edges: NDArray[np.int64]
    images: NDArray[np.int64]
    undirected: NDArray[np.int64]
    angles: NDArray[np.int64]


def build_graph(lattice: Array, coordinates: Array, numbers: NDArray[np.int64]) -> Graph | None:
    """The graph of a cell; None if an atom has no neighbour within `EDGE_REACH`."""
    lattice = np.ascontiguousarray(lattice, dtype=np.float64)
    points = np.ascontiguousarray(coordinates @ lattice, dtype=np.float64)
    first, second, offsets, distance = find_neighbours(points, lattice, EDGE_REACH)
    real = (distance > 1e-8) | (first != second)
    first, second, distance = first[real], second[real], distance[real]
    images = np.rint(offsets[real]).astype(np.int64)
    if len(np.unique(first)) < len(numbers):
        return None
    order = np.argsort(first, kind="stable")
    first, second, distance, images = first[order], second[order], distance[order], images[order]
    undirected = _undirected_edges(first, second, images)
    if undirected is None:
        return None
    short = np.flatnonzero(distance < BOND_REACH)
    return Graph(
        lattice,
        coordinates,
        numbers,
        np.stack([first, second], axis=1),
        images,
        undirected,
        _pairs_of_one_atom(short, first[short]),
    )


def _undirected_edges(
    first: NDArray[np.int64], second: NDArray[np.int64], images: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """A number shared by each edge and its reverse, [E]; None if one has none."""
    # Of an edge and its reverse the lesser key names both.
    there = np.column_stack([first, second, images])
    back = np.column_stack([second, first, -images])
    unequal = there != back
    where = unequal.argmax(axis=1)
    rows = np.arange(len(first))
    forward = there[rows, where] <= back[rows, where]
    keys = np.where(forward[:, None], there, back)
    span = keys.max(axis=0) - keys.min(axis=0) + 1
    code = np.ravel_multi_index((keys - keys.min(axis=0)).T, span)
    _, number, count = np.unique(code, return_inverse=True, return_counts=True)
    return number if (count == 2).all() else None


def _pairs_of_one_atom(edges: NDArray[np.int64], atoms: NDArray[np.int64]) -> NDArray[np.int64]:
    """All ordered pairs of different edges of the same atom, [A, 2]; atoms are sorted."""
    counts = np.bincount(atoms) if len(atoms) else np.zeros(0, np.int64)
    starts = np.cumsum(counts) - counts
    own = counts[atoms]
    left = np.repeat(np.arange(len(edges)), own)
    right = np.arange(len(left)) - np.repeat(np.cumsum(own) - own, own)
    right = right + starts[atoms][left]
    different = left != right
    return np.stack([edges[left[different]], edges[right[different]]], axis=1)


@dataclass(frozen=True)
class Batch:
    """Graphs of several cells side by side, as tensors on one device.

    Attributes:
        lattices: [B, 3, 3].
        coordinates: [N, 3], fractional.
        numbers: [N], atomic numbers less one.
        owner: [N], cell of each atom.
        first, second: [E], atoms of directed edges.
        images: [E, 3].
        undirected: [E].
        representative: [U], a directed edge of each undirected one.
        bonds: [S], undirected edges that make angles, which are few.
        bond_left, bond_right: [A], places in `bonds` of both sides of each angle.
        left, right: [A], directed edges of each angle.
        centre: [A], atom of each angle.
    """

    lattices: Tensor
    coordinates: Tensor
    numbers: Tensor
    owner: Tensor
    first: Tensor
    second: Tensor
    images: Tensor
    undirected: Tensor
    representative: Tensor
    bonds: Tensor
    bond_left: Tensor
    bond_right: Tensor
    left: Tensor
    right: Tensor
    centre: Tensor

    @classmethod
    def of(cls, graphs: Sequence[Graph], device: str) -> Batch:
        """Put graphs side by side."""
        atoms = np.cumsum([0] + [len(g.numbers) for g in graphs])
        edges = np.cumsum([0] + [len(g.edges) for g in graphs])
        ends = np.concatenate([g.edges + atoms[k] for k, g in enumerate(graphs)])
        undirected = np.concatenate([g.undirected + edges[k] // 2 for k, g in enumerate(graphs)])
        angles = np.concatenate([g.angles + edges[k] for k, g in enumerate(graphs)])
        representative = np.zeros(edges[-1] // 2, np.int64)
        representative[undirected] = np.arange(len(undirected))
        bonds, sides = np.unique(undirected[angles], return_inverse=True)
        whole = [
            np.concatenate([g.numbers for g in graphs]) - 1,
            np.repeat(np.arange(len(graphs)), np.diff(atoms)),
            *ends.T,
            undirected,
            representative,
            bonds,
            *sides.reshape(angles.shape).T,
            *angles.T,
            ends[angles[:, 0], 0],
        ]
        real = [
            np.stack([g.lattice for g in graphs]),
            np.concatenate([g.coordinates for g in graphs]),
            np.concatenate([g.images for g in graphs]),
        ]
        integers = [torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in whole]
        lattices, coordinates, images = (
            torch.from_numpy(array).to(device, torch.float32) for array in real
        )
        numbers, owner, first, second, *others = integers  # in the order of the fields
        return cls(lattices, coordinates, numbers, owner, first, second, images, *others)


class _Gated:
    """A gated perceptron whose first linear layer is split among what it reads."""

    def __init__(self, module: Any, parts: int):
        self.branches = []
        for perceptron, norm in ((module.mlp_core, module.bn1), (module.mlp_gate, module.bn2)):
            linears = [layer for layer in perceptron.layers if hasattr(layer, "weight")]
            weight = linears[0].weight.detach()
            split = [w.T.contiguous() for w in weight.split(weight.shape[1] // parts, dim=1)]
            second = linears[1] if len(linears) > 1 else None
            self.branches.append(
                (
                    split,
                    linears[0].bias.detach(),
                    None if second is None else (second.weight.detach(), second.bias.detach()),
                    (norm.weight.detach(), norm.bias.detach(), norm.eps),
                )
            )

    def __call__(self, features: Sequence[Tensor], places: Sequence[Tensor | None]) -> Tensor:
        """Gated output.

        Args:
            features: what each part of the first layer reads, [n_k, WIDTH].
            places: row of each feature that an output row reads, [M]; None for the row itself.
        """
        outputs = []
        for split, bias, second, (scale, shift, eps) in self.branches:
            products = map(torch.matmul, features[1:], split[1:])
            parts = chain([torch.addmm(bias, features[0], split[0])], products)
            gathered = (
                own if place is None else own.index_select(0, place)
                for own, place in zip(parts, places, strict=True)
            )
            total = reduce(torch.add, gathered)
            if second is not None:
                total = functional.linear(functional.silu(total), *second)
            outputs.append(functional.layer_norm(total, (WIDTH,), scale, shift, eps))
        core, gate = outputs
        return functional.silu(core) * torch.sigmoid(gate)


class Network:
    """CHGNet's weights, without gradients, and its energy as a function of positions and strain."""

    def __init__(self, network: Any):
        self.network = network.eval().requires_grad_(False)
        self.atom_layers = [
            (_Gated(layer.twoBody_atom, 3), layer.mlp_out) for layer in network.atom_conv_layers
        ]
        self.bond_layers = [
            (_Gated(layer.twoBody_bond, 4), layer.mlp_out) for layer in network.bond_conv_layers
        ]
        self.angle_layers = [_Gated(layer.twoBody_bond, 4) for layer in network.angle_layers]
        self.shifts = network.composition_model.fc.weight.detach()[0]

    def energies(self, batch: Batch, gradients: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Energies [B] (eV/atom), and what to differentiate by: Cartesian positions [N, 3] and
        strains [B, 3, 3]."""
        strains = torch.zeros_like(batch.lattices).requires_grad_(gradients)
        lattices = batch.lattices @ (torch.eye(3, device=strains.device) + strains)
        owner = batch.owner
        positions = torch.einsum("ni,nij->nj", batch.coordinates, lattices[owner])
        shift = torch.einsum("ei,eij->ej", batch.images, lattices[owner[batch.first]])
        vectors = positions[batch.first] - positions[batch.second] - shift
        lengths = vectors.norm(dim=1)
        sites = self._sites(batch, vectors / lengths[:, None], lengths[batch.representative])
        count = torch.bincount(owner).to(sites.dtype)
        total = torch.zeros_like(count).index_add(0, owner, sites)
        shifts = torch.zeros_like(count).index_add(0, owner, self.shifts[batch.numbers])
        return (total + shifts) / count, positions, strains

    def evaluate(
        self, graphs: Sequence[Graph], gradients: bool
    ) -> tuple[Array, list[Array], Array]:
        """Energies [B] (eV/atom), forces [n, 3] (eV/A) and stress [3, 3] (eV/A^3, tension positive)
        of each of B graphs in one batch; without gradients, which take twice the time, energies
        alone."""
        batch = Batch.of(graphs, str(self.shifts.device))
        with torch.set_grad_enabled(gradients):
            per_atom, positions, strains = self.energies(batch, gradients)
            energies = np.array(per_atom.tolist())
            if not gradients:
                return energies, [], np.zeros((0, 3, 3))
            counts = torch.bincount(batch.owner, minlength=len(graphs))
            found = torch.autograd.grad((per_atom * counts).sum(), [positions, strains])
        slopes, virials = (gradient.cpu().numpy().astype(np.float64) for gradient in found)
        forces = np.split(-slopes, np.cumsum(counts.cpu().numpy())[:-1])
        volumes = [abs(float(np.linalg.det(graph.lattice))) for graph in graphs]
        return energies, forces, virials / np.array(volumes)[:, None, None]

    def _sites(self, batch: Batch, directions: Tensor, lengths: Tensor) -> Tensor:
        """Energy of each atom, eV, [N], without the elements' shifts."""
        net = self.network
        atoms = net.atom_embedding.embedding(batch.numbers)
        far = net.bond_basis_expansion.rbf_expansion_ag(lengths)
        bonds = net.bond_embedding(far)
        edge_weight = net.bond_weights_ag(far).index_select(0, batch.undirected)
        has_angles = len(batch.left) > 0
        if has_angles:
            near = net.bond_basis_expansion.rbf_expansion_bg(lengths[batch.bonds])
            near_weight = net.bond_weights_bg(near)
            angle_weight = near_weight[batch.bond_left] * near_weight[batch.bond_right]
            angles = net.angle_embedding(
                net.angle_basis_expansion(directions[batch.left], directions[batch.right])
            )
        for number, (gated, out) in enumerate(self.atom_layers):
            messages = gated((atoms, bonds, atoms), (batch.first, batch.undirected, batch.second))
            gathered = torch.zeros_like(atoms).index_add(0, batch.first, messages * edge_weight)
            atoms = out(gathered) + atoms
            if number == len(self.bond_layers) or not has_angles:
                continue
            # Only bonds that make angles change.
            places = (batch.bond_left, batch.bond_right, None, batch.centre)
            short = bonds.index_select(0, batch.bonds)
            bond_gated, bond_out = self.bond_layers[number]
            messages = bond_gated((short, short, angles, atoms), places) * angle_weight
            change = bond_out(torch.zeros_like(short).index_add(0, batch.bond_left, messages))
            bonds = bonds.index_add(0, batch.bonds, change)
            if number < len(self.bond_layers) - 1:
                short = short + change
                angles = self.angle_layers[number]((short, short, angles, atoms), places) + angles
        return net.mlp(net.readout_norm(atoms)).view(-1)


@cache
def network(device: str) -> Network:
    """The shared model of `chgnet.model`, prepared once per process and device."""
    return Network(model(device))
