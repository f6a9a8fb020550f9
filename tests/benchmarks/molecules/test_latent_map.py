"""Map, probe and reconstruction on a model whose answers can be worked out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nucleate.latent.latent_model import LatentModel
from nucleate.settings.model import DrawSettings
from nucleate_benchmarks.common import drawing
from nucleate_benchmarks.molecules import latent_map, reconstruction
from nucleate_benchmarks.molecules.features import pair_similarity
from nucleate_benchmarks.molecules.linear_probe import determination, probe


def _line(*lengths: float) -> np.ndarray:
    return np.array(lengths, np.float32)[:, None]


def test_the_step_of_half_is_interpolated() -> None:
    # From a quarter at 2 to three quarters at 3.
    assert latent_map.step_to_change([0, 0.25, 0.75], [1, 2, 3]) == pytest.approx(2.5)
    # From nothing at 0 to everything at 1.
    assert latent_map.step_to_change([1.0, 1.0], [1, 2]) == pytest.approx(0.5)
    assert latent_map.step_to_change([0.1, 0.4], [1, 2]) is None


def test_neighbourhood_of_alkanes(alkanes: Any) -> None:
    # A decode changes where |step * noise| > 1/2, half of them at step = 0.5 / 0.6745 = 0.741.
    mean = _line(*[12.0] * 2000)
    found = latent_map.neighbourhood(alkanes, mean, np.ones(1, np.float32))
    assert found["step"] == pytest.approx(0.741, abs=0.06)
    assert found["changed"] == pytest.approx(0.5, abs=0.05)
    assert found["bits"] == 1  # the bits of dodecane and of its homologues are the same
    assert found["random_bits"] == 1
    # Counts tell them apart: mostly undecane and tridecane.
    near = pair_similarity(["C" * 12] * 2, ["C" * 11, "C" * 13], counts=True)
    assert found["counts"] == pytest.approx(near.mean(), abs=0.03)
    assert [row["step"] for row in found["grid"]] == list(latent_map.STEPS)


def test_a_map_that_never_changes_says_so(alkanes: Any) -> None:
    found = latent_map.neighbourhood(alkanes, _line(5, 6, 7), np.full(1, 1e-6, np.float32))
    assert found["step"] is None
    assert found["bits"] is None


def test_midpoints_of_alkanes_lie_between(alkanes: Any) -> None:
    smiles = ["C" * n for n in range(2, 30, 2)]
    mean = _line(*range(2, 30, 2))
    found = latent_map.midpoints(alkanes, smiles, mean, 300)
    assert found["n"] == 300
    assert found["counts"] > found["control_counts"] + 0.1
    assert found["parent"] == 0
    assert latent_map.midpoints(alkanes, smiles[:2], mean[:2], 10) == {"n": 0}


def test_rank_correlation_of_a_line_of_alkanes() -> None:
    lengths = list(range(4, 40, 3))
    smiles = ["C" * n + "O" for n in lengths]
    spread = np.ones(1, np.float32)
    # At logarithmic places, for similarity of counts is a ratio of lengths.
    found = latent_map.rank_correlations(smiles, np.log(_line(*lengths)), spread, 2000)
    assert found["euclidean_counts"] > 0.98
    assert abs(found["control"]) < 0.5
    assert math.isnan(found["cosine"])  # in one dimension all directions are one
    scaled = latent_map.rank_correlations(smiles, np.log(_line(*lengths)), 7 * spread, 2000)
    assert scaled["scaled"] == pytest.approx(found["euclidean"], abs=0.01)  # but for rounding


def test_determination_by_hand() -> None:
    # Residual 1, total (1 + 0 + 1).
    assert determination(np.array([1.0, 2, 3]), np.array([1.0, 2, 4])) == pytest.approx(0.5)
    assert math.isnan(determination(np.ones(3), np.ones(3)))


def test_a_probe_reads_what_is_linear_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    train, test = (rng.normal(size=(n, 6)).astype(np.float32) for n in (400, 100))
    weights = rng.normal(size=6)
    values = train @ weights + 3
    values[:5] = np.nan
    assert probe(train, values, test, test @ weights + 3) == pytest.approx(1, abs=1e-4)
    noise = probe(train, rng.normal(size=400), test, rng.normal(size=100))
    assert noise < 0.1
    assert math.isnan(probe(train[:5], values[:5], test, test @ weights))


def _encoded(smiles: list[str], lengths: list[float], log_variance: float) -> Any:
    mean = _line(*lengths)
    spread = np.full_like(mean, log_variance)
    return reconstruction.Encoded(smiles, mean, spread, {"too_long": 1})


def test_exact_reconstruction_counts_the_refused(alkanes: Any) -> None:
    encoded = _encoded(["CC", "CCC", "CCCC"], [2, 3, 5], 0)
    found, rebuilt = reconstruction.exact_reconstruction(alkanes, encoded)
    assert rebuilt == ["CC", "CCC", "CCCCC"]
    assert found["n"] == 4
    assert found["exact"] == pytest.approx(2 / 4)
    assert found["control"] == 0
    assert found["decoded"] == 1


def test_stochastic_reconstruction_is_the_chance_to_stay(alkanes: Any) -> None:
    # sd 1/2: a draw stays within 1/2 of the mean with probability 0.6827.
    lengths = [float(n) for n in range(5, 205)]
    encoded = _encoded(["C" * int(n) for n in lengths], lengths, math.log(0.25))
    found = reconstruction.stochastic_reconstruction(alkanes, encoded)
    assert found["n"] == 200
    assert found["exact"] == pytest.approx(0.6827, abs=0.035)
    assert 0 < found["control"] < 0.3  # the next alkane is one step off: 0.157
    assert alkanes.calls == [{"temperature": 1.0, "seed": 0, "noise": 0.0}]


def test_rebuilding_takes_the_noise_it_is_given(alkanes: Any) -> None:
    reconstruction.exact_reconstruction(alkanes, _encoded(["CC"], [2], 0), noise=0.3)
    assert alkanes.calls == [{"temperature": 0.0, "seed": 0, "noise": 0.3}]


def test_sampling_is_the_model_s_own(alkanes: Any) -> None:
    alkanes.info = {"sampling": {"temperature": 0.7, "noise": 0.25}}
    own = LatentModel.sampling(alkanes)
    assert own == DrawSettings(temperature=0.7, noise=0.25, resample=0, relief=False)
    drawn = drawing.draw(alkanes, own, 50, seed=3)
    assert alkanes.calls[-1] == {"temperature": 0.7, "seed": 3, "noise": 0.25}
    assert len(drawn) == 50
    assert set(drawn) <= {None, *("C" * n for n in range(1, 12))}
