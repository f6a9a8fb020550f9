import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from nucleate.core.errors import NucleateError, SettingsError
from nucleate.core.manifest import Manifest
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings
from nucleate.stages.optimize import optimize
from nucleate.testing import toy_matter
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_matter import ToyModel, features_of, training_set

TERMS = (PropertySettings(property="sum"),)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    toy_matter.register(monkeypatch)
    training = training_set()
    model = ToyModel(training)
    monkeypatch.setattr(
        "nucleate.stages.optimize.LatentModel.load", lambda folder, device="auto": model
    )
    monkeypatch.setattr("nucleate.search.study.run_study.build_searcher", build_small_searcher)
    features = features_of(tmp_path / "featurize", training, test=["8,8,8,8"])
    train = Manifest("train", "toy", str(tmp_path / "train"), key="model")

    def run(announce=lambda: None, *, interruptible=False, **changes):
        values = {"trials": 40, "batch": 10, "starts": 2, "objectives": TERMS, **changes}
        settings = OptimizeSettings(**values)
        return optimize(
            settings, train, features, tmp_path / "optimize", matter_name="toy", seed=0,
            announce=announce, interruptible=interruptible,
        ), model  # fmt: skip

    run.model = model
    return run


def test_files_are_complete_and_a_second_call_does_nothing(stage):
    manifest, model = stage()
    assert [o.name for o in manifest.outputs] == [
        "optimized.parquet", "summary.json", "samples.toy", "study.journal",
    ]  # fmt: skip
    table = pq.read_table(manifest.path("optimized.parquet"))
    assert table.column_names == [
        "structure", "latent", "origin", "trial", "parent", "log_likelihood", "parents",
        "sum", "sum_desirability", "score",
    ]  # fmt: skip
    assert manifest.outputs[0].rows == len(table) == manifest.metrics["new"]
    summary = json.loads(manifest.path("summary.json").read_text())
    assert len(summary["history"]) == summary["trials"] == 40
    assert summary["objectives"][0]["desirability"]["smooth"] is True
    before = model.decoded
    assert stage()[0] == manifest
    assert model.decoded == before


@pytest.mark.parametrize("sampler", ["nucleate", "cmaes"])
def test_more_trials_go_on_with_the_study(stage, sampler):
    toy_matter.calls.clear()
    first, model = stage(sampler=sampler)
    seen, scored = model.decoded, len(toy_matter.calls)
    more, _ = stage(sampler=sampler, trials=60)
    assert set(toy_matter.calls.values()) == {1}
    if sampler == "nucleate":
        assert len(toy_matter.calls) == scored + 20
    else:
        assert model.decoded == seen + 20
    assert more.metrics["trials"] == 60
    assert more.key != first.key


def test_nothing_is_announced_before_all_that_is_named_is_found(stage):
    said = []
    broken = (PropertySettings(python="no_such_file.py:score"),)
    with pytest.raises(SettingsError):
        stage(objectives=broken, announce=lambda: said.append(1))
    assert not said
    stage(announce=lambda: said.append(1))
    assert said == [1]


def test_no_objective_at_all_is_a_clear_error(stage):
    with pytest.raises(SettingsError, match=r"no default objective.*sum, spread"):
        stage(objectives=())


def broken(structures):
    return np.full(len(structures), np.nan)


def test_a_failed_attempt_leaves_a_finished_folder_as_it_was(stage, tmp_path):
    manifest, _ = stage()
    before = {path.name: path.read_bytes() for path in (tmp_path / "optimize").iterdir()}
    for wrong in (
        {"objectives": (PropertySettings(python=f"{__file__}:broken"),)},
        {"objectives": (PropertySettings(property="nonsense"),)},
        {"storage": "nonsense"},
    ):
        with pytest.raises(NucleateError):
            stage(**wrong)
        after = {path.name: path.read_bytes() for path in (tmp_path / "optimize").iterdir()}
        assert after == before
    assert stage()[0] == manifest


def test_other_settings_and_back_cost_nothing_again(stage):
    toy_matter.calls.clear()
    first, _ = stage()
    weighed = (TERMS[0], PropertySettings(property="sum", low=0.0, high=20.0))
    other, _ = stage(objectives=weighed, trials=10)
    assert other.key != first.key
    again, _ = stage()
    assert again.key == first.key
    assert again.outputs[:3] == first.outputs[:3]
    assert set(toy_matter.calls.values()) <= {1, 2}  # the sum is asked for twice where it is new
    assert sum(toy_matter.calls.values()) <= 256 + 40 + 2 * 10


def test_an_interrupted_study_is_written_and_not_taken_for_a_finished_one(stage):
    stage.model.fail_after = 100
    manifest, model = stage(interruptible=True)
    summary = json.loads(manifest.path("summary.json").read_text())
    assert summary["stopped"] == "interrupted"
    assert Manifest.load(manifest.path("")) == manifest
    model.fail_after = None
    whole, _ = stage(interruptible=True)
    assert whole.metrics["trials"] == 40 > manifest.metrics["trials"]
    assert whole.key != manifest.key
    assert stage()[0] == whole
