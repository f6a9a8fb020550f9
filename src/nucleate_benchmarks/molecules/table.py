"""Our own table: a codec, a generator and a map at once, each figure beside its control."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from nucleate.latent.latent_model import LatentModel
from nucleate.vae.training.evaluation import active_units
from nucleate_benchmarks.common.drawing import draw
from nucleate_benchmarks.common.figures import Figure, Section, combined
from nucleate_benchmarks.molecules import features, latent_map, moses
from nucleate_benchmarks.molecules.chemnet import frechet_distance
from nucleate_benchmarks.molecules.linear_probe import probe
from nucleate_benchmarks.molecules.reconstruction import (
    Encoded,
    encode,
    exact_reconstruction,
    stochastic_reconstruction,
)
from nucleate_benchmarks.molecules.settings import TableSettings
from nucleate_benchmarks.molecules.tanimoto import internal_diversities

Echo = Callable[[str], object]
PROBED = {"logP": "MolLogP", "TPSA": "TPSA", "QED": "qed"}
TIMED = 10_000
"""Samples whose seconds are measured."""


def generation_figures(
    samples: Sequence[str | None],
    test: moses.Profile,
    train: AbstractSet[str],
    processes: int = 1,
    device: str = "cpu",
) -> dict[str, float]:
    """Figures of a list of samples, MOSES' definitions where they have one."""
    valid = moses.valid_smiles(samples, processes)
    own = moses.profile(valid, processes, device)
    first, _ = internal_diversities(own.bits, device)
    means = {name: float(np.nanmean(v)) if len(v) else math.nan for name, v in own.values.items()}
    return {
        "valid": len(valid) / len(samples) if samples else math.nan,
        "unique@10k": moses.unique_share(valid, moses.UNIQUE_OF["unique@10k"]),
        "novel": moses.novelty(valid, train),
        "internal diversity": first,
        "FCD to test": frechet_distance(test.chemnet, own.chemnet),
        "mean SA": means["SA"],
        "mean QED": means["QED"],
        **{
            f"W1 {name}": moses.wasserstein(test.values[name], own.values[name])
            for name in moses.DISTRIBUTIONS
        },
    }


def generation_section(
    runs: Sequence[Mapping[str, float]],
    controls: Mapping[str, Mapping[str, float]],
    test: moses.Profile,
    n: int,
) -> Section:
    """The generator's figures over seeds, with the test set's own means beside them."""
    own = {f"mean {name}": float(np.nanmean(test.values[name])) for name in ("SA", "QED")}
    replayed = controls.get("training set replayed", {}).get("FCD to test")
    note = (
        f"Reference: {len(test.smiles):,} test molecules. Novel: against the training set. "
        "Internal diversity and distances as MOSES defines them."
    )
    if replayed is not None:
        note += (
            f" The floor of FCD, as many random training molecules, is {replayed:.3g}: below some "
            "10,000 molecules FCD depends on their number."
        )
    figures = combined(runs, n, {**controls, "test set": own})
    return Section("Generator: draws from the prior", figures, note)


def codec_section(
    model: LatentModel,
    test: Sequence[str],
    train: Sequence[str],
    settings: TableSettings,
    seed: int,
    processes: int,
    echo: Echo,
) -> tuple[list[Section], dict[str, Any]]:
    """Reconstruction, map and probe, and what they rest on in detail."""
    wanted = test if settings.reconstruct is None else test[: settings.reconstruct]
    echo(f"encode {len(wanted):,} test molecules")
    encoded = encode(model, wanted)
    exact, _ = exact_reconstruction(model, encoded, settings.noise)
    echo(f"10 x 10 decodes of {min(settings.stochastic, len(encoded.smiles)):,} test molecules")
    shuffled = np.random.default_rng(seed).permutation(len(encoded.smiles))
    chosen = _rows(encoded, shuffled[: settings.stochastic])
    stochastic = stochastic_reconstruction(model, chosen, seed, settings.noise)
    rebuilt = Section(
        "Codec",
        [
            Figure(
                "exact reconstruction",
                exact["exact"],
                exact["n"],
                controls={"control": exact["control"]},
                note="with stereo; posterior mean, greedy; refused molecules count against it; "
                "control: the decode of another molecule",
            ),
            Figure(
                "10 x 10 stochastic reconstruction",
                stochastic["exact"],
                stochastic["n"],
                controls={"control": stochastic["control"]},
                note="JT-VAE's protocol: 10 posterior draws, each decoded 10 times at temperature "
                f"1; standard error over molecules {stochastic['standard_error']:.2g}",
            ),
            Figure("decoded", exact["decoded"], len(encoded.smiles), note="of those encoded"),
        ],
        f"Refused by the codec: {exact['refused'] or 'none'}.",
    )
    echo(f"encode {min(settings.probe, len(train)):,} training molecules")
    picks = np.random.default_rng(seed).permutation(len(train))[: settings.probe]
    known = encode(model, [train[i] for i in picks])
    spread = known.mean.std(0)
    mapped, details = _map_section(model, encoded, chosen, spread, settings, seed, echo)
    probed = _probe_section(known, encoded, seed, processes)
    figures = [*probed.figures, _active(encoded)]
    return [rebuilt, mapped, Section(probed.title, figures, probed.note)], {
        "reconstruction": exact,
        "stochastic": stochastic,
        **details,
    }


def _rows(encoded: Encoded, rows: Any) -> Encoded:
    smiles = [encoded.smiles[i] for i in rows]
    return Encoded(smiles, encoded.mean[rows], encoded.log_variance[rows], {})


def _active(encoded: Encoded) -> Figure:
    return Figure(
        "active units",
        float(active_units(encoded.mean)) if len(encoded.mean) else math.nan,
        len(encoded.smiles),
        note=f"of {encoded.mean.shape[1]}; variance of the posterior mean over 0.01 "
        "(Burda et al. 2016)",
    )


def _map_section(
    model: LatentModel,
    encoded: Encoded,
    chosen: Encoded,
    spread: Any,
    settings: TableSettings,
    seed: int,
    echo: Echo,
) -> tuple[Section, dict[str, Any]]:
    shuffled = np.random.default_rng(seed + 1).permutation(len(encoded.smiles))
    centres = _rows(encoded, shuffled[: settings.neighbourhood])
    echo(f"perturb {len(centres.smiles):,} test molecules")
    near = latent_map.neighbourhood(model, centres.mean, spread, seed, settings.noise)
    echo(f"decode {settings.midpoints:,} midpoints")
    between = latent_map.midpoints(
        model, encoded.smiles, encoded.mean, settings.midpoints, seed, settings.noise
    )
    ranks = latent_map.rank_correlations(encoded.smiles, encoded.mean, spread, settings.pairs, seed)
    return Section("Map", _map_figures(near, between, ranks), _MAP_NOTE), {
        "neighbourhood": near,
        "midpoints": between,
        "rank correlations": ranks,
    }


_MAP_NOTE = (
    "Similarity: Tanimoto of Morgan fingerprints, radius 2, folded to 2,048; bits (ECFP4) unless "
    "counts are named. A parent is the greedy decode of a test molecule's mean."
)


def _map_figures(
    near: Mapping[str, Any], between: Mapping[str, Any], ranks: Mapping[str, Any]
) -> list[Figure]:
    def value(table: Mapping[str, Any], key: str) -> float:
        found = table.get(key)
        return math.nan if found is None else float(found)

    def figure(name: str, table: Mapping[str, Any], key: str, control: str, note: str) -> Figure:
        beside = {"control": value(table, control)} if control else {}
        return Figure(name, value(table, key), int(table["n"]), controls=beside, note=note)

    half = f"measured there: {value(near, 'changed'):.3f} changed; control: random pairs"
    third = "on the arc; to each of the two parents; control: a random third molecule"
    euclid = "Euclidean latent distance against 1 - Tanimoto; control: latents of other molecules"
    same = f"{value(between, 'parent'):.3f} of the midpoints are one of the parents"
    return [
        figure("step where half the decodes change", near, "step", "", "in training sd, per axis"),
        figure("changed to parent there", near, "bits", "random_bits", half),
        figure("changed to parent there, counts", near, "counts", "random_counts", half),
        figure("midpoint to parents", between, "bits", "control_bits", third),
        figure(
            "midpoint to parents, straight", between, "straight_bits", "", "mean of the vectors"
        ),
        figure("midpoint to parents, counts", between, "counts", "control_counts", third),
        figure(
            "midpoint to the less similar parent",
            between,
            "lower_bits",
            "control_lower_bits",
            same,
        ),
        figure("Spearman, Euclidean", ranks, "euclidean", "control", euclid),
        figure("Spearman, Euclidean, counts", ranks, "euclidean_counts", "", "counts"),
        figure("Spearman, scaled", ranks, "scaled", "", "each axis by its training sd"),
        figure("Spearman, cosine", ranks, "cosine", "", "cosine distance"),
    ]


def _probe_section(known: Encoded, test: Encoded, seed: int, processes: int) -> Section:
    names = list(PROBED.values())
    fitted = features.compute(known.smiles, names, processes)
    asked = features.compute(test.smiles, names, processes)
    shuffled = known.mean[np.random.default_rng(seed).permutation(len(known.mean))]
    figures = []
    for name, key in PROBED.items():
        values = features.numbers(fitted[key]), features.numbers(asked[key])
        score = probe(known.mean, values[0], test.mean, values[1], seed)
        control = probe(shuffled, values[0], test.mean, values[1], seed)
        figures.append(
            Figure(f"R2 of {name}", score, len(test.smiles), controls={"control": control})
        )
    note = (
        f"Ridge regression on the posterior means of {len(known.smiles):,} training molecules, "
        "scored on test molecules. Control: fitted on other molecules' latents."
    )
    return Section("Linear probe and latent use", figures, note)


def speed_figure(model: LatentModel, seed: int) -> Figure:
    """Wall seconds from the prior to canonical SMILES, on this machine as it is."""
    started = time.perf_counter()
    draw(model, model.sampling(), TIMED, seed)
    seconds = time.perf_counter() - started
    return Figure(
        "seconds for 10,000 samples",
        seconds,
        TIMED,
        note=f"to canonical SMILES, networks on {model.device.type}",
    )
