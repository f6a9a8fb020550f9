"""`nucleate optimize` as a person runs it, on a tiny model."""

from __future__ import annotations

import json
import signal

import pyarrow.parquet as pq
import pytest

LEADS = ["CCO", "CCCO", "c1ccccc1O", "CC(=O)Nc1ccccc1", "CCN(CC)CC", "CC(C)CO", "not a molecule"]


@pytest.fixture
def study(tmp_path, trained, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.smi").write_text("\n".join(LEADS) + "\n")
    path = tmp_path / "study.toml"
    path.write_text(
        f'model = "{trained.folder}"\n'
        'data = "leads.smi"\n'
        "trials = 20\nbatch = 10\n"
        "[[objectives]]\nproperty = 'qed'\nlow = 0.0\nhigh = 1.0\n"
    )
    return path


def test_a_study_from_a_file_and_its_continuation(nucleate, study, tmp_path):
    result = nucleate("optimize", study, "--json", "a.json")
    assert result.exit_code == 0, result.stderr
    out = tmp_path / "results" / "study"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["trials"] == 20
    assert summary["start"]["rejected"] == 1
    assert set(pq.read_table(out / "optimized.parquet")["structure"].to_pylist()).isdisjoint(LEADS)
    for part in (" new structures of ", "all 20 trials are scored", "nucleate screen"):
        assert part in result.stdout
    last = result.stdout.strip().splitlines()[-1]
    assert "optuna-dashboard results/study/study.journal" in last
    assert json.loads((tmp_path / "a.json").read_text())["metrics"]["trials"] == 20

    more = nucleate("optimize", study, "--trials", 30, "--objective", "qed:low=0,high=1")
    assert more.exit_code == 0, more.stderr
    again = json.loads((out / "summary.json").read_text())
    assert again["history"][:20] == summary["history"]
    assert again["trials"] == 30


def test_a_study_in_a_database_from_features(nucleate, study, tmp_path, trained, tiny_features):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    result = nucleate(
        "optimize", "--model", trained.folder, "--features", tiny_features.folder,
        "--objective", "qed", "--objective", "sa_score:minimise", "--trials", 10,
        "--out", "shared", "--storage", url,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert f"nucleate screen shared --features {tiny_features.folder}" in result.stdout
    assert f"optuna-dashboard {url}" in result.stdout
    assert not (tmp_path / "shared" / "study.journal").exists()
    assert json.loads((tmp_path / "shared" / "summary.json").read_text())["trials"] == 10


STOPPING = """
import os, signal
def lengths(smiles):
    path = {path!r}
    with open(path, "a") as file:
        file.write("".join(f"{{one}}\\n" for one in smiles))
    if os.path.exists(path + ".stop") and sum(1 for _ in open(path)) > 20:
        os.remove(path + ".stop")
        os.kill(os.getppid(), signal.{signal})
        signal.pause()
    return [float(len(one)) for one in smiles]
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stopped_study_writes_what_it_found_and_goes_on(nucleate, study, tmp_path, name):
    score = tmp_path / "lengths.py"
    values = {"path": str(tmp_path / "calls"), "signal": name}
    study.write_text(
        study.read_text()
        .split("[[objectives]]")[0]
        .replace("batch = 10", "batch = 10\nreference = 3")
        + f"[[objectives]]\npython = '{tmp_path}/lengths.py:lengths'\nlow = 0\nhigh = 50\n"
    )
    score.write_text(STOPPING.format(**values))
    (tmp_path / "calls.stop").touch()
    # A job in the background ignores SIGINT, and libraries may have changed what it does.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = signal.getsignal(signal.SIGTERM)
    try:
        stopped = nucleate("optimize", study)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert stopped.exit_code == 130, stopped.stderr
    assert "Ended: interrupted." in stopped.stdout
    assert "interrupted; the same command resumes where it stopped" in stopped.stderr
    assert signal.getsignal(signal.SIGTERM) == before
    out = tmp_path / "results" / "study"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stopped"] == "interrupted"
    assert len(pq.read_table(out / "optimized.parquet")) == summary["new"]
    more = nucleate("optimize", study)
    assert more.exit_code == 0, more.stderr
    again = json.loads((out / "summary.json").read_text())
    assert again["trials"] == 20
    assert again["history"][: summary["trials"]] == summary["history"]
