"""Predictors of a person's own labels: intervals that keep their promise, and a stated domain."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleate.core.errors import InputError, SettingsError
from nucleate.latent.latent_model import LatentModel
from nucleate.matter.part import part
from nucleate.matter.reader import RawRow
from nucleate.objectives.build_objectives import build
from nucleate.objectives.external.column import ColumnObjective, column_property
from nucleate.objectives.external.labels import Labels, check_labels, read_labels
from nucleate.objectives.objective import Objective
from nucleate.regression.predictor import (
    checked_coverage,
    conformal_quantile,
    fit_predictor,
    smallest_calibration,
)
from nucleate.settings.objectives import ColumnSource, PropertySettings, source_of
from nucleate.testing.toy_matter import ToyMatter, ToyReader, parse

FEATURES = """
import numpy as np

def numbers(structures):
    return np.array([[float(v) for v in s.split(",")] for s in structures])

def wrong(structures):
    return np.zeros(3)
"""


class LabelledReader(ToyReader):
    """The toy matter with a table of two columns, `numbers;label`."""

    def read_rows(self, source, dataset):
        for number, line in enumerate(source.read_text().splitlines(), 1):
            structure, label = line.split(";")
            unread = dict.fromkeys(dataset.properties, label) if label.startswith(">") else {}
            value = float(label) if label and not unread else math.nan
            values = dict.fromkeys(dataset.properties, value)
            if structure == "cut":
                yield RawRow(number, str(number), None, error="5 cells for 3 columns")
                continue
            yield RawRow(number, str(number), structure, values, "", unread)


class LabelledMatter(ToyMatter):
    reader = part(LabelledReader)


def truth(structures):
    return np.array([2.0 * parse(s)[0] - parse(s)[1] + 5 for s in structures])


def toy_structures(count, seed=0):
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(",".join(map(str, r)) for r in rng.integers(-8, 9, (count, 4))))


@pytest.fixture
def assay(tmp_path):
    structures = toy_structures(80)
    rows = [f"{s};{v}" for s, v in zip(structures, truth(structures), strict=True)]
    rows += [f"{structures[0]};100", f"{structures[0]};101", "nonsense;1", "1,1,1,1;"]
    (tmp_path / "assay.csv").write_text("\n".join(rows))
    (tmp_path / "toy_features.py").write_text(FEATURES)
    return tmp_path


# Conformal prediction


@given(st.integers(1, 200), st.floats(0.05, 0.98))
def test_a_calibration_set_of_the_smallest_size_is_just_large_enough(extra, coverage):
    fewest = smallest_calibration(coverage)
    assert math.isfinite(conformal_quantile(np.arange(float(fewest + extra)), coverage))
    assert math.isfinite(conformal_quantile(np.arange(float(fewest)), coverage))
    assert math.isinf(conformal_quantile(np.arange(float(fewest - 1)), coverage))


def test_the_quantile_is_that_of_the_paper():
    assert smallest_calibration(0.9) == 9
    assert conformal_quantile(np.arange(1.0, 10.0), 0.9) == 9.0  # ceil(10 * 0.9) = 9
    assert conformal_quantile(np.arange(1.0, 20.0), 0.5) == 10.0
    assert conformal_quantile(np.arange(1.0, 100.0), 0.9) == 90.0


def test_checked_coverage_is_near_the_stated_one():
    scores = np.random.default_rng(0).exponential(size=2000)
    assert checked_coverage(scores, 0.8) == pytest.approx(0.8, abs=0.03)


def curved(points, rng):
    """A label whose noise grows along the second coordinate."""
    noise = rng.normal(size=len(points)) * (0.05 + 0.4 * np.abs(points[:, 1]))
    return (np.sin(points[:, 0]) + 0.5 * points[:, 2] + noise).astype(np.float64)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_intervals_cover_new_points_as_often_as_stated(coverage):
    shares = []
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        known = rng.normal(size=(160, 3)).astype(np.float32)
        predictor = fit_predictor(
            "y", known, curved(known, rng), coverage=coverage, members=4, seed=seed
        )
        fresh = rng.normal(size=(500, 3)).astype(np.float32)
        mean, width = predictor.interval(fresh)
        shares.append(np.mean(np.abs(curved(fresh, rng) - mean) <= width))
    # Over calibration sets of 40 the mean is between coverage and coverage + 1 / 41; one of them
    # scatters by 0.06, their mean by 0.01.
    assert coverage - 0.03 < np.mean(shares) < coverage + 1 / 41 + 0.03


def test_what_is_far_from_every_label_is_uncertain():
    rng = np.random.default_rng(1)
    known = rng.normal(size=(200, 3)).astype(np.float32)
    predictor = fit_predictor("y", known, np.sin(2 * known[:, 0].astype(float)), seed=1)
    assert predictor.whole.length is not None  # a Gaussian kernel, whose members agree far away
    _, width = predictor.interval(np.array([[0, 0, 0], [30, 30, 30]], np.float32))
    assert width[1] > 3 * width[0]
    assert "leave-one-out R2" in str(predictor.quality)
    assert predictor.quality.held_out_r2 > 0.5


@pytest.mark.parametrize(
    ("count", "coverage", "message"),
    [(23, 0.9, "23 usable labels; .* 24 at least"), (60, 0.99, "114 at least"), (0, 0.9, "0 us")],
)
def test_too_few_labels_are_refused(count, coverage, message):
    points = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    with pytest.raises(InputError, match=message):
        fit_predictor("y", points, points[:, 0].astype(float), coverage=coverage)


def test_equal_labels_are_refused_and_missing_ones_left_out():
    points = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    with pytest.raises(InputError, match="all labels are equal"):
        fit_predictor("y", points, np.ones(60))
    values = points[:, 0].astype(float)
    values[:20] = np.nan
    assert fit_predictor("y", points, values).quality.labels == 40


# The objective


def test_labels_are_merged_and_rejected_rows_counted(assay):
    labels = read_labels(LabelledMatter(), ColumnSource(column="y", data="assay.csv"), assay)
    assert len(labels.structures) == len(set(labels.structures)) == len(toy_structures(80))
    assert labels.values[0] == 100.0  # the median of its three
    assert labels.rejected == {"unreadable": 1, "no_label": 1}


def test_data_without_labels_are_an_error(tmp_path):
    (tmp_path / "assay.csv").write_text("nonsense;1\n1,1,1,1;")
    with pytest.raises(InputError, match=r"column 'y' \(unreadable: 1, no_label: 1\)"):
        read_labels(LabelledMatter(), ColumnSource(column="y", data="assay.csv"), tmp_path)


def term(**changes):
    values = {"column": "y", "data": "assay.csv", "features": "toy_features.py:numbers"}
    return PropertySettings(**{**values, "low": -30, "high": 40, **changes})


def test_a_column_is_scored_with_its_uncertainty(assay):
    objective = Objective(LabelledMatter(), [term(), term(acquisition="lower")], folder=assay)
    objective.fit([])
    structures = toy_structures(40, seed=5)
    scored = objective.score(structures)
    assert objective.names == ["y", "y_2"]
    assert objective.extra_names == ["y_uncertainty", "y_2_uncertainty", "y_2_mean"]
    raw, extra = scored[0].raw, objective.extra(structures[0])
    assert raw["y_2"] == pytest.approx(extra["y_2_mean"] - extra["y_2_uncertainty"])
    assert extra["y_2_mean"] == pytest.approx(raw["y"])
    assert set(objective.extra_names) < set(scored[0].columns())
    off = np.abs([s.raw["y"] for s in scored] - truth(structures))
    # How often exactly is tested above; twenty calibration labels are few.
    assert np.mean(off <= [s.extra["y_uncertainty"] for s in scored]) > 0.6
    assert "held-out labels" in objective.to_json()[0]["description"]


def test_values_that_are_remembered_have_their_uncertainty_too(assay):
    objective = Objective(LabelledMatter(), [term()], folder=assay)
    objective.fit([])
    objective.remember("1,2,3,4", {"y": 3.0})
    (scored,) = objective.score(["1,2,3,4"])
    assert scored.raw == {"y": 3.0}
    assert scored.extra["y_uncertainty"] > 0
    assert objective.computed == 0


def test_the_same_seed_gives_the_same_numbers(assay):
    values = [
        build(LabelledMatter(), None, term(), assay).compute(["1,2,3,4", "0,0,0,0"])
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*values)


def test_features_may_be_given_in_python_and_miss_some(assay):
    def features(structures):
        rows = np.array([parse(s) for s in structures], float)
        rows[rows[:, 0] == 8] = np.nan
        return rows

    source = source_of(term())
    built = column_property(source, LabelledMatter(), None, assay, features)
    np.testing.assert_array_equal(np.isfinite(built.compute(["1,2,3,4", "8,0,0,0"])), [True, False])
    assert built.failures == {"8,0,0,0": "no features"}


def test_features_of_the_wrong_shape_are_refused(assay):
    with pytest.raises(SettingsError, match=r"shape \(3,\)"):
        build(LabelledMatter(), None, term(features="toy_features.py:wrong"), assay)


def test_neither_model_nor_features_is_an_error():
    with pytest.raises(SettingsError, match="needs a trained model"):
        ColumnObjective(
            ColumnSource(column="y", data="x"), Labels(["1"], np.ones(1), {}), None, None
        )


# With a trained model


@pytest.fixture(scope="module")
def molecules():
    return LatentModel.load("molecules", "cpu")


def alkyl(count):
    """Small molecules of a homologous kind."""
    ends = ["O", "N", "C(=O)O", "C#N", "F", "OC", "C(C)C", "c1ccccc1", "C(=O)N", "Cl"]
    return [f"{'C' * n}{end}" for n in range(1, 9) for end in ends][:count]


def test_molecules_unlike_the_labelled_ones_are_outside_the_domain(molecules, tmp_path):
    matter = molecules.matter
    logp = matter.properties.build("logp", {})
    smiles = alkyl(70)
    with open(tmp_path / "assay.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["smiles", "logP"])
        writer.writerows(zip(smiles, logp.compute(smiles), strict=True))
    term = PropertySettings(column="logP", data="assay.csv", low=-2, high=5)
    objective = Objective(matter, [term], molecules, tmp_path)
    objective.fit([])
    odd = "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)OCC1OC(Br)C(I)C1(F)P(=O)(O)O"
    near, far = objective.score(
        ["CCCCCCO", matter.reader.standardise(odd, matter.reader.Options()).structure]
    )
    assert near.extra["logP_in_domain"] is True
    assert far.extra["logP_in_domain"] is False
    assert far.extra["logP_reconstruction"] < near.extra["logP_reconstruction"] < 0
    assert near.raw["logP"] == pytest.approx(logp.compute(["CCCCCCO"])[0], abs=1.0)
    with pytest.raises(InputError, match="pIC50"):
        build(matter, molecules, PropertySettings(column="pIC50", data="assay.csv"), tmp_path)


def test_what_the_model_cannot_hold_has_no_value_and_a_reason(molecules, tmp_path):
    labels = Labels(alkyl(60), np.arange(60.0), {})
    objective = ColumnObjective(ColumnSource(column="y", data="x"), labels, molecules)
    (answer,) = objective.answers(["[U]"])
    assert math.isnan(answer.value)
    assert "U" in answer.reason
    assert objective.columns(["[U]"])["y_in_domain"].tolist() == [False]


# Labels that nothing can be learnt from


def write_labels(folder, labels):
    structures = toy_structures(len(labels) + 20)[: len(labels)]
    rows = [f"{s};{v}" for s, v in zip(structures, labels, strict=True)]
    (folder / "assay.csv").write_text("\n".join(rows))
    return ColumnSource(column="y", data="assay.csv", features="toy_features.py:numbers")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([">5"] * 21 + list(range(20)), r"21 of 41 cells .* no numbers: '>5' \(row 1\)"),
        ([1.5] * 40, "all labels are equal"),
        ([*range(23), *[""] * 20], "holds 23 numbers; .* 24 at least"),
    ],
)
def test_lost_labels_are_refused_before_anything_is_fitted(assay, labels, message):
    source = write_labels(assay, labels)
    with pytest.raises(InputError, match=message):
        check_labels(LabelledMatter(), source, assay)


def test_bounds_among_labels_are_left_out_and_told(assay):
    source = write_labels(assay, [*range(40), ">5", ">6"])
    check_labels(LabelledMatter(), source, assay)
    objective = column_property(source, LabelledMatter(), None, assay)
    assert objective.description.endswith(
        "2 of 42 cells that hold something are no numbers: '>5' (row 41), '>6' (row 42)"
    )


def test_rows_that_cannot_be_read_are_told_as_such(assay):
    source = write_labels(assay, list(range(23)))
    with (assay / "assay.csv").open("a") as file:
        file.write("\ncut;1")
    with pytest.raises(InputError, match=r"23 numbers.*unreadable: 1 row; first row 24: 5 cells"):
        check_labels(LabelledMatter(), source, assay)
    assert read_labels(LabelledMatter(), source, assay).rejected == {"unreadable": 1}
