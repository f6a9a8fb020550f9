"""`nucleate benchmark latent` with quick energies and quick searchers, without any model."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from nucleate.cli.app import app
from nucleate.cli.failures import DEBUG_VARIABLE
from nucleate.core.errors import SettingsError
from nucleate.core.manifest import Manifest
from nucleate.core.paths import data_folder
from nucleate.crystals.geometry.describe import composition, electronegativities
from nucleate.settings.data import DatasetSettings, FeaturizeSettings
from nucleate.stages.featurize import featurize
from nucleate_benchmarks.crystals.stability.energies import References
from nucleate_benchmarks.search import latent_run, latent_search_report
from nucleate_benchmarks.search.latent_objectives import (
    FARTHEST,
    BandGap,
    Density,
    FormationEnergy,
    Start,
    acceptable,
    gap_regressions,
)
from nucleate_benchmarks.search.latent_search import read_rows
from nucleate_benchmarks.search.latent_search_report import gain, summary

ELEMENTS = {"O", "F", "S", "Cl", "Na", "K", "Mg", "Ca", "Ti", "Zn", "Al"}
SALT = "225 a:Na b:Cl | 5.6402"
FAKES = '''
"""Energies that grow with the difference of electronegativity, and searchers of edits alone."""

from dataclasses import dataclass

import numpy as np

from nucleate.crystals.geometry.describe import composition, electronegativities
from nucleate.crystals.edits import CrystalEdits
from nucleate.search.searcher import Proposal, Searcher

SEARCHERS = {"climbing": "", "best-of-data": "", "raising": ""}
asked = []


def energy(crystal):
    amounts = composition(crystal)
    x = [electronegativities()[s] for s, n in amounts.items() for _ in range(n)]
    return -float(np.std(x))


@dataclass(frozen=True)
class Calculator:
    steps: int

    def single_points(self, crystals):
        asked.extend(crystals)
        return [energy(crystal) for crystal in crystals]

    def relax(self, crystals):
        return [{"crystal": c, "energy": energy(c)} for c in crystals]


def calculator(how):
    return Calculator(how.steps)


class Climbing(Searcher):
    def __init__(self, name, data, seed):
        self.name, self.data, self.seed = name, list(data), seed
        self.scores, self.edits = {}, CrystalEdits()

    def ask(self, count):
        if self.name == "raising" and len(self.scores) > 5:
            raise ValueError("no more ideas")
        if self.name == "best-of-data":
            found = [Proposal(c, "data") for c in self.data if c not in self.scores]
            return found[:count]
        best = sorted(self.scores, key=lambda s: -np.nan_to_num(self.scores[s], nan=-99))[:5]
        self.seed += 1
        children = self.edits.mutate(best * count, self.seed)
        fresh = dict.fromkeys(c for c in children if c and c not in self.scores)
        return [Proposal(c, "gene_mutation") for c in fresh][:count]

    def tell(self, structures, scores):
        self.scores.update(zip(structures, scores.tolist()))


def build(task):
    assert task.model is None
    assert task.settings.pool == 0
    return Climbing(task.name, task.data, task.seed)
'''


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Embedded crystals of few elements, with made-up energies and band gaps."""
    table = pq.read_table(data_folder() / "prototypes.parquet").to_pandas()
    few = table[[ELEMENTS.issuperset(composition(crystal)) for crystal in table["crystal"]]][:150]
    values = [composition(crystal) for crystal in few["crystal"]]
    spread = [
        float(np.std([electronegativities()[s] for s, n in v.items() for _ in range(n)]))
        for v in values
    ]
    few = few.assign(formation_energy_per_atom=np.negative(spread), band_gap=spread)
    file = tmp_path_factory.mktemp("data") / "few.csv"
    few[["id", "crystal", "formation_energy_per_atom", "band_gap"]].to_csv(file, index=False)
    dataset = DatasetSettings(
        source=str(file), properties=("formation_energy_per_atom", "band_gap")
    )
    settings = FeaturizeSettings(dataset=dataset, processes=1)
    return featurize(settings, "crystals", tmp_path_factory.mktemp("features"))


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "fake_latent.py").write_text(FAKES)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(importlib.sys.modules, "fake_latent", raising=False)  # type: ignore[attr-defined]
    return importlib.import_module("fake_latent")


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Result:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv(DEBUG_VARIABLE, "0")
    return CliRunner().invoke(app, ["benchmark", "latent", *(str(a) for a in arguments)])


def _common(features: Manifest, folder: Path) -> list[object]:
    return [
        *("--features", features.folder, "--out", folder / "report", "--work", folder / "work"),
        *("--model", "none", "--processes", 1, "--device", "cpu", "--references", 60),
        *("--searcher-source", "fake_latent:build"),
        *("--calculator-source", "fake_latent:calculator", "--together", 2),
    ]


@pytest.fixture
def rows_written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All rows of each report that is written; its files hold the best of each search."""
    reports: list[Any] = []
    write = latent_search_report.write

    def kept(*arguments: Any) -> Any:
        found, paths = write(*arguments)
        reports.append(found["rows"])
        return found, paths

    monkeypatch.setattr(latent_search_report, "write", kept)
    return reports


def test_searches_are_run_judged_and_resumed(
    features: Manifest,
    tmp_path: Path,
    fakes: Any,
    monkeypatch: pytest.MonkeyPatch,
    rows_written: list[Any],
) -> None:
    shared = [*_common(features, tmp_path), "--calls", 24, "--batch", 6]
    shared += ["--samplers", "climbing,best-of-data,raising"]
    result = _run(monkeypatch, *shared, "--starts", 2)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "report.json").read_text())
    assert set(found["results"]) == {"formation_energy", "density", "band_gap"}
    energy = found["results"]["formation_energy"]
    assert energy["climbing"]["calls"] == 24
    assert energy["climbing"]["starts"] == 2
    assert energy["climbing"]["with a valid novel crystal"] == 1
    assert np.isfinite(energy["climbing"]["median gain"])
    # What is in the data is not novel, whatever its energy.
    assert energy["best-of-data"]["success"] == 0
    assert energy["raising"]["failed"] == 2
    table = pd.read_csv(tmp_path / "report.csv")
    assert len(table) == 3 * 3 * 2  # objectives, samplers, starts
    assert set(table["best_crystal"].dropna().map(acceptable)) == {True}
    rows = rows_written[-1]["formation_energy"]["climbing"]
    for row in rows:
        assert row["valid"] <= row["calls"]
        for one in row["judged"]:
            assert one["crystal"] != row["crystal"]
            assert acceptable(one["crystal"])
            lower = one["judged"] < row["before"] - 0.2
            assert one["reached"] == lower
    text = (tmp_path / "report.md").read_text()
    assert "| climbing |" in text
    assert "nucleate" in text
    # A third start is added; those that are done stay as they are, even one cut by a kill.
    kept = next((tmp_path / "work" / "searches").glob("formation_energy-climbing-*.jsonl"))
    first = kept.read_bytes()
    kept.write_bytes(first + b'{"start": 2, "cr')
    fakes.asked.clear()
    again = _run(monkeypatch, *shared, "--starts", 3, "--objectives", "formation_energy")
    assert again.exit_code == 0, again.output
    assert kept.read_bytes().startswith(first)
    assert sorted(read_rows(kept)) == [0, 1, 2]
    fakes.asked.clear()
    last = _run(monkeypatch, *shared, "--starts", 3, "--objectives", "formation_energy")
    assert last.exit_code == 0, last.output
    assert not fakes.asked


def test_starts_that_cannot_be_judged_are_said_and_none_at_all_is_an_error(
    features: Manifest, tmp_path: Path, fakes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = [*_common(features, tmp_path), "--samplers", "climbing", "--starts", 2, "--calls", 6]
    shared += ["--objectives", "formation_energy"]
    values = [np.nan, 1.0]
    monkeypatch.setattr(
        FormationEnergy,
        "judge_values",
        lambda self, crystals, _: np.resize(values, len(crystals)),
    )
    result = _run(monkeypatch, *shared)
    assert result.exit_code == 0, result.output
    assert "of 2 relaxed starts the judge has no value: formation_energy of 1" in result.output
    values[1] = np.nan
    result = _run(monkeypatch, *shared)
    assert result.exit_code == 1
    assert "no start is left of 2 that were relaxed" in str(result.exception) + result.output


def test_a_searcher_that_needs_a_model_is_refused(
    features: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ["--searcher-source", "nucleate_benchmarks.search.contenders:build_searcher"]
    result = _run(monkeypatch, *_common(features, tmp_path), *known, "--samplers", "random-prior")
    assert result.exit_code == 2
    assert "random-prior: needs a model" in str(result.exception) + result.output


def test_the_same_seed_gives_the_same_searches(
    features: Manifest,
    tmp_path: Path,
    fakes: Any,
    monkeypatch: pytest.MonkeyPatch,
    rows_written: list[Any],
) -> None:
    judged = []
    for folder, together in ((tmp_path / "a", 2), (tmp_path / "b", 1)):
        more = ["--calls", 12, "--starts", 2, "--samplers", "climbing", "--seed", 3]
        more += ["--objectives", "density", "--together", together]
        assert _run(monkeypatch, *_common(features, folder), *more).exit_code == 0
        found = rows_written[-1]["density"]["climbing"]
        judged.append([row["judged"] for row in found])
    assert judged[0] == judged[1]


def test_unknown_samplers_are_refused(
    features: Manifest, tmp_path: Path, fakes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _run(monkeypatch, *_common(features, tmp_path), "--samplers", "climbing,flying")
    assert result.exit_code == 2
    assert "flying" in result.output


def test_goals() -> None:
    start = Start(0, SALT, SALT, -3.0, targets={"density": 4.0, "band_gap": 2.0})
    references = References(np.zeros(104), 10, 0.0, 0.0)
    formation = FormationEnergy(references, calculator=None)  # type: ignore[arg-type]
    assert formation.is_reached(-1.25, -1.0, start)
    assert not formation.is_reached(-1.15, -1.0, start)
    np.testing.assert_array_equal(formation.score(np.array([-1.0, np.nan]), start), [1, np.nan])
    density = Density(np.array([2.0, 2.3, 8.0]))
    assert density.search_values([SALT, "nonsense"])[0] == pytest.approx(2.163, abs=0.01)
    assert np.isnan(density.search_values(["nonsense"])[0])
    assert density.is_reached(4.19, 2.0, start)
    assert not density.is_reached(4.3, 2.0, start)
    assert density.target(2.1, np.random.default_rng(0)) == 8.0
    gap = BandGap(lambda c: np.zeros(len(c)), lambda c: np.ones(len(c)))
    assert gap.judge_values([SALT], np.zeros(1))[0] == 1
    for seed in range(20):
        target = gap.target(2.0, np.random.default_rng(seed))
        assert target is not None
        assert 1 <= target <= 4
        assert abs(target - 2.0) >= 1 - 1e-9


def test_acceptable_crystals_neither_overlap_nor_fall_apart() -> None:
    assert acceptable(SALT)
    assert not acceptable("225 a:Na b:Cl | 3.2")
    assert not acceptable(f"225 a:Na b:Cl | {2 * 2.68 * FARTHEST + 0.5}")
    assert not acceptable("225 a:Na c:F | 5.4")  # charges do not balance


def test_no_formula_is_known_to_both_regressions() -> None:
    table = pq.read_table(data_folder() / "prototypes.parquet").to_pandas()
    table = table.sample(80, random_state=0)
    crystals = table["crystal"].tolist()
    gaps = np.array([len(composition(c)) for c in crystals], np.float64)
    asks, judges = gap_regressions(crystals, gaps, 0)
    assert asks.labels + judges.labels == 80
    assert asks.r2 is not None
    assert asks.r2 > 0.8
    assert (asks(crystals) >= 0).all()
    with pytest.raises(SettingsError):
        gap_regressions(crystals[:6], gaps[:6], 0)


def test_figures_by_hand() -> None:
    def judged(value: float, novel: bool, reached: bool, call: int) -> dict[str, Any]:
        return {
            **{"judged": value, "valid": True, "novel": novel, "reached": reached},
            **{"call": call, "origin": "gene_mutation"},
        }

    shared = {"calls": 10, "valid": 8, "asked_reached": True, "target": None}
    shared |= {"search_seconds": 1.0, "judge_seconds": 2.0, "before": -1.0}
    won = [judged(-1.1, True, False, 3), judged(-1.5, True, True, 7)]
    known = [judged(-2.0, False, True, 2)]
    rows = [
        {**shared, "start": 0, "judged": won, "success": True, "success_known": True},
        {**shared, "start": 1, "judged": known, "success": False, "success_known": True},
    ]
    assert gain(rows[0]) == pytest.approx(0.5)
    assert gain(rows[1]) is None
    aimed = {**rows[0], "target": -1.2}
    assert gain(aimed) == pytest.approx(0.1)
    found = summary(rows)
    assert found["success"] == 0.5
    assert found["success, known crystals counted"] == 1
    assert found["median call"] == 7
    assert found["acceptable"] == 0.8
    assert found["origins"] == {"gene_mutation": 1}
    assert summary([]) == {"starts": 0}
    assert latent_run.JUDGED == 3
