"""Workers that share a study, and processes that are killed."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from nucleate.core.errors import ResultsError, SettingsError
from nucleate.objectives.scored import Scored
from nucleate.search.optuna_adapter import create_running_trial as create
from nucleate.search.study import liveness
from nucleate.search.study.liveness import WorkerPool
from nucleate.search.study.runner import Runner
from nucleate.search.study.storage import open_study
from nucleate.search.study.structure_sampler import Searching
from nucleate.search.study.trial_index import TrialIndex
from nucleate.search.trial_attributes import ABANDONED, OUTCOME, STRUCTURE, WORKER
from nucleate.settings.study import OptimizeSettings
from nucleate_benchmarks.engineering.workers import (
    NumberSearcher,
    faults,
    judge,
    read_logs,
    run,
    value_of,
)


class Quick:
    """As much of an objective as the loop asks for."""

    def __init__(self, before=lambda structures: None):
        self.before = before

    def score(self, structures):
        self.before(structures)
        return [Scored({"a": v}, {"a": v}, v) for v in map(value_of, structures)]

    def reasons(self, structure):
        return {}

    def remember(self, structure, raw, reasons=None):
        pass


def searching(study, seed=0, batch=4):
    return Searching(study, NumberSearcher(1000, seed), None, frozenset(), batch=batch, seed=seed)


@pytest.fixture
def shared(tmp_path):
    with open_study(Path(), "a", f"sqlite:///{tmp_path / 'a.db'}") as study:
        yield study


def test_a_killed_worker_costs_nothing(tmp_path):
    row = run(
        argparse.Namespace(
            storage=f"sqlite:///{tmp_path / 'study.db'}",
            workers=3,
            kill_every=2.5,
            kills=1,
            seconds=3.0,
            trials=40,
            batch=2,
            distant=False,
        )
    )
    assert faults(row) == []
    assert row["kills"] == 1
    assert row["complete"] == 40


def test_kill_and_resume_with_the_journal(tmp_path):
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from nucleate_benchmarks.engineering import workers as w
        from nucleate.settings.study import OptimizeSettings

        folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
        log = w._Log(folder)
        with w.open_study(folder / "study.journal", "a") as study:
            source = w._LoggedSearching(
                study, w.NumberSearcher(1000, 0), None, frozenset(), batch=4, seed=0
            )
            source.log = log
            settings = OptimizeSettings(trials=40, batch=4)
            print(w.Runner(study, source, w._SlowObjective(seconds, log), settings).run())
        """
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    first = subprocess.Popen([*command, "0.05"])
    deadline = time.monotonic() + 60
    while len(read_logs(tmp_path)) < 15 and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = read_logs(tmp_path)
    assert before
    done = subprocess.run([*command, "0"], capture_output=True, text=True, check=True)
    assert "all 40 trials are scored" in done.stdout
    with open_study(tmp_path / "study.journal", "a") as study:
        trials = study.get_trials(deepcopy=False)
    log = read_logs(tmp_path)
    counts = judge(trials, log, 40)
    assert counts["complete"] == 40
    assert counts["doubled"] == counts["wrong"] == counts["lost"] == 0
    assert counts["left_running"] == counts["abandoned_never_scored"] == 0
    told = {structure for what, structure, _ in before if what == "told"}
    times = Counter(structure for what, structure, _ in log if what == "scored")
    assert told
    assert {times[structure] for structure in told} == {1}


def test_a_worker_that_stops_hands_its_structures_on(shared):
    def interrupted(structures):
        raise KeyboardInterrupt

    settings = OptimizeSettings(trials=6, batch=4)
    with pytest.raises(KeyboardInterrupt), WorkerPool(shared, 30) as pool:
        Runner(shared, searching(shared), Quick(interrupted), settings, pool).run()
    left = {t.user_attrs[STRUCTURE] for t in shared.trials}
    assert {t.user_attrs[OUTCOME] for t in shared.trials} == {ABANDONED}
    with WorkerPool(shared, 30) as pool:
        assert not pool.alone
        Runner(shared, searching(shared, seed=1), Quick(), settings, pool).run()
    done = [t for t in shared.trials if t.state == TrialState.COMPLETE]
    assert len(done) == 6
    assert left <= {t.user_attrs[STRUCTURE] for t in done}


def test_a_silent_worker_of_another_host_is_dead_after_a_while(shared, monkeypatch):
    with WorkerPool(shared, 0.8) as pool:
        sign = {"host": "elsewhere", "pid": 1, "started": 0.0, "beat": 1, "time": time.time()}
        shared.set_user_attr("worker:other", sign)
        create(shared, {STRUCTURE: "1", WORKER: "other"})
        index = TrialIndex(shared).read()
        began = time.monotonic()
        while not pool.look_after(index.read()):
            assert time.monotonic() - began < 10
            # It lives for a second more.
            if time.monotonic() - began < 1.0:
                shared.set_user_attr("worker:other", {**sign, "beat": time.monotonic_ns()})
            time.sleep(0.05)
        assert time.monotonic() - began > 1.5
        assert list(index.read().abandoned) == ["1"]


def test_a_dead_process_of_this_host_is_noticed_at_once(shared):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with WorkerPool(shared, 30) as pool:
        sign = {**liveness.this_process(), "pid": process.pid, "beat": 1, "time": time.time()}
        shared.set_user_attr("worker:other", sign)
        shared.set_user_attr("worker:alive", {**liveness.this_process(), "time": time.time()})
        create(shared, {STRUCTURE: "1", WORKER: "other"})
        create(shared, {STRUCTURE: "2", WORKER: "alive"})
        create(shared, {STRUCTURE: "3"})  # of somebody who does not sign
        index = TrialIndex(shared).read()
        assert pool.look_after(index) == 1
        assert list(index.read().abandoned) == ["1"]


def test_what_a_sleeping_worker_brings_late_is_dropped(shared):
    """It is taken for dead while it scores; another worker scores the same structures."""
    values = {}

    def overtaken(structures):
        index = TrialIndex(shared).read()
        if not values:
            values.update({s: value_of(s) for s in structures})
            pool._abandon(index, {pool.id}, "taken for dead")

    settings = OptimizeSettings(trials=8, batch=4)
    with WorkerPool(shared, 30) as pool:
        Runner(shared, searching(shared), Quick(overtaken), settings, pool).run()
    done = [t for t in shared.trials if t.state == TrialState.COMPLETE]
    assert len(done) == len({t.user_attrs[STRUCTURE] for t in done}) == 8
    assert set(values) <= {t.user_attrs[STRUCTURE] for t in done}


def test_impossible_databases_are_refused():
    with pytest.raises(SettingsError, match="not a URL"), open_study(Path(), "a", "nonsense"):
        pass
    url = "postgresql://somebody:secret@127.0.0.1:1/none"
    pytest.importorskip("psycopg")
    with (
        pytest.raises(ResultsError, match="cannot be opened") as error,
        open_study(Path(), "a", url),
    ):
        pass
    assert "secret" not in str(error.value)


def test_the_signs_of_workers_end_with_them(shared):
    with WorkerPool(shared, 0.4) as pool:
        time.sleep(0.3)
        beats = shared.user_attrs[f"worker:{pool.id}"]["beat"]
        assert beats > 1
    last = shared.user_attrs[f"worker:{pool.id}"]
    time.sleep(0.2)
    assert shared.user_attrs[f"worker:{pool.id}"] == last
    assert optuna.load_study(study_name="a", storage=shared._storage).user_attrs
