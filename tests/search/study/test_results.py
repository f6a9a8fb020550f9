"""What a study says of structures without a value."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from nucleate.matter.part import part
from nucleate.matter.properties import Property
from nucleate.objectives.objective import Objective
from nucleate.search.study.run_study import run_study
from nucleate.settings.objectives import PropertySettings
from nucleate.settings.study import OptimizeSettings
from nucleate.stages.optimize import write_scored
from nucleate.testing.small_searches import build_small_searcher
from nucleate.testing.toy_matter import (
    ToyMatter,
    ToyModel,
    ToyProperties,
    parse,
    training_set,
)

SUM, SPREAD = PropertySettings(property="sum"), PropertySettings(property="spread", low=0, high=20)


class FragileProperties(ToyProperties):
    """Its sum has a value where the first number is even only."""

    def build(self, name, arguments):
        built = super().build(name, arguments)
        if name != "sum":
            return built

        def compute(structures):
            if any(parse(s)[0] % 2 for s in structures):
                raise RuntimeError("no conformer")
            return built.compute(structures)

        return Property("sum", "", "", compute)


class Fragile(ToyMatter):
    properties = part(FragileProperties)


@pytest.fixture(params=["desirability", "mean", "pareto"])
def found(request, tmp_path, monkeypatch):
    monkeypatch.setattr("nucleate.search.study.run_study.build_searcher", build_small_searcher)
    chosen = OptimizeSettings(
        trials=60, batch=10, objectives=(SUM, SPREAD), combine=request.param, quota=50,
        quota_by="first",
    )  # fmt: skip
    model, training = ToyModel(training_set(), matter=Fragile()), training_set()
    model.matter.identity.groups = lambda: {"first": lambda structure: structure[0]}
    objective = Objective(model.matter, chosen.objectives, how=request.param)
    result = run_study(
        model, objective, training, training, chosen,
        seed=3, path=tmp_path / "study.journal", name="study",
    )  # fmt: skip
    return result, objective


def test_rows_without_a_value_come_last_with_the_reason(found, tmp_path):
    result, objective = found
    missing = [not np.isfinite([row["sum"], row["spread"]]).all() for row in result.rows]
    assert 0 < sum(missing) < len(missing)
    assert missing == sorted(missing)
    for row, failed in zip(result.rows, missing, strict=True):
        assert bool(row["reason"]) == failed
    assert {"sum: RuntimeError: no conformer"} <= {row["reason"] for row in result.rows}
    write_scored(tmp_path / "rows.parquet", result.rows, objective, result.more)
    kept = pq.read_table(tmp_path / "rows.parquet")["reason"].to_pylist()
    assert kept == [row["reason"] for row in result.rows]


def test_failures_are_counted_and_never_the_best(found):
    result, objective = found
    summary, scored = result.summary, [row for row in result.rows if not row["reason"]]
    assert summary["without_value"] >= len(result.rows) - len(scored)
    counted = summary["objective_failures"]
    assert set(counted["sum"]) == {"RuntimeError: no conformer"}
    assert summary["best"]["structure"] == scored[0]["structure"]
    assert summary["best_score"] == max(row["score"] for row in scored)
    if objective.several:
        assert all(row["pareto_layer"] is None for row in result.rows if row["reason"])
        assert summary["front"] == sum(row["pareto_layer"] == 1 for row in scored)
    else:
        assert summary["history"][-1]["best"] == summary["best_score"]


def test_a_reason_of_all_objectives_is_said_once():
    careful = ToyMatter()
    careful.checks.reasons_to_forbid = lambda structures: ["hazard: a nine"] * len(structures)
    objective = Objective(careful, [SUM, SPREAD])
    objective.raw(["9,0,0,0"])
    assert objective.reason("9,0,0,0") == "hazard: a nine"


def test_the_best_known_structures_are_those_with_a_value(found):
    known, starts = (found[0].summary[name] for name in ("best_known", "starts"))
    assert 0 < len(known) <= 10
    assert known[0]["score"] >= max(s["score"] for s in starts if "reason" not in s)
    assert all(np.isfinite(row["sum"]) for row in known)
