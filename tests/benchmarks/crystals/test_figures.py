"""Match, rms, coverage, distances and identity of crystals on sets that are worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from nucleate.crystals.geometry.describe import composition, describe
from nucleate.crystals.wyckoff.wyckoff_string import from_string, prototype_key
from nucleate_benchmarks.crystals import controls, generation, reconstruction
from nucleate_benchmarks.crystals.identity import unique_and_novel, unlikeness
from nucleate_benchmarks.crystals.validity import describe_all, describe_one

SALT = "225 a:Na b:Cl | 5.64"
POTASH = "225 a:K b:Cl | 6.29"
BLENDE = "216 a:Zn c:S | 5.41"
RUTILE = "136 a:Ti f:O(0.3048) | 4.594 2.958"
IRON = "229 a:Fe | 2.87"
POLAR = "99 a:Cs(0) b:Cl({}) | 4 4"


def test_rms_of_a_displaced_pair() -> None:
    # Chlorine moves by .04 * 4 A; the best shift halves it; (V / n)^(1/3) is 32^(1/3).
    found = reconstruction.rms_distance(POLAR.format(0.5), POLAR.format(0.54))
    assert found == pytest.approx(0.08 / 32 ** (1 / 3), abs=1e-6)
    assert reconstruction.rms_distance(SALT, SALT) == pytest.approx(0, abs=1e-9)
    # Volumes are scaled; other elements and other structures are not forgiven.
    assert reconstruction.rms_distance(SALT, "225 a:Na b:Cl | 7") == pytest.approx(0, abs=1e-9)
    assert reconstruction.rms_distance(SALT, POTASH) is None
    assert reconstruction.rms_distance(SALT, RUTILE) is None
    # CDVAE's tolerances even match rock salt with zinc blende: half of sqrt(3) / 4 of the edge,
    # in units of half the edge.
    blende = reconstruction.rms_distance(SALT, "216 a:Na c:Cl | 5.64")
    assert blende == pytest.approx(3**0.5 / 4)
    assert reconstruction.rms_distance(SALT, None) is None
    assert reconstruction.rms_distance(SALT, "nonsense") is None


def test_reconstruction_figures_by_hand() -> None:
    # Na2Cl of fluorite type has no neutral assignment of charges.
    wrong = "225 a:Cl c:Na | 6"
    truth = reconstruction.Truth.of([SALT, POLAR.format(0.5), wrong, RUTILE, IRON])
    assert truth.neutral.tolist() == [True, True, False, True, True]
    rebuilt = [SALT, POLAR.format(0.54), wrong, None, POTASH]
    found = reconstruction.numbers(truth, rebuilt)
    rms = 0.08 / 32 ** (1 / 3)
    assert found["match"] == pytest.approx(3 / 5)
    assert found["rms"] == pytest.approx(rms / 3, abs=1e-6)
    assert found["median rms"] == pytest.approx(0, abs=1e-9)
    assert found["match, invalid ones failed"] == pytest.approx(2 / 5)
    assert found["rms, invalid ones failed"] == pytest.approx(rms / 2, abs=1e-6)
    assert found["match of SMACT-valid crystals"] == pytest.approx(2 / 4)
    assert found["exact gene"] == pytest.approx(3 / 5)
    assert found["right composition"] == pytest.approx(3 / 5)
    assert found["decoded"] == pytest.approx(4 / 5)


def test_nothing_rebuilt_is_no_match() -> None:
    found = reconstruction.numbers(reconstruction.Truth.of([SALT]), [None])
    assert found["match"] == found["exact gene"] == found["decoded"] == 0
    assert math.isnan(found["rms"])


def test_validity_by_hand() -> None:
    good = describe_one(SALT)
    assert good.legal
    assert good.valid
    assert good.contacts
    assert (good.elements, good.space_group) == (2, 225)
    assert good.density == pytest.approx(2.164, abs=0.005)
    # Na-Cl at 1.3 A is half of the covalent radii's sum (2.68 A), yet above 0.5 A.
    tight = describe_one("225 a:Na b:Cl | 2.6")
    assert (tight.apart, tight.contacts) == (True, False)
    assert not describe_one("225 a:Na b:Cl | 0.9").apart
    assert [one.legal for one in describe_all([None, "nonsense"])] == [False, False]


def test_coverage_by_hand() -> None:
    same = (np.zeros((3, 2)), np.zeros((3, 2)))
    assert generation.coverage(same, same, (0.1, 0.1), 3) == (1, 1)
    # Two of four test crystals have a sample within 1 of both kinds, one only in structure.
    test = (np.array([[0.0], [1.0], [5.0], [0.0]]), np.array([[0.0], [0.0], [0.0], [9.0]]))
    samples = (np.array([[0.0], [8.0]]), np.array([[0.0], [0.0]]))
    recall, precision = generation.coverage(samples, test, (1.0, 1.0), 4)
    assert recall == 2 / 4
    assert precision == 1 / 4
    nothing = (np.zeros((0, 1)), np.zeros((0, 1)))
    assert generation.coverage(nothing, test, (1, 1), 2) == (0, 0)


def test_distances_by_hand() -> None:
    assert generation.wasserstein([1, 2, 3], [2, 3, 4]) == pytest.approx(1)
    assert generation.wasserstein([0, 0, 4, 4], [0, 4, 4, 4]) == pytest.approx(1)
    assert math.isnan(generation.wasserstein([], [1]))
    assert generation.total_variation([1, 1, 2, 2], [1, 1, 1, 3]) == pytest.approx(0.5)
    assert generation.total_variation([1], [2]) == 1
    assert generation.total_variation([7, 8], [8, 7]) == 0


def test_generation_figures_by_hand() -> None:
    test = [SALT, BLENDE, RUTILE]
    vectors = generation.fingerprints(test, None, 1, lambda _: None)
    yardstick = generation.ReferenceStatistics(describe_all(test), vectors, [BLENDE], "mp20")
    found = generation.numbers([SALT, SALT, BLENDE, None], yardstick)
    assert found["legal genes"] == found["valid"] == 3 / 4
    # Sodium chloride and zinc sulphide are covered; rutile is far from both in structure.
    assert found["COV-R"] == pytest.approx(2 / 3)
    assert found["COV-P"] == pytest.approx(3 / 4)
    assert found["unique"] == 2 / 4
    assert found["novel"] == 2 / 4
    assert found["W1 number of elements"] == 0
    # 2/3, 1/3, 0 against three times 1/3.
    assert found["space-group distance"] == pytest.approx(1 / 3)
    densities = [describe(crystal)["density"] for crystal in test]
    low, middle, high = sorted(densities)
    drawn = sorted([densities[0], densities[0], densities[1]])
    expected = sum(abs(a - b) for a, b in zip(drawn, (low, middle, high), strict=True)) / 3
    assert found["W1 density"] == pytest.approx(expected)
    itself = generation.numbers(test, yardstick)
    assert itself["COV-R"] == itself["COV-P"] == itself["unique"] == 1
    assert itself["W1 density"] == itself["space-group distance"] == 0
    assert set(found) == set(generation.NOTES)


def test_identity_sees_scaled_and_enlarged_cells() -> None:
    scaled = "225 a:Na b:Cl | 6"
    # The same rock salt, slightly tetragonal and of doubled cell.
    doubled = "123 a:Na b:Cl c:Cl d:Na | 3.99 5.65"
    first, novel = unique_and_novel([SALT, scaled, doubled, POTASH], [scaled])
    assert first.tolist() == [True, False, False, True]
    assert novel.tolist() == [False, False, False, True]
    assert unlikeness(SALT, scaled) == pytest.approx(0, abs=1e-4)
    assert unlikeness(SALT, "216 a:Na c:Cl | 5.64") > 0.1
    first, novel = unique_and_novel([], [SALT])
    assert len(first) == len(novel) == 0


def test_permuted_elements_leave_nothing_in_place() -> None:
    assert controls.permuted([RUTILE], [SALT], 0) == ["136 a:O f:Ti(0.3048) | 4.594 2.958"]
    perovskite = "221 a:Sr b:Ti c:O | 3.905"
    (found,) = controls.permuted([perovskite], [], 1)
    letters = {s.letter: s.element for s in from_string(perovskite).sites}
    assert all(letters[s.letter] != s.element for s in from_string(found).sites)
    (other,) = controls.permuted([IRON], [SALT], 0)
    assert composition(other).keys() < {"Na", "Cl"}
    assert controls.permuted([IRON], [IRON], 0) == [IRON]


def test_random_and_perturbed_crystals_keep_their_gene() -> None:
    crystals = [RUTILE, SALT] * 20
    wild = controls.random_coordinates(crystals, 0)
    near = controls.perturbed(crystals, 0)
    for changed in (wild, near):
        assert [prototype_key(c) for c in changed] == [prototype_key(c) for c in crystals]
    assert [from_string(c).lattice for c in wild] == [from_string(c).lattice for c in crystals]
    moved = [from_string(c).sites[1].parameters[0] - 0.3048 for c in near[::2]]
    assert 0.02 < np.std(moved) < 0.1
    edges = [from_string(c).lattice[0] / 5.64 for c in near[1::2]]
    assert 0.02 < np.std(edges) < 0.1
    assert controls.perturbed(crystals, 0) == near


def test_templates_are_the_nearest_known_prototypes() -> None:
    templates = controls.Templates([SALT, BLENDE, RUTILE])
    # Potassium is most like sodium, cadmium most like zinc; oxygen keeps its place in rutile.
    assert prototype_key(templates.retrieve(POTASH) or "") == "225 a:K b:Cl"
    assert prototype_key(templates.retrieve("225 a:Cd b:S | 5.4") or "") == "216 a:Cd c:S"
    assert prototype_key(templates.retrieve("225 a:Sn c:O | 5.0") or "") == "136 a:Sn f:O"
    assert templates.retrieve(IRON) is None
    # Larger atoms get a larger cell, by the cube root of the typical volumes.
    edges = [from_string(templates.retrieve(c) or "").lattice[0] for c in (SALT, POTASH)]
    assert edges[0] == pytest.approx(5.64)
    assert 5.9 < edges[1] < 7
    assert all(a < b for a, b in pairwise(edges))
