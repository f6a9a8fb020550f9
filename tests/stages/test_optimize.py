import json
from functools import partial

import pyarrow.parquet as pq
import pytest
import toy_matter
from toy_matter import SMALL, ToyModel, features_of, training_set

from nucleate.config import OptimizeSettings, PropertySettings
from nucleate.errors import SettingsError
from nucleate.runs import Manifest
from nucleate.search.build import build_searcher
from nucleate.stages.optimize import optimize

TERMS = (PropertySettings(property="sum"),)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    toy_matter.register(monkeypatch)
    training = training_set()
    model = ToyModel(training)
    monkeypatch.setattr(
        "nucleate.stages.optimize.LatentModel.load", lambda folder, device="auto": model
    )
    monkeypatch.setattr(
        "nucleate.search.study.build_searcher", partial(build_searcher, settings=SMALL)
    )
    features = features_of(tmp_path / "featurize", training, test=["8,8,8,8"])
    train = Manifest("train", "toy", str(tmp_path / "train"), key="model")

    def run(announce=lambda: None, **changes):
        values = {"trials": 40, "batch": 10, "starts": 2, "objectives": TERMS, **changes}
        settings = OptimizeSettings(**values)
        return optimize(
            settings, train, features, tmp_path / "optimize", matter_name="toy", seed=0,
            announce=announce,
        ), model  # fmt: skip

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
