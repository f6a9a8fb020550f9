"""Ablations and draws run end to end on a tiny set, and their tables hold what was measured."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from nucleate.core.manifest import Manifest
from nucleate.latent.latent_model import load_codec
from nucleate.stages.train import read_splits, structures_at
from nucleate.testing.tiny_model import tiny_features, trained
from nucleate_benchmarks.molecules import ablations, draws

__all__ = ["tiny_features", "trained"]


def test_a_variant_is_trained_and_measured(tiny_features: Manifest) -> None:
    variant = ablations.Variant(
        "by halves", {"network": {"width": 16, "latent": 8}}, translate=0.5, consistency=0.1
    )
    row = ablations.run(variant, Path(tiny_features.folder), 60, 10, seed=0)
    assert set(row) == set(ablations.COLUMNS)
    assert math.isfinite(row["nats"])
    assert 0 <= row["exact"] <= 1
    assert 1 <= row["SA"] <= 10
    table = ablations.markdown({"by halves": row})
    assert table.splitlines()[2].startswith("| by halves | ")
    assert f"{row['nats']:.3g}" in table


def test_respelt_molecules_are_the_same_ones(tiny_features: Manifest) -> None:
    _, codec = load_codec(Path(tiny_features.folder))
    splits = read_splits(tiny_features)
    structures = structures_at(tiny_features, splits["train"][:30])
    arrays = ablations.respelt(structures, codec, seed=0)
    assert [codec.decode(arrays.record(i)) for i in range(len(arrays))] == structures
    canonical = [codec.encode(s).steps["fragment"] for s in structures]
    changed = [
        not np.array_equal(arrays.record(i).steps["fragment"], own)
        for i, own in enumerate(canonical)
    ]
    assert any(changed)


def test_draws_are_compared(
    trained: Manifest,
    tiny_features: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "draws.json"
    arguments = ["--model", trained.folder, "--features", tiny_features.folder, "--count", "20"]
    rest = ["--noise", "0.5", "--temperature", "1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["draws", *arguments, *rest])
    draws.main()
    rows = json.loads(out.read_text())["rows"]
    assert [row["noise"] for row in rows] == [0.5, 0.5]
    assert rows[1]["prior"] == "standard_normal"
    assert "FCD to validation" in out.with_suffix(".md").read_text()
