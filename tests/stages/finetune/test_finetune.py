"""Fine-tuning a tiny model on a set of one's own: files, figures, bound, refusals, the command."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from nucleate.cli.show.finetune import summary_lines
from nucleate.core.errors import CheckpointError, InputError
from nucleate.core.manifest import Manifest
from nucleate.latent.export_model import export
from nucleate.latent.latent_model import LatentModel, load_codec
from nucleate.regression.property_heads import load_heads, predict
from nucleate.settings.data import DatasetSettings, SplitSettings
from nucleate.settings.model import FinetuneSettings
from nucleate.stages.finetune.finetune import finetune
from nucleate.stages.finetune.finetune_figures import sample_figures
from nucleate.stages.finetune.training_like import Memory, sample_training_like
from nucleate.stages.reconstruct import reconstruct
from nucleate.vae.checkpoint import load_latents

Nucleate = Callable[..., Result]
TELLURIDES = ("C[Te]C", "CC[Te]C")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 alcohols, amines and thiols with their number of carbons, half of which is missing."""
    path = tmp_path_factory.mktemp("own") / "mine.csv"
    lines = ["name,smiles,carbons,constant"]
    for carbons in range(1, 25):
        for number, end in enumerate("ONS"):
            label = "" if (carbons + number) % 2 else str(carbons)
            lines.append(f"m{carbons}{end},{'C' * carbons}{end},{label},1")
    lines += [f"te{i},{smiles},1,1" for i, smiles in enumerate(TELLURIDES)]
    lines.append("bad,nonsense,1,1")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def settings(table: Path) -> FinetuneSettings:
    return FinetuneSettings(
        dataset=DatasetSettings(
            source=str(table), id_column="name", properties=("carbons", "constant")
        ),
        standardise={"elements": ["C", "N", "O", "S", "Te"]},
        split=SplitSettings(validation=0.1, test=0.2),
        epochs=2,
        prior_steps=50,
        base_set=30,
        samples=20,
        processes=1,
    )


@pytest.fixture(scope="module")
def tuned(
    settings: FinetuneSettings, trained: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Manifest:
    folder = tmp_path_factory.mktemp("tuned") / "mine"
    return finetune(settings, trained.folder, folder, seed=1, device="cpu")


def test_a_limit_of_time_covers_the_command(
    settings: FinetuneSettings,
    trained: Manifest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "nucleate.core.progress")
    endless = {"epochs": 100_000, "patience": 100_000, "prior_steps": 1_000_000}
    limited = settings.model_copy(update={**endless, "maximum_minutes": 0.1})
    started = time.monotonic()
    made = finetune(limited, trained.folder, tmp_path, device="cpu")
    assert time.monotonic() - started < 25  # 6 s and what a busy machine adds
    assert made.metrics["training"]["epochs"] < 100_000
    assert made.metrics["forgetting"]["bound_held"]
    assert "Of 0.1 minutes" in caplog.text
    assert "left for training" in caplog.text


def test_a_limit_that_measuring_uses_up_is_told(
    settings: FinetuneSettings,
    trained: Manifest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "nucleate.core.progress")
    limited = settings.model_copy(update={"maximum_minutes": 1e-6})
    made = finetune(limited, trained.folder, tmp_path, device="cpu")
    assert made.metrics["training"]["steps"] == 1
    assert "1e-06 minutes are too few" in caplog.text


def test_the_result_is_a_model_like_any_other(
    tuned: Manifest, trained: Manifest, card: Path, tmp_path: Path
) -> None:
    folder = Path(tuned.folder)
    model = LatentModel.load(folder, "cpu")
    assert all(item.structure for item in model.decode(model.draw_prior(3, 0)))
    assert len(model.training_latents()) == tuned.metrics["structures"]["train"]
    old = load_codec(Path(trained.folder))[1]
    assert model.codec.symbols()[: len(old.symbols())] == old.symbols()
    source = DatasetSettings(source="nci", limit=5)
    assert reconstruct(folder, source, device="cpu")["n"] == 5
    export(folder, tmp_path / "small", card=card, latents=8)
    rehearsed = load_latents(folder)["rehearsed"]
    kept = load_latents(tmp_path / "small")["rehearsed"]
    np.testing.assert_array_equal(kept, rehearsed[:8])
    assert load_heads(tmp_path / "small", LatentModel.load(tmp_path / "small").info)


def test_new_symbols_are_added_named_and_counted(tuned: Manifest) -> None:
    added = tuned.metrics["symbols"]["added_symbols"]
    assert sum(uses for symbol, uses in added.items() if "Te" in symbol) == len(TELLURIDES)
    assert tuned.metrics["rejected"] == {"unparsable": 1}
    model = LatentModel.load(Path(tuned.folder), "cpu")
    assert not model.arrays(TELLURIDES)[2]


def test_frozen_networks_stay(
    settings: FinetuneSettings, trained: Manifest, tmp_path: Path
) -> None:
    frozen = settings.model_copy(update={"frozen": True})
    made = finetune(frozen, trained.folder, tmp_path / "frozen", seed=1, device="cpu")
    model, base = (LatentModel.load(Path(one.folder), "cpu") for one in (made, trained))
    for name, value in base.model.state_dict().items():
        assert value.equal(model.model.state_dict()[name])
    assert not np.array_equal(model.draw_prior(5, 1), base.draw_prior(5, 1))
    assert load_heads(Path(made.folder), model.info)
    figures = made.metrics
    assert figures["before"]["base_exact"] == figures["after"]["base_exact"]
    assert figures["before"]["held_out_nats"] == figures["after"]["held_out_nats"]
    assert figures["symbols"]["added_symbols"] == {}
    assert any("Te" in symbol for symbol in figures["symbols"]["unknown_symbols"])


def test_figures_stand_in_the_file_and_say_what_was_measured(tuned: Manifest) -> None:
    figures = json.loads((Path(tuned.folder) / "finetune.json").read_text())
    assert figures["structures"] == {"train": 52, "validation": 7, "test": 15}
    for when in ("before", "after"):
        assert 0 <= figures[when]["held_out_exact"] <= 1
        assert figures[when]["samples"]["drawn"] == 20
        assert 0 < figures[when]["samples"]["nearest_similarity"] <= 1
    model = LatentModel.load(Path(tuned.folder), "cpu")
    assert figures["before"]["held_out_nats"] != figures["after"]["held_out_nats"]
    assert model.info["base"]["digest"]
    assert "/" not in model.info["finetune"]["dataset"]["source"]  # no path of this machine


def test_the_bound_is_measured_against_the_old_model(
    tuned: Manifest, trained: Manifest, settings: FinetuneSettings
) -> None:
    bound = tuned.metrics["forgetting"]
    before, after = (tuned.metrics[when]["base_exact"] for when in ("before", "after"))
    assert bound["measured"] == pytest.approx(before - after)
    assert bound["bound_held"] == (before - after <= settings.maximum_forgetting + 1e-9)
    base = LatentModel.load(Path(trained.folder), "cpu")
    base_set, source = sample_training_like(base, bound["base_set"] + bound["rehearsed"], 1)
    assert source == bound["base_set_from"] == "training set"
    assert len(base_set) >= bound["base_set"]


def test_property_heads_are_kept_with_the_model(tuned: Manifest) -> None:
    model = LatentModel.load(Path(tuned.folder), "cpu")
    heads = load_heads(model.folder, model.info)
    assert list(heads) == ["carbons"]
    described = tuned.metrics["after"]["properties"]
    assert "not_fitted" in described["constant"]
    assert described["carbons"]["labels"] == heads["carbons"].labels
    assert described["carbons"]["labels"] + described["carbons"]["held_out_labels"] <= 38
    structures = [f"{'C' * n}O" for n in (3, 9, 15, 21)]
    values = predict(heads["carbons"], model.encode(structures)[0])
    assert np.isfinite(values).all()


def test_the_same_command_again_does_nothing(
    tuned: Manifest,
    trained: Manifest,
    settings: FinetuneSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise AssertionError("tuned again")

    monkeypatch.setattr("nucleate.stages.finetune.finetune._Job.run", fails)
    folder = Path(tuned.folder)
    assert finetune(settings, trained.folder, folder, seed=1, device="cpu") == tuned
    more = settings.model_copy(update={"epochs": 3})
    with pytest.raises(AssertionError, match="tuned again"):
        finetune(more, trained.folder, folder, seed=1, device="cpu")


def test_a_tuned_model_can_be_tuned_again_and_rehearses_what_it_rehearsed(
    tuned: Manifest, settings: FinetuneSettings, tmp_path: Path
) -> None:
    stored = load_latents(Path(tuned.folder))
    bound = tuned.metrics["forgetting"]
    assert len(stored["rehearsed"]) == bound["rehearsed"] + bound["base_set"]
    again = finetune(settings, tuned.folder, tmp_path, seed=2, device="cpu")
    assert again.metrics["symbols"]["added_symbols"] == {}


def test_without_extension_unknown_symbols_are_rejected_rows(
    settings: FinetuneSettings, trained: Manifest, tmp_path: Path
) -> None:
    closed = settings.model_copy(update={"extend": False})
    manifest = finetune(closed, trained.folder, tmp_path, device="cpu")
    unknown = manifest.metrics["symbols"]["unknown_symbols"]
    assert manifest.metrics["rejected"]["unknown_symbol"] == sum(unknown.values())
    assert sum(n for symbol, n in unknown.items() if "Te" in symbol) == len(TELLURIDES)
    lines = "\n".join(summary_lines(manifest.metrics))
    assert f"symbols unknown: {len(unknown)}: " in lines
    assert all(f"{symbol} ({n})" in lines for symbol, n in unknown.items())
    model = LatentModel.load(tmp_path, "cpu")
    assert model.codec.to_json() == load_codec(Path(trained.folder))[1].to_json()


def test_refusals(settings: FinetuneSettings, trained: Manifest, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is the model itself"):
        finetune(settings, trained.folder, Path(trained.folder))
    with pytest.raises(CheckpointError, match="shipped models"):
        finetune(settings, "nowhere", tmp_path)
    blind = settings.model_copy(update={"split": SplitSettings(validation=0, test=0)})
    with pytest.raises(InputError, match="nothing is held out"):
        finetune(blind, trained.folder, tmp_path, device="cpu")


@pytest.mark.parametrize(
    ("column", "message"),
    [("constant", "have a number, and all are equal"), ("rare", "have a number, at least 10")],
)
def test_labels_that_nothing_can_be_learnt_from_are_refused_before_the_run(
    settings: FinetuneSettings, trained: Manifest, tmp_path: Path, column: str, message: str
) -> None:
    rows = [f"{'C' * n}{end},1,{n if n < 6 else ''}" for n in range(1, 25) for end in "ON"]
    path = tmp_path / "lost.csv"
    path.write_text("\n".join(["smiles,constant,rare", *rows]))
    dataset = DatasetSettings(source=str(path), properties=(column,))
    with pytest.raises(InputError, match=message):
        finetune(
            settings.model_copy(update={"dataset": dataset}),
            trained.folder,
            tmp_path / "out",
            device="cpu",
        )
    assert not (tmp_path / "out/curves.csv").exists()


def test_recalled_structures_are_distinct_encodable_and_not_one_s_own(
    trained: Manifest, card: Path, tmp_path: Path
) -> None:
    base = LatentModel.load(Path(trained.folder), "cpu")
    everything, _ = sample_training_like(base, 10_000, 0)
    found, source = sample_training_like(base, 10, 0)
    assert source == "training set"
    assert found == everything[:10]
    assert len(set(everything)) == len(everything)
    assert not base.arrays(everything)[2]
    without, _ = sample_training_like(base, 10, 0, frozenset(found))
    assert not set(without) & set(found)
    export(Path(trained.folder), tmp_path / "bare", card=card, latents=0)
    assert sample_training_like(LatentModel.load(tmp_path / "bare", "cpu"), 5, 0)[1] == "prior"


def test_memory_is_the_share_that_comes_back(trained: Manifest) -> None:
    base = LatentModel.load(Path(trained.folder), "cpu")
    structures, _ = sample_training_like(base, 40, 0)
    latents, _ = base.encode(structures)
    back = [item.structure for item in base.decode(latents)]
    share = sum(a == b for a, b in zip(structures, back, strict=True)) / len(structures)
    assert Memory(base, structures)(base.model) == pytest.approx(share)


def test_samples_that_are_the_known_ones_are_not_novel(trained: Manifest) -> None:
    base = LatentModel.load(Path(trained.folder), "cpu")
    alien = sample_figures(base, ["C[Te]C"], 20, 0)
    assert alien["novel"] == 1.0
    decoded = [d.structure for d in base.decode(base.draw_prior(20, 0)) if d.structure]
    same = sample_figures(base, decoded, 20, 0)
    assert same["novel"] == 0.0
    assert same["nearest_similarity"] == 1.0


def test_the_command(
    nucleate: Nucleate, shipped: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "finetune.toml"
    file.write_text(
        "prior_steps = 20\nbase_set = 10\nsamples = 10\nprocesses = 1\n"
        'standardise = {elements = ["C", "N", "O", "S"]}\n'
    )
    arguments = ["--input", table, "--property", "carbons", "--settings", file]
    result = nucleate("finetune", "--model", "tiny", *arguments, "--epochs", 1, "--out", "mine")
    assert result.exit_code == 0, result.stderr
    assert "tiny fine-tuned on" in result.stdout
    assert "element 2, unparsable 1" in result.stdout
    assert "forgetting:" in result.stdout
    assert "beware: measured on only" in result.stdout
    sampled = nucleate("sample", "--model", "mine", "-n", 5, "--out", "samples")
    assert sampled.exit_code == 0, sampled.stderr
    missing = nucleate("finetune", "--model", "tiny", "--out", "other")
    assert missing.exit_code == 2
    assert "dataset" in missing.stderr
