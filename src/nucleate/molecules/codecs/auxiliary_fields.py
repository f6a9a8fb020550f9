"""Descriptors and fingerprint that a molecule's latent vector shall tell besides its fragments.

Predicted linearly from the latent vector while training ("perceptual" targets), they make
neighbours in latent space neighbours in chemistry.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleate.core.errors import StructureError
from nucleate.molecules.chemistry.chem import fingerprints, parse
from nucleate.molecules.properties import FUNCTIONS
from nucleate.vae.schema import Field

BITS = 1024
_SAMPLE = 5000

DESCRIPTORS: dict[str, Callable[[Any], float]] = {
    name: FUNCTIONS[name.replace("_csp3", "_sp3")][0]
    for name in (
        *("logp", "tpsa", "qed", "molecular_weight", "hydrogen_bond_donors"),
        *("hydrogen_bond_acceptors", "rotatable_bonds", "rings", "aromatic_rings"),
        *("fraction_csp3", "heavy_atoms"),
    )
}
"""Name -> value of a molecule; sources as in `nucleate.molecules.properties`."""


def fields() -> tuple[Field, ...]:
    """Auxiliary fields of the molecules' schema."""
    return (
        Field("descriptors", "gaussian", len(DESCRIPTORS), unit="standard deviations"),
        Field("fingerprint", "bernoulli", BITS),
    )


def scales(smiles: Sequence[str], seed: int) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each descriptor over a sample of molecules."""
    rows = np.random.default_rng(seed).permutation(len(smiles))[:_SAMPLE]
    found = [m for m in (parse(smiles[i]) for i in rows) if m is not None]
    out = {}
    for name, compute in DESCRIPTORS.items():
        values = np.array([compute(m) for m in found], np.float64)
        out[name] = (float(values.mean()), float(max(values.std(), 1e-6)))
    return out


def auxiliary_values(
    smiles: Sequence[str], scale: Mapping[str, tuple[float, float]]
) -> list[dict[str, NDArray[Any]]]:
    """Values of the auxiliary fields of each molecule.

    All molecules are asked for one descriptor after the other: each goes through many patterns,
    which then stay in the processor's cache.

    Args:
        scale: mean and standard deviation of each descriptor.

    Returns:
        `descriptors` float32 [n], standardised by `scale`, NaN for QED of seven molecules in eight;
        `fingerprint` uint8 [BITS], Morgan bits of radius 2 (Rogers and Hahn 2010).

    Raises:
        StructureError: `unparsable`, if any one is.
    """
    molecules = [parse(text) for text in smiles]
    if None in molecules:
        raise StructureError("unparsable", smiles[molecules.index(None)][:80])
    values = np.full((len(molecules), len(DESCRIPTORS)), np.nan)
    for column, (name, compute) in enumerate(DESCRIPTORS.items()):
        mean, spread = scale.get(name, (0.0, 1.0))
        for row, molecule in enumerate(molecules):
            # QED takes as long as all the rest: an eighth of the labels is enough.
            if name != "qed" or zlib.crc32(smiles[row].encode()) % 8 == 0:
                values[row, column] = (compute(molecule) - mean) / spread
    return [
        {
            "descriptors": row,
            "fingerprint": np.asarray(
                fingerprints(bits=BITS).GetFingerprintAsNumPy(molecule), np.uint8
            ),
        }
        for row, molecule in zip(values.astype(np.float32), molecules, strict=True)
    ]
