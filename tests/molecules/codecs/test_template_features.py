"""Fixed descriptors of fragment templates."""

from __future__ import annotations

import numpy as np

from nucleate.molecules.codecs.template_features import SIZE, template_features


def test_counts() -> None:
    counts = np.expm1(template_features("*C(=O)[O-]"))
    assert counts.shape == (SIZE,)
    assert counts.dtype == np.float32
    carbon, nitrogen, oxygen = counts[:3].round().astype(int)
    assert (carbon, nitrogen, oxygen) == (1, 0, 2)
    aromatic, positive, negative, stars, closures, double = counts[13:19].round().astype(int)
    assert (aromatic, positive, negative, stars, closures, double) == (0, 0, 1, 1, 0, 1)
    assert counts[-64:].sum().round() == 3  # three bonded pairs


def test_places_and_rings_are_told_apart() -> None:
    texts = ["*c1ccccc1", "c1ccccc1", "*c1ccncc1", "*C1CCCCC1", "*c1ccc(*)cc1"]
    features = [tuple(template_features(text)) for text in texts]
    assert len(set(features)) == len(texts)
