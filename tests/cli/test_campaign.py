"""`nucleate propose`, `tell` and `study` from end to end with a tiny model."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from nucleate.testing.tiny_model import card, exported, shipped, tiny_features, trained

__all__ = ["card", "exported", "shipped", "tiny_features", "trained"]

Nucleate = Callable[..., Result]
SMILES = [
    "CCO", "CCCO", "CCCCO", "CCN", "CCCN", "c1ccccc1", "Cc1ccccc1", "CC(=O)O", "CCC(=O)O",
    "CC(N)=O", "CCOC", "CCOCC", "CC(C)O", "CC(C)N", "OCCO", "NCCO", "c1ccncc1", "Cc1ccncc1",
    "C1CCCCC1", "OC1CCCCC1",
]  # fmt: skip
STUDY = """
model = "tiny"
data = "leads.smi"
out = "{out}"

[[objectives]]
measured = "pIC50"
low = 4.0
high = 9.0

[[objectives]]
property = "qed"
low = 0.0
high = 1.0
weight = 0.5
"""


@pytest.fixture
def study(tmp_path: Path, shipped: Path) -> Path:
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "leads.smi").write_text("\n".join(SMILES) + "\n")
    path = folder / "assay.toml"
    path.write_text(STUDY.format(out=tmp_path / "out"))
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_loop(nucleate: Nucleate, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = nucleate("propose", study, "-n", 10)
    assert first.exit_code == 0, first.output
    assert "Batch 1: 10 structures" in first.stdout
    assert f"nucleate tell {out}" in first.stdout
    rows = rows_of(out / "proposals" / "batch-001.csv")
    assert {row["smiles"] for row in rows} <= set(SMILES)
    assert rows[0]["pIC50"] == ""
    assert 0 < float(rows[0]["qed"]) < 1
    sdf = (out / "proposals" / "batch-001" / "candidates.sdf").read_text()
    assert sdf.count("$$$$") == 10
    assert sdf.startswith("P0001\n")

    # Half of it, one failure, one of the person's own in another spelling, one that is nothing.
    results = tmp_path / "results.csv"
    lines = [f"{row['proposal_id']},,{5 + i / 10}" for i, row in enumerate(rows[:8])]
    lines += ["P0009,,failed: no product", ",C(CCCC)O,>7", ",C(C,7", ",[Na+].CCCCCCC(=O)[O-],-1e7"]
    results.write_text("\n".join(["proposal_id,smiles,pIC50", *lines]) + "\n")
    told = nucleate("tell", out, results, "--json", "-")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert (found["values"], found["failures"], found["own"]) == (10, 1, ["CCCCCO", "CCCCCCC(=O)O"])
    assert (found["rejected"][0]["row"], found["rejected"][0]["line"]) == (11, 12)
    assert "Taken: 10 values (1 of them bounds) and 1 failures of 11 structures" in told.stderr
    salt = {"row": 12, "line": 13, "given": "[Na+].CCCCCCC(=O)[O-]", "structure": "CCCCCCC(=O)O"}
    assert found["altered"] == [salt]
    said = " ".join(told.stderr.split())
    assert "line 13 (row 12): [Na+].CCCCCCC(=O)[O-] counts as CCCCCCC(=O)O." in said
    assert "Far from the rest, but taken: 1 value; line 13 (row 12): pIC50 -10,000,000" in said
    assert "line 12 (row 11): unparsable" in said
    log = (out / "told" / "measurements.jsonl").read_text().splitlines()
    assert [json.loads(line)["given"] for line in log[-2:]] == ["", "[Na+].CCCCCCC(=O)[O-]"]
    again = nucleate("tell", out, results)
    assert again.exit_code == 0
    assert "Told before: 11 values" in again.stdout

    second = nucleate("propose", out, "-n", 5, "--json", tmp_path / "batch.json")
    assert second.exit_code == 0, second.output
    batch = json.loads((tmp_path / "batch.json").read_text())
    assert [p["id"] for p in batch["proposals"]] == [f"P{i:04d}" for i in range(11, 16)]
    fresh = {p["structure"] for p in batch["proposals"]}
    assert not fresh & ({row["smiles"] for row in rows} | {"CCCCCO", "CCCCCCC(=O)O"})
    assert all(p["expected"] is not None and p["deviation"] > 0 for p in batch["proposals"])
    assert all(0 <= p["similarity"] <= 1 for p in batch["proposals"])

    gone = nucleate("propose", out, "--withdraw", "P0010", "--reason", "toxic")
    assert "Withdrawn: P0010." in gone.stdout
    shown = nucleate("study", out, "--json", tmp_path / "study.json")
    assert shown.exit_code == 0, shown.output
    assert "10 complete, 0 measured in part, 5 waiting, 1 failed, 1 withdrawn" in shown.stdout
    assert "no structure yet whose score was expected" in shown.stdout
    best = json.loads((tmp_path / "study.json").read_text())["best"]
    assert best[0]["id"] == ""
    rebuilt = nucleate("tell", study, "--rebuild")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "anew from 12 lines" in rebuilt.stdout
    last = json.loads(nucleate("study", out, "--json", "-").stdout)
    assert last["best"] == best


def test_what_cannot_be_told_is_explained(nucleate: Nucleate, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    missing = nucleate("tell", study, tmp_path / "none.csv")
    assert missing.exit_code == 1
    assert "no such file" in missing.stderr
    path = tmp_path / "results.csv"
    path.write_text("smiles,activity\nCCO,5\n")
    wrong = nucleate("tell", study, path)
    assert wrong.exit_code == 1
    assert "has no column 'pIC50'" in wrong.stderr
    path.write_text("smiles,pIC50\nC(C,5\nCCO,high\n")
    bad = nucleate("tell", study, path)
    assert bad.exit_code == 1
    assert "nothing was taken" in bad.stderr
    assert len(rows_of(out / "told" / "rejected-1.csv")) == 2
    assert not (out / "told" / "measurements.jsonl").exists()
    assert "tell needs RESULTS" in nucleate("tell", study).stderr
    empty = nucleate("propose", tmp_path)
    assert empty.exit_code == 2
    assert "holds no study.toml" in empty.stderr
    assert "never proposed" in nucleate("propose", study, "--withdraw", "P0001").stderr


def test_measured_objectives_are_not_for_optimize(nucleate: Nucleate, study: Path) -> None:
    result = nucleate("optimize", study)
    assert result.exit_code == 2
    assert "is measured by a person" in result.stderr


def test_a_study_without_measurements_is_not_for_the_loop(nucleate: Nucleate, study: Path) -> None:
    study.write_text(study.read_text().replace('measured = "pIC50"', 'property = "logp"'))
    result = nucleate("propose", study)
    assert result.exit_code == 2
    assert "is run by `nucleate optimize`" in result.stderr
