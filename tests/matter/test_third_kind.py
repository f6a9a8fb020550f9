"""Strands of DNA, a kind of matter from a plug-in, through every stage of the command line."""

from __future__ import annotations

import base64
import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nucleate.cli.app import app
from nucleate.matter import registry
from nucleate.matter.export import text_svg

PLUGIN = Path(__file__).parents[1] / "dna_plugin"
Run = Callable[..., str]

SETTINGS = """
[matter.dna.featurize]
processes = 1
dataset = {source = "strands.csv"}
split = {kind = "length", test = 0.2}
[matter.dna.train]
epochs = 2
batch = 32
network = {width = 32, latent = 8}
prior = {steps = 20, width = 32, layers = 1}
[matter.dna.sample]
count = 50
[matter.dna.optimize]
trials = 20
objectives = [{property = "gc_content"}]
[matter.dna.screen]
checks = [{name = "runs", maximum = 3}]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in as an installer leaves it behind."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(PLUGIN / "dna_matter.py", folder)
    metadata = folder / "dna_matter-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dna-matter\nVersion: 1.0\n")
    shutil.copy(PLUGIN / "entry_points.txt", metadata)
    return folder


@pytest.fixture(scope="module")
def folder(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's folder, after a run of every stage in a process of its own."""
    folder = tmp_path_factory.mktemp("dna")
    draw = random.Random(0)
    strands = ["".join(draw.choices("ACGT", k=draw.randint(8, 14))) for _ in range(150)]
    (folder / "strands.csv").write_text("sequence\n" + "\n".join([*strands, "ACGU"]) + "\n")
    (folder / "run.toml").write_text(SETTINGS)
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", "from nucleate.cli import main; main()", "discover"]
    done = subprocess.run(
        [*command, "run.toml", "--run", "dna", "--results", "runs", "--device", "cpu"],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def nucleate(site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in that folder; its standard output."""
    loaded = getattr(sys.modules.get("dna_matter"), "__file__", None)
    if loaded is not None and Path(loaded).parent != site:  # another test's
        monkeypatch.delitem(sys.modules, "dna_matter")
        registry._load.cache_clear()
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def _rows(path: str) -> list[dict[str, str]]:
    with Path(path).open() as file:
        return list(csv.DictReader(file))


def _is_strand(text: str) -> bool:
    return bool(text) and not set(text) - set("ACGT")


def test_a_run_of_every_stage_and_its_report(nucleate: Run) -> None:
    page = Path("runs/dna/report.html")
    page.unlink()
    nucleate("report", "runs/dna")
    candidates = _rows("runs/dna/dna/screen/candidates.csv")
    assert candidates
    assert all(_is_strand(row["strand"]) for row in candidates)
    picture = base64.b64encode(text_svg(candidates[0]["strand"], 220, 180).encode()).decode()
    assert picture in page.read_text()
    rejected = _rows("runs/dna/dna/screen/rejected.csv")
    assert {row["rejected_by"] for row in rejected} <= {"runs", ""}


def test_stages_one_by_one_with_conditions(nucleate: Run) -> None:
    model = "runs/dna/dna/train"
    nucleate(
        "sample", "--model", model, "-n", 5, "--like", "ACGTACGTAC", "--similarity", "0.2..0.9",
        "--property", "GC_Content=0.2..0.8", "--out", "near",
    )  # fmt: skip
    near = _rows("near/samples.csv")
    assert len(near) == 5
    assert all(0.2 <= float(row["gc_content"]) <= 0.8 for row in near)
    assert all(0.2 <= float(row["similarity"]) <= 0.9 for row in near)
    nucleate(
        "optimize", "--model", model, "--features", "runs/dna/dna/featurize", "--trials", 10,
        "--objective", "melting:target=40", "--out", "study",
    )  # fmt: skip
    assert all(_is_strand(row["strand"]) for row in _rows("study/samples.csv"))
    nucleate("screen", "strands.csv", "near/samples.csv", "--matter", "dna", "--out", "screened")
    refused = [row["reason"] for row in _rows("screened/rejected.csv")]
    assert sum("ACGU" in reason for reason in refused) == 1
    summary = json.loads(nucleate(
        "reconstruct", "--model", model, "--input", "strands.csv", "--out", "back", "--json", "-"
    ))  # fmt: skip
    assert summary["n"] == 150
    assert {"id", "strand", "reconstructed", "exact_match"} < set(
        _rows("back/reconstructed.csv")[0]
    )
    assert "melting" in nucleate("objectives", "--matter", "dna")
    assert "runs" in nucleate("checks", "--matter", "dna")


def test_a_reader_and_codecs_are_enough_to_sample(nucleate: Run) -> None:
    settings = Path("train.toml")
    lines = SETTINGS.partition("[matter.dna.train]\n")[2].partition("[matter")[0]
    settings.write_text(lines)
    nucleate(
        "featurize",
        "--matter",
        "strands",
        "--input",
        "strands.csv",
        "--processes",
        1,
        "--out",
        "features",
    )
    nucleate("train", "--features", "features", "--settings", settings, "--out", "model")
    nucleate("sample", "--model", "model", "-n", 7, "--out", "drawn")
    assert all(_is_strand(row["structure"]) for row in _rows("drawn/samples.csv"))


def test_changed_code_of_a_plugin_makes_its_stages_stale(
    nucleate: Run, site: Path, tmp_path: Path
) -> None:
    command = ("screen", "strands.csv", "--matter", "dna", "--out", tmp_path)
    keys = []
    for change in ("", "", "\n# another version\n"):
        with (site / "dna_matter.py").open("a") as file:
            file.write(change)
        nucleate(*command)
        keys.append(json.loads((tmp_path / "manifest.json").read_text())["key"])
    assert keys[0] == keys[1] != keys[2]


def test_python_verbs_take_structures_of_a_kind_that_reads_no_parquet(
    site: Path, tmp_path: Path
) -> None:
    code = """
import random, sys, nucleate, pandas as pd
random.seed(0)
strands = ["".join(random.choices("ACGT", k=9)) for _ in range(20)]
table = pd.DataFrame({"strand": [*strands, None, "CCO"], "melting": range(22)})
out = sys.argv[1]
features = nucleate.featurize(table, out, matter="dna", properties="melting", processes=1)
assert features.metrics["accepted"] == 20, features.metrics
assert features.metrics["properties"] == {"melting": 20}
screened = nucleate.screen(["ACGTTT", "AAAAAAAAA"], matter="dna", checks=["runs"])
assert screened["passed"].tolist() == [True, False]
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
