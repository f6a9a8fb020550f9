"""The closed loop as a whole: batches, what becomes of them, kills, rebuilding."""

from __future__ import annotations

import csv
import json
import shutil

import pytest
from optuna.trial import TrialState

from nucleate.campaign import campaign as study_module
from nucleate.campaign.folder import lock_folder
from nucleate.campaign.status import spearman, status
from nucleate.core.errors import InputError, ResultsError, SettingsError
from nucleate.search.study.storage import open_study
from nucleate.search.trial_attributes import MEASURED, OUTCOME, PROPOSED, RESULT, STRUCTURE
from nucleate.testing.campaigns import (
    ACTIVITY,
    SOLUBILITY,
    SPREAD,
    measured,
    open_campaign,
    small_searches,
    table,
)
from nucleate.testing.toy_matter import calls, parse, training_set


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small_searches(monkeypatch)


def trials(campaign):
    with open_study(campaign.folder / "loop.journal", campaign.record.name) as study:
        return study.get_trials()


def names(batch):
    return [p.structure for p in batch.proposals]


def test_batches_learn_and_never_repeat(tmp_path):
    seen = set()
    best = []
    for number in range(1, 5):
        campaign = open_campaign(tmp_path)
        batch = campaign.propose(8)
        assert batch.number == number
        assert len(batch.proposals) == 8
        assert not seen & set(names(batch))
        seen |= set(names(batch))
        campaign.tell(table(tmp_path / f"{number}.csv", measured(batch)))
        best.append(max(sum(parse(s)) for s in seen))
    assert best[-1] > best[0]
    found = status(open_campaign(tmp_path))
    assert found["counts"] == {
        "proposed": 32, "waiting": 0, "partial": 0, "complete": 32, "failed": 0,
        "withdrawn": 0, "own": 0,
    }  # fmt: skip
    assert found["best"][0]["activity"] == best[-1]
    assert found["expectations"]["compared"] == 24  # nothing was expected of the first batch
    assert -1 <= found["expectations"]["spearman"] <= 1
    assert json.dumps(found)


def test_the_files_of_a_batch(tmp_path):
    campaign = open_campaign(tmp_path, (ACTIVITY, SPREAD))
    campaign.tell(
        table(tmp_path / "own.csv", [{"numbers": f"{i},0,1,0", "activity": i} for i in "123456"])
    )
    batch = campaign.propose(5)
    with campaign.table(batch).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["proposal_id"] for row in rows] == [f"P{i:04d}" for i in range(1, 6)]
    assert [row["numbers"] for row in rows] == names(batch)
    assert {row["activity"] for row in rows} == {""}
    assert all(float(row["expected_score"]) > 0 for row in rows)
    assert all(float(row["spread"]) >= 0 for row in rows if row["spread"])
    assert (tmp_path / "proposals" / "batch-001" / "candidates.toy").read_text().count("\n") == 5
    assert (tmp_path / "study.toml").read_text() == "model = 'toy'\n"
    assert not list(tmp_path.rglob("*.part*"))


def test_proposals_wait_as_trials_that_nobody_takes_for_dead(tmp_path):
    batch = open_campaign(tmp_path).propose(4)
    campaign = open_campaign(tmp_path)
    running = trials(campaign)
    assert {t.state for t in running} == {TrialState.RUNNING}
    assert [t.user_attrs[STRUCTURE] for t in running] == names(batch)
    assert running[0].user_attrs[PROPOSED] == {"id": "P0001", "batch": 1, "date": batch.created}
    again = campaign.propose(4)  # without any news
    assert not set(names(again)) & set(names(batch))
    assert [p.id for p in again.proposals] == ["P0005", "P0006", "P0007", "P0008"]


def test_results_come_in_part_late_and_twice(tmp_path):
    terms = (ACTIVITY, SOLUBILITY)
    batch = open_campaign(tmp_path, terms).propose(3)
    campaign = open_campaign(tmp_path, terms)
    rows = [{"proposal_id": "P0001", "activity": 12, "solubility": ""}, {"proposal_id": "P0002"}]
    telling = campaign.tell(table(tmp_path / "a.csv", rows))
    assert (len(telling.entries), telling.empty, telling.rejected) == (1, 1, [])
    assert status(campaign)["counts"]["partial"] == 1
    assert status(campaign)["waiting"][0]["missing"] == ["solubility"]
    assert trials(campaign)[0].state == TrialState.RUNNING
    assert trials(campaign)[0].user_attrs[MEASURED]["activity"][0]["value"] == 12.0
    # The grown table is told again: what was told counts once.
    campaign = open_campaign(tmp_path, terms)
    grown = [{"proposal_id": "p0001", "activity": "12.0", "solubility": 0.5},
             {"proposal_id": "P0002", "activity": 8, "solubility": 0.25}]  # fmt: skip
    telling = campaign.tell(table(tmp_path / "b.csv", grown))
    assert (len(telling.entries), telling.known) == (3, 1)
    told = campaign.measurements.of(batch.proposals[0].structure)
    assert told.mean("activity") == 12.0
    log = (tmp_path / "told" / "measurements.jsonl").read_bytes()
    before = trials(campaign)
    assert [t.state.name for t in before] == ["COMPLETE", "COMPLETE", "RUNNING"]
    assert before[0].user_attrs[RESULT]["properties"] == {"activity": 12.0, "solubility": 0.5}
    campaign = open_campaign(tmp_path, terms)
    telling = campaign.tell(tmp_path / "b.csv")
    assert (telling.entries, telling.known) == ([], 4)
    assert (tmp_path / "told" / "measurements.jsonl").read_bytes() == log
    assert len(trials(campaign)) == len(before)


def test_repetitions_are_averaged_and_replaced_on_demand(tmp_path):
    campaign = open_campaign(tmp_path)
    structure = campaign.propose(2).proposals[0].structure
    campaign.tell(
        table(tmp_path / "a.csv", [{"proposal_id": "P0001", "activity": v} for v in (4, 4, 7)])
    )
    assert campaign.measurements.of(structure).mean("activity") == 5.0
    campaign.tell(table(tmp_path / "b.csv", [{"proposal_id": "P0001", "activity": 9}]))
    assert campaign.measurements.of(structure).mean("activity") == 6.0
    assert len(trials(campaign)) == 3  # the ended trial stays, a further one has the new mean
    scores = [t.values[0] for t in trials(campaign) if t.values]
    assert scores == pytest.approx([5 / 40, 6 / 40])
    changed = table(tmp_path / "c.csv", [{"proposal_id": "P0001", "activity": 10}])
    assert len(campaign.tell(changed, replace=True).entries) == 1
    assert campaign.measurements.of(structure).mean("activity") == 10.0
    assert campaign.tell(changed, replace=True).entries == []
    assert campaign.tell(tmp_path / "b.csv").entries == []  # the old table does not come back
    assert open_campaign(tmp_path).measurements.of(structure).mean("activity") == 10.0


def test_own_structures_and_other_spellings(tmp_path):
    campaign = open_campaign(tmp_path)
    batch = campaign.propose(1)
    spelt = " , ".join(batch.proposals[0].structure.split(","))
    rows = [{"structure": spelt, "activity": 1}, {"structure": "9, 9,9,9", "activity": 36}]
    telling = campaign.tell(table(tmp_path / "a.csv", rows))
    assert telling.own == ["9,9,9,9"]
    assert telling.entries[0].proposal == "P0001"
    found = trials(campaign)
    assert [t.user_attrs[OUTCOME] for t in found[1:]] == ["own"]
    assert found[1].values == pytest.approx([0.9])
    assert (
        status(campaign)["counts"] | {"own": 1, "complete": 2, "waiting": 0}
        == status(campaign)["counts"]
    )
    assert "9,9,9,9" not in names(campaign.propose(20))


def test_failures_and_withdrawals(tmp_path):
    campaign = open_campaign(tmp_path)
    batch = campaign.propose(4)
    rows = [
        {"proposal_id": "P0001", "activity": "failed: no product", "status": ""},
        {"proposal_id": "P0002", "activity": "", "status": "failed", "reason": "insoluble"},
    ]
    campaign.tell(table(tmp_path / "a.csv", rows))
    assert campaign.withdraw(["P0003", "P0003"], "too expensive") == ["P0003"]
    assert campaign.withdraw(["P0003"]) == []
    with pytest.raises(InputError, match="never proposed"):
        campaign.withdraw(["P0004", "P0099"])
    with pytest.raises(InputError, match="measurements of it were told"):
        campaign.withdraw(["P0001"])
    ended = trials(campaign)
    assert [t.state.name for t in ended] == ["FAIL", "FAIL", "FAIL", "RUNNING"]
    assert [t.user_attrs.get("reason") for t in ended] == [
        "activity: no product", "activity: insoluble", "too expensive", None,
    ]  # fmt: skip
    structures, scores = campaign.scoring.observations(campaign.measurements)
    assert structures == names(batch)[:2]
    assert all(score != score for score in scores)
    campaign = open_campaign(tmp_path)
    assert not set(names(batch)) & set(names(campaign.propose(10)))
    counts = status(campaign)["counts"]
    assert (counts["failed"], counts["withdrawn"], counts["waiting"]) == (2, 1, 11)
    # It was made after all.
    campaign.tell(table(tmp_path / "b.csv", [{"proposal_id": "P0001", "activity": 5}]))
    assert status(campaign)["counts"]["failed"] == 1


def test_rebuilding_gives_the_same_study_and_the_same_next_batch(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    terms = (ACTIVITY, SPREAD)
    campaign = open_campaign(one, terms)
    batch = campaign.propose(8)
    rows = [*measured(batch)[:6], {"numbers": "8,8,8,8", "activity": 32}]
    campaign.tell(table(tmp_path / "a.csv", rows))
    campaign.withdraw(["P0008"])
    shutil.copytree(one, other)
    (other / "loop.journal").write_text("not json\nat all\n")
    (other / "computed.json").unlink()
    with pytest.raises(ResultsError, match="--rebuild"):
        open_campaign(other, terms)
    rebuilt = open_campaign(other, terms, begin=False)
    rebuilt.rebuild()
    assert len(list(other.glob("loop-until-*.journal"))) == 1

    def content(campaign):
        return {(t.user_attrs[STRUCTURE], t.state.name, str(t.values)) for t in trials(campaign)}

    assert content(rebuilt) == content(campaign)
    expected = open_campaign(one, terms).propose(6)
    found = open_campaign(other, terms).propose(6)
    assert [p.to_json() for p in found.proposals] == [p.to_json() for p in expected.proposals]


def test_the_log_alone_suffices(tmp_path):
    campaign = open_campaign(tmp_path)
    campaign.tell(table(tmp_path / "a.csv", measured(campaign.propose(6))))
    for path in tmp_path.iterdir():
        if path.name not in ("told", "a.csv"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    again = open_campaign(tmp_path, begin=False)
    again.rebuild()
    assert status(again)["counts"]["complete"] == 6
    assert again.propose(3).proposals[0].id == "P0007"
    assert not set(names(again.batches[0])) & set(campaign.measurements.observed)


@pytest.mark.parametrize("dies", ["write_files", "bring_up", "write_batch"])
def test_a_proposal_that_is_killed_happened_or_not(tmp_path, monkeypatch, dies):
    campaign = open_campaign(tmp_path)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study_module, dies, die)
        with pytest.raises(KeyboardInterrupt):
            campaign.propose(4)
    campaign = open_campaign(tmp_path)
    happened = dies != "write_batch"
    assert len(campaign.batches) == len(list(tmp_path.glob("proposals/*.csv"))) == happened
    assert len(trials(campaign)) == 4 * happened
    assert not list(tmp_path.rglob("*.part*"))
    assert [p.id for p in campaign.propose(1).proposals] == ["P0005" if happened else "P0001"]


@pytest.mark.parametrize("dies", ["append_log", "bring_up"])
def test_telling_that_is_killed_happened_or_not(tmp_path, monkeypatch, dies):
    campaign = open_campaign(tmp_path)
    path = table(tmp_path / "a.csv", measured(campaign.propose(4)))

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study_module, dies, die)
        with pytest.raises(KeyboardInterrupt):
            campaign.tell(path)
    campaign = open_campaign(tmp_path)
    done = sum(t.state == TrialState.COMPLETE for t in trials(campaign))
    assert done == (0 if dies == "append_log" else 4)
    assert campaign.tell(path).known == done
    assert sum(t.state == TrialState.COMPLETE for t in trials(campaign)) == 4
    assert len(trials(campaign)) == 4


def test_computed_objectives_stand_beside_and_are_computed_once(tmp_path):
    calls.clear()
    open_scale = SPREAD.model_copy(update={"property": "sum", "low": None, "high": None})
    terms = (ACTIVITY, open_scale)
    campaign = open_campaign(tmp_path, terms)
    campaign.tell(table(tmp_path / "a.csv", measured(campaign.propose(5))))
    campaign.tell(table(tmp_path / "b.csv", [{"numbers": "1,1,1,7", "activity": 3}]))
    open_campaign(tmp_path, terms).propose(3)
    assert set(calls.values()) == {1}
    assert set(training_set(60)) <= set(calls)  # the open scale rests on them


def test_objectives_may_be_added_but_not_taken_away(tmp_path):
    campaign = open_campaign(tmp_path)
    campaign.tell(table(tmp_path / "a.csv", measured(campaign.propose(4))))
    more = open_campaign(tmp_path, (ACTIVITY, SOLUBILITY))
    assert any("new objective measured 'solubility'" in note for note in more.notes)
    assert status(more)["counts"]["partial"] == 4
    with pytest.raises(SettingsError, match="measured 'solubility' gone"):
        open_campaign(tmp_path)
    wider = ACTIVITY.model_copy(update={"high": 80.0})
    other = open_campaign(tmp_path, (wider, SOLUBILITY), digest="b")
    assert any("high was 40.0, is 80.0" in note for note in other.notes)
    assert any("model has changed" in note for note in other.notes)
    with pytest.raises(SettingsError, match="no objective is measured"):
        open_campaign(tmp_path / "b", (SPREAD,))
    with pytest.raises(SettingsError, match="cannot propose batches"):
        open_campaign(tmp_path / "b", sampler="tpe")


def test_a_database_holds_the_study_as_well(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    campaign = open_campaign(tmp_path, storage=url)
    campaign.tell(table(tmp_path / "a.csv", measured(campaign.propose(2))))
    again = open_campaign(tmp_path, storage=url, begin=False)
    again.rebuild()
    with open_study(tmp_path / "none", again.record.name, url) as study:
        assert [t.state for t in study.get_trials()] == [TrialState.COMPLETE] * 2
    assert not (tmp_path / "loop.journal").exists()


def test_one_command_at_a_time(tmp_path):
    with lock_folder(tmp_path), pytest.raises(ResultsError, match="in use"), lock_folder(tmp_path):
        pass


def test_rank_correlation():
    import numpy as np

    assert spearman(np.array([1.0, 2, 3]), np.array([10.0, 20, 90])) == pytest.approx(1.0)
    assert spearman(np.array([1.0, 2, 2, 3]), np.array([4.0, 3, 3, 1])) == pytest.approx(-1.0)
    assert spearman(np.array([1.0, 2]), np.array([1.0, 2])) is None
    assert spearman(np.ones(4), np.arange(4.0)) is None
