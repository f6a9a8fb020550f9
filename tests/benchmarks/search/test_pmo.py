"""`nucleate benchmark pmo`: AUC, one run and its resumption, runs side by side, the report."""

from __future__ import annotations

import importlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from nucleate.cli.app import app
from nucleate.cli.failures import DEBUG_VARIABLE
from nucleate.core.errors import ResultsError, SettingsError
from nucleate_benchmarks.search import pmo_report, pmo_run
from nucleate_benchmarks.search.pmo import PmoBenchmark, PmoSettings, run_side_by_side
from nucleate_benchmarks.search.pmo import run as run_benchmark
from nucleate_benchmarks.search.pmo_auc import (
    MoleculeFigures,
    RunFigures,
    auc_top,
    count_failures_as_zero,
    molecule_figures,
    running_top,
)
from nucleate_benchmarks.search.pmo_record import RunTask, finished_summary, read_calls
from nucleate_benchmarks.search.pmo_run import run

FAKES = '''
"""Searchers that go through the data, and oracles that count atoms."""

import os

import numpy as np

from nucleate.search.searcher import Proposal, Searcher

SEARCHERS = {name: "" for name in ("forward", "backward", "sloppy", "raising", "dying")}
ORACLES = ("carbons", "oxygens")
told = []


class Listed(Searcher):
    def __init__(self, name, data):
        self.name, self.left = name, list(data)

    def ask(self, count):
        if self.name == "sloppy":  # another spelling, a repetition, nonsense
            texts = ["OCC", "CCO", "C(", "CCCO", "CO", "OC"][:count]
            return [Proposal(text, "prior", ("C",)) for text in texts]
        if len(told) >= 10 and self.name == "raising":
            raise ValueError("no more ideas")
        if len(told) >= 10 and self.name == "dying":
            os._exit(9)
        asked, self.left = self.left[:count], self.left[count:]
        return [Proposal(text, "edit" if "O" in text else "data", (text,)) for text in asked]

    def tell(self, structures, scores):
        told.extend(zip(structures, scores))
        self.left = [text for text in self.left if text not in set(structures)]


def build(task):
    assert task.model is None
    data = task.data[task.seed:] + task.data[:task.seed]
    return Listed(task.name, data[::-1] if task.name == "backward" else data)


class Oracle:
    def __init__(self, name):
        self.letter = name[0].upper()

    def compute(self, smiles):
        values = np.array([text.count(self.letter) / 50 for text in smiles])
        return np.where(np.array(smiles) == "CCCCN", np.nan, values)


def oracle(name, definitions):
    return Oracle(name)
'''
MOLECULES = [chain + end for chain in ("C" * n for n in range(1, 41)) for end in ("", "N", "O")]


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, importable here and in spawned processes; what it was told is forgotten."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "fake_pmo.py").write_text(FAKES)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(importlib.sys.modules, "fake_pmo", raising=False)  # type: ignore[attr-defined]
    return importlib.import_module("fake_pmo")


@pytest.fixture
def task(tmp_path: Path, fakes: Any) -> RunTask:
    data = tmp_path / "data.smi"
    data.write_text('# {"name": "alkanes"}\n' + "\n".join(MOLECULES) + "\n")
    return RunTask(
        oracle="carbons",
        definitions="pmo",
        sampler="forward",
        seed=3,
        budget=60,
        batch=8,
        model=None,
        model_digest="",
        device="cpu",
        data=str(data),
        data_digest="d",
        work=str(tmp_path / "work"),
        searchers="fake_pmo:build",
        oracles="fake_pmo:oracle",
    )


def _literal_auc(scores: list[float], best: int, every: int, budget: int) -> float:
    """Worked through call by call: the height at a point, the strip to the next one."""
    area = height = 0.0
    at = 0
    for number in range(1, len(scores) + 1):
        if number % every == 0 or number == len(scores):
            now = sum(sorted(scores[:number])[-best:]) / min(best, number)
            area += (number - at) * (height + now) / 2
            at, height = number, now
    return (area + (budget - at) * height) / budget


def test_auc_by_hand() -> None:
    # Points (2, .4), (4, 1), (5, 1), then held to 8: .4 + 1.4 + 1 + 3 of 8.
    scores = np.array([0.2, 0.4, 0.4, 1.0, 0.1])
    assert auc_top(scores, 1, 8, every=2) == pytest.approx(5.8 / 8)
    # Best two: (2, .3), (4, .7), (5, .7): .3 + 1 + .7 + 2.1.
    assert auc_top(scores, 2, 8, every=2) == pytest.approx(4.1 / 8)
    assert auc_top(np.zeros(0), 10, 100) == 0
    assert running_top(scores, 1, every=2) == ([2, 4, 5], [0.4, 1.0, 1.0])
    # A constant score rises in the first hundred calls only: (50 + 9,900) / 10,000.
    assert auc_top(np.ones(10_000), 10, 10_000) == pytest.approx(0.995)


@pytest.mark.parametrize("calls", [1, 99, 100, 101, 250, 1000])
@pytest.mark.parametrize("best", [1, 10, 100])
def test_auc_is_that_of_the_algorithm(calls: int, best: int) -> None:
    scores = np.random.default_rng(calls).random(calls)
    scores[::7] = np.nan
    values = count_failures_as_zero(scores.tolist())
    assert values[0] == 0
    expected = _literal_auc(values.tolist(), best, 100, 1000)
    assert auc_top(values, best, 1000) == pytest.approx(expected)
    beyond = np.concatenate([values, np.ones(2000)])
    if calls == 1000:
        assert auc_top(beyond, best, 1000) == pytest.approx(expected)


def test_molecules_are_described() -> None:
    alike = molecule_figures(["CCO", "CCO"])
    assert alike.diversity == pytest.approx(0)
    assert alike.passing == 1
    assert 1 <= alike.sa <= 10
    # Distinct pairs only: benzene and methane share no bit.
    assert molecule_figures(["C", "c1ccccc1"]).diversity == pytest.approx(1)
    assert math.isnan(molecule_figures([]).sa)


def test_a_run_is_recorded_and_recognised(task: RunTask, fakes: Any) -> None:
    counts: list[int] = []
    summary = run(task, counts.append)
    assert counts[0] == 8
    assert counts[-1] == summary["calls"] == 60
    assert summary["ended"] == "budget"
    assert summary["seconds"] >= summary["oracle_seconds"] >= 0
    assert summary["peak_memory_gb"] > 0
    assert summary["date"]
    assert summary["machine"]["cores"] >= 1
    calls = read_calls(task.file(".jsonl"))
    assert [call.call for call in calls] == list(range(1, 61))
    assert [call.structure for call in calls] == MOLECULES[3:63]
    assert calls[0].score == 2 / 50
    assert calls[0].origin == "data"
    assert calls[0].parent == "CC"
    failed = next(call for call in calls if call.structure == "CCCCN")
    assert math.isnan(failed.score)
    assert '"score":null' in task.file(".jsonl").read_text()
    assert not task.file(".state.json").exists()
    before = task.file(".jsonl").read_bytes()
    fakes.told.clear()
    assert run(task) == summary
    assert not fakes.told
    assert task.file(".jsonl").read_bytes() == before
    # A larger budget goes on; a smaller one is contained in it.
    assert run(replace(task, budget=70))["parts"] == 2
    assert finished_summary(task) is not None
    assert task.file(".jsonl").read_bytes().startswith(before)


@pytest.mark.parametrize("torn", ["", '{"call":17,"struc'])
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    task: RunTask, tmp_path: Path, torn: str
) -> None:
    run(task)
    other = replace(task, work=str(tmp_path / "again"))

    def kill(calls: int) -> None:
        if calls >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(other, kill)
    path = other.file(".jsonl")
    assert finished_summary(other) is None
    with path.open("a") as stream:
        stream.write(torn)
    assert len(read_calls(path)) == 16
    summary = run(other)
    assert path.read_bytes() == task.file(".jsonl").read_bytes()
    assert summary["parts"] == 2
    assert summary["calls"] == 60


def test_what_is_known_is_free_and_told_once(task: RunTask, fakes: Any) -> None:
    summary = run(replace(task, sampler="sloppy"))
    # The searcher never thinks of anything else.
    assert summary["ended"] == "exhausted"
    assert summary["calls"] == 3
    calls = read_calls(replace(task, sampler="sloppy").file(".jsonl"))
    assert [(call.call, call.structure) for call in calls] == [
        (1, "CCO"), (None, "C("), (2, "CCCO"), (3, "CO"),
    ]  # fmt: skip
    assert [structure for structure, _ in fakes.told] == ["CCO", "C(", "CCCO", "CO"]
    assert math.isnan(fakes.told[1][1])
    assert finished_summary(replace(task, sampler="sloppy")) is not None


def test_a_run_stays_with_its_data_and_its_file(task: RunTask) -> None:
    run(task)
    with pytest.raises(ResultsError, match="begun with other data"):
        run(replace(task, data_digest="e", budget=100))
    with pytest.raises(ResultsError, match="in use"), pmo_run._locked(task):
        run(task)
    path = task.file(".jsonl")
    path.write_text(path.read_text().replace('{"call":2,', '{"call":', 1))
    with pytest.raises(ResultsError, match="line 2 is damaged"):
        run(task)


def test_a_dying_run_does_not_take_others_with_it(task: RunTask) -> None:
    tasks = [replace(task, sampler=name) for name in ("raising", "dying", "forward")]
    ended = {t.sampler: (kind, value) for t, kind, value in run_side_by_side(tasks, 2)}
    assert ended["raising"] == ("failed", "ValueError: no more ideas")
    assert "in ask" in tasks[0].file(".error.txt").read_text()
    assert ended["dying"] == ("failed", "its process died (exit code 9)")
    assert ended["forward"][1]["calls"] == 60
    # What they paid for is kept.
    assert len(read_calls(tasks[0].file(".jsonl"))) == 16
    assert len(read_calls(tasks[1].file(".jsonl"))) == 16


def _figures(oracle: str, sampler: str, seed: int, auc: float, ended: bool = True) -> RunFigures:
    return RunFigures(
        oracle=oracle,
        sampler=sampler,
        seed=seed,
        calls=10_000 if ended else 4_200,
        ended=ended,
        auc={1: auc, 10: auc, 100: auc},
        final={1: 0.9, 10: 0.8, 100: 0.7},
        curve=[auc] * (100 if ended else 42),
        molecules=MoleculeFigures(3.0, 0.8, 0.5),
        origins={"data": 25, "edit": 75},
        best=[("CCO", 0.9)],
        minutes=12.0 if ended else None,
        date="2026-11-21T10:00:00+00:00" if ended else "",
    )


def _head(**changes: Any) -> dict[str, Any]:
    head = {"command": "nucleate benchmark pmo", "definitions": "pmo", "budget": 10_000}
    return {**head, "seeds": [0, 1], "samplers": ["new", "old"], **changes}


def test_the_report_says_what_the_runs_say(tmp_path: Path) -> None:
    runs = [
        _figures("qed", "new", 0, 0.9),
        _figures("qed", "new", 1, 0.7),
        _figures("qed", "old", 0, 0.6),
        _figures("qed", "old", 1, 0.75),
        _figures("median1", "new", 0, 0.4),
        _figures("median1", "new", 1, 0.2, ended=False),
        _figures("median1", "old", 0, 0.1),
    ]
    found, paths = pmo_report.write(tmp_path / "pmo.md", _head(), runs, {})
    cell = found["auc_top_10"]["qed"]["new"]
    assert cell == {
        "mean": pytest.approx(0.8),
        "deviation": pytest.approx(0.2 / 2**0.5),
        "seeds": 2,
        "ended": True,
    }
    assert found["sums"]["new"] == {"oracles": ["qed"], "sum": pytest.approx(0.8)}
    assert found["wins"]["new"]["old"] == {"oracles": (1, 1), "runs": (2, 3)}
    assert found["wins"]["old"]["new"] == {"oracles": (0, 1), "runs": (1, 3)}
    assert found["wins"]["new"]["GenGFN"]["oracles"] == (0, 1)
    assert found["wins"]["new"]["Screening"]["oracles"] == (0, 1)
    assert "qed" not in found["not_done"]["new"]
    assert len(found["not_done"]["new"]) == 19
    text = paths[1].read_text()
    row = "| qed | 0.800 ± 0.141 | 0.675 ± 0.106 | 0.942 | 0.941 | 0.941 | 0.941 | 0.940 | 0.937 |"
    assert row in text
    assert "| median1 | 0.300 ± 0.141\\* | 0.100\\* (1 of 2 seeds) | 0.379 |" in text
    assert "Calls so far: new median1 seed 1: 4,200." in text
    assert "| sum over 1, done by all | 0.800 | 0.675 | 0.942 |" in text
    assert "| sum over all 20 | - | - | 13.594 | 12.458 |" in text
    assert "new, old have not done 19 of the 20: albuterol_similarity," in text
    assert text.count("not done") == 1
    assert "| new |  | 1 of 1 (2 of 3 runs) | 0 of 1 |" in text
    assert "edit 75, data 25" in text
    assert json.loads(paths[0].read_text())["runs"][0]["curve"] == [0.9] * 100
    root = ElementTree.fromstring(paths[2].read_text())
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4
    assert len(lines[2].attrib["points"].split()) == 42


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"definitions": "guacamol"}, "these are `guacamol` definitions"),
        ({"budget": 1000}, "of 10,000 calls, ours of 1,000"),
    ],
)
def test_published_figures_do_not_stand_beside_others(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    found, paths = pmo_report.write(
        tmp_path / "pmo", _head(**changes), [_figures("qed", "new", 0, 0.9)], {}
    )
    text = paths[1].read_text()
    assert reason in text
    assert "GenGFN" not in text
    assert "GenGFN" not in json.dumps(found)


def test_the_published_table_is_whole() -> None:
    known = pmo_report.published_table()
    assert len(known["oracles"]) == 20
    for method, total in known["sums"].items():
        assert method in known["methods"]
        # 20 cells, each rounded to three places.
        assert sum(row[method] for row in known["oracles"].values()) == pytest.approx(
            total, abs=5e-3
        )


def _command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Result:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv(DEBUG_VARIABLE, "0")
    monkeypatch.setattr("sys.argv", ["/usr/bin/nucleate", "benchmark", "pmo"])
    fake = ("--searcher-source", "fake_pmo:build", "--oracle-source", "fake_pmo:oracle")
    texts = [str(a) for a in (*arguments, *fake, "--model", "none", "--processes", 2)]
    return CliRunner().invoke(app, ["benchmark", "pmo", *texts])


@pytest.mark.parametrize("sampler", ["random-prior", "cmaes", "edits+screen", "nucleate"])
def test_a_searcher_that_needs_a_model_is_refused_before_anything_is_read(
    sampler: str, tmp_path: Path
) -> None:
    settings = PmoSettings(
        samplers=("best-of-data", sampler), data="no.smi", model="none", work=str(tmp_path / "work")
    )
    with pytest.raises(SettingsError, match=rf"^{re.escape(sampler)}: needs a model; give --model"):
        run_benchmark(settings, tmp_path / "out", "")
    assert not list(tmp_path.iterdir())
    free = PmoSettings(samplers=("best-of-data",), data="no.smi", model="none")
    assert PmoBenchmark(free, print).samplers == ["best-of-data"]


def test_the_command_says_what_is_left_and_where_few_calls_go(
    fakes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nucleate_benchmarks.molecules.filters.passes", lambda molecule: True)
    data = tmp_path / "own.smi"
    data.write_text("\n".join(MOLECULES))
    settings = PmoSettings(
        samplers=("best-of-data",),
        data=str(data),
        oracles=("qed",),
        budget=5,
        seeds=(0,),
        model="none",
        work=str(tmp_path / "work"),
        processes=2,
    )
    said: list[str] = []
    for _ in range(2):
        run_benchmark(settings, tmp_path / "out", "", said.append)
    assert [text for text in said if "to do" in text] == [
        "1 run, 1 to do, 1 at once",
        "1 run, 0 to do",
    ]
    notes = [text for text in said if text.startswith("note")]
    assert len(notes) == 1
    assert "200 training molecules; with 5 calls they ask about nothing else" in notes[0]


def test_the_command_from_end_to_end(
    fakes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some 500 patterns in each of 100 molecules of each run: tested elsewhere.
    monkeypatch.setattr("nucleate_benchmarks.molecules.filters.passes", lambda molecule: True)
    data, work, out = tmp_path / "own.smi", tmp_path / "work", tmp_path / "results" / "pmo"
    data.write_text("\n".join(MOLECULES))
    shared = ("--data", data, "--work", work, "--out", out, "--budget", 110, "--seeds", "0")
    # The second one of them leaves the run unfinished.
    result = _command(monkeypatch, *shared, "--oracles", "carbons", "--sampler", "backward,raising")
    assert result.exit_code == 1, result.output
    found = json.loads(out.with_suffix(".json").read_text())
    assert found["failed"] == {"raising on carbons, seed 0": "ValueError: no more ideas"}
    assert "Runs that failed" in out.with_suffix(".md").read_text()
    assert len(list(work.glob("data-*.smi"))) == 1

    both = ("--sampler", "backward", "--sampler", "forward")
    result = _command(monkeypatch, *shared, *both)
    assert result.exit_code == 0, result.output
    assert "4 runs, 3 to do" in result.output
    found = json.loads(out.with_suffix(".json").read_text())
    assert found["training set"]["molecules"] == len(MOLECULES)
    assert found["seeds"] == [0]
    assert [run["calls"] for run in found["runs"]] == [110] * 4
    for measured in found["runs"]:
        name = f"{measured['oracle']}-{measured['seed']}.jsonl"
        lines = (work / "pmo" / measured["sampler"] / name).read_text().splitlines()
        scores = [json.loads(line)["score"] or 0.0 for line in lines]
        expected = _literal_auc(scores, 10, 100, 110)
        assert measured["auc"]["10"] == pytest.approx(expected)
        assert measured["final"]["1"] == max(scores)
        assert len(measured["curve"]) == 2
        assert measured["minutes"] > 0
    # Longer chains have more carbons, and only the backward one starts with them.
    assert found["wins"]["backward"]["forward"]["oracles"] == [1, 2]

    result = _command(monkeypatch, *shared, *both, "--seeds", "0,1", "--no-start")
    assert result.exit_code == 0, result.output
    assert "to do" not in result.output
    again = json.loads(out.with_suffix(".json").read_text())
    assert again["runs"] == found["runs"]
    assert again["seeds"] == [0, 1]
    assert "\\* (1 of 2 seeds)" in out.with_suffix(".md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sampler", "nobody"], "no sampler named nobody; known: forward"),
        (["--sampler", "forward", "--oracles", "gold"], "no oracle named gold"),
        (["--sampler", "forward", "--seeds", "x"], "seeds.0"),
        (["--sampler", "forward", "--definitions", "own"], "'pmo' or 'guacamol'"),
        (["--sampler", "forward", "--data", "no.smi"], "no.smi: no such file"),
    ],
)
def test_mistakes_are_explained(
    options: list[str],
    message: str,
    fakes: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tmp_path / "own.smi"
    data.write_text("\n".join(MOLECULES))
    given = ("--data", data, "--work", tmp_path / "work", "--out", tmp_path / "out")
    result = _command(monkeypatch, *given, *options)
    assert result.exit_code != 0
    assert message in result.output
    assert not (tmp_path / "out.md").exists()
