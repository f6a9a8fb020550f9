"""A small run's folder, made up, without any stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nucleate.core.manifest import Manifest, Output
from nucleate.settings.run import DiscoverSettings
from nucleate.stages.run_folder import open_run

SMILES = ("CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C")


def manifest(stage: str, folder: Path, rows: dict[str, int], **metrics: Any) -> Manifest:
    """A stage's manifest with files of the given row counts."""
    outputs = tuple(Output(name, "0" * 64, count) for name, count in rows.items())
    return Manifest(stage, folder.parent.name, str(folder), key=stage, outputs=outputs,
                    metrics=metrics, seconds=12.5)  # fmt: skip


def write_stages(folder: Path, candidates: int) -> dict[str, Manifest]:
    """Files and manifests of all five stages of one kind of matter."""
    random = np.random.default_rng(0)
    for stage in ("featurize", "train", "sample", "optimize", "screen"):
        (folder / stage).mkdir(parents=True)
    epochs = np.arange(1, 21)
    fall = 40 * np.exp(-epochs / 6)
    pd.DataFrame(
        {
            "epoch": epochs,
            "train_distortion": fall + 3,
            "train_token": fall + 3,
            "validation_distortion": fall + 4,
            "validation_token": fall + 4,
            "validation_rate": 20.0,
            "validation_token_accuracy": 0.9,
            "validation_objective": fall + 5,
        }
    ).to_csv(folder / "train" / "curves.csv", index=False)
    scores = random.uniform(0, 1, 120)
    history = [{"trial": i, "score": s} for i, s in enumerate(scores)]
    (folder / "optimize" / "summary.json").write_text(json.dumps({"history": history}))
    (folder / "screen" / "funnel.json").write_text(
        json.dumps(
            [
                {"check": "sanitises", "description": "RDKit accepts it", "entered": 200,
                 "passed": 180, "seconds": 0.1, "reasons": {"bad_valence": 15, "empty": 5}},
                {"check": "novelty", "description": "not among the known", "entered": 180,
                 "passed": candidates, "seconds": 0.4, "reasons": {"known": 180 - candidates}},
            ]
        )
    )  # fmt: skip
    rows = [
        {
            "candidate_id": f"molecules-{i:04d}",
            "smiles": SMILES[i % len(SMILES)],
            "score": 0.95 - i / 100,
            "qed": 0.8,
            "qed_desirability": 0.9,
            "origin": "study" if i % 2 else "prior",
            "trial": i if i % 2 else None,
            "latent": np.zeros(4, np.float32),
            "novelty_value": 0.41,
            "nearest_known": "<b>CC</b>",
        }
        for i in range(candidates)
    ]
    columns = ["candidate_id", "smiles", "score", "origin", "trial", "latent"]
    table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
    table.to_parquet(folder / "screen" / "candidates.parquet")
    losses = {"token": 4.1, "distortion": 4.1}
    figures = {"n": 50, "exact_match": 0.84, "token_accuracy": 0.97}
    return {
        "featurize": manifest("featurize", folder / "featurize", {"records.parquet": 4812}),
        "train": manifest(
            "train", folder / "train", {}, active_units=60, latent_size=64,
            training={"token": 3.1}, held_out={**figures, "loss": losses},
        ),
        "sample": manifest("sample", folder / "sample", {"samples.parquet": 100}),
        "optimize": manifest("optimize", folder / "optimize", {"optimized.parquet": 100}),
        "screen": manifest(
            "screen", folder / "screen",
            {"candidates.parquet": candidates, "funnel.json": 0},
        ),
    }  # fmt: skip


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run of molecules with that many candidates and those stages, and gives its folder."""

    def make(candidates: int = 8, stages: int = 5) -> Path:
        pipeline = {"featurize": {"dataset": {"source": "nci"}}}
        settings = DiscoverSettings.model_validate(
            {"run": "made-up", "results": str(tmp_path), "matter": {"molecules": pipeline}}
        )
        with open_run(settings) as run:
            written = write_stages(run.folder / "molecules", candidates)
            run.stages["molecules"] = dict(list(written.items())[:stages])
            if stages == 5:
                run.publish("molecules")
        return tmp_path / "made-up"

    return make
