"""Help, results for machines, and what a person sees when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from nucleate.cli import campaign, stages
from nucleate.cli.app import app
from nucleate.cli.options import Given
from nucleate.core.manifest import Manifest
from nucleate.core.settings import merge
from nucleate.settings.data import FeaturizeSettings

Nucleate = Callable[..., Result]
COMMANDS = (
    "discover", "runs", "report", "settings", "datasets list", "datasets show", "datasets fetch",
    "datasets build", "featurize", "train", "finetune", "models", "models show", "models export",
    "models prior", "models average",
    "sample", "reconstruct", "optimize", "objectives", "screen", "checks",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(nucleate: Nucleate, command: str) -> None:
    result = nucleate(*command.split(), "--help")
    assert result.exit_code == 0
    assert f"Example: nucleate {command}" in result.stdout
    assert "--json" in result.stdout


def test_every_command_of_a_stage_is_registered() -> None:
    names = {command.callback.__name__ for command in app.registered_commands if command.callback}
    own = (stages.featurize, stages.train, stages.finetune, stages.sample, stages.reconstruct)
    loop = (campaign.propose, campaign.tell, campaign.study)
    assert {function.__name__ for function in (*own, *loop)} <= names


def test_command_line_loads_nothing_heavy() -> None:
    heavy = {"torch", "rdkit", "pymatgen", "prefect", "optuna", "pandas", "pyarrow", "scipy"}
    code = (
        "import sys, nucleate.cli.app\n"
        f"print(sorted({heavy!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_datasets_as_json_on_stdout(nucleate: Nucleate) -> None:
    result = nucleate("datasets", "list", "--json", "-")
    assert result.exit_code == 0
    assert {row["name"] for row in json.loads(result.stdout)} >= {"nci", "prototypes"}
    assert "nci" in result.stderr


def test_datasets_show_and_fetch(nucleate: Nucleate, tmp_path: Path) -> None:
    file = tmp_path / "fetched.json"
    assert nucleate("datasets", "show", "nci").exit_code == 0
    assert nucleate("datasets", "fetch", "nci", "--json", file).exit_code == 0
    assert Path(json.loads(file.read_text())["files"][0]).is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["datasets", "show", "zink250k"], 1, "did you mean zinc250k"),
        (["datasets", "build", "nci"], 1, "not made by this project"),
        (["train", "--features", "nowhere", "--out", "x"], 1, "finished output of `nucleate feat"),
        (["sample", "--model", "nowhere", "--out", "x"], 1, "nowhere"),
        (["reconstruct", "--model", "nowhere", "--input", "nci"], 1, "nowhere"),
        (["report", "nowhere"], 1, "not the folder of a run"),
        (["runs", "show", "never"], 1, "no such run"),
        (["discover", "nowhere.toml"], 2, "no such settings file"),
        (["featurize", "--matter", "molecules", "--out", "x"], 2, "dataset: is missing"),
        (["featurize", "--matter", "rocks", "--input", "nci", "--out", "x"], 2, "'rocks'"),
        (["screen", "--out", "x"], 2, "screen needs a file or folder"),
        (["screen", "a.smi", "--out", "x"], 2, "--matter molecules"),
        (["screen", "a.smi", "--matter", "molecules"], 2, "--out DIR"),
        (["screen", "a.smi", "--matter", "molecules", "--out", "x"], 1, "a.smi"),
        (["checks", "--matter", "rocks"], 2, "rocks"),
        (["sample", "--model", "m", "--out", "x", "-n", "0"], 2, "-n"),
        (["trian"], 2, "Did you mean 'train'"),
    ],
)
def test_errors_are_one_message(
    nucleate: Nucleate,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = nucleate(*arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[matter.molecules.train]\nepoch = 3", "unknown key; known keys:"),
        ("[matter.molecules.train]\nepochs = -1", "greater than 0"),
        ("[matter.molecules.screen]\nchecks = [{name = 'parsed'}]", "no check named 'parsed'"),
        ("[matter.molecules.featurize.codec]\nsize = 1", "codec"),
        ("[[matter.molecules.optimize.objectives]]\nproperty = 'QED'", "no property named 'QED'"),
        ("[matter.molecules.featurize.split]\nkind = 'formula'", "no split named 'formula'"),
        ("[matter", "not valid TOML"),
    ],
)
def test_settings_are_refused_before_anything_starts(
    nucleate: Nucleate, settings_file: Path, tmp_path: Path, line: str, message: str
) -> None:
    settings_file.write_text(settings_file.read_text() + line)
    result = nucleate("discover", settings_file)
    assert result.exit_code == 2
    assert str(settings_file) in result.stderr
    assert message in result.stderr
    assert not (tmp_path / "results").exists()


def test_unexpected_error_leaves_a_log(
    nucleate: Nucleate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("nucleate.datasets.catalogue.table", lambda: [][1])
    result = nucleate("datasets", "list")
    assert result.exit_code == 1
    assert "unexpected error: IndexError" in result.stderr
    (log,) = tmp_path.glob("nucleate-error-*.log")
    assert str(log) in result.stderr
    assert "Traceback" in log.read_text()
    assert isinstance(nucleate("--debug", "datasets", "list").exception, IndexError)


def test_interruption_says_how_to_go_on(
    nucleate: Nucleate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nucleate.datasets.catalogue.table", interrupted)
    result = nucleate("datasets", "list")
    assert result.exit_code == 130
    assert "the same command resumes" in result.stderr


def test_a_reader_that_ends_early_is_no_error() -> None:
    """As in `nucleate datasets list | head -1`."""
    command = [sys.executable, "-c", "from nucleate.cli import main; main()", "datasets", "list"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        process.wait()
    assert said == ""


def test_stage_settings_from_a_whole_run_and_the_command_line(settings_file: Path) -> None:
    given = Given(FeaturizeSettings, {"dataset": {"limit": 7, "source": None}})
    found = given.over(settings_file, "molecules", "featurize")
    assert (found.dataset.source, found.dataset.limit) == ("nci", 7)


def test_merge_keeps_what_is_not_given() -> None:
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": None}, "d": {"e": None}}) == {
        "a": {"b": 3, "c": 2}
    }


def test_featurize_passes_options_and_reports(
    nucleate: Nucleate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def featurize(
        settings: FeaturizeSettings, matter: str, folder: Path, *, seed: int, **_: object
    ) -> Manifest:
        figures = {"seed": seed, "properties": settings.dataset.properties, "none": float("nan")}
        return Manifest("featurize", matter, str(folder), "key", metrics=figures)

    monkeypatch.setattr("nucleate.stages.featurize.featurize", featurize)
    arguments = ["--matter", "molecules", "--input", "nci", "--out", tmp_path, "--seed", "5"]
    result = nucleate("featurize", *arguments, "--property", "a", "--property", "b", "--json", "-")
    metrics = json.loads(result.stdout)["metrics"]
    assert metrics == {"seed": 5, "properties": ["a", "b"], "none": None}
