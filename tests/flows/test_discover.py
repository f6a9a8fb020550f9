"""The run as a whole, with and without Prefect, on stages that do next to nothing."""

from __future__ import annotations

import importlib
import json
import os
import signal
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import proxy_bypass

import httpx
import pytest
from filelock import FileLock

from nucleate.core.errors import DatasetError, InputError, ResultsError, SettingsError
from nucleate.core.manifest import Manifest, run_stage
from nucleate.settings.run import DiscoverSettings
from nucleate.stages import discover as stages
from nucleate.stages.run_folder import describe_run, list_runs, lock_path
from nucleate.stages.run_settings import load_settings

ROOT = Path(__file__).parents[2]


class Fakes:
    """Stages that write one small file each and count how often they really worked."""

    def __init__(self) -> None:
        self.worked: list[str] = []
        self.raises: dict[str, Exception] = {}

    def stage(self, name: str) -> Callable[[stages.StageCall], Manifest]:
        """A stand-in for a stage."""

        def call(call: stages.StageCall) -> Manifest:
            def work(folder: Path) -> tuple[list[str], dict[str, Any]]:
                place = f"{call.matter}/{name}"
                if place in self.raises:
                    raise self.raises[place]
                self.worked.append(place)
                (folder / "funnel.json").write_text("[]")
                (folder / "cif").mkdir(exist_ok=True)
                (folder / "cif" / "a.cif").write_text("data_a")
                return ["funnel.json", "cif/a.cif"], {}

            inputs = {k: v.key for k, v in call.done.items()}
            seed = call.settings.seed
            return run_stage(name, call.matter, call.folder, {}, inputs, work, seed=seed)

        return call


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """All five stages and the fetching replaced."""
    made = Fakes()
    monkeypatch.setattr("nucleate.stages.discover.resolve", lambda *_, **__: [])
    for name in stages.STAGES:
        monkeypatch.setitem(stages.STAGES, name, made.stage(name))
    return made


@pytest.fixture
def settings(tmp_path: Path) -> DiscoverSettings:
    """Both kinds of matter from the example settings, results in the test's own folder."""
    example = ROOT / "flows" / "discover.toml"
    return load_settings(example, results=str(tmp_path / "results"))


ALL = [f"{m}/{s}" for m in ("molecules", "crystals") for s in stages.STAGES]


def test_example_settings_are_valid(settings: DiscoverSettings) -> None:
    assert list(settings.matter) == ["molecules", "crystals"]


def test_run_leaves_results_settings_and_manifest(settings: DiscoverSettings, fakes: Fakes) -> None:
    page = stages.discover(settings)
    folder = page.parent
    assert fakes.worked == ALL
    assert page.name == "report.html"
    assert (folder / "cif" / "a.cif").read_text() == "data_a"
    assert load_settings(folder / "settings.toml") == settings
    assert tomllib.loads((folder / "settings.toml").read_text())["seed"] == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert set(manifest["matter"]["crystals"]) == set(stages.STAGES)
    assert manifest["packages"]["numpy"]


def test_second_run_does_nothing_and_fresh_starts_anew(
    settings: DiscoverSettings, fakes: Fakes
) -> None:
    stages.discover(settings)
    stages.discover(settings)
    assert fakes.worked == ALL
    stages.discover(settings, fresh=True)
    assert fakes.worked == 2 * ALL


def test_killed_run_resumes(settings: DiscoverSettings, fakes: Fakes) -> None:
    fakes.raises = {"molecules/optimize": KeyboardInterrupt()}  # type: ignore[dict-item]
    with pytest.raises(KeyboardInterrupt):
        stages.discover(settings)
    folder = Path(settings.results) / settings.run
    assert describe_run(folder)["state"] == "interrupted"
    fakes.raises = {}
    stages.discover(settings)
    assert fakes.worked == ALL


def test_one_kind_failing_does_not_stop_the_other(settings: DiscoverSettings, fakes: Fakes) -> None:
    fakes.raises = {"molecules/train": InputError("too few structures", file="mine.csv")}
    with pytest.raises(InputError, match="too few"):
        stages.discover(settings)
    assert "crystals/screen" in fakes.worked
    (run,) = list_runs(Path(settings.results))
    assert run["state"] == "failed"
    page = Path(run["folder"]) / "report.html"
    assert "mine.csv: too few structures" in page.read_text()


def test_folder_in_use_is_refused(settings: DiscoverSettings, fakes: Fakes) -> None:
    path = lock_path(Path(settings.results), settings.run)
    path.parent.mkdir()
    with FileLock(path), pytest.raises(ResultsError, match="another process"):
        stages.discover(settings)
    assert fakes.worked == []


def test_unwritable_results_are_refused(tmp_path: Path, fakes: Fakes) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    example = ROOT / "flows" / "discover.toml"
    settings = load_settings(example, results=str(tmp_path / "results"))
    with pytest.raises(ResultsError, match="cannot be written"):
        stages.discover(settings)
    assert (tmp_path / "results").read_text() == "a file, not a folder"


def test_fresh_leaves_alone_what_is_not_a_run(settings: DiscoverSettings, fakes: Fakes) -> None:
    folder = Path(settings.results) / settings.run
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("precious")
    with pytest.raises(ResultsError, match="not the folder of a run"):
        stages.discover(settings, fresh=True)
    assert (folder / "thesis.tex").exists()


@pytest.fixture
def launcher(flow_module: Any) -> Any:
    """`flows/discover.py` as a module, which starts the flow."""
    return importlib.import_module("discover")


@pytest.fixture
def usual_interrupts() -> Iterator[None]:
    """Gives Ctrl-C back what it did before the launcher took it."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_interrupts")
def test_flow_does_the_same_and_says_so(
    launcher: Any, tmp_path: Path, fakes: Fakes, capsys: pytest.CaptureFixture[str]
) -> None:
    results = str(tmp_path / "results")
    arguments = [str(ROOT / "flows" / "discover.toml"), "--results", results]
    launcher.main(arguments)
    assert fakes.worked == ALL
    shown = capsys.readouterr().out
    assert "done in" in shown
    assert "Report:" in shown
    launcher.main(arguments)
    assert fakes.worked == ALL
    assert capsys.readouterr().out.count("unchanged") == len(ALL)
    launcher.main(arguments, show_finished=True)
    shown = capsys.readouterr().out
    assert "Nothing has changed since this run finished" in shown
    assert "unchanged" not in shown


def test_flow_tries_a_fetch_again(
    flow_module: Any, settings: DiscoverSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Exception | None] = [DatasetError("cannot be fetched"), None]

    def fetch_all(_: DiscoverSettings) -> list[Path]:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return []

    monkeypatch.setattr(flow_module, "fetch_all", fetch_all)
    fetch = flow_module.fetch.with_options(retry_delay_seconds=[0, 0])
    flow_module.flow(lambda: fetch(settings), name="alone")()
    assert answers == []


def test_flow_does_not_repeat_what_cannot_help(
    flow_module: Any, settings: DiscoverSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def fetch_all(_: DiscoverSettings) -> list[Path]:
        calls.append(1)
        raise InputError("no such file", file="mine.csv")

    monkeypatch.setattr(flow_module, "fetch_all", fetch_all)
    with pytest.raises(InputError):
        flow_module.flow(lambda: flow_module.fetch(settings), name="alone")()
    assert len(calls) == 1


@pytest.mark.usefixtures("usual_interrupts")
def test_flow_ends_in_a_message(
    launcher: Any, tmp_path: Path, fakes: Fakes, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.raises = {"crystals/train": InputError("too few structures", file="mine.csv")}
    arguments = [str(ROOT / "flows" / "discover.toml"), "--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit) as ended:
        launcher.main(arguments)
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert "error: mine.csv: too few structures" in error
    assert "Traceback" not in error


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`flows/discover.py` as a module; it imports Prefect only to run."""
    for name in ("NO_PROXY", "no_proxy"):  # what it sets goes with the test
        monkeypatch.setenv(name, "")
    monkeypatch.syspath_prepend(ROOT / "flows")
    return importlib.import_module("discover")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", "127.0.0.1,localhost"),
        ("intranet, localhost", "intranet,localhost,127.0.0.1"),
        ("*", "*,127.0.0.1,localhost"),
    ],
)
def test_no_proxy_stands_before_the_temporary_server(
    script: Any, monkeypatch: pytest.MonkeyPatch, given: str, wanted: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", given)
    monkeypatch.setenv("no_proxy", "")
    script.exempt_own_server()
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == wanted
    assert proxy_bypass("127.0.0.1:8432")


def test_a_server_that_is_down_is_told_at_once(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    started = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        script.main([str(ROOT / "flows" / "discover.toml")])
    assert time.monotonic() - started < 5
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("nucleate: error: no Prefect server answers at http://127.0.0.1:9/api")
    assert error.count("\n") == 1


@pytest.mark.parametrize("address", ["localhost:4200/api", "nonsense", "http://[half/api"])
def test_an_address_that_is_none_is_told(script: Any, address: str) -> None:
    with pytest.raises(ResultsError, match="no Prefect server answers at"):
        script.check_server(address)


def test_prefect_s_own_words_about_its_server_become_one_message(flow_module: Any) -> None:
    for words in (
        RuntimeError("Timed out while attempting to connect to ephemeral Prefect API server."),
        ImportError("Using SOCKS proxy, but the 'socksio' package is not installed."),
        httpx.ConnectError("refused"),
    ):
        with (
            pytest.raises(ResultsError, match=r"cannot be reached .*`nucleate discover`"),
            flow_module.server_explained(),
        ):
            raise words
    with pytest.raises(RuntimeError, match="our own"), flow_module.server_explained():
        raise RuntimeError("our own")


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ('property = "qde"', "no property named 'qde'; known: "),
        ('python = "nowhere_at_all:score"', "no module named 'nowhere_at_all'"),
        ('command = ["no_such_program"]', "no program 'no_such_program'"),
    ],
)
def test_an_objective_that_does_not_exist_is_refused_at_once(
    tmp_path: Path, term: str, message: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[matter.molecules.featurize]\ndataset = { source = "nci" }\n'
        f"[[matter.molecules.optimize.objectives]]\n{term}\n"
    )
    with pytest.raises(SettingsError, match=message):
        load_settings(path)
