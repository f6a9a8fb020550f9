"""Shipped models: export of a tiny one, resolution by name, reading back, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from typer.testing import Result

from nucleate.core.errors import CheckpointError, SettingsError
from nucleate.core.manifest import Manifest
from nucleate.latent import pretrained
from nucleate.latent.cards import read_card
from nucleate.latent.export_model import MAXIMUM_BYTES, export
from nucleate.latent.latent_model import LatentModel
from nucleate.testing.tiny_model import CARD
from nucleate.vae.checkpoint import load_latents

Nucleate = Callable[..., Result]


def test_an_exported_model_is_the_model_with_fewer_latents(
    trained: Manifest, shipped: Path
) -> None:
    whole, small = LatentModel.load(Path(trained.folder), "cpu"), LatentModel.load(shipped, "cpu")
    structures = ["CCO", "c1ccccc1"]
    np.testing.assert_array_equal(whole.encode(structures)[0], small.encode(structures)[0])
    np.testing.assert_array_equal(whole.draw_prior(5, 1), small.draw_prior(5, 1))
    kept, all_rows = load_latents(shipped), load_latents(Path(trained.folder))
    assert len(kept["mean"]) == 20
    where = [list(all_rows["index"]).index(i) for i in kept["index"]]
    np.testing.assert_array_equal(kept["mean"], all_rows["mean"][where])


@pytest.mark.parametrize(
    ("less", "weights", "latents"),
    [(0, "float32", "float32"), (1, "float32", "float16"), (9000, "float16", "float16")],
)
def test_what_is_too_big_is_stored_in_half_precision_and_read_in_single(
    trained: Manifest, card: Path, tmp_path: Path, less: int, weights: str, latents: str
) -> None:
    model = Path(trained.folder)
    full = export(model, tmp_path / "full", card=card, latents=100)
    limit = full["bytes"] - less
    small = export(model, tmp_path / "a", card=card, latents=100, maximum_bytes=limit)
    assert (small["weights"], small["latents"]) == (weights, latents)
    assert small["bytes"] <= limit
    loaded = LatentModel.load(tmp_path / "a", "cpu")
    assert {str(p.dtype) for p in loaded.model.parameters()} == {"torch.float32"}
    assert loaded.training_latents().dtype == np.float32
    exact = LatentModel.load(model, "cpu").encode(["CCO"])[0]
    np.testing.assert_allclose(loaded.encode(["CCO"])[0], exact, atol=2e-2)
    dtypes = {str(t.dtype) for t in load_file(tmp_path / "a" / "model.safetensors").values()}
    assert (f"torch.{weights}") in dtypes


def test_a_model_that_cannot_be_made_small_enough_leaves_nothing(
    trained: Manifest, card: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="in half precision, 1,000 may be shipped"):
        export(Path(trained.folder), tmp_path / "a", card=card, maximum_bytes=1000)
    assert not list(tmp_path.iterdir())


def test_without_latents_what_needs_them_says_so(
    trained: Manifest, card: Path, tmp_path: Path
) -> None:
    export(Path(trained.folder), tmp_path / "bare", card=card, latents=0)
    bare = LatentModel.load(tmp_path / "bare", "cpu")
    assert len(bare.draw_prior(3, 0)) == 3
    with pytest.raises(CheckpointError, match="without its encoded training set"):
        bare.training_latents()


def test_a_damaged_file_is_named(shipped: Path, tmp_path: Path) -> None:
    for path in shipped.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "prior.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match=r"prior\.safetensors: damaged or truncated"):
        LatentModel.load(tmp_path)


def test_a_card_has_to_say_what_the_model_is(trained: Manifest, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(CARD.replace("licence: MIT\n", ""))
    with pytest.raises(SettingsError, match=r"card\.md: the head .* lacks licence"):
        export(Path(trained.folder), tmp_path / "a", card=card)


def test_a_name_is_found_unless_a_folder_is_called_so(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert pretrained.model_folder("tiny") == shipped
    assert pretrained.model_folder(Path("tiny")) == shipped
    (tmp_path / "tiny").mkdir()
    with pytest.raises(CheckpointError, match="hides the shipped model"):
        pretrained.model_folder("tiny")
    (tmp_path / "tiny" / "model.json").write_text("{}")
    assert pretrained.model_folder("tiny") == Path("tiny")
    with pytest.raises(CheckpointError, match=r"nowhere: no such folder.*shipped models: tiny"):
        pretrained.model_folder("nowhere")


def test_where_training_starts(shipped: Path, trained: Manifest) -> None:
    assert pretrained.start_folder("none", "molecules") is None
    assert pretrained.start_folder("auto", "molecules") == shipped
    assert pretrained.start_folder("auto", "crystals") is None
    assert pretrained.start_folder(trained.folder, "molecules") == Path(trained.folder)
    with pytest.raises(CheckpointError, match="holds molecules, not crystals"):
        pretrained.start_folder("tiny", "crystals")


def test_the_digest_is_of_weights_and_codec(shipped: Path, tmp_path: Path) -> None:
    for name in ("model.json", "codec.json"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    before = pretrained.model_digest(tmp_path)
    assert before == pretrained.model_digest(shipped)
    info = json.loads((tmp_path / "model.json").read_text())
    info["sha256"]["model.safetensors"] = "0" * 64
    (tmp_path / "model.json").write_text(json.dumps(info))
    assert pretrained.model_digest(tmp_path) != before


def test_the_list_and_the_card(nucleate: Nucleate, shipped: Path) -> None:
    listed = nucleate("models", "--json", "-")
    assert listed.exit_code == 0
    (row,) = json.loads(listed.stdout)
    info = json.loads((shipped / "model.json").read_text())
    assert row["name"] == "tiny"
    assert row["parameters"] == info["parameters"]
    assert row["bytes"] == sum(path.stat().st_size for path in shipped.iterdir())
    exact = info["figures"]["held_out"]["exact_match"]
    assert f"{100 * exact:.1f} % of held-out structures" in row["figures"]
    assert "data: 150 molecules of NCI; licence: MIT" in listed.stderr
    for arguments in (["models", "show", "tiny"], ["models", "--model", "tiny", "--card"]):
        shown = nucleate(*arguments)
        assert shown.exit_code == 0
        assert "title: A tiny model" in shown.stdout
        assert "Not for any use [at all]." in shown.stdout
    unknown = nucleate("models", "show", "nothing")
    assert unknown.exit_code == 1
    assert "shipped models: tiny" in unknown.stderr


def test_sampling_by_name(
    nucleate: Nucleate, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = nucleate("sample", "--model", "tiny", "-n", "7")
    assert result.exit_code == 0, result.stderr
    assert len((tmp_path / "work/samples/samples.csv").read_text().splitlines()) == 8


def test_export_by_command(
    nucleate: Nucleate, trained: Manifest, card: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    result = nucleate(
        "models", "export", "--model", trained.folder, "--out", out, "--card", card, "--latents", 9
    )
    assert result.exit_code == 0, result.stderr
    assert len(load_latents(out)["mean"]) == 9
    assert pretrained.describe(out)["title"] == "A tiny model"


@pytest.mark.parametrize("name", pretrained.names() or ["none"])
def test_what_really_ships_loads_and_is_small(name: str) -> None:
    if name == "none":
        pytest.skip("no model ships with this checkout")
    folder = pretrained.FOLDER / name
    assert pretrained.describe(folder)["bytes"] <= MAXIMUM_BYTES
    assert not read_card(folder / "card.md").lacking()
    model = LatentModel.load(name, "cpu")
    assert all(item.structure for item in model.decode(model.draw_prior(4, 0)))
