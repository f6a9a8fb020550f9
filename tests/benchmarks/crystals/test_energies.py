"""References, hull, stability and optimisation on numbers that are worked out by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.crystals.elements import NUMBERS
from nucleate.datasets.resumable import map_to_lines, whole_lines
from nucleate.latent.latent_model import Decoded
from nucleate.settings.model import DrawSettings
from nucleate_benchmarks.crystals.data import CrystalData, CrystalSet
from nucleate_benchmarks.crystals.stability import energies, optimisation, stability, success

SALT = "225 a:Na b:Cl | 5.64"
IRON = "229 a:Fe | 2.87"
FIVE = ["225 a:Na b:Cl | 5.64", "225 a:K b:Cl | 6.29", "225 a:K b:Br | 6.6", "225 a:Na b:Br | 5.97"]


def _set(
    crystals: list[str], values: list[float], heights: list[float] | None = None
) -> CrystalSet:
    missing = [math.nan] * len(values)
    return CrystalSet(crystals, np.array(values), np.array(heights or missing))


def _data(train: CrystalSet, test: CrystalSet, energy: str) -> CrystalData:
    return CrystalData("made up", train, _set([], []), test, energy)


def test_least_absolute_deviations_ignore_one_odd_value() -> None:
    rows = np.array([[1.0, 0], [0, 1], [0.5, 0.5], [0.25, 0.75], [0.75, 0.25], [0.4, 0.6]])
    values = rows @ np.array([-1.5, 2.0])
    values[4] += 30
    assert energies.least_absolute(rows, values) == pytest.approx([-1.5, 2.0], abs=1e-3)


def test_references_are_found_again_and_missing_ones_said() -> None:
    true = {"Na": -1.3, "K": -1.1, "Cl": -1.8, "Br": -1.6}
    crystals = FIVE * 3
    pairs = [("Na", "Cl"), ("K", "Cl"), ("K", "Br"), ("Na", "Br")] * 3
    # A rock salt tells sums only: fluorites tell the elements apart.
    crystals += ["225 a:K c:Cl | 7", "225 a:Na c:Br | 7", "225 a:Na c:Cl | 7"] * 2
    differences = [(true[a] + true[b]) / 2 for a, b in pairs]
    differences += [
        (true[a] + 2 * true[b]) / 3 for a, b in (("K", "Cl"), ("Na", "Br"), ("Na", "Cl"))
    ] * 2
    found = energies.References.fit(crystals, np.array(differences))
    for symbol, value in true.items():
        assert found.values[NUMBERS[symbol]] == pytest.approx(value, abs=1e-3)
    assert found.crystals == 18
    assert found.median_error < 1e-3
    # -3 eV/atom less the mean of -1.3 and -1.8; iron has no reference.
    assert found.formation([SALT, IRON], np.array([-3.0, -8.0])) == pytest.approx(
        [-1.45, math.nan], abs=1e-3, nan_ok=True
    )
    assert "Fe" in energies.missing_elements(found)
    with pytest.raises(SettingsError, match="only 2 crystals"):
        energies.References.fit(FIVE, np.array([1.0, 1.0, math.nan, math.nan]))


def test_fitting_crystals_cover_rare_elements() -> None:
    crystals = [SALT] * 200 + ["225 a:K b:Br | 6.6"]
    for seed in range(3):
        assert 200 in energies.choose(crystals, 20, seed)
    assert sorted(energies.choose(crystals[:5], 20, 0)) == [0, 1, 2, 3, 4]


def test_the_hull_of_the_data_by_hand() -> None:
    # NaCl at -2 eV/atom; Na3Cl lies halfway between it and sodium, at -1.
    train, test = _set([SALT], [-2.0]), _set(["225 a:K b:Cl | 6.29"], [-1.0], [0.5])
    hull = energies.data_hull(_data(train, test, "formation_energy_per_atom"))
    assert hull.hull_energy({"Na": 3, "Cl": 1}) == pytest.approx(-1)
    assert hull.energy_above_hull([{"Na": 3, "Cl": 1}], [-0.7]) == pytest.approx([0.3])
    # The publisher's hull lies 0.5 below potassium chloride.
    assert hull.hull_energy({"K": 1, "Cl": 1}) == pytest.approx(-1.5)
    absolute = energies.data_hull(_data(train, test, "energy_per_atom"))
    assert math.isnan(absolute.hull_energy({"Na": 3, "Cl": 1}))
    with pytest.raises(SettingsError, match="no energies, which this suite needs"):
        energies.labelled(_data(_set([SALT], [math.nan]), _set([SALT], [math.nan]), ""))


def _ruler() -> energies.EnergyReference:
    references = energies.References(np.zeros(len(NUMBERS) + 1), 10, 0.0, 0.0)
    data = _data(_set([SALT], [-2.0]), _set([SALT], [-2.0]), "formation_energy_per_atom")
    return energies.EnergyReference(references, energies.data_hull(data))


def _row(crystal: str | None, energy: float | None, reason: str = "") -> dict[str, Any]:
    start = None if crystal is None else energy
    return {
        "crystal": crystal, "energy": energy, "start_energy": start, "steps": 4,
        "converged": not reason, "reason": reason,
    }  # fmt: skip


def test_stable_unique_and_novel_by_hand() -> None:
    blende, caesium = "216 a:Na c:Cl | 5.64", "221 a:Na b:Cl | 3.4"
    samples = [SALT, blende, blende, caesium, None, SALT]
    rows = [
        _row(SALT, -2.0),  # on the hull, known
        _row(blende, -1.95),  # stable, new
        _row("216 a:Na c:Cl | 5.7", -1.94),  # the same again
        _row(caesium, -1.91, "not converged to 0.1 eV/A in 9 steps"),  # .09 above
        None,
        _row(None, None, "atoms clash: 0.3 A"),
    ]
    found = stability.measure(samples, rows, _ruler(), [SALT], 0.08)
    assert found.numbers["stable, unique and novel"] == pytest.approx(1 / 6)
    assert found.numbers["stable"] == pytest.approx(3 / 6)
    assert found.numbers["unique and novel"] == pytest.approx(2 / 6)
    assert found.numbers["below 0.1 eV/atom"] == pytest.approx(4 / 6)
    assert found.numbers["e_hull median"] == pytest.approx(0.055)
    assert found.numbers["with an energy"] == pytest.approx(4 / 6)
    assert found.numbers["converged"] == pytest.approx(3 / 6)
    assert found.numbers["relaxes into itself"] == pytest.approx(4 / 6)
    assert found.numbers["mean steps"] == 4
    assert found.errors["stable"] == pytest.approx((0.25 / 6) ** 0.5)
    assert found.reasons["nothing was decoded"] == 1
    assert set(found.numbers) == set(stability.NOTES)


def test_the_median_s_error_is_that_of_a_normal_sample() -> None:
    values = np.random.default_rng(0).normal(size=400)
    # sqrt(pi / 2) / sqrt(n)
    assert stability.median_error(values) == pytest.approx(0.0627, rel=0.35)
    assert math.isnan(stability.median_error(np.ones(1)))


def test_results_are_kept_and_a_cut_line_is_made_again(tmp_path: Path) -> None:
    file, calls = tmp_path / "work" / "kept.jsonl", []

    def length(chunk: list[str]) -> list[int]:
        calls.append(list(chunk))
        return [len(text) for text in chunk]

    assert map_to_lines(length, ["a", "bb", "a"], file) == [1, 2, 1]
    assert map_to_lines(length, ["bb", "ccc"], file) == [2, 3]
    assert calls == [["a", "bb"], ["ccc"]]
    file.write_text(file.read_text()[:-3])  # killed while it wrote `ccc`
    assert set(dict(map(json.loads, whole_lines(file)))) == {"a", "bb"}
    assert map_to_lines(length, ["ccc", "a"], file) == [3, 1]
    assert calls[2:] == [["ccc"]]
    assert dict(map(json.loads, whole_lines(file))) == {"a": 1, "bb": 2, "ccc": 3}
    (tmp_path / "plain").write_text("")
    with pytest.raises(ResultsError, match="cannot be written"):
        map_to_lines(length, ["x"], tmp_path / "plain" / "kept.jsonl")


def test_success_rates_by_hand() -> None:
    rows = [[-3.0, math.nan], [-2.0, -1.0], [], [-2.5]]
    rates = success.success_rates(rows, [-3, -2.5, -2])
    assert rates == {"SR5": 0.25, "SR10": 0.5, "SR15": 0.75}


class Salts:
    """Stands in for `LatentModel`: z[0] is the edge of rock salt; z[1] > 1 decodes to nothing."""

    def sampling(self) -> DrawSettings:
        return DrawSettings()

    def decode(self, latents: np.ndarray, refine: DrawSettings | None = None) -> list[Decoded]:
        return [
            Decoded(None if z[1] > 1 else f"225 a:Na b:Cl | {z[0]:.4f}", 0.0)
            for z in latents.astype(float)
        ]

    def encode(self, crystals: list[str]) -> tuple[np.ndarray, dict[int, Any]]:
        edges = [float(crystal.split()[-1]) for crystal in crystals]
        return np.array([[edge, 0.0] for edge in edges], np.float32), {}

    def draw_prior(self, count: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return rng.normal([6.0, 0.0], [0.5, 1.0], (count, 2)).astype(np.float32)


class Edge:
    """Stands in for a head: the energy is the edge."""

    def predict(self, latent: torch.Tensor) -> torch.Tensor:
        return latent[:, 0]


def test_the_judge_sees_few_of_one_formula_first() -> None:
    salts = {f"225 a:Na b:Cl | {5 + i / 10}": -3.0 + i / 10 for i in range(5)}
    climber = optimisation.Climber(np.zeros(2, np.float32), seen={**salts, IRON: 0.0})
    assert [float(crystal.split()[-1]) for crystal in climber.best(4)] == [5.0, 5.1, 2.87, 5.2]


def test_the_oracle_of_compositions_knows_what_it_was_told() -> None:
    crystals = [
        f"225 a:{a} b:{b} | 6" for a in ("Li", "Na", "K", "Rb", "Cs") for b in ("F", "Cl", "Br")
    ]
    told = np.array([-3.0 if "F" in crystal else -2.0 for crystal in crystals])
    score = optimisation.composition_oracle(crystals, told, 0)
    assert score([crystals[0], crystals[1]]) == pytest.approx([-3, -2], abs=0.1)
    # Cell and places do not matter to it.
    assert score(["221 a:Na b:Cl | 3.5"]) == pytest.approx(score(["225 a:Na b:Cl | 5.6"]))


def test_the_judge_takes_the_lowest_of_what_is_relaxed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def relaxed(crystals: list[str], *_: Any) -> list[dict[str, Any]]:
        asked.extend(crystals)
        return [_row(None if c == IRON else c, None if c == IRON else -2.5) for c in crystals]

    monkeypatch.setattr(success, "relax_all", relaxed)
    monkeypatch.setattr(
        success,
        "chgnet_energies",
        lambda crystals, *_: np.array([-1.0 - len(c) / 100 for c in crystals]),
    )
    judge = success.Judge(_ruler().references, tmp_path, how=stability.Relaxing())
    rows = [[SALT, IRON, *FIVE[1:]], []]
    plain, final = success.judged(judge, {success.SEARCH: rows}, [-3.0, -2.5, -1.2])
    assert plain == {success.SEARCH: {"SR5": 0, "SR10": 0, "SR15": 0.5}}
    assert final == {success.SEARCH: {"SR5": 0, "SR10": 0.5, "SR15": 0.5}}
    assert len(asked) == success.RELAXED


def test_climbing_lowers_the_oracle_and_stays_valid() -> None:
    scorer = optimisation.Scorer(Salts(), Edge())  # type: ignore[arg-type]
    starts = np.array([[6.0, 0.0], [6.5, 0.0], [6.2, 5.0]], np.float32)
    rounds: list[int] = []
    spread = np.full(2, 0.2, np.float32)
    climbers = optimisation.climb(scorer, starts, spread, 40, 0, done=rounds.append)
    assert len(rounds) == 39
    for climber in climbers[:2]:
        # Contacts of .7 of the radii end the climb near an edge of 3.7 A.
        assert 3.6 < climber.value < 5.0
        best = climber.best()
        assert len(best) == optimisation.KEPT
        assert all(optimisation.acceptable(crystal) for crystal in best)
        assert float(best[0].split()[-1]) == pytest.approx(climber.value, abs=1e-3)
    again = optimisation.climb(scorer, starts, spread, 40, 0)
    assert [c.value for c in again] == [c.value for c in climbers]


def test_chgnet_as_oracle_is_asked_once_about_each_crystal() -> None:
    asked: list[str] = []

    def score(crystals: Any) -> np.ndarray:
        asked.extend(crystals)
        return np.array([-float(crystal.split()[-1]) for crystal in crystals])

    scorer = optimisation.Scorer(Salts(), Edge(), score)  # type: ignore[arg-type]
    starts = np.array([[6.0, 0.0], [6.0, 0.0]], np.float32)
    climbers = optimisation.climb(scorer, starts, np.full(2, 0.1, np.float32), 10, 0, screened=3)
    # The oracle prefers large cells, the head, which only screens, small ones.
    assert all(climber.value <= -6 for climber in climbers)
    assert len(asked) == len(set(asked))


def test_controls_of_the_optimisation() -> None:
    scorer = optimisation.Scorer(Salts(), Edge())  # type: ignore[arg-type]
    drawn = optimisation.from_prior(scorer, starts=3, calls=20, pool=50, seed=0)
    assert len(drawn) == 3
    for row in drawn:
        edges = [float(crystal.split()[-1]) for crystal in row]
        assert edges == sorted(edges)
        assert len(row) <= optimisation.KEPT
    known = optimisation.from_known(np.array([1.0, math.nan, 2.0]), 2, 5, 0)
    assert [sorted(row) for row in known] == [[1, 2], [1, 2]]
    with pytest.raises(SettingsError, match="too few training crystals"):
        optimisation.fit_energy_head(np.zeros((3, 2), np.float32), np.zeros(3), 0)
