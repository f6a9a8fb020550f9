"""A real Prefect server, and a run that its scheduler starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

DEPLOYED = 7
PATIENCE = 180
"""Seconds after which a run that should have started each minute is given up."""
ROOT = Path(__file__).parents[2]
SETTINGS = """
run = "scheduled"
results = "{results}"
device = "cpu"
[matter.molecules.featurize]
processes = 1
dataset = {{source = "{source}"}}
[matter.molecules.train]
epochs = 1
network = {{width = 16, latent = 4}}
prior = {{kind = "standard_normal"}}
[matter.molecules.sample]
count = 20
[matter.molecules.optimize]
sampler = "random-prior"
trials = 4
objectives = [{{property = "qed"}}]
[matter.molecules.screen]
checks = [{{name = "parses"}}]
processes = 0
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(condition: object, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():  # type: ignore[operator]
                return True
        except httpx.HTTPError:
            pass
        time.sleep(1)
    return False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a server of its own, in SQLite, with our flows, discover each minute."""
    port = _free_port()
    source = tmp_path / "molecules.csv"
    source.write_text("smiles\n" + "".join(f"{'C' * n}O\n{'C' * n}N\n" for n in range(1, 21)))
    settings = tmp_path / "discover.toml"
    settings.write_text(SETTINGS.format(results=tmp_path / "results", source=source))
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "HTTP_PROXY": "http://127.0.0.1:9",  # no proxy may stand before our own server
    }
    for name in ("PREFECT_API_URL", "PREFECT_API_DATABASE_CONNECTION_URL", "NO_PROXY", "no_proxy"):
        environment.pop(name, None)
    command = [sys.executable, "flows/serve.py", "--port", str(port), "--cron", "* * * * *"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--discover", str(settings)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/api"
    try:
        deployed = _wait(lambda: len(_found(url, "deployments")) >= DEPLOYED, PATIENCE)
        assert deployed, (tmp_path / "log").read_text()
        yield url
        assert process.poll() is None, (tmp_path / "log").read_text()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def _found(url: str, what: str) -> list[dict[str, Any]]:
    answer = httpx.post(f"{url}/{what}/filter", json={}, trust_env=False)
    found: list[dict[str, Any]] = answer.json() if answer.is_success else []
    return found


def test_a_schedule_starts_a_run_and_its_page_refuses_what_cannot_be(
    served: str, tmp_path: Path
) -> None:
    runs: list[dict[str, Any]] = []
    by_name = {f"{one['name']}": one for one in _found(served, "deployments")}
    assert by_name["nightly"]["schedules"][0]["active"]
    train = next(
        one for one in _found(served, "deployments") if one["entrypoint"].endswith(":train")
    )
    place = f"{served}/deployments/{train['id']}/create_flow_run"
    for parameters in (
        {"features": "a", "out": "b", "device": "bogus"},
        {"features": "a", "out": "b", "settings": {"epochz": 3}},
        {"features": "a", "out": "b", "settings": {"epochs": -3}},
    ):
        answer = httpx.post(place, json={"parameters": parameters}, trust_env=False)
        assert answer.status_code in (409, 422), answer.text

    def ended() -> bool:
        runs[:] = [run for run in _found(served, "flow_runs") if run["auto_scheduled"]]
        return any(run["state_type"] in ("COMPLETED", "FAILED", "CRASHED") for run in runs)

    assert _wait(ended, PATIENCE), (tmp_path / "log").read_text()
    ends = [run["state"] for run in runs if run["state_type"] not in ("SCHEDULED", "PENDING")]
    states = {state["type"] for state in ends}
    assert "COMPLETED" in states, ends
    assert not states & {"FAILED", "CRASHED"}, ends
    keys = {one["key"] for one in _found(served, "artifacts")}
    assert {"funnel-molecules", "discover-summary", "discover-report"} <= keys
    assert (tmp_path / "results" / "scheduled" / "report.html").is_file()
