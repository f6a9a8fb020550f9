"""Edits of rings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rdkit import Chem, rdBase

from nucleate.molecules.edits.graph import Graph, NoPlaceError
from nucleate.molecules.edits.ring_operators import (
    change_ring_order,
    close_ring,
    fuse_ring,
    open_ring,
    resize_aromatic,
    unfuse_ring,
)


def children(operator: Callable[..., Any], smiles: str, tries: int = 60) -> set[str]:
    """SMILES of what an operator makes of a molecule that RDKit can sanitise."""
    graph, rng, found = Graph(Chem.MolFromSmiles(smiles)), np.random.default_rng(0), set()
    for _ in range(tries):
        try:
            changed = operator(graph, rng)
        except NoPlaceError:
            continue
        with rdBase.BlockLogs():
            if changed is not None and not Chem.SanitizeMol(changed, catchErrors=True):
                found.add(Chem.MolToSmiles(changed))
    return found


@pytest.mark.parametrize(
    ("operator", "smiles", "child"),
    [
        (change_ring_order, "c1ccccc1", "C1CCCCC1"),
        (change_ring_order, "C1CCCCC1", "c1ccccc1"),
        (close_ring, "CCCCC", "C1CCCC1"),
        (open_ring, "C1CCCC1", "CCCCC"),
        (fuse_ring, "c1ccccc1", "c1ccc2ccccc2c1"),
        (unfuse_ring, "c1ccc2ccccc2c1", "c1ccccc1"),
        (resize_aromatic, "c1ccsc1", "c1ccccc1"),
        (resize_aromatic, "c1ccccc1", "c1ccoc1"),
    ],
)
def test_children(operator: Callable[..., Any], smiles: str, child: str) -> None:
    assert child in children(operator, smiles)


@pytest.mark.parametrize("operator", [change_ring_order, open_ring, unfuse_ring, resize_aromatic])
def test_chains_have_no_place(operator: Callable[..., Any]) -> None:
    assert children(operator, "CCO") == set()
