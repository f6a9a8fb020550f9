"""Generation under conditions by an untrained model: what comes out meets them all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from nucleate.cli.app import app
from nucleate.core.errors import SettingsError
from nucleate.core.settings import validate
from nucleate.crystals.codec.wyckoff_codec import CodecOptions, WyckoffCodec
from nucleate.crystals.geometry.crystal_distance import distances
from nucleate.crystals.wyckoff.wyckoff_string import (
    from_string,
    prototype_key,
    structure_from_wyckoff,
)
from nucleate.generation import latent_sources as sources
from nucleate.generation import starting_points as templates
from nucleate.generation.conditional_sampling import generate
from nucleate.latent.latent_model import LatentModel
from nucleate.matter import registry
from nucleate.settings.model import NetworkSettings, PriorSettings
from nucleate.settings.run import DiscoverSettings
from nucleate.settings.sample import SampleSettings
from nucleate.stages.run_settings import check_settings
from nucleate.vae.model import VAE
from nucleate.vae.prior import StandardNormal

SALT = "225 a:Na b:Cl | 5.6402"
PEROVSKITE = "221 a:Ti b:Sr d:O | 3.905"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An untrained model's draws are all alike: a few do."""
    monkeypatch.setattr(sources, "_DRAWN", 64)
    monkeypatch.setattr(templates, "_MOST", 64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LatentModel:
    matter = registry.get("crystals")
    codec = WyckoffCodec.fit([SALT, PEROVSKITE], CodecOptions(maximum_sites=6, maximum_atoms=10))
    codec.seen = frozenset()
    torch.manual_seed(0)
    network = NetworkSettings(width=16, latent=4)
    vae = VAE(codec.schema, matter.codecs.legality(codec.schema), network).eval()
    prior = StandardNormal(4, PriorSettings())
    folder = tmp_path_factory.mktemp("model")
    return LatentModel(folder, matter, codec, vae, prior, {}, torch.device("cpu"))


def run(
    model: LatentModel, count: int = 10, **conditions: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    values = {"count": count, "resample": 0, "relief": False, "conditions": conditions}
    return generate(model, validate(SampleSettings, values, "test"), 1)


def test_composition_in_a_space_group(model: LatentModel) -> None:
    """Rhombohedral groups: the positions without freedom are many, overlaps few."""
    rows, summary = run(model, composition="Al2O3", space_group="R-3c, 160..166")
    assert len(rows) == summary["found"] == 10
    for row in rows:
        structure = structure_from_wyckoff(from_string(row["structure"]))
        assert structure.composition.reduced_formula == "Al2O3"
        assert row["formula_units"] == len(structure) / 5
        assert 160 <= row["space_group"] <= 167
        assert row["space_group"] == structure.get_space_group_info()[1]
        assert row["higher_symmetry"] == (row["written_space_group"] != row["space_group"])
    found = [row["structure"] for row in rows]
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
    alike = [pair for pair in pairs if prototype_key(pair[0]) == prototype_key(pair[1])]
    assert alike
    assert not any(model.matter.identity.are_duplicates(*pair) for pair in alike)
    assert "other_composition" not in summary["refused"]


def test_elements_and_sizes(model: LatentModel) -> None:
    rows, summary = run(
        model, chemical_system="Li-Fe-O", minimum_sites=4, maximum_atoms=8, space_group="1..15"
    )
    assert len(rows) == 10
    for row in rows:
        structure = structure_from_wyckoff(from_string(row["structure"]))
        assert set(structure.symbol_set) == {"Li", "Fe", "O"}
        assert len(structure) <= 8
        assert len(from_string(row["structure"]).sites) >= 4
        assert structure.get_space_group_info()[1] <= 15
    assert "other_elements" not in summary["refused"]


def test_higher_symmetry_is_counted_and_kept_if_asked_for(model: LatentModel) -> None:
    """One atom in P4mm has the inversion of P4/mmm as well, wherever it is."""
    asked = {"composition": "Cu", "space_group": 99, "formula_units": 1, "count": 1}
    rows, summary = run(model, **asked, budget=200)
    assert rows == []
    assert summary["refused"] == {"higher_symmetry": 200}
    assert summary["higher_symmetry"] == 0
    rows, summary = run(model, **asked, higher_symmetry="keep")
    assert summary["higher_symmetry"] == 1
    assert [rows[0][c] for c in ("written_space_group", "higher_symmetry")] == [99, 1]
    assert rows[0]["space_group"] in (123, 139, 221, 225, 229)


def test_near_a_crystal(model: LatentModel) -> None:
    rows, _ = run(model, like=PEROVSKITE, distance="0.2..0.9", composition="SrTiO3")
    assert len(rows) == 10
    values = distances([r["structure"] for r in rows], PEROVSKITE)["distance"]
    np.testing.assert_allclose([r["distance"] for r in rows], values)
    assert ((values >= 0.2) & (values <= 0.9)).all()
    assert {r["composition_distance"] for r in rows} == {0}
    assert {r["parent"] for r in rows} == {PEROVSKITE}


def test_the_lead_itself_is_refused_at_any_volume(model: LatentModel) -> None:
    _, summary = run(
        model, like=SALT, distance="0..1", composition="NaCl", formula_units=1, space_group=225,
        budget=150,
    )  # fmt: skip
    assert summary["refused"] == {"the_lead_itself": 150}


def test_between_two_crystals(model: LatentModel) -> None:
    rows, _ = run(model, count=5, between=(SALT, PEROVSKITE))
    shares = [row["share"] for row in rows]
    assert shares == sorted(shares)
    for row in rows:
        for end, suffix in ((SALT, "_first"), (PEROVSKITE, "_second")):
            (value,) = distances([row["structure"]], end)["distance"]
            assert row["distance" + suffix] == pytest.approx(value)


def test_property_that_the_models_own_head_tells(model: LatentModel) -> None:
    draws = torch.from_numpy(model.draw_prior(200, 0))
    with torch.no_grad():
        usual = model.model.auxiliary["band_gap"](draws)[:, 0].median().item()
    rows, _ = run(model, count=5, property={"Band_Gap": f">={usual}", "density": "..30"})
    assert len(rows) == 5
    latents, _ = model.encode([row["structure"] for row in rows])
    with torch.no_grad():
        told = model.model.auxiliary["band_gap"](torch.from_numpy(latents))[:, 0].numpy()
    np.testing.assert_allclose([row["band_gap"] for row in rows], told, atol=1e-5)
    assert (told >= usual - 1e-5).all()
    assert all(row["density"] <= 30 for row in rows)


def test_same_seed_same_rows(model: LatentModel) -> None:
    asked = {"chemical_system": "Na-Cl", "space_group": "cubic"}
    first, second = (run(model, 3, **asked)[0] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"like": "221 a:Cm b:O | 4"}, "like: the model cannot hold .*unsupported_element"),
        ({"between": (SALT, "225 b:Na a:Cl | 5.6402")}, "both structures are 225 a:Na b:Cl"),
        ({"composition": "LiFePO4", "formula_units": 2}, "LiFePO4 has 1$"),
        ({"property": {"hardness": "1.."}}, "no property named 'hardness'"),
    ],
)
def test_impossible_conditions_say_why(
    model: LatentModel, conditions: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        run(model, **conditions)


@pytest.fixture
def nucleate(model: LatentModel, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `nucleate sample` with the untrained model."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(LatentModel, "load", lambda *_: model)
    return lambda *arguments: CliRunner().invoke(app, ["sample", "--model", "m", *arguments])


def test_command_writes_what_was_asked_for(nucleate: Callable[..., Result], tmp_path: Path) -> None:
    result = nucleate(
        "-n", "4", "--out", str(tmp_path), "--chemical-system", "Na-Cl-K", "--subsets",
        "--include", "Na", "--space-group", "cubic", "--maximum-sites", "3", "--minimum-atoms", "2",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    frames = ase.io.read(tmp_path / "samples.extxyz", ":")
    assert len(frames) == 4
    for frame in frames:
        assert "Na" in frame.symbols
        assert set(frame.symbols) <= {"Na", "Cl", "K"}
        assert len(frame) >= 2
        assert 195 <= frame.info["space_group"] <= 230
        assert 195 <= frame.info["written_space_group"] <= 230
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["conditions"]["chemical_system"] == "Na-Cl-K"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--composition", "NaCl", "--include", "K"], "include K: composition has only Na, Cl"),
        (["--space-group", "230"], "the smallest crystal there has 8 atoms"),
        (["--like", "nowhere.cif"], "'nowhere.cif' is neither a file nor a Wyckoff string"),
        (["--distance", "0..1"], "give like as well"),
        (["--scaffold", "C"], "not offered for crystals"),
        (["--subsets"], "give one as well"),
    ],
)
def test_command_says_what_is_wrong(
    nucleate: Callable[..., Result], tmp_path: Path, options: list[str], words: str
) -> None:
    result = nucleate("--out", str(tmp_path), "--maximum-atoms", "7", *options)
    assert result.exit_code == 2
    assert words in result.output
    assert not list(tmp_path.iterdir())


def test_run_settings_carry_conditions() -> None:
    def check(**conditions: Any) -> None:
        pipeline = {
            "featurize": {"dataset": {"source": "prototypes"}},
            "sample": {"conditions": conditions},
        }
        run_settings = validate(DiscoverSettings, {"matter": {"crystals": pipeline}}, "test")
        check_settings(run_settings, "x.toml")

    check(space_group=[225, "hexagonal"], property={"density": "2..4"}, exclude=["Pb"])
    with pytest.raises(
        SettingsError, match=r"x.toml \[matter.crystals.sample.conditions\].*colour"
    ):
        check(colour="red")
