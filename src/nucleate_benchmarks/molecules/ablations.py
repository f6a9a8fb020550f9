"""What each idea of the molecule model is worth: one change at a time, equally many molecules.

    python -m nucleate_benchmarks.molecules.ablations --features DIR [--codec selfies=DIR ...] \\
        --out FILE

Every variant is trained from the same seed on the same molecules in the same order, each seen
equally often, and measured on validation molecules. The seconds stand beside it, since some
variants cost more a molecule. Short runs rank how quickly ideas pay, not where they end.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nucleate.core.errors import StructureError
from nucleate.core.files import write_json, write_text
from nucleate.core.manifest import load_manifest
from nucleate.core.settings import merge
from nucleate.latent.latent_model import LatentModel, load_codec
from nucleate.molecules.chemistry.chem import random_spellings
from nucleate.settings.model import TrainSettings
from nucleate.stages.train import read_splits, structures_at
from nucleate.vae.arrays import Batch, RaggedArrays
from nucleate.vae.evidence_lower_bound import Loss, evidence_loss
from nucleate.vae.model import VAE
from nucleate.vae.prior import StandardNormal
from nucleate.vae.training.evaluation import encode_all
from nucleate.vae.training.trainer import Trainer
from nucleate_benchmarks.common.figures import surroundings
from nucleate_benchmarks.molecules import latent_map
from nucleate_benchmarks.molecules.features import compute
from nucleate_benchmarks.molecules.linear_probe import probe
from nucleate_benchmarks.molecules.moses import wasserstein
from nucleate_benchmarks.molecules.reconstruction import encode, exact_reconstruction

BASE: dict[str, Any] = {
    "batch": 64,
    "learning_rate": 2e-3,
    "patience": 1000,
    "network": {"latent": 128, "binding": True},
    "objective": {
        "beta": 0.01,
        "warm_up": 0.2,
        "auxiliary_weight": 0.02,
        "alignment_weight": 2.0,
        "noise": 0.2,
    },
}


@dataclass(frozen=True)
class Variant:
    """One change.

    Attributes:
        name: for the table.
        change: settings laid over `BASE`.
        translate: share of batches whose encoder reads a random spelling, the decoder writing the
            canonical record.
        consistency: weight of the squared distance between the means of the two spellings.
        codec: which features: `fragments`, or the name of a folder given by `--codec`.
    """

    name: str
    change: dict[str, Any] = field(default_factory=dict)
    translate: float = 0.0
    consistency: float = 0.0
    codec: str = "fragments"


def _objective(**values: float) -> dict[str, Any]:
    return {"objective": values}


def _network(**values: Any) -> dict[str, Any]:
    return {"network": values}


_BARE = _objective(auxiliary_weight=0.0, alignment_weight=0.0)
VARIANTS = (
    Variant("as shipped"),
    Variant("no binding", _network(binding=False)),
    Variant("no noise on the latent vector", _objective(noise=0.0)),
    Variant("no word dropout", _objective(word_dropout=0.0)),
    Variant("no alignment", _objective(alignment_weight=0.0)),
    Variant("no descriptor and fingerprint heads", _objective(auxiliary_weight=0.0)),
    Variant("neither alignment nor heads", _BARE),
    Variant("translate a random spelling", translate=1.0),
    Variant("copy and translate by halves", translate=0.5),
    Variant("by halves, with consistency", translate=0.5, consistency=0.2),
    Variant("beta 0.001", _objective(beta=0.001)),
    Variant("beta 0.1", _objective(beta=0.1)),
    Variant("beta 1", _objective(beta=1.0)),
    Variant("free bits 0.5, beta 0.1", _objective(beta=0.1, free_bits=0.5)),
    Variant("latent 32", _network(latent=32)),
    Variant("latent 64", _network(latent=64)),
    Variant("transformers", _network(encoder="transformer", decoder="transformer", binding=False)),
    Variant("transformers with binding", _network(encoder="transformer", decoder="transformer")),
    Variant("fragments without heads and alignment, no binding", _BARE | _network(binding=False)),
    Variant("vocabulary 512", codec="vocabulary-512"),
    Variant("vocabulary 1,024", codec="vocabulary-1024"),
    Variant("vocabulary 2,048", codec="vocabulary-2048"),
    Variant("SELFIES, the same otherwise", _BARE | _network(binding=False), codec="selfies"),
)


class Translator(Trainer):
    """Trainer whose encoder may read another spelling than the decoder writes.

    Args:
        spellings: of the training structures, in their order.
        variant: shares and weights.
    """

    spellings: RaggedArrays | None = None
    variant: Variant = VARIANTS[0]

    def loss(self, rows: Any, batch: Batch, beta: float) -> Loss:
        if self.spellings is None:
            return super().loss(rows, batch, beta)
        draw = np.random.default_rng([self.seed, self.state.step]).random()
        other = self.spellings.batch(rows).to(self.device)
        view = other if draw < self.variant.translate else batch
        found = evidence_loss(self.model, view, batch, self.settings.objective, beta)
        if self.variant.consistency:
            first, second = self.model.encode(batch).mean, self.model.encode(other).mean
            apart: Tensor = (first - second).square().sum(-1).mean()
            found.total = found.total + self.variant.consistency * apart
        return found


def respelt(structures: Sequence[str], codec: Any, seed: int) -> RaggedArrays:
    """A random spelling of each structure, the canonical one where none can be written."""
    records = []
    for number, smiles in enumerate(structures):
        for text in [*random_spellings(smiles, 1, seed + number), smiles]:
            try:
                records.append(codec.encode_spelling(text))
                break
            except StructureError:
                continue
    return RaggedArrays.from_records(codec.schema, records)


def run(
    variant: Variant, folder: Path, structures: int, measured: int, seed: int
) -> dict[str, float]:
    """Train one variant and measure it.

    Args:
        folder: features of its codec.
        structures: training molecules, each seen once.
        measured: validation molecules.
    """
    manifest = load_manifest(folder, "featurize")
    matter, codec = load_codec(folder)
    arrays = RaggedArrays.load(folder / "features.npz", codec.schema)
    splits = read_splits(manifest)
    rng = np.random.default_rng(seed)
    chosen = splits["train"][rng.permutation(len(splits["train"]))[:structures]]
    judges = splits["validation"][rng.permutation(len(splits["validation"]))[:measured]]
    settings = TrainSettings(**merge(merge(BASE, variant.change), {"epochs": 1}))
    torch.manual_seed(seed)
    model = VAE(codec.schema, matter.codecs.legality(codec.schema), settings.network)
    training = arrays.subset(chosen)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Translator(
            model,
            training,
            arrays.subset(judges),
            settings,
            folder=Path(scratch),
            key=variant.name,
            seed=seed,
            device="cpu",
        )
        if variant.translate or variant.consistency:
            trainer.spellings = respelt(structures_at(manifest, chosen), codec, seed)
            trainer.variant = variant
        started = time.perf_counter()
        state = trainer.run()
        seconds = time.perf_counter() - started
    model.eval()
    mean, _ = encode_all(model, training, trainer.device)
    prior = StandardNormal(model.latent_size, settings.prior)
    ready = LatentModel(folder, matter, codec, model, prior, {}, trainer.device)
    held = structures_at(manifest, judges)
    known = structures_at(manifest, chosen[: 4 * measured])
    return {
        "seconds": round(seconds, 1),
        "nats": state.rows[-1]["validation_distortion"],
        "rate": state.rows[-1]["validation_rate"],
        **_measured(ready, held, known, mean, seed),
    }


def _measured(
    model: LatentModel, held: Sequence[str], known: Sequence[str], mean: Any, seed: int
) -> dict[str, float]:
    encoded = encode(model, held)
    spread = mean.std(0)
    near = latent_map.neighbourhood(model, encoded.mean, spread, seed)
    between = latent_map.midpoints(model, encoded.smiles, encoded.mean, len(held), seed)
    ranks = latent_map.rank_correlations(encoded.smiles, encoded.mean, spread, 4000, seed)
    out = {
        "exact": exact_reconstruction(model, encoded)[0]["exact"],
        "near": near["bits"],
        "midpoint": between["bits"],
        "spearman": ranks["euclidean"],
    }
    truth = _values(encoded.smiles)
    base = _values(known)
    for name, column in (("logP", "MolLogP"), ("TPSA", "TPSA"), ("QED", "qed")):
        out[f"R2 {name}"] = probe(
            mean[: len(known)], base[column], encoded.mean, truth[column], seed
        )
    # Half noise: the vector says something, and the decoder knows that it is no encoding.
    normal = np.random.default_rng(seed).standard_normal((len(held), model.size))
    drawn = [d.structure for d in model.decode(normal.astype(np.float32), 1.0, seed, 0.5)]
    made = _values([s for s in drawn if s])
    out["SA"] = float(np.nanmean(made["sa_score"]))
    out["W1 QED"] = wasserstein(truth["qed"], made["qed"])
    out["W1 logP"] = wasserstein(truth["MolLogP"], made["MolLogP"])
    return out


def _values(smiles: Sequence[str]) -> dict[str, Any]:
    names = ["MolLogP", "TPSA", "qed", "sa_score"]
    found = compute(smiles, names, 1)
    return {name: np.array(found[name], float) for name in names}


COLUMNS = {
    "seconds": "seconds",
    "nats": "distortion, nats",
    "rate": "rate, nats",
    "exact": "exact",
    "near": "changed to parent",
    "midpoint": "midpoint",
    "spearman": "Spearman",
    "R2 logP": "R2 logP",
    "R2 TPSA": "R2 TPSA",
    "R2 QED": "R2 QED",
    "SA": "SA",
    "W1 QED": "W1 QED",
    "W1 logP": "W1 logP",
}


def markdown(rows: dict[str, dict[str, float]]) -> str:
    """The table."""
    head = ["variant", *COLUMNS.values()]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in rows.items():
        cells = [
            "-" if row.get(key) is None or math.isnan(row[key]) else f"{row[key]:.3g}"
            for key in COLUMNS
        ]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument(
        "--codec",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="Features of the same molecules made with another codec; repeatable.",
    )
    parser.add_argument("--structures", type=int, default=30_000)
    parser.add_argument("--measured", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", action="append", help="Name of a variant; repeatable.")
    parser.add_argument("--out", type=Path, required=True, help="JSON; Markdown beside it.")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    others = (text.partition("=") for text in given.codec)
    folders = {"fragments": given.features, **{name: Path(path) for name, _, path in others}}
    rows: dict[str, dict[str, float]] = {}
    if given.out.exists():
        rows = json.loads(given.out.read_text())["rows"]
    for variant in VARIANTS:
        folder = folders.get(variant.codec)
        if folder is None or (given.only and variant.name not in given.only):
            continue
        if variant.name in rows:
            continue
        rows[variant.name] = run(variant, folder, given.structures, given.measured, given.seed)
        print(variant.name, rows[variant.name], flush=True)
        about = {
            **surroundings(
                " ".join(["python -m nucleate_benchmarks.molecules.ablations", *sys.argv[1:]])
            ),
            "structures": given.structures,
            "seed": given.seed,
        }
        write_json(given.out, {"about": about, "rows": rows})
        write_text(given.out.with_suffix(".md"), markdown(rows))


if __name__ == "__main__":
    main()
