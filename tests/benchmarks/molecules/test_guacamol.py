"""GuacaMol's metrics: by hand, against guacamol's own results, on the set itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nucleate_benchmarks.molecules import features, guacamol


def test_discrete_divergence_by_hand() -> None:
    # Ten bins over 0..1 with all mass in the first and last: (1/2, 1/2) against (1/4, 3/4).
    found = guacamol.discrete_divergence(np.array([0.0, 1]), np.array([0.0, 1, 1, 1]))
    assert found == pytest.approx(0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75))
    # Samples outside the baseline's range fall out of it.
    assert guacamol.discrete_divergence(np.array([0.0, 1]), np.array([0.0, 1, 9])) == pytest.approx(
        0, abs=1e-9
    )


def test_continuous_divergence_of_two_normals() -> None:
    # KL of normals of equal width s a distance d apart is d^2 / (2 s^2) = 1/2.
    rng = np.random.default_rng(0)
    first = rng.normal(0, 1, 20_000)
    assert guacamol.continuous_divergence(first, first) == pytest.approx(0, abs=1e-9)
    assert guacamol.continuous_divergence(first, first + 1) == pytest.approx(0.5, abs=0.05)
    assert math.isnan(guacamol.continuous_divergence(first, np.ones(5)))


def test_agrees_with_guacamol(nci_smiles: list[str]) -> None:
    # guacamol 0.5.5 on the same lists (its FCD apart: another implementation of the network).
    expected = {
        "validity": 0.9933333333333333,
        "uniqueness": 0.9466666666666667,
        "novelty": 0.7466666666666667,
        "KL divergence": 0.9094935358690946,
        "KL BertzCT": 0.01657287332024756,
        "KL MolLogP": 0.043452094762203755,
        "KL MolWt": 0.019751104132914143,
        "KL TPSA": 0.019596484799781204,
        "KL NumHAcceptors": 0.1523859753245012,
        "KL NumHDonors": 0.10304339710629148,
        "KL NumRotatableBonds": 0.3756464539365078,
        "KL NumAliphaticRings": 0.12191168603183826,
        "KL NumAromaticRings": 0.02269273873632817,
        "KL internal_similarity": 0.1250223299678484,
    }
    train = nci_smiles[300:600]
    samples = nci_smiles[1:300:3] + nci_smiles[300:330] + ["C1CC"] + nci_smiles[1:20]
    found = guacamol.guacamol_metrics(samples, guacamol.reference(train))
    distance = found.pop("FCD distance")
    assert found.pop("FCD") == pytest.approx(math.exp(-0.2 * distance))
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_training_set_itself(nci_smiles: list[str]) -> None:
    smiles = nci_smiles[:80]
    found = guacamol.guacamol_metrics(smiles, guacamol.reference(smiles))
    assert found["validity"] == found["uniqueness"] == 1
    assert found["novelty"] == 0
    assert found["KL divergence"] == pytest.approx(1)
    assert found["FCD"] == pytest.approx(1, abs=1e-3)


def test_stereoisomers_are_one_molecule() -> None:
    pair = ["C[C@H](O)CN", "C[C@@H](O)CN"]
    assert len(set(guacamol.without_stereo(pair))) == 1
    found = guacamol.guacamol_metrics(pair, guacamol.reference(["CCO", "CCC", "CCN"]))
    assert found["uniqueness"] == pytest.approx(1 / 2)
    assert found["novelty"] == pytest.approx(1 / 2)


def test_strings_without_marks_are_left_alone(nci_smiles: list[str]) -> None:
    smiles = [*nci_smiles[:100], "C/C=C/C", "C[C@H](O)N", "[13CH4]"]
    assert guacamol.without_stereo(smiles) == features.compute(smiles, ["flat"], 1)["flat"]


def test_nothing_valid_scores_nothing() -> None:
    known = guacamol.reference(["CCO", "CCC", "CCN"])
    found = guacamol.guacamol_metrics([None, "C1CC"], known)
    assert found["validity"] == found["uniqueness"] == found["novelty"] == 0
    assert math.isnan(found["KL divergence"])
